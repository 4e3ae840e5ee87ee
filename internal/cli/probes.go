package cli

import (
	"context"
	"slices"
	"sync"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/triage"
)

// probes are when this process asked issuers whether leaked keys work, by case: a
// rotation that waits until nobody uses a key must not take that for a use. What another
// process asked is not known, and counts as somebody's use.
type probes struct {
	mu   sync.Mutex
	made map[string][]rotate.Span
}

func (p *probes) of(id string) []rotate.Span {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.made[id])
}

// verify asks the issuer whether a case's key works, and remembers when.
func (w *workspace) verify(ctx context.Context, c triage.Case) (triage.Liveness, error) {
	from := w.app.Now()
	l, err := triage.Verify(ctx, w.registry, c)
	w.probed.mu.Lock()
	defer w.probed.mu.Unlock()
	if w.probed.made == nil {
		w.probed.made = map[string][]rotate.Span{}
	}
	w.probed.made[c.ID] = append(w.probed.made[c.ID], rotate.SpanOf(from, w.app.Now()))
	return l, err
}
