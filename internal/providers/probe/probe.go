// Package probe asks services about keys that no configured provider knows: one
// request for each, which only reads, costs nothing and needs no other access.
//
// Start with [New]. A verdict needs the service's own documented answer: a status
// alone, a page of HTML or an answer of another form is unknown. A value is sent
// only to the service whose form it has, a service is asked a bounded number of
// times, at most two at once, and no sooner than it said.
package probe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Tries is how often one request is tried.
const Tries = 3

// Options configure a checker.
type Options struct {
	// BaseURL returns the address of a service by its name from the user's own
	// settings; empty for the service's own. May be nil.
	BaseURL      func(name string) string
	AllowPrivate bool
	Version      string
	Timeout      time.Duration // of one try; zero means 15 s
	// Cache remembers verdicts; nil for none.
	Cache *Cache
	// Now and Sleep replace the clock in tests.
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// Checker asks services. It may be used from many goroutines.
type Checker struct {
	o      Options
	client *httpx.Client
	list   []probe
	flight singleflight.Group
	gate   gate
}

// New returns a checker. It does no I/O.
func New(o Options) *Checker {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.BaseURL == nil {
		o.BaseURL = func(string) string { return "" }
	}
	return &Checker{
		o: o, list: table(), gate: gate{now: o.Now, hosts: map[string]*host{}},
		client: httpx.New(httpx.Options{AllowPrivate: o.AllowPrivate, Version: o.Version, Timeout: o.Timeout, Tries: Tries, Sleep: o.Sleep}),
	}
}

// Names returns the names of the services that can be asked.
func Names() []string {
	var out []string
	for _, p := range table() {
		if !slices.Contains(out, p.name) {
			out = append(out, p.name)
		}
	}
	return out
}

// Of names who would be asked about keys of a kind, and with which requests, of all
// its forms; false when nobody can be.
func Of(kind credential.Kind) (name, who, call string, ok bool) {
	var list []probe
	for _, p := range table() {
		if p.kind == credential.Wide(kind) {
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return "", "", "", false
	}
	who, call = describe(list)
	return list[0].name, who, call, true
}

// describe says in words who is asked, and how.
func describe(list []probe) (who, call string) {
	var whos, calls []string
	for _, p := range list {
		if !slices.Contains(whos, p.title) {
			whos = append(whos, p.title)
		}
		if !slices.Contains(calls, p.call) {
			calls = append(calls, p.call)
		}
	}
	return strings.Join(whos, " and "), strings.Join(calls, ", ")
}

// aimed is a probe and the address that it is made at.
type aimed struct {
	probe
	at string
}

// find returns the probes for a credential: its kind and its whole form must fit, and
// an address be known.
func (c *Checker) find(cr credential.Credential) []aimed { return find(c.list, cr, c.o.BaseURL) }

func find(list []probe, cr credential.Credential, elsewhere func(string) string) []aimed {
	value, kind := sent(cr).Reveal(), credential.Wide(cr.Kind)
	var out []aimed
	for _, p := range list {
		if p.kind != kind || !p.form.MatchString(value) || p.not != nil && p.not.MatchString(value) {
			continue
		}
		base := p.base
		if p.home != nil {
			var ok bool
			if base, ok = p.home(cr); !ok {
				continue
			}
		}
		if elsewhere != nil {
			if other := elsewhere(p.name); other != "" {
				base = other
			}
			if base == "" { // a server of one's own, and nobody said where it is
				continue
			}
		}
		out = append(out, aimed{p, base})
	}
	return out
}

// Call implements providers.KindVerifier.
func (c *Checker) Call(cr credential.Credential) (who, call string, ok bool) {
	var list []probe
	for _, a := range c.find(cr) {
		list = append(list, a.probe)
	}
	who, call = describe(list)
	return who, call, len(list) > 0
}

// Verify implements providers.Verifier. The same key is asked about once at a time,
// and once in a while with a cache.
func (c *Checker) Verify(ctx context.Context, cr credential.Credential) (providers.Verdict, error) {
	list := c.find(cr)
	if len(list) == 0 {
		return providers.Verdict{Liveness: providers.Unknown, Detail: c.WhyNot(cr)}, providers.ErrUnsupported
	}
	// An address that was only found near may change with what is scanned.
	return c.remembered(ctx, list[0].name+"\x00"+cr.Project, sent(cr), func() (providers.Verdict, error) { return c.askAll(ctx, list, cr) })
}

// remembered returns what a service said of a value, or asks it. Both ways of asking
// share this: the same key once at a time, and once in a while with a cache.
func (c *Checker) remembered(ctx context.Context, service string, value secret.Text, ask func() (providers.Verdict, error)) (providers.Verdict, error) {
	return c.once(ctx, service+"\x00"+value.Reveal(), func() (providers.Verdict, error) {
		// Looked up in here, not before: between a look that finds nothing and the
		// joining, another's request may end, and be made again.
		if v, ok := c.o.Cache.get(service, value, c.o.Now()); ok {
			return v, nil
		}
		v, err := ask()
		if err == nil {
			err = c.o.Cache.put(service, value, v, c.o.Now())
		}
		return v, err
	})
}

// once joins requests about the same key. The name stays in memory; it holds the value
// itself, which nothing else equals.
func (c *Checker) once(ctx context.Context, name string, ask func() (providers.Verdict, error)) (providers.Verdict, error) {
	type answer struct {
		v   providers.Verdict
		err error
	}
	got := c.flight.DoChan(name, func() (any, error) {
		v, err := ask()
		return answer{v, err}, nil
	})
	select {
	case r := <-got:
		a, _ := r.Val.(answer)
		return a.v, a.err
	case <-ctx.Done():
		return providers.Verdict{Liveness: providers.Unknown}, ctx.Err()
	}
}

// askAll asks one address after the other until one knows the key. It is dead when
// each of them says so.
func (c *Checker) askAll(ctx context.Context, list []aimed, cr credential.Credential) (providers.Verdict, error) {
	return askAll(list, func(a aimed) (providers.Verdict, error) { return c.ask(ctx, a, cr) })
}

func askAll(list []aimed, ask func(aimed) (providers.Verdict, error)) (providers.Verdict, error) {
	var open, dead *providers.Verdict
	var failed error
	for _, a := range list {
		v, err := ask(a)
		switch {
		case err == nil && v.Liveness == providers.Live:
			return v, nil
		case err == nil && v.Liveness == providers.Dead:
			dead = &v
		case open == nil:
			open, failed = &v, err
		}
	}
	if open != nil {
		return *open, failed
	}
	return *dead, nil
}

// ask makes one request and judges the answer.
func (c *Checker) ask(ctx context.Context, a aimed, cr credential.Credential) (providers.Verdict, error) {
	leave, err := c.gate.enter(ctx, a.name, a.call)
	if err != nil {
		return providers.Verdict{Liveness: providers.Unknown}, err
	}
	defer leave()
	res, err := c.client.Do(ctx, a.request(a.at, cr))
	var e *httpx.Error
	// An error with a cause is no whole answer: none came, or it was cut off or too large.
	broken := err != nil && (!errors.As(err, &e) || e.Err != nil)
	if broken || e != nil && e.Class == httpx.RateLimited {
		err = providers.Classify(a.name, err)
		c.gate.mind(a.name, err)
		return providers.Verdict{Liveness: providers.Unknown}, err
	}
	v := a.judge(cr, res)
	v.At = c.o.Now()
	return v, nil
}

// Through implements providers.KindVerifier: providers that issue keys are asked under
// the same bounds, and their verdicts are remembered in the same way.
func (c *Checker) Through(name, call string, v providers.Verifier) providers.Verifier {
	return through{c: c, name: name, call: call, next: v}
}

type through struct {
	c          *Checker
	name, call string
	next       providers.Verifier
}

// Verify implements providers.Verifier.
func (t through) Verify(ctx context.Context, cr credential.Credential) (providers.Verdict, error) {
	var parts strings.Builder
	for _, p := range cr.PartNames() {
		parts.WriteString(cr.Part(p).Reveal() + "\x00")
	}
	return t.c.remembered(ctx, t.name+"\x00"+cr.Project, secret.New(parts.String()), func() (providers.Verdict, error) {
		leave, err := t.c.gate.enter(ctx, t.name, t.call)
		if err != nil {
			return providers.Verdict{Liveness: providers.Unknown}, err
		}
		defer leave()
		v, err := t.next.Verify(ctx, cr)
		t.c.gate.mind(t.name, err)
		if err == nil {
			v.At = t.c.o.Now()
		}
		return v, err
	})
}
