package probe

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// One is how a provider asks about a key of its own: the request of the table, with
// no memory and no budget, because a proof of death counts every answer.
type One struct {
	Provider string // names the errors
	Base     string // empty for the service's own address
	Client   *httpx.Client
}

// Ask makes the request. Only the service's documented answer is live or dead;
// everything else is unknown with a classified error.
func (o One) Ask(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	unknown := providers.Verdict{Liveness: providers.Unknown, At: time.Now().UTC()}
	p, ok := find(everything(), c)
	if !ok && o.Base != "" {
		p, ok = find(withProject(), c)
	}
	if !ok {
		return unknown, &providers.Error{Provider: o.Provider, Op: "ask whether the key works", Class: providers.ErrRefused, Err: errors.New("the value has not the form of such a key")}
	}
	req := p.request(o.Base, c.Part(credential.PartToken).Reveal())
	call, _, _ := strings.Cut(p.call, "?")
	req.Op = "ask whether the key works (" + call + ")"
	res, err := o.Client.Do(ctx, req)
	var e *httpx.Error
	if err != nil && (!errors.As(err, &e) || res.Status == 0 || e.Class == httpx.RateLimited) {
		return unknown, providers.Classify(o.Provider, err)
	}
	v := judge(p, res)
	v.At = unknown.At
	switch {
	case v.Liveness != providers.Unknown:
		return v, nil
	case err != nil:
		return v, providers.Classify(o.Provider, err)
	}
	return v, &providers.Error{Provider: o.Provider, Op: req.Op, Class: providers.ErrTransient, Status: res.Status, Err: errors.New(v.Detail)}
}

// Fits tells whether a value has the form of a key of this kind.
func Fits(kind credential.Kind, value secret.Text) bool {
	_, ok := find(everything(), credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: value}})
	return ok
}
