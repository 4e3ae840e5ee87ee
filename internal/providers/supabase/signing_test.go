package supabase_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/providers/supabase"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// openJWT opens the provider; wait is how long a replaced secret is trusted on.
func openJWT(t *testing.T, l *lab.Lab, client *httpx.Client, wait time.Duration) *supabase.JWT {
	t.Helper()
	cfg := config(l, client)
	cfg.JWTWait = wait
	p, err := supabase.NewJWT(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*supabase.JWT)
}

// trusted are the ids of the keys that the project trusts.
func trusted(l *lab.Lab) (ids []string) {
	for id, status := range l.Supabase.Signing.States() {
		if status != "revoked" {
			ids = append(ids, id)
		}
	}
	return ids
}

func leakedJWT(l *lab.Lab) credential.Credential {
	return keyOf(credential.SupabaseJWTSecret, l.Supabase.Signing.Legacy())
}

// A project that signs with another key already: the leaked secret is trusted still.
func TestJWTContract(t *testing.T) {
	t.Parallel()
	client := providertest.Client(t)
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		l.Supabase.Signing.Import()
		l.Supabase.Signing.Add("ES256", "in_use")
		return &providertest.World{
			Lab: l, Twin: "services", Provider: openJWT(t, l, client, time.Nanosecond), Secrets: []string{l.Supabase.Signing.Legacy(), l.Supabase.Own()},
			Issuer: &providertest.IssuerSide{
				Old: leakedJWT(l), Keys: func() []string { return trusted(l) },
				Accepts: func(c credential.Credential) bool {
					return l.Supabase.Signing.Trusts(c.Part(credential.PartToken).Reveal())
				},
				VerifyOp: "supabase list signing keys", InspectOp: "supabase list signing keys", IssueOp: "supabase make signing key",
				ListOp: "supabase list signing keys", DeleteOp: "supabase change signing key",
			},
		}
	}})
}

// held is a deletion that a person must come back for, with these words.
func held(t *testing.T, err error, words string) {
	t.Helper()
	if !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want a refusal with %q", err, words)
	}
}

// The whole way of a secret, from a project that has no signing keys: imported, a new one
// stands by, comes into use, the old one is left its tokens' time, and is revoked when
// the keys are off that are signed with it.
func TestJWTStages(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.Supabase.Legacy(jwt(l.Supabase.Ref(), "anon"), jwt(l.Supabase.Ref(), "service_role"))
	client := providertest.Client(t)
	p := openJWT(t, l, client, time.Hour)
	st, err := p.Inspect(t.Context(), leakedJWT(l))
	if err != nil || st.Key.Ref.ID != "legacy" || len(st.Siblings) != 0 {
		t.Fatalf("%+v, %v", st, err)
	}
	for _, want := range []string{"BLAST RADIUS", "refuses every user", "waits 1h0m0s", "is imported", "anon and service_role are switched on"} {
		if !slices.ContainsFunc(st.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("%q is not among the warnings %q", want, st.Warnings)
		}
	}
	old := st.Key.Ref
	fresh, err := p.Issue(t.Context(), providers.IssueRequest{Old: old, Name: "sg_a"})
	if err != nil {
		t.Fatal(err)
	}
	states := func(wantOld, wantNew string) {
		t.Helper()
		if got := l.Supabase.Signing.States(); got["legacy"] != wantOld || got[fresh.Ref.ID] != wantNew || len(got) != 2 {
			t.Fatalf("states %v, want %s and %s", got, wantOld, wantNew)
		}
	}
	states("in_use", "standby")
	held(t, p.Delete(t.Context(), old), "resume then")
	states("previously_used", "in_use")
	held(t, p.Delete(t.Context(), old), "resume then") // nothing more happens before
	var e *providers.Error
	if err := openJWT(t, l, client, time.Minute).Delete(t.Context(), old); !errors.As(err, &e) || !errors.Is(err, providers.ErrConflict) || e.RetryAfter < 50*time.Second {
		t.Errorf("a short wait is the run's own: %v", err)
	}
	now := openJWT(t, l, client, time.Nanosecond)
	held(t, now.Delete(t.Context(), old), "anon and service_role are switched on")
	states("previously_used", "in_use")
	legacy, err := supabase.NewLegacy(config(l, client))
	if err != nil {
		t.Fatal(err)
	}
	off, _ := providers.As[providers.Deleter](legacy)
	if err := off.Delete(t.Context(), providers.KeyRef{ID: "legacy:anon"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := now.Delete(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	states("revoked", "in_use")
	// The new secret leaks too: it is known by its value, and replaced in turn.
	st, err = now.Inspect(t.Context(), keyOf(credential.SupabaseJWTSecret, fresh.Credential.Part(credential.PartToken).Reveal()))
	if err != nil || st.Key.Ref.ID != fresh.Ref.ID {
		t.Fatalf("%+v, %v", st.Key, err)
	}
}

// A run that goes back lets the old secret sign again before it revokes the new one.
func TestJWTGoesBack(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	client := providertest.Client(t)
	p := openJWT(t, l, client, time.Hour)
	old := providers.KeyRef{Kind: credential.SupabaseJWTSecret, ID: "legacy", Owner: l.Supabase.Ref()}
	fresh, err := p.Issue(t.Context(), providers.IssueRequest{Old: old, Name: "sg_a"})
	if err != nil {
		t.Fatal(err)
	}
	held(t, p.Delete(t.Context(), old), "resume then")
	held(t, p.Delete(t.Context(), fresh.Ref), "resume then") // it has signed tokens, too
	if got := l.Supabase.Signing.States(); got["legacy"] != "in_use" || got[fresh.Ref.ID] != "previously_used" {
		t.Fatalf("states %v", got)
	}
	if err := openJWT(t, l, client, time.Nanosecond).Delete(t.Context(), fresh.Ref); err != nil || l.Supabase.Signing.States()[fresh.Ref.ID] != "revoked" {
		t.Errorf("%v, %v", err, l.Supabase.Signing.States())
	}
	// The next run's key has another id, and nothing takes a stranger's place.
	l.Supabase.Signing.Add("ES256", "standby")
	held(t, p.Delete(t.Context(), old), "0 signing keys could take its place")
	again, err := p.Issue(t.Context(), providers.IssueRequest{Old: old, Name: "sg_a"})
	if err != nil || again.Ref.ID == fresh.Ref.ID {
		t.Fatalf("%s, %v", again.Ref.ID, err)
	}
	held(t, p.Delete(t.Context(), old), "resume then")
	if got := l.Supabase.Signing.States(); got[again.Ref.ID] != "in_use" {
		t.Errorf("states %v", got)
	}
}

// What is no secret of the project is not taken for one, and a change that comes too soon
// for Supabase is waited with.
func TestJWTRefusals(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	p := openJWT(t, l, providertest.Client(t), time.Nanosecond)
	strange := keyOf(credential.SupabaseJWTSecret, lab.MadeUp("", 64))
	if _, err := p.Inspect(t.Context(), strange); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("inspect: %v", err)
	}
	if v, err := p.Verify(t.Context(), strange); err == nil || v.Liveness != providers.Unknown {
		t.Errorf("verify: %+v", v)
	}
	old := providers.KeyRef{Kind: credential.SupabaseJWTSecret, ID: "legacy", Owner: l.Supabase.Ref()}
	held(t, p.Delete(t.Context(), old), "make the new key first")
	req := providers.IssueRequest{Old: old, Name: "sg_a"}
	fresh, err := p.Issue(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	l.Supabase.Signing.Rest(time.Hour)
	_ = p.Delete(t.Context(), old) // the switch
	var e *providers.Error
	if err := p.Delete(t.Context(), old); !errors.As(err, &e) || !errors.Is(err, providers.ErrRateLimited) || e.RetryAfter != time.Minute {
		t.Errorf("too soon: %v", err)
	}
	// A key that is not by this run's id may be the lost one: a person looks.
	l.Supabase.Signing.Add("HS256", "standby")
	if rec, err := p.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Unclear || len(rec.Candidates) != 2 {
		t.Errorf("%+v, %v", rec, err)
	}
	if rec, err := p.Reconcile(t.Context(), providers.IssueRequest{Old: old, Name: "sg_b", Before: trusted(l)}); err != nil || rec.Outcome != providers.NotApplied {
		t.Errorf("%s made for another run: %+v, %v", fresh.Ref.ID, rec, err)
	}
}

// Keys of two runs: neither takes the other's for its own, and which is to sign a person
// says. An answer that tells of another state is none.
func TestJWTOfTwoRuns(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	p := openJWT(t, l, providertest.Client(t), time.Nanosecond)
	old := providers.KeyRef{Kind: credential.SupabaseJWTSecret, ID: "legacy", Owner: l.Supabase.Ref()}
	a, err := p.Issue(t.Context(), providers.IssueRequest{Old: old, Name: "sg_a"})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := p.Reconcile(t.Context(), providers.IssueRequest{Old: old, Name: "sg_b"})
	if err != nil || rec.Outcome != providers.Unclear || len(rec.Candidates) != 1 || rec.Candidates[0].Ref.ID != a.Ref.ID {
		t.Errorf("the other run's key: %+v, %v", rec, err)
	}
	b, err := p.Issue(t.Context(), providers.IssueRequest{Old: old, Name: "sg_b"})
	if err != nil {
		t.Fatal(err)
	}
	held(t, p.Delete(t.Context(), old), "2 signing keys could take its place")
	if got := l.Supabase.Signing.States(); got["legacy"] != "in_use" || got[a.Ref.ID] != "standby" || got[b.Ref.ID] != "standby" {
		t.Errorf("states %v", got)
	}
	l.Fault("services", "supabase change signing key", lab.Fault{Status: 200, ContentType: "application/json", Body: `{"id":"` + b.Ref.ID + `","status":"standby"}`})
	if err := p.Delete(t.Context(), b.Ref); !errors.Is(err, providers.ErrAmbiguous) {
		t.Errorf("it stands by still: %v", err)
	}
}

// The rotation end to end: the plan shows what is signed with the secret, the consumer
// has the new one, which signs, and what the old one signs is not trusted.
func TestJWTRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	old := w.Lab.Supabase.Signing.Legacy()
	w.Lab.Netlify.SetVar(w.Estate.Site, "SUPABASE_JWT_SECRET", "production", old, false)
	w.Leaked = leakedJWT(w.Lab)
	w.Lab.Fault("services", "supabase change signing key", lab.Fault{DropAfter: true, Times: 2}) // the switch, and the end
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "BLAST RADIUS: every user's session") }) {
		t.Errorf("risks %q", p.Risks)
	}
	if len(p.Outage) == 0 || p.Outage[0].Down == 0 || !strings.Contains(p.Outage[0].Note, "checks users' tokens") {
		t.Errorf("the plan promises no outage: %+v", p.Outage)
	}
	fresh := w.Lab.Netlify.Value(w.Estate.Site, "SUPABASE_JWT_SECRET", "production")
	s := w.Snapshot(p.ID)
	if s.Status != rotate.RunDone || s.Proof == nil || w.Lab.Supabase.Signing.Trusts(old) || !w.Lab.Supabase.Signing.Trusts(fresh) {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
	if got := w.Lab.Supabase.Signing.States(); got[s.NewKey] != "in_use" || got["legacy"] != "revoked" {
		t.Errorf("states %v", got)
	}
}

// The tokens of a replaced secret live on for an hour: the run is held, and its way back
// lets the old secret sign again, whatever answers are lost.
func TestJWTRotationWaitsAndGoesBack(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	waits := func(d string) {
		env := w.Lab.Env()
		env["SUPABASE_JWT_WAIT"] = d
		w.Reg = rotatetest.Registry(t, env, 0)
	}
	waits("1h")
	old := w.Lab.Supabase.Signing.Legacy()
	w.Lab.Netlify.SetVar(w.Estate.Site, "SUPABASE_JWT_SECRET", "production", old, false)
	w.Leaked = leakedJWT(w.Lab)
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	w.AssertHeld(p.ID, err, "resume then")
	fresh := w.Snapshot(p.ID).NewKey
	if got := w.Lab.Supabase.Signing.States(); got["legacy"] != "previously_used" || got[fresh] != "in_use" {
		t.Fatalf("states %v", got)
	}
	w.AssertHeld(p.ID, w.Resume(p.ID), "resume then")
	w.Lab.Fault("services", "supabase change signing key", lab.Fault{DropAfter: true})
	if err := w.Rollback(p.ID); !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("the new secret has signed tokens, too: %v", err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "SUPABASE_JWT_SECRET", "production"); got != old {
		t.Error("the old secret is not stored again")
	}
	if got := w.Lab.Supabase.Signing.States(); got["legacy"] != "in_use" || got[fresh] != "previously_used" {
		t.Fatalf("states %v", got)
	}
	waits("1ms")
	if err := w.Resume(p.ID); !errors.Is(err, rotate.ErrRolledBack) || w.Lab.Supabase.Signing.States()[fresh] != "revoked" {
		t.Errorf("%v, %v", err, w.Lab.Supabase.Signing.States())
	}
}

// Our requests and the twin's answers are those of Supabase's own document.
func TestJWTDocument(t *testing.T) {
	t.Parallel()
	c := providertest.OpenContract(t, "supabase-management-openapi.json", "services", "/supabase")
	l := providertest.Start(t, lab.Options{Wrap: c.Wrap})
	p := openJWT(t, l, providertest.Client(t), time.Nanosecond)
	st, err := p.Inspect(t.Context(), leakedJWT(l))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Issue(t.Context(), providers.IssueRequest{Old: st.Key.Ref, Name: "sg_a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Verify(t.Context(), leakedJWT(l)); err != nil {
		t.Fatal(err)
	}
	if err := p.Delete(t.Context(), st.Key.Ref); err != nil {
		t.Fatal(err)
	}
	c.Check(t, "v1-get-project-signing-keys 200", "v1-get-legacy-signing-key 200", "v1-create-legacy-signing-key 201", "v1-create-project-signing-key 201",
		"v1-update-project-signing-key 200", "v1-get-postgrest-service-config 200", "v1-get-project-legacy-api-keys 200")
}
