// Package guided replaces keys of issuers that have no call to make one, or none to
// take one away: a person does it on the issuer's site, is told how, and hands the
// new key in. What a program can do is check the form of a key, ask whether it works,
// and see that the old one is refused.
//
// Issuers that differ only in data are rows of the table in table.go. One that also
// has calls builds on [New] in a folder of its own.
//
// That a service has no such call is a negative fact: no call in its API reference.
// The request that tells whether a key works is the one of package probe, with the
// vendor's description beside it.
package guided

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/secret"
)

// Service is one issuer as data.
type Service struct {
	Name, Title string
	Kind        credential.Kind
	// Prefixes are the ways in which its keys begin, the longest first: they are shown,
	// and a new key must begin as the old one did. None where a key is only digits.
	Prefixes []string
	// Link is the page on which keys are made and taken away, Docs the vendor's word.
	Link, Docs string
	// Make and Retire are what a person does there, after opening the page.
	Make, Retire []string
	// Cuts says that making a key ends the old one at once.
	Cuts bool
	// Right is what the person needs; Limits are honest sentences beyond those that
	// hold for every row.
	Right  string
	Limits []string
	// Revoke is the call that takes a key away with the key itself; nil where there is none.
	Revoke *Revocation
	// Beside says that a refusal tells something only while another key of the same
	// account works.
	Beside bool
	// Names gives the public name of a key whose end tells too much of it; nil for how
	// it begins and ends.
	Names func(plain string) string
	// Window is how long the old key is watched being refused; zero means a minute.
	Window time.Duration
}

// Config is what New needs.
type Config struct {
	// Base returns another address of a service that is asked, by its name; empty for
	// its own. May be nil.
	Base   func(name string) string
	Client *httpx.Client
	// Descriptor replaces the row's own, for an issuer that has calls too.
	Descriptor *providers.Descriptor
}

// Provider is safe for use from many goroutines.
type Provider struct {
	service    Service
	descriptor providers.Descriptor
	one        probe.One
}

var (
	_ providers.Verifier  = (*Provider)(nil)
	_ providers.Inspector = (*Provider)(nil)
	_ providers.Guide     = (*Provider)(nil)
)

// New returns a provider; it does no I/O. There is nothing to set up: a key is
// checked with itself.
func New(s Service, cfg Config) *Provider {
	p := &Provider{service: s, descriptor: s.Descriptor(), one: probe.One{Provider: s.Name, Base: cfg.Base, Client: cfg.Client}}
	if cfg.Descriptor != nil {
		p.descriptor = *cfg.Descriptor
	}
	return p
}

// Open returns a row's provider with all that it can do.
func Open(s Service, cfg Config) providers.Provider {
	p := New(s, cfg)
	switch {
	case s.Revoke == nil && s.Beside:
		return &Doubted{p}
	case s.Revoke == nil:
		return p
	case s.Beside:
		return &RevokingDoubted{&Revoking{Provider: p, cfg: cfg, ask: p.one.Beside}, &Doubted{p}}
	}
	return &Revoking{Provider: p, cfg: cfg, ask: p.one.Ask}
}

// Describe returns what this provider is.
func (p *Provider) Describe() providers.Descriptor { return p.descriptor }

// Descriptor returns the service as a provider's data.
func (s Service) Descriptor() providers.Descriptor {
	asked, _, call, _ := probe.Of(s.Kind)
	limits := []string{"There is no call that makes or deletes a key: a person does both, and hands the new key in."}
	can := []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssueByHand, providers.CanDeleteByHand}
	if s.Revoke != nil {
		limits[0] = "There is no call that makes a key: a person does, and hands it in. The old one is revoked by a call, with the key itself, which cannot be undone."
		can[3] = providers.CanRetire
	}
	if s.Cuts {
		limits = append(limits, "There is one key only: making the new one ends the old one, and consumers fail until they have it.")
	}
	return providers.Descriptor{
		Name: s.Name, Title: s.Title, Roles: []providers.Role{providers.RoleIssuer}, Kinds: []credential.Kind{s.Kind},
		Settings:    []providers.Setting{{Env: "SECRETGUARD_" + strings.ToUpper(asked) + "_URL", Help: "another base URL"}},
		Can:         can,
		Permissions: []string{cmp.Or(s.Right, "a person who may manage the account's keys")},
		Limits:      append(limits, s.Limits...),
		Links:       []string{s.Docs, s.Link},
		Overlap:     !s.Cuts,
		Proof:       providers.ProofPolicy{Refusals: 10, Window: cmp.Or(s.Window, time.Minute)},
		VerifyCall:  call, ReadyWithin: time.Minute,
	}
}

// Verify asks the service with the key itself. It changes nothing.
func (p *Provider) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := p.one.Ask(ctx, c)
	if v.Liveness == providers.Live && v.Identity.Account+v.Identity.Who == "" {
		v.Identity.Who = p.Ref(c.Part(credential.PartToken)).ID
	}
	return v, err
}

// Inspect tells whom a key that works speaks for.
func (p *Provider) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	ref := p.Ref(c.Part(credential.PartToken))
	v, err := p.Verify(ctx, c)
	if err != nil {
		return providers.KeyState{}, err
	}
	ref.Owner = cmp.Or(v.Identity.Who, v.Identity.Account, ref.ID)
	st := providers.KeyState{Key: providers.KeyInfo{Ref: ref, Active: v.Liveness == providers.Live}, Identity: v.Identity}
	if v.Liveness == providers.Dead {
		return st, &providers.Error{Provider: p.service.Name, Op: "look at " + ref.ID, Class: providers.ErrAuth, Err: errors.New("it is dead already: " + v.Detail)}
	}
	if v.Identity.Account == "" {
		st.Warnings = append(st.Warnings, p.service.Title+" does not tell whose a key is: that the new one is of the same account cannot be checked")
	}
	return st, nil
}

// shown is how many characters of a key's end name it, as the issuers' own pages do.
const shown = 4

// Ref names a key by how it begins and ends, as the issuers' pages do.
func (p *Provider) Ref(key secret.Text) providers.KeyRef {
	ref := providers.KeyRef{Kind: p.service.Kind, ID: "a key of no known form"}
	if probe.Fits(p.service.Kind, key) {
		plain := key.Reveal()
		if p.service.Names != nil {
			ref.ID = p.service.Names(plain)
			return ref
		}
		ref.ID = p.prefix(plain) + "…" + plain[len(plain)-shown:]
	}
	return ref
}

func (p *Provider) prefix(plain string) string {
	for _, pre := range p.service.Prefixes {
		if strings.HasPrefix(plain, pre) {
			return pre
		}
	}
	return ""
}

// Guide tells a person what to do on the issuer's page.
func (p *Provider) Guide(k providers.KeyRef) providers.Guidance {
	open := "open " + p.service.Link + " as " + k.Owner
	if k.Owner == "" || k.Owner == k.ID {
		open = "open " + p.service.Link + " in the account that the key belongs to"
	}
	end := k.ID[max(0, len(k.ID)-shown):]
	g := providers.Guidance{Link: p.service.Link, Cuts: p.service.Cuts, Make: []string{open}, Retire: []string{open}}
	for _, line := range p.service.Make {
		g.Make = append(g.Make, strings.ReplaceAll(line, "{end}", end))
	}
	for _, line := range p.service.Retire {
		g.Retire = append(g.Retire, strings.ReplaceAll(line, "{end}", end))
	}
	return g
}

// Pasted takes a key of the same form as the old one.
func (p *Provider) Pasted(old providers.KeyRef, value secret.Text) (providers.Issued, error) {
	ref := p.Ref(value)
	refuse := func(why string) (providers.Issued, error) {
		return providers.Issued{}, &providers.Error{Provider: p.service.Name, Op: "take the new key", Class: providers.ErrRefused, Err: errors.New(why)}
	}
	if !probe.Fits(p.service.Kind, value) {
		return refuse("what was pasted has not the form of a key of " + p.service.Title + ": copy it whole, and nothing else")
	}
	is, was := p.prefix(value.Reveal()), p.prefix(old.ID)
	if strings.Contains(old.ID, "…") && is != was {
		return refuse(fmt.Sprintf("it begins with %q, and the old one with %q: make one of the same sort", is, was))
	}
	ref.Owner = old.Owner
	return providers.Issued{
		Ref:        ref,
		Credential: credential.Credential{Kind: ref.Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{credential.PartToken: value}},
	}, nil
}
