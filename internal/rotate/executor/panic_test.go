package executor_test

import (
	"context"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// panics is a provider that fails in a way that it must not, with a secret in hand.
type panics struct{ providers.Provider }

func (p panics) Unwrap() providers.Provider { return p.Provider }

func (p panics) Issue(context.Context, providers.IssueRequest) (providers.Issued, error) {
	panic("the value is hunter2-hunter2")
}

func (p panics) Reconcile(ctx context.Context, r providers.IssueRequest) (providers.Reconciliation, error) {
	is, _ := providers.As[providers.Issuer](p.Provider)
	return is.Reconcile(ctx, r)
}

// A provider panics: that is written down as a failure, without what it said.
func TestRow69ProviderPanics(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	sound := w.Reg
	var list []providers.Provider
	for _, p := range w.Reg.All() {
		if p.Describe().Name == "aws" {
			p = panics{p}
		}
		list = append(list, p)
	}
	w.Reg = providers.NewRegistry(list...)
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "a panic")
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("it says what it panicked with: %v", err)
	}
	w.Reg = sound
	w.Finish(p.ID)
}
