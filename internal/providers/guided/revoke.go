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

// Revocation is a POST that takes a key away from whoever sends it, as data.
type Revocation struct {
	Base, Path string
	Body       func(key secret.Text) any
	// Itself sends the key as the request's own access; else it has none.
	Itself bool
	Status int // of the answer that says that it was taken
	// Prefixes are the sorts of keys that the call takes; empty for all.
	Prefixes []string
}

// Revoking is a row whose keys are taken away by a call, with the key itself.
type Revoking struct {
	*Provider

	cfg Config
	ask func(context.Context, credential.Credential) (providers.Verdict, error)
}

// Doubted is a row whose refusal tells something only beside a key that works, as in a
// proof of death, which asks for the new key before and after.
type Doubted struct{ *Provider }

// RevokingDoubted is both.
type RevokingDoubted struct {
	*Revoking

	doubted *Doubted
}

var (
	_ providers.Retirer      = (*Revoking)(nil)
	_ providers.Corroborator = (*Doubted)(nil)
	_ providers.Corroborator = (*RevokingDoubted)(nil)
	_ providers.Retirer      = (*RevokingDoubted)(nil)
)

// Endpoints names the one call that a proof asks with.
func (d *Doubted) Endpoints() []string { return []string{d.descriptor.VerifyCall} }

// VerifyAt is Verify for who sees another key of the same account work.
func (d *Doubted) VerifyAt(ctx context.Context, _ string, c credential.Credential) (providers.Verdict, error) {
	return d.one.Beside(ctx, c)
}

// Endpoints names the one call that a proof asks with.
func (r *RevokingDoubted) Endpoints() []string { return r.doubted.Endpoints() }

// VerifyAt is Verify for who sees another key of the same account work.
func (r *RevokingDoubted) VerifyAt(ctx context.Context, endpoint string, c credential.Credential) (providers.Verdict, error) {
	return r.doubted.VerifyAt(ctx, endpoint, c)
}

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
	if call.Itself {
		h.Set("Authorization", "Bearer "+key.Reveal())
	}
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
		if v, asked := r.ask(ctx, c); asked == nil && v.Liveness == providers.Dead {
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
