package guided

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/secret"
)

// Revocation is a POST that takes a key away from whoever sends it, as data: the
// request has no other access.
type Revocation struct {
	Base, Path string
	Body       func(key secret.Text) any
	Status     int // of the answer that says that it was taken
	// Prefixes are the sorts of keys that the call takes; empty for all.
	Prefixes []string
}

// Revoking is a row whose keys are taken away by a call, with the key itself.
type Revoking struct {
	*Provider

	cfg Config
}

var _ providers.Retirer = (*Revoking)(nil)

// Retires tells whether a key is of a sort that the call takes.
func (r *Revoking) Retires(k providers.KeyRef) bool {
	sorts := r.service.Revoke.Prefixes
	return k.Kind == r.service.Kind && (len(sorts) == 0 || slices.Contains(sorts, r.prefix(k.ID)))
}

// Retire revokes the key. A refusal is looked into: a key that the service does not know
// any more cannot be revoked again, and need not be.
func (r *Revoking) Retire(ctx context.Context, c credential.Credential) error {
	key, call, name := c.Part(credential.PartToken), r.service.Revoke, r.service.Name
	op := "revoke " + r.Ref(key).ID
	if !probe.Fits(r.service.Kind, key) || !r.Retires(r.Ref(key)) {
		return &providers.Error{Provider: name, Op: op, Class: providers.ErrRefused, Err: errors.New("this call takes no key of that form")}
	}
	h := http.Header{"Accept": {"application/json"}}
	var out map[string]json.RawMessage
	res, err := r.cfg.Client.Do(ctx, httpx.Request{Op: op, Method: http.MethodPost, URL: strings.TrimRight(r.base(), "/") + call.Path, Header: h, Body: call.Body(key), Out: &out})
	switch {
	case err == nil && res.Status == call.Status:
		return nil
	case err == nil:
		return &providers.Error{Provider: name, Op: op, Class: providers.ErrAmbiguous, Status: res.Status, Err: errors.New("the answer is not the one that was expected")}
	}
	err = providers.Classify(name, err)
	if errors.Is(err, providers.ErrAuth) || errors.Is(err, providers.ErrForbidden) || errors.Is(err, providers.ErrNotFound) {
		if v, asked := r.Verify(ctx, c); asked == nil && v.Liveness == providers.Dead {
			return nil
		}
	}
	return err
}

func (r *Revoking) base() string {
	base := ""
	if r.cfg.Base != nil {
		asked, _, _, _ := probe.Of(r.service.Kind)
		base = r.cfg.Base(asked)
	}
	return cmp.Or(base, r.service.Revoke.Base)
}
