package aws_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/secret"
)

func temporary(id, sec, token string) credential.Credential {
	c := key(id, sec)
	c.Kind = credential.AWSSession
	c.Parts[credential.PartSessionToken] = secret.New(token)
	return c
}

func openSessions(t *testing.T, l *lab.Lab) *aws.Sessions {
	t.Helper()
	return openSessionsAt(t, l, time.Now)
}

func openSessionsAt(t *testing.T, l *lab.Lab, now func() time.Time) *aws.Sessions {
	t.Helper()
	env := l.Env()
	p, err := aws.NewSessions(aws.Config{
		Now:   now,
		KeyID: env["AWS_ACCESS_KEY_ID"], Secret: secret.New(env["AWS_SECRET_ACCESS_KEY"]), Client: providertest.Client(t), Version: "test",
		IAMEndpoint: l.URL("aws"), STSEndpoint: l.URL("aws"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSessionConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		l.AWS.CreateRole("deploy", "/")
		old := temporary(l.AWS.Assume("deploy", "ci-17"))
		return &providertest.World{
			Lab: l, Twin: "aws", Provider: openSessions(t, l),
			Secrets: []string{l.Env()["AWS_SECRET_ACCESS_KEY"], old.Part(credential.PartSecret).Reveal(), old.Part(credential.PartSessionToken).Reveal()},
			Issuer: &providertest.IssuerSide{
				Old: old, Keys: func() []string { return []string{old.ID} },
				Accepts:  func(c credential.Credential) bool { return !l.AWS.SessionDenied(c.ID) },
				VerifyOp: "GetCallerIdentity", InspectOp: "GetRole", DisableOp: "PutRolePolicy", EnableOp: "DeleteRolePolicy",
			},
		}
	}})
}

// The whole story: the policy denies the leaked session, and no other one.
func TestSessionRotation(t *testing.T) {
	t.Parallel()
	w := rotatetest.NewOn(t, lab.Options{DisableDelay: 80 * time.Millisecond}, 0)
	w.Lab.AWS.CreateRole("deploy", "/")
	bystander := temporary(w.Lab.AWS.Assume("deploy", "ci-16"))
	w.Leaked = temporary(w.Lab.AWS.Assume("deploy", "ci-17"))
	names := map[credential.Part]string{credential.PartID: "AWS_ACCESS_KEY_ID", credential.PartSecret: "AWS_SECRET_ACCESS_KEY", credential.PartSessionToken: "AWS_SESSION_TOKEN"}
	for part, name := range names {
		w.Lab.Netlify.SetVar(w.Estate.Site, name, "production", w.Leaked.Part(part).Reveal(), false)
	}
	p, err := w.Start(func(r *planner.Request) { rotatetest.Fast(r); r.MinLevel = rotate.L1 })
	if !errors.Is(err, rotate.ErrHeld) || p.Issuer != aws.SessionName {
		t.Fatalf("%s: %v", p.Issuer, err)
	}
	if err := w.Supply(p.ID, "ASIA one two"); err == nil {
		t.Error("something that is no key was taken")
	}
	fresh := temporary(w.Lab.AWS.Assume("deploy", "ci-18"))
	answer, _ := json.Marshal(map[string]any{"AssumedRoleUser": map[string]string{"Arn": "a"}, "Credentials": map[string]string{
		"AccessKeyId": fresh.ID, "SecretAccessKey": fresh.Part(credential.PartSecret).Reveal(), "SessionToken": fresh.Part(credential.PartSessionToken).Reveal(), "Expiration": "2030-01-01T00:00:00Z",
	}})
	if err := w.Supply(p.ID, string(answer)); err != nil {
		t.Fatalf("%v; %s", err, w.Snapshot(p.ID).Problem)
	}
	for part, name := range names {
		if w.Lab.Netlify.Value(w.Estate.Site, name, "production") != fresh.Part(part).Reveal() {
			t.Errorf("%s is not the new one's", name)
		}
	}
	if s := w.Snapshot(p.ID); s.Status != rotate.RunDone || s.Proof == nil {
		t.Errorf("run is %s: %s", s.Status, s.Problem)
	}
	if !w.Lab.AWS.SessionDenied(w.Leaked.ID) || w.Lab.AWS.SessionDenied(fresh.ID) || w.Lab.AWS.SessionDenied(bystander.ID) {
		t.Error("another session is denied, or the leaked one is not")
	}
}

// On the way back the policy comes off, and the leaked session works again.
func TestSessionIsEnabledOnTheWayBack(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateRole("deploy", "/")
	p, old := openSessionsAt(t, l, func() time.Time { return time.Now().Add(-time.Minute) }), temporary(l.AWS.Assume("deploy", "ci-17"))
	l.AWS.AgeSession(old.ID, time.Hour)
	st, err := p.Inspect(t.Context(), old)
	if err != nil || st.Key.Ref.Owner != "deploy/ci-17" || len(st.Warnings) != 1 {
		t.Fatalf("%+v, %v", st, err)
	}
	for range 2 { // repeated, the policy keeps its time
		if err := p.Disable(t.Context(), st.Key.Ref); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := p.Verify(t.Context(), old); err != nil || v.Liveness != providers.Dead || !strings.Contains(v.Detail, "SecretGuardEnds-ci-17") {
		t.Errorf("denied: %+v, %v", v, err)
	}
	again := temporary(l.AWS.Assume("deploy", "ci-17"))
	if err := p.Disable(t.Context(), st.Key.Ref); err != nil || l.AWS.SessionDenied(again.ID) {
		t.Errorf("a session of the same name that was made after it is denied (%v)", err)
	}
	for range 2 {
		if err := p.Enable(t.Context(), st.Key.Ref); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := p.Verify(t.Context(), old); err != nil || v.Liveness != providers.Live || len(l.AWS.RolePolicies("deploy")) != 0 {
		t.Errorf("enabled: %+v, %v", v, err)
	}
}

// A deny of somebody else's proves nothing, and neither does a missing right.
func TestSomebodyElsesDenyIsNoProof(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateRole("reader", "/")
	p := openSessions(t, l)
	reads := temporary(l.AWS.Assume("reader", "a"))
	if v, err := p.Verify(t.Context(), reads); err != nil || v.Liveness != providers.Live {
		t.Errorf("%+v, %v", v, err)
	}
	l.AWS.DenyRole("reader", "SomebodyElses")
	if v, err := p.Verify(t.Context(), reads); err != nil || v.Liveness != providers.Unknown {
		t.Errorf("somebody else's deny: %+v, %v", v, err)
	}
	l.AWS.DenyRole("reader", "SecretGuardEnds-a") // our name, another's words
	if v, err := p.Verify(t.Context(), reads); err != nil || v.Liveness != providers.Unknown {
		t.Errorf("a policy that is not ours: %+v, %v", v, err)
	}
	l.AWS.EndSession(reads.ID)
	if v, err := p.Verify(t.Context(), reads); err != nil || v.Liveness != providers.Dead {
		t.Errorf("ended: %+v, %v", v, err)
	}
	if _, err := p.Inspect(t.Context(), reads); !errors.Is(err, providers.ErrAuth) {
		t.Errorf("ended: %v", err)
	}
}

// What takes no policy from us is refused, with what helps.
func TestSessionsThatCannotBeEnded(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	p := openSessions(t, l)
	l.AWS.CreateRole("AWSReservedSSO_x", "/aws-reserved/sso.amazonaws.com/")
	sso := temporary(l.AWS.Assume("AWSReservedSSO_x", "jo@example.com"))
	if _, err := p.Inspect(t.Context(), sso); !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "Identity Center") {
		t.Errorf("of Identity Center: %v", err)
	}
	if err := p.Disable(t.Context(), providers.KeyRef{Kind: credential.AWSSession, ID: sso.ID}); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("without a session's name: %v", err)
	}
	if got := l.AWS.RolePolicies("AWSReservedSSO_x"); len(got) != 0 {
		t.Errorf("policies %v", got)
	}
}

// A person's answer in each form that it is copied in, and what is none.
func TestPastedSession(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateRole("deploy", "/")
	p, old := openSessions(t, l), providers.KeyRef{Kind: credential.AWSSession, ID: "ASIA-old", Owner: "deploy/a"}
	id, sec, token := l.AWS.Assume("deploy", "b")
	whole := `{"Credentials": {"AccessKeyId": "` + id + `", "SecretAccessKey": "` + sec + `", "SessionToken": "` + token + `"}}`
	for _, text := range []string{
		id + " " + sec + " " + token, id + "\t" + sec + "\t" + token, whole,
		`{"Version": 1, "AccessKeyId": "` + id + `", "SecretAccessKey": "` + sec + `", "SessionToken": "` + token + `"}`,
	} {
		is, err := p.Pasted(old, secret.New(text))
		if err != nil || is.Ref.ID != id || is.Ref.Owner != "" || !is.Credential.Complete() {
			t.Errorf("%+v, %v", is.Ref, err)
		}
	}
	for _, text := range []string{"", id, id + " " + sec, sec + " " + id + " " + token, `{"Credentials": {}}`, strings.Replace(whole, "ASIA", "AKIA", 1)} {
		if _, err := p.Pasted(old, secret.New(text)); !errors.Is(err, providers.ErrRefused) || strings.Contains(err.Error(), sec) {
			t.Errorf("%d characters: %v", len(text), err)
		}
	}
	if _, err := p.Pasted(providers.KeyRef{ID: id}, secret.New(whole)); !errors.Is(err, providers.ErrRefused) {
		t.Errorf("the leaked key itself: %v", err)
	}
	g := p.Guide(old)
	if !slices.ContainsFunc(g.Make, func(s string) bool { return strings.Contains(s, "under another session name than a") }) {
		t.Errorf("%q", g.Make)
	}
}
