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
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
)

// Limits of one checker: requests to a service in its life, at the same time, and
// tries of one request.
const (
	Budget   = 100
	together = 2
	Tries    = 3
)

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

	mu    sync.Mutex
	hosts map[string]*host
}

// host is what is known of one service.
type host struct {
	slots chan struct{}
	asked int
	until time.Time // it asked to be left alone until then
}

// New returns a checker. It does no I/O.
func New(o Options) *Checker {
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Checker{
		o: o, list: everything(), hosts: map[string]*host{},
		client: httpx.New(httpx.Options{AllowPrivate: o.AllowPrivate, Version: o.Version, Timeout: o.Timeout, Tries: Tries, Sleep: o.Sleep}),
	}
}

// Names returns the names of the services that can be asked.
func Names() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range everything() {
		if !seen[p.name] {
			seen[p.name] = true
			out = append(out, p.name)
		}
	}
	return out
}

// Of names who would be asked about keys of a kind, and with which request; false
// when nobody can be.
func Of(kind credential.Kind) (name, who, call string, ok bool) {
	for _, p := range everything() {
		if p.kind == kind {
			return p.name, p.title, p.call, true
		}
	}
	return "", "", "", false
}

// find returns the probe for a credential: its kind and its whole form must fit.
func (c *Checker) find(cr credential.Credential) (probe, bool) { return find(c.list, cr) }

func find(list []probe, cr credential.Credential) (probe, bool) {
	value := cr.Part(credential.PartToken)
	for _, p := range list {
		if p.kind != cr.Kind || !p.form.MatchString(value.Reveal()) {
			continue
		}
		if p.home != nil {
			var ok bool
			if p.base, ok = p.home(value.Reveal()); !ok {
				continue
			}
		}
		return p, true
	}
	return probe{}, false
}

// Call implements providers.KindVerifier.
func (c *Checker) Call(cr credential.Credential) (who, call string, ok bool) {
	p, ok := c.find(cr)
	return p.title, p.call, ok
}

// Verify implements providers.Verifier. The same key is asked about once at a time,
// and once in a while with a cache.
func (c *Checker) Verify(ctx context.Context, cr credential.Credential) (providers.Verdict, error) {
	p, ok := c.find(cr)
	if !ok {
		return providers.Verdict{Liveness: providers.Unknown, Detail: "no free request that only reads is known"}, providers.ErrUnsupported
	}
	value := cr.Part(credential.PartToken)
	if v, ok := c.o.Cache.get(p.name, value, c.o.Now()); ok {
		return v, nil
	}
	// The flight's key stays in memory; it is the value itself, which nothing else equals.
	type answer struct {
		v   providers.Verdict
		err error
	}
	got := c.flight.DoChan(p.name+"\x00"+value.Reveal(), func() (any, error) {
		v, err := c.ask(ctx, p, value.Reveal())
		return answer{v, err}, nil
	})
	select {
	case r := <-got:
		a, _ := r.Val.(answer)
		if a.err == nil {
			a.err = c.o.Cache.put(p.name, value, a.v, c.o.Now())
		}
		return a.v, a.err
	case <-ctx.Done():
		return providers.Verdict{Liveness: providers.Unknown}, ctx.Err()
	}
}

// enter waits for a slot at a service, within its budget and its own wish to be left
// alone.
func (c *Checker) enter(ctx context.Context, p probe) (*host, error) {
	c.mu.Lock()
	h := c.hosts[p.name]
	if h == nil {
		h = &host{slots: make(chan struct{}, together)}
		c.hosts[p.name] = h
	}
	c.mu.Unlock()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	fail := func(class error, why string, wait time.Duration) (*host, error) {
		<-h.slots
		return nil, &providers.Error{Provider: p.name, Op: p.call, Class: class, RetryAfter: wait, Err: errors.New(why)}
	}
	if wait := h.until.Sub(c.o.Now()); wait > 0 {
		return fail(providers.ErrRateLimited, "it asked to be left alone for "+wait.Round(time.Second).String(), wait)
	}
	if h.asked >= Budget {
		return fail(providers.ErrUnsupported, fmt.Sprintf("%d requests in one run are the most", Budget), 0)
	}
	h.asked++
	return h, nil
}

// ask makes the request and judges the answer.
func (c *Checker) ask(ctx context.Context, p probe, key string) (providers.Verdict, error) {
	h, err := c.enter(ctx, p)
	if err != nil {
		return providers.Verdict{Liveness: providers.Unknown}, err
	}
	defer func() { <-h.slots }()
	base := ""
	if c.o.BaseURL != nil {
		base = c.o.BaseURL(p.name)
	}
	res, err := c.client.Do(ctx, p.request(base, key))
	var e *httpx.Error
	if err != nil && (!errors.As(err, &e) || res.Status == 0) {
		return providers.Verdict{Liveness: providers.Unknown}, providers.Classify(p.name, err)
	}
	if e != nil && e.Class == httpx.RateLimited {
		c.mu.Lock()
		h.until = c.o.Now().Add(max(e.RetryAfter, time.Minute))
		c.mu.Unlock()
		return providers.Verdict{Liveness: providers.Unknown}, providers.Classify(p.name, err)
	}
	v := judge(p, res)
	v.At = c.o.Now()
	return v, nil
}

// request is the one request about a key; base is empty for the service's own address.
func (p probe) request(base, key string) httpx.Request {
	method, path, _ := strings.Cut(p.call, " ")
	if base == "" {
		base = p.base
	}
	req := httpx.Request{Op: p.call, Method: method, URL: strings.TrimRight(base, "/") + path, Header: http.Header{"Accept": {"application/json"}}, Reads: true}
	p.header(req.Header, key)
	if p.body != nil {
		req.Body = p.body(key)
	}
	return req
}

// judge makes a verdict of an answer. What is not the service's own documented
// answer is unknown, whatever its status.
func judge(p probe, res httpx.Response) providers.Verdict {
	unknown := func(why string) providers.Verdict {
		return providers.Verdict{Liveness: providers.Unknown, Detail: why, Code: fmt.Sprintf("HTTP %d", res.Status)}
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return unknown("the answer is not the service's: no JSON")
	}
	var body any
	if json.Unmarshal(res.Body, &body) != nil {
		return unknown("the answer is not the service's: broken JSON")
	}
	if p.dead(res.Status, body) {
		return providers.Verdict{Liveness: providers.Dead, Grade: providers.GradeAnswer, Code: fmt.Sprintf("HTTP %d", res.Status), Detail: "the service does not know it"}
	}
	if p.scoped(res.Status, body) {
		return providers.Verdict{Liveness: providers.Live, Grade: providers.GradeAnswer, Code: fmt.Sprintf("HTTP %d", res.Status), Detail: "it works; its rights do not reach to this request"}
	}
	if res.Status/100 == 2 {
		if id, ok := p.live(body); ok {
			v := providers.Verdict{Liveness: providers.Live, Grade: providers.GradeAnswer, Identity: id}
			if id.Account != "" || id.Who != "" {
				v.Grade = providers.GradeIdentity
			}
			v.Identity.Scopes = strings.ReplaceAll(res.Header.Get("X-Oauth-Scopes"), " ", "") // GitHub names them in every answer
			return v
		}
		return unknown("the answer is not the one that the service gives to a key that works")
	}
	return unknown("the answer is not the one that the service gives to a key that it does not know")
}
