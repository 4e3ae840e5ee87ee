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

// One is how a provider asks about a key of its own: the requests of the table, with
// no memory and no budget, because a proof of death counts every answer.
type One struct {
	Provider string // names the errors
	// Base returns another address of a service by its name, empty for its own; may be nil.
	Base   func(name string) string
	Client *httpx.Client
}

// At is a Base that is the same for all names.
func At(base string) func(string) string { return func(string) string { return base } }

// Ask makes the request, or one for each address that a key of this form may belong
// to. Only the service's documented answer is live or dead; everything else is unknown
// with a classified error.
func (o One) Ask(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	return o.askEach(ctx, c, find(table(), c, o.Base))
}

// Beside is Ask where another key of the same account is seen to work before and after:
// a refusal that the account's own state could explain is then about the key.
func (o One) Beside(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	list := find(table(), c, o.Base)
	for i := range list {
		if list[i].refused.fits != nil {
			list[i].dead, list[i].but = list[i].refused, ""
		}
	}
	return o.askEach(ctx, c, list)
}

func (o One) askEach(ctx context.Context, c credential.Credential, list []aimed) (providers.Verdict, error) {
	now := time.Now().UTC()
	if len(list) == 0 {
		return providers.Verdict{Liveness: providers.Unknown, At: now}, &providers.Error{
			Provider: o.Provider, Op: "ask whether the key works", Class: providers.ErrRefused, Err: errors.New("the value has not the form of such a key"),
		}
	}
	v, err := askAll(list, func(a aimed) (providers.Verdict, error) { return o.ask(ctx, a, c) })
	v.At = now
	return v, err
}

func (o One) ask(ctx context.Context, a aimed, c credential.Credential) (providers.Verdict, error) {
	req := a.request(a.at, c)
	call, _, _ := strings.Cut(a.call, "?")
	req.Op = "ask whether the key works (" + call + ")"
	res, err := o.Client.Do(ctx, req)
	var e *httpx.Error
	broken := err != nil && (!errors.As(err, &e) || e.Err != nil)
	if broken || e != nil && e.Class == httpx.RateLimited {
		return providers.Verdict{Liveness: providers.Unknown}, providers.Classify(o.Provider, err)
	}
	v := a.judge(c, res)
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
	return len(find(table(), credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: value}}, nil)) > 0
}
