package providertest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// ref names the old key as the provider itself names it.
func (w *World) ref(t *testing.T) providers.KeyRef {
	t.Helper()
	in, ok := providers.As[providers.Inspector](w.Provider)
	if !ok {
		return providers.KeyRef{Kind: w.Issuer.Old.Kind, ID: w.Issuer.Old.ID}
	}
	st, err := in.Inspect(t.Context(), w.Issuer.Old)
	if err != nil {
		t.Fatalf("inspect: %v", err)
	}
	return st.Key.Ref
}

func (w *World) request(t *testing.T) providers.IssueRequest {
	t.Helper()
	req := providers.IssueRequest{Old: w.ref(t), Name: "sg_test", Before: w.Issuer.Keys(), EffectID: "test"}
	if r, ok := providers.As[providers.Replacer](w.Provider); ok {
		req.Value = choose(t, w, r, req.Old)
	}
	return req
}

func (w *World) issuerCalls(t *testing.T) []call {
	t.Helper()
	var out []call
	side, ref := w.Issuer, w.ref(t)
	if v, ok := providers.As[providers.Verifier](w.Provider); ok {
		last := new(providers.Verdict)
		out = append(out, call{name: "Verify", op: side.VerifyOp, verdict: last, do: func(ctx context.Context) (err error) {
			*last, err = v.Verify(ctx, side.Old)
			return err
		}})
	}
	if in, ok := providers.As[providers.Inspector](w.Provider); ok {
		out = append(out, call{name: "Inspect", op: side.InspectOp, do: func(ctx context.Context) error {
			_, err := in.Inspect(ctx, side.Old)
			return err
		}})
	}
	if is, ok := providers.As[providers.Issuer](w.Provider); ok {
		req := w.request(t)
		out = append(out, call{name: "Issue", op: side.IssueOp, write: true, once: true, do: func(ctx context.Context) error {
			_, err := is.Issue(ctx, req)
			return err
		}})
		if _, replaces := providers.As[providers.Replacer](w.Provider); !replaces { // there it asks nobody
			out = append(out, call{name: "Reconcile", op: side.ListOp, do: func(ctx context.Context) error {
				_, err := is.Reconcile(ctx, req)
				return err
			}})
		}
	}
	if d, ok := providers.As[providers.Disabler](w.Provider); ok {
		out = append(out,
			call{name: "Disable", op: side.DisableOp, write: true, do: func(ctx context.Context) error { return d.Disable(ctx, ref) }},
			call{name: "Enable", op: cmp.Or(side.EnableOp, side.DisableOp), write: true, gone: side.EnableOp != "", do: func(ctx context.Context) error { return d.Enable(ctx, ref) }})
	}
	if d, ok := providers.As[providers.Deleter](w.Provider); ok {
		out = append(out, call{name: "Delete", op: side.DeleteOp, write: true, removes: true, gone: true, do: func(ctx context.Context) error { return d.Delete(ctx, ref) }})
	}
	if r, ok := providers.As[providers.Retirer](w.Provider); ok {
		out = append(out, call{name: "Retire", op: side.RetireOp, write: true, removes: true, do: func(ctx context.Context) error { return r.Retire(ctx, side.Old) }})
	}
	if u, ok := providers.As[providers.UsageReporter](w.Provider); ok {
		out = append(out, call{name: "LastUsed", op: side.UsedOp, do: func(ctx context.Context) error {
			_, err := u.LastUsed(ctx, ref)
			return err
		}})
	}
	if c, ok := providers.As[providers.Claimer](w.Provider); ok {
		out = append(out,
			call{name: "Claim", op: side.ClaimOp, write: true, do: func(ctx context.Context) error { return c.Claim(ctx, ref, providers.Claim{Run: "r-1", At: time.Now()}) }},
			call{name: "Unclaim", op: side.UnclaimOp, write: true, removes: true, gone: true, do: func(ctx context.Context) error { return c.Unclaim(ctx, ref, "r-1") }},
			call{name: "Claims", op: side.ClaimsOp, do: func(ctx context.Context) error {
				_, err := c.Claims(ctx, ref)
				return err
			}})
	}
	return out
}

// claims checks that the marks of several runs stand side by side, oldest first.
func claims(t *testing.T, w *World) {
	c, ref := ability[providers.Claimer](t, w.Provider), w.ref(t)
	now := time.Now().UTC().Truncate(time.Second)
	for _, one := range []providers.Claim{{Run: "r-b", At: now}, {Run: "r-c", At: now.Add(-time.Minute)}, {Run: "r-a", At: now}, {Run: "r-b", At: now}} {
		if err := c.Claim(t.Context(), ref, one); err != nil {
			t.Fatal(err)
		}
	}
	want := []providers.Claim{{Run: "r-c", At: now.Add(-time.Minute)}, {Run: "r-a", At: now}, {Run: "r-b", At: now}}
	if got, err := c.Claims(t.Context(), ref); err != nil || !slices.Equal(got, want) {
		t.Fatalf("%v, %v", got, err)
	}
	for range 2 { // gone already is done
		if err := c.Unclaim(t.Context(), ref, "r-a"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := c.Claims(t.Context(), ref); err != nil || len(got) != 2 {
		t.Fatalf("%v, %v", got, err)
	}
}

func (s Suite) issuer(t *testing.T) {
	tests := map[string]func(*testing.T, *World){}
	p := s.Open(t).Provider
	if _, ok := providers.As[providers.Verifier](p); ok {
		tests["verify"] = verify
	}
	if _, ok := providers.As[providers.Inspector](p); ok {
		tests["inspect"] = inspect
	}
	if _, ok := providers.As[providers.Issuer](p); ok {
		tests["issue"], tests["lost answers"], tests["no room"] = issue, lostIssue, noRoom
		if _, ok := providers.As[providers.Replacer](p); ok {
			tests["issue"], tests["lost answers"] = replace, lostReplace
		}
		t.Run("cut off anywhere", func(t *testing.T) { t.Parallel(); s.cutIssue(t) })
	}
	if _, ok := providers.As[providers.Disabler](p); ok {
		tests["disable"] = disable
	}
	if _, ok := providers.As[providers.Deleter](p); ok {
		tests["delete"] = remove
	}
	if _, ok := providers.As[providers.Retirer](p); ok {
		tests["retire"] = retire
	}
	if _, ok := providers.As[providers.UsageReporter](p); ok {
		tests["last used"] = lastUsed
	}
	if _, ok := providers.As[providers.Claimer](p); ok {
		tests["claims"] = claims
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) { t.Parallel(); do(t, s.Open(t)) })
	}
}

// patience is how long a twin may need to change its mind about a key.
const patience = 2 * time.Second

// verdict asks until the answer is the wanted one: twins, like services, need
// time to agree.
func (w *World) verdict(t *testing.T, c credential.Credential, want providers.Liveness) providers.Verdict {
	t.Helper()
	v := ability[providers.Verifier](t, w.Provider)
	if w.Issuer.Beside && want == providers.Dead {
		c := ability[providers.Corroborator](t, w.Provider)
		if alone, _ := v.Verify(t.Context(), w.Issuer.Old); alone.Liveness != providers.Unknown {
			t.Errorf("asked alone, it is %s", alone.Liveness)
		}
		v = providers.At(c, c.Endpoints()[0])
	}
	var got providers.Verdict
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var err error
		got, err = v.Verify(t.Context(), c)
		w.check(t, "Verify", err)
		if err != nil {
			t.Fatalf("verify: %v", err)
		}
		if got.Liveness == want || httpx.Sleep(t.Context(), 5*time.Millisecond) != nil {
			break
		}
	}
	if got.Liveness != want {
		t.Fatalf("liveness %s (%s, %s), want %s", got.Liveness, got.Code, got.Detail, want)
	}
	return got
}

func verify(t *testing.T, w *World) {
	got := w.verdict(t, w.Issuer.Old, providers.Live)
	if got.At.IsZero() || got.Identity.Account+got.Identity.Who == "" {
		t.Errorf("a living key without a time or an identity: %+v", got)
	}
	wrong, _ := ability[providers.Verifier](t, w.Provider).Verify(t.Context(), altered(w.Issuer.Old))
	if wrong.Liveness == providers.Live {
		t.Errorf("a wrong secret is accepted: %+v", wrong)
	}
}

// altered returns the credential with another secret of the same form.
func altered(c credential.Credential) credential.Credential {
	parts := map[credential.Part]secret.Text{}
	for name, v := range c.Parts {
		parts[name] = v
		if name != credential.PartID {
			b := []byte(v.Reveal())
			slices.Reverse(b[len(b)/2:])
			parts[name] = secret.New(string(b[:len(b)-1]) + "x")
		}
	}
	c.Parts = parts
	return c
}

func inspect(t *testing.T, w *World) {
	st, err := ability[providers.Inspector](t, w.Provider).Inspect(t.Context(), w.Issuer.Old)
	w.check(t, "Inspect", err)
	if err != nil {
		t.Fatal(err)
	}
	if st.Key.Ref.ID == "" || st.Key.Ref.Kind != w.Issuer.Old.Kind || !st.Key.Active || st.Self {
		t.Errorf("state %+v", st)
	}
	ids := []string{st.Key.Ref.ID}
	for _, k := range st.Siblings {
		ids = append(ids, k.Ref.ID)
	}
	slices.Sort(ids)
	if at := slices.Sorted(slices.Values(w.Issuer.Keys())); !slices.Equal(ids, at) {
		t.Errorf("keys %v, at the twin %v", ids, at)
	}
	if !st.Room() {
		t.Error("there is room for another key")
	}
}

func issue(t *testing.T, w *World) {
	before := w.Issuer.Keys()
	got, err := ability[providers.Issuer](t, w.Provider).Issue(t.Context(), w.request(t))
	w.check(t, "Issue", err)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Credential.Complete() || got.Credential.Kind != w.Issuer.Old.Kind || got.Ref.ID == "" || got.Ref.Owner != w.ref(t).Owner {
		t.Errorf("issued %+v", got.Ref)
	}
	for name, v := range got.Credential.Parts {
		if v.Equal(w.Issuer.Old.Part(name)) {
			t.Errorf("the new key has the %s of the old one", name)
		}
	}
	if after := w.Issuer.Keys(); len(after) != len(before)+1 || !slices.Contains(after, got.Ref.ID) {
		t.Errorf("keys at the twin: %v, before %v", after, before)
	}
	fresh := w.verdict(t, got.Credential, providers.Live)
	old := w.verdict(t, w.Issuer.Old, providers.Live)
	if fresh.Identity.Account != old.Identity.Account {
		t.Errorf("the new key is of account %s, the old one of %s", fresh.Identity.Account, old.Identity.Account)
	}
}

// lostIssue loses the answer before and after the effect: only then there is
// something to clean up, and what is cleaned up is what was made.
func lostIssue(t *testing.T, w *World) {
	is, req := ability[providers.Issuer](t, w.Provider), w.request(t)
	w.Lab.Fault(w.Twin, w.Issuer.IssueOp, lab.Fault{DropBefore: true})
	if _, err := is.Issue(t.Context(), req); !errors.Is(err, providers.ErrAmbiguous) {
		t.Fatalf("issue: %v", err)
	}
	rec, err := is.Reconcile(t.Context(), req)
	if err != nil || rec.Outcome != providers.NotApplied || len(rec.Candidates) != 0 {
		t.Errorf("nothing was made: %+v, %v", rec, err)
	}
	w.Lab.Fault(w.Twin, w.Issuer.IssueOp, lab.Fault{DropAfter: true})
	if _, err := is.Issue(t.Context(), req); !errors.Is(err, providers.ErrAmbiguous) {
		t.Fatalf("issue: %v", err)
	}
	rec, err = is.Reconcile(t.Context(), req)
	w.check(t, "Reconcile", err)
	deleter, deletes := providers.As[providers.Deleter](w.Provider)
	if !deletes { // what was made cannot be taken away by a call: a person decides
		if err != nil || rec.Outcome != providers.Unclear || rec.Detail == "" {
			t.Errorf("one key was made and lost: %+v, %v", rec, err)
		}
		return
	}
	if err != nil || rec.Outcome != providers.Orphaned || len(rec.Candidates) != 1 {
		t.Fatalf("one key was made and lost: %+v, %v", rec, err)
	}
	orphan := rec.Candidates[0].Ref
	if slices.Contains(req.Before, orphan.ID) || !slices.Contains(w.Issuer.Keys(), orphan.ID) {
		t.Fatalf("the orphan is %s, keys %v, before %v", orphan.ID, w.Issuer.Keys(), req.Before)
	}
	if err := deleter.Delete(t.Context(), orphan); err != nil {
		t.Fatal(err)
	}
	if after := slices.Sorted(slices.Values(w.Issuer.Keys())); !slices.Equal(after, slices.Sorted(slices.Values(req.Before))) {
		t.Errorf("keys %v, before %v", after, req.Before)
	}
	if w.Issuer.Use == nil {
		return
	}
	// A new key that is in use is somebody else's: a person decides.
	other, err := is.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	w.Issuer.Use(other.Credential)
	if rec, err := is.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Unclear {
		t.Errorf("a key in use: %+v, %v", rec, err)
	}
}

// cutIssue cuts the answer of an issue off everywhere: what comes back is the
// whole key or an error, never a part of one.
func (s Suite) cutIssue(t *testing.T) {
	for keep := 0; keep < 900; keep += 11 {
		w := s.Open(t)
		w.Lab.Fault(w.Twin, w.Issuer.IssueOp, lab.Fault{Cut: true, Keep: keep})
		got, err := ability[providers.Issuer](t, w.Provider).Issue(t.Context(), w.request(t))
		w.check(t, "Issue", err)
		switch {
		case err != nil && !errors.Is(err, providers.ErrAmbiguous):
			t.Errorf("after %d bytes: %v", keep, err)
		case err != nil && len(got.Credential.Parts) > 0:
			t.Errorf("after %d bytes: a part of a key came back", keep)
		case err == nil && !w.Issuer.Accepts(got.Credential):
			t.Errorf("after %d bytes: a key came back that is none", keep)
		case err == nil:
			return // the whole answer fits
		}
	}
	t.Error("the answer is longer than was looked at")
}

func noRoom(t *testing.T, w *World) {
	if w.Issuer.Fill == nil {
		t.Skip("this issuer has no limit")
	}
	w.Issuer.Fill()
	st, err := ability[providers.Inspector](t, w.Provider).Inspect(t.Context(), w.Issuer.Old)
	if err != nil || st.Room() {
		t.Errorf("room for another key: %+v, %v", st, err)
	}
	before := w.Issuer.Keys()
	if _, err := ability[providers.Issuer](t, w.Provider).Issue(t.Context(), w.request(t)); !errors.Is(err, providers.ErrQuota) {
		t.Errorf("got %v", err)
	}
	if !slices.Equal(before, w.Issuer.Keys()) {
		t.Error("keys have changed")
	}
}

func disable(t *testing.T, w *World) {
	d, ref := ability[providers.Disabler](t, w.Provider), w.ref(t)
	for _, step := range []struct {
		do   func(context.Context, providers.KeyRef) error
		want providers.Liveness
	}{{d.Enable, providers.Live}, {d.Disable, providers.Dead}, {d.Enable, providers.Live}, {d.Disable, providers.Dead}} {
		for range 2 { // may be repeated
			if err := step.do(t.Context(), ref); err != nil {
				t.Fatal(err)
			}
		}
		w.verdict(t, w.Issuer.Old, step.want)
	}
	if !slices.Contains(w.Issuer.Keys(), ref.ID) {
		t.Error("a disabled key is gone")
	}
}

func remove(t *testing.T, w *World) {
	d, ref := ability[providers.Deleter](t, w.Provider), w.ref(t)
	before := w.Issuer.Keys()
	for range 2 { // gone already is done
		if err := d.Delete(t.Context(), ref); err != nil {
			t.Fatal(err)
		}
	}
	if after := w.Issuer.Keys(); slices.Contains(after, ref.ID) || len(after) != len(before)-1 {
		t.Errorf("keys %v, before %v", after, before)
	}
	if _, ok := providers.As[providers.Verifier](w.Provider); ok {
		w.verdict(t, w.Issuer.Old, providers.Dead)
	}
}
