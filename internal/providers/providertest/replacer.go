package providertest

import (
	"errors"
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// choose makes up a value, which is to be a new one each time, and in no error.
func choose(t *testing.T, w *World, r providers.Replacer, old providers.KeyRef) secret.Text {
	t.Helper()
	value, err := r.Choose(old)
	other, again := r.Choose(old)
	if err != nil || again != nil || value.Empty() || value.Equal(other) {
		t.Fatalf("no two values were made up: %v, %v", err, again)
	}
	w.Secrets = append(w.Secrets, value.Reveal())
	return value
}

// replace puts a new key in the place of the old one, which ends with that.
func replace(t *testing.T, w *World) {
	is, req := ability[providers.Issuer](t, w.Provider), w.request(t)
	before := w.Issuer.Keys()
	got, err := is.Issue(t.Context(), req)
	w.check(t, "Issue", err)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Credential.Complete() || got.Credential.Kind != w.Issuer.Old.Kind || got.Ref.ID == req.Old.ID || got.Ref.Owner != req.Old.Owner {
		t.Errorf("issued %+v", got.Ref)
	}
	for name, v := range got.Credential.Parts {
		if !v.Equal(req.Value) {
			t.Errorf("the new key's %s is not the value that was chosen", name)
		}
	}
	if after := w.Issuer.Keys(); len(after) != len(before) || !slices.Contains(after, got.Ref.ID) || slices.Contains(after, req.Old.ID) {
		t.Errorf("keys at the twin: %v, before %v", after, before)
	}
	fresh := w.verdict(t, got.Credential, providers.Live)
	if st := w.verdict(t, w.Issuer.Old, providers.Dead); st.Code == "" {
		t.Errorf("the old key is refused without a code: %+v", st)
	}
	if again := w.verdict(t, got.Credential, providers.Live); fresh.Identity != again.Identity || fresh.Identity.Account == "" {
		t.Errorf("identities %+v, %+v", fresh.Identity, again.Identity)
	}
	req.Value = secret.Text{}
	if _, err := is.Issue(t.Context(), req); !errors.Is(err, providers.ErrRefused) || !w.Issuer.Accepts(got.Credential) {
		t.Errorf("without a value: %v", err)
	}
}

// lostReplace loses the answer before and after the effect: the same value again has the
// same end.
func lostReplace(t *testing.T, w *World) {
	is, req := ability[providers.Issuer](t, w.Provider), w.request(t)
	before := w.Issuer.Keys()
	for _, f := range []lab.Fault{{DropBefore: true}, {DropAfter: true}} {
		w.Lab.Fault(w.Twin, w.Issuer.IssueOp, f)
		if _, err := is.Issue(t.Context(), req); !errors.Is(err, providers.ErrAmbiguous) {
			t.Fatalf("issue: %v", err)
		}
		if rec, err := is.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Superseded || rec.Detail == "" || len(rec.Candidates) != 0 {
			t.Errorf("lost: %+v, %v", rec, err)
		}
	}
	for range 2 {
		got, err := is.Issue(t.Context(), req)
		if err != nil || !got.Credential.Part(credential.PartToken).Equal(req.Value) || !w.Issuer.Accepts(got.Credential) {
			t.Fatalf("repeated: %+v, %v", got.Ref, err)
		}
	}
	if after := w.Issuer.Keys(); len(after) != len(before) {
		t.Errorf("keys %v, before %v", after, before)
	}
	w.verdict(t, w.Issuer.Old, providers.Dead)
}
