package probe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

// Limits of one checker: requests to a service in its life, and at the same time.
const (
	Budget   = 100
	Together = 2
)

// gate bounds how often services are asked.
type gate struct {
	now func() time.Time

	mu    sync.Mutex
	hosts map[string]*host
}

// host is what is known of one service.
type host struct {
	slots chan struct{}
	asked int
	until time.Time // it asked to be left alone until then
}

// enter waits for a slot at a service, within its budget and its own wish to be left
// alone. leave gives the slot back.
func (g *gate) enter(ctx context.Context, name, call string) (leave func(), err error) {
	g.mu.Lock()
	h := g.hosts[name]
	if h == nil {
		h = &host{slots: make(chan struct{}, Together)}
		g.hosts[name] = h
	}
	g.mu.Unlock()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	fail := func(class error, why string, wait time.Duration) (func(), error) {
		<-h.slots
		return nil, &providers.Error{Provider: name, Op: call, Class: class, RetryAfter: wait, Err: errors.New(why)}
	}
	if wait := h.until.Sub(g.now()); wait > 0 {
		return fail(providers.ErrRateLimited, "it asked to be left alone for "+wait.Round(time.Second).String(), wait)
	}
	if h.asked >= Budget {
		return fail(providers.ErrUnsupported, fmt.Sprintf("%d requests in one run are the most", Budget), 0)
	}
	h.asked++
	return func() { <-h.slots }, nil
}

// mind remembers that a service asked to be left alone, when an error says so.
func (g *gate) mind(name string, err error) {
	var e *providers.Error
	if !errors.As(err, &e) || !errors.Is(e.Class, providers.ErrRateLimited) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if h := g.hosts[name]; h != nil {
		h.until = g.now().Add(max(e.RetryAfter, time.Minute))
	}
}
