// Package tokens is the common part of issuers whose keys are one token each, and
// are listed, made and taken away by calls with an access of our own. What differs is
// a [Service]: four short methods and a descriptor.
//
// Start with [New]. A key's owner is what holds keys beside it: a project, an account,
// a user. Issue makes one attempt; a lost answer is settled by the name that the key
// was given, which holds the id of the run and is nobody else's.
package tokens

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Key is one key in an issuer's listing.
type Key struct {
	providers.KeyInfo
	Name string
	// Notes are what a person should know of it before it is replaced.
	Notes []string
}

// Service is what differs between issuers. Its methods send requests and classify
// what comes back; they decide nothing.
type Service interface {
	// Find names the key that a token is, and lists its owner's others. A token that is
	// not among the keys that we may see is ErrNotFound.
	Find(ctx context.Context, token secret.Text) (key Key, others []Key, err error)
	// Keys lists all keys of an owner, all pages.
	Keys(ctx context.Context, owner string) ([]Key, error)
	// Make makes a key beside old under a name, in one attempt.
	Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error)
	// Remove takes a key away for good. ErrNotFound means that it was gone.
	Remove(ctx context.Context, k providers.KeyRef) error
}

// Asker tells whether a key works.
type Asker func(context.Context, credential.Credential) (providers.Verdict, error)

// Config is what New needs.
type Config struct {
	Descriptor providers.Descriptor
	Service    Service
	Ask        Asker
	// Own is our own access, where it can be of a kind that this issuer rotates.
	Own secret.Text
	// Quota is how many keys an owner may have; zero means no limit is known.
	Quota int
}

// Provider is safe for use from many goroutines when its service is.
type Provider struct{ cfg Config }

var (
	_ providers.Verifier  = (*Provider)(nil)
	_ providers.Inspector = (*Provider)(nil)
	_ providers.Issuer    = (*Provider)(nil)
	_ providers.Deleter   = (*Provider)(nil)
	_ providers.Lister    = (*Provider)(nil)
)

// New returns a provider; it does no I/O.
func New(cfg Config) *Provider { return &Provider{cfg} }

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return p.cfg.Descriptor }

func (p *Provider) name() string { return p.cfg.Descriptor.Name }

// Verify asks the service with the key itself. It changes nothing.
func (p *Provider) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := p.cfg.Ask(ctx, c)
	if v.Liveness == providers.Live && v.Identity.Account+v.Identity.Who == "" {
		v.Identity.Who = c.Part(credential.PartToken).Mask()
	}
	return v, err
}

// Inspect finds the key in the listings that our own access may see.
func (p *Provider) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	token := c.Part(credential.PartToken)
	st := providers.KeyState{Quota: p.cfg.Quota, Self: !token.Empty() && token.Equal(p.cfg.Own)}
	key, others, err := p.cfg.Service.Find(ctx, token)
	if err != nil {
		return st, err
	}
	st.Key, st.Warnings = key.KeyInfo, key.Notes
	st.Identity.Who = cmp.Or(key.Name, key.Ref.ID)
	if key.Usage != nil {
		st.Usage = *key.Usage
	}
	for _, k := range others {
		st.Siblings = append(st.Siblings, k.KeyInfo)
	}
	return st, nil
}

// Keys lists all keys of a key's owner.
func (p *Provider) Keys(ctx context.Context, of providers.KeyRef) ([]providers.KeyInfo, error) {
	list, err := p.cfg.Service.Keys(ctx, of.Owner)
	var out []providers.KeyInfo
	for _, k := range list {
		out = append(out, k.KeyInfo)
	}
	return out, err
}

// Issue makes a second key beside the old one. One attempt, never repeated.
func (p *Provider) Issue(ctx context.Context, req providers.IssueRequest) (providers.Issued, error) {
	ref, token, err := p.cfg.Service.Make(ctx, req.Old, req.Name)
	if err != nil {
		return providers.Issued{}, err
	}
	if ref.ID == "" || token.Empty() {
		return providers.Issued{}, &providers.Error{Provider: p.name(), Op: "make a key", Class: providers.ErrAmbiguous, Err: errors.New("the answer holds no whole key")}
	}
	return providers.Issued{
		Ref:        ref,
		Credential: credential.Credential{Kind: ref.Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{credential.PartToken: token}},
	}, nil
}

// clockLeeway is how far our clock and a service's may differ.
const clockLeeway = 5 * time.Minute

// Reconcile looks for the key that a lost Issue may have made, by its name.
func (p *Provider) Reconcile(ctx context.Context, req providers.IssueRequest) (providers.Reconciliation, error) {
	all, err := p.cfg.Service.Keys(ctx, req.Old.Owner)
	if err != nil {
		return providers.Reconciliation{}, err
	}
	var ours []Key
	for _, k := range all {
		if k.Name == req.Name && k.Ref.ID != req.Old.ID && !slices.Contains(req.Before, k.Ref.ID) {
			ours = append(ours, k)
		}
	}
	rec := providers.Reconciliation{Outcome: providers.Unclear}
	for _, k := range ours {
		rec.Candidates = append(rec.Candidates, k.KeyInfo)
	}
	switch {
	case len(ours) == 0:
		rec.Outcome, rec.Detail = providers.NotApplied, "no key is called "+req.Name
	case len(ours) > 1:
		rec.Detail = fmt.Sprintf("%d keys are called %s", len(ours), req.Name)
	case !req.Since.IsZero() && !ours[0].Created.IsZero() && ours[0].Created.Before(req.Since.Add(-clockLeeway)):
		rec.Detail = "the key called " + req.Name + " is older than the request"
	case ours[0].Usage != nil && !ours[0].Usage.At.IsZero():
		rec.Detail = "the key called " + req.Name + " is in use"
	default:
		rec.Outcome, rec.Detail = providers.Orphaned, "one key called "+req.Name+", whose value is lost"
	}
	return rec, nil
}

// Delete takes the key away; one that is gone already is success.
func (p *Provider) Delete(ctx context.Context, k providers.KeyRef) error {
	err := p.cfg.Service.Remove(ctx, k)
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}

// Hinted tells whether a token is the one that a service shows by its ends only, as in
// "sk-abc...wxyz". A hint that shows too little matches nothing.
func Hinted(hint string, token secret.Text) bool {
	const enough = 6
	head := strings.IndexAny(hint, ".*…•")
	if head < 0 {
		return false
	}
	tail := strings.LastIndexAny(hint, ".*…•")
	end := strings.TrimLeft(hint[tail:], ".*…•")
	plain := token.Reveal()
	return head+len(end) >= enough && head+len(end) < len(plain) && strings.HasPrefix(plain, hint[:head]) && strings.HasSuffix(plain, end)
}

// One returns the only key of a list that fits, and the others of its owner. None is
// ErrNotFound, several are ErrRefused: a person must say which.
func One(provider string, keys []Key, fits func(Key) bool) (Key, []Key, error) {
	var found []Key
	for _, k := range keys {
		if fits(k) {
			found = append(found, k)
		}
	}
	op := "look for the key among ours"
	switch len(found) {
	case 0:
		return Key{}, nil, &providers.Error{Provider: provider, Op: op, Class: providers.ErrNotFound, Err: errors.New("it is of another account than our own access, or deleted already: verify it")}
	case 1:
		others := slices.DeleteFunc(slices.Clone(keys), func(k Key) bool { return k.Ref == found[0].Ref || k.Ref.Owner != found[0].Ref.Owner })
		return found[0], others, nil
	}
	return Key{}, nil, &providers.Error{Provider: provider, Op: op, Class: providers.ErrRefused, Err: fmt.Errorf("%d keys look like it; delete those that are not used, then plan again", len(found))}
}
