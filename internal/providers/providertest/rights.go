package providertest

import (
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
)

// asks is one of everything that the provider can be asked to do.
func (w *World) asks(t *testing.T) []providers.Ask {
	t.Helper()
	var out []providers.Ask
	if w.Issuer != nil {
		ref := w.ref(t)
		out = append(out, providers.Ask{Act: providers.DoIssue, Key: ref}, providers.Ask{Act: providers.DoDelete, Key: ref})
		if _, ok := providers.As[providers.Disabler](w.Provider); ok {
			out = append(out, providers.Ask{Act: providers.DoDisable, Key: ref})
		}
	}
	if w.Sink != nil {
		found, err := ability[providers.Sink](t, w.Provider).Locate(t.Context(), w.Sink.Wanted)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range found.Placements {
			out = append(out, providers.Ask{Act: providers.DoStore, Placement: &p})
			for _, target := range p.Targets {
				out = append(out, providers.Ask{Act: providers.DoDeploy, Target: &target})
			}
		}
	}
	return out
}

// rights checks that a provider which tells our rights tells them right: yes and no
// where the twin says so, and unknown, with a reason, where it says nothing that is
// certain.
func (s Suite) rights(t *testing.T) {
	if _, ok := providers.As[providers.RightsTeller](s.Open(t).Provider); !ok {
		t.Skip("this provider tells nothing of our rights: a plan says so")
	}
	t.Run("yes", func(t *testing.T) { t.Parallel(); s.Open(t).answers(t, providers.MayYes) })
	t.Run("no", func(t *testing.T) {
		t.Parallel()
		w := s.Open(t)
		asks := w.asks(t)
		w.NoRights()
		w.answersTo(t, asks, providers.MayNo)
	})
	ops := s.Open(t).RightsOps
	if len(ops) == 0 {
		t.Fatal("the provider tells our rights and the suite is not told with which operations")
	}
	for _, op := range ops {
		for _, f := range faults() {
			if f.leave {
				continue
			}
			t.Run(op+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				w := s.Open(t)
				asks := w.asks(t)
				w.Lab.Fault(w.Twin, op, f.f)
				w.answersTo(t, asks, providers.MayUnknown)
			})
		}
		t.Run(op+"/asked", func(t *testing.T) {
			t.Parallel()
			w := s.Open(t)
			asks := w.asks(t)
			before := w.served(op)
			w.answersTo(t, asks, providers.MayYes)
			if w.served(op) == before {
				t.Error("the operation was not asked for")
			}
		})
	}
}

func (w *World) answers(t *testing.T, want providers.May) {
	t.Helper()
	w.answersTo(t, w.asks(t), want)
}

// answersTo asks while only reading is allowed.
func (w *World) answersTo(t *testing.T, asks []providers.Ask, want providers.May) {
	t.Helper()
	from := len(w.Lab.Requests())
	got := ability[providers.RightsTeller](t, w.Provider).Rights(httpx.ReadOnly(t.Context()), asks)
	if len(got) != len(asks) {
		t.Fatalf("%d answers to %d asks", len(got), len(asks))
	}
	for i, r := range got {
		if r.May != want || r.Why == "" {
			t.Errorf("%s: %+v, want %s", asks[i].Act, r, want)
		}
		w.hidden(t, "the reason", r.Why)
	}
	if slices.ContainsFunc(w.Lab.Requests()[from:], func(r lab.Request) bool { return r.Mutates }) {
		t.Error("asking changed something")
	}
}
