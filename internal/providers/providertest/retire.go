package providertest

import (
	"testing"

	"github.com/secretguard/secretguard/internal/providers"
)

// retire takes the key away with itself, and no other key.
func retire(t *testing.T, w *World) {
	r, ref := ability[providers.Retirer](t, w.Provider), w.ref(t)
	if !r.Retires(ref) {
		t.Errorf("it does not take %s", ref.ID)
	}
	other := ref
	other.Kind = "another.kind"
	if r.Retires(other) {
		t.Error("it takes keys of any kind")
	}
	if err := r.Retire(t.Context(), altered(w.Issuer.Old)); err == nil && !w.Issuer.Accepts(w.Issuer.Old) {
		t.Fatal("another key was named, and this one is gone")
	}
	for range 2 { // gone already is done
		if err := r.Retire(t.Context(), w.Issuer.Old); err != nil {
			t.Fatal(err)
		}
		w.verdict(t, w.Issuer.Old, providers.Dead)
	}
}

func lastUsed(t *testing.T, w *World) {
	u, ref := ability[providers.UsageReporter](t, w.Provider), w.ref(t)
	if w.Issuer.Use == nil {
		t.Fatal("the provider reports use and the suite cannot make one")
	}
	w.Issuer.Use(w.Issuer.Old)
	got, err := u.LastUsed(t.Context(), ref)
	w.check(t, "LastUsed", err)
	if err != nil || got.At.IsZero() {
		t.Fatalf("used and not seen: %+v, %v", got, err)
	}
	if probe := w.Provider.Describe().ProbeService; probe != "" && got.Service == probe {
		t.Errorf("a consumer's use looks like our own: %q", got.Service)
	}
}
