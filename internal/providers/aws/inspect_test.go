package aws_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// inspect looks at a key of user "bot" after the twin was changed.
func inspect(t *testing.T, id string, prepare func(*lab.AWS), change ...func(*aws.Config)) (providers.KeyState, error) {
	t.Helper()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old, sec := l.AWS.CreateKey("bot")
	if prepare != nil {
		prepare(l.AWS)
	}
	if id == "" {
		id = old
	}
	if id == "operator" {
		id = l.Env()["AWS_ACCESS_KEY_ID"]
	}
	return open(t, l, change...).Inspect(t.Context(), key(id, sec))
}

func TestTemporaryKeyIsRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	_, err := inspect(t, lab.MadeUpOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), nil)
	if errors.Is(err, providers.ErrUnsupported) {
		t.Fatalf("no prefix, no temporary key: %v", err)
	}
	_, err = inspect(t, "AS"+"IA"+lab.MadeUpOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16), nil)
	if !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "aws-session") {
		t.Errorf("got %v", err)
	}
}

func TestKeyOfAnotherAccount(t *testing.T) {
	t.Parallel()
	const foreign = "210987654321"
	_, err := inspect(t, new(lab.AWS).ForeignID(foreign), nil)
	if !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), foreign) {
		t.Errorf("got %v", err)
	}
	// An id of the older kind tells nothing; STS does, and knows our own.
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	l.AWS.OldIDs(true)
	old := key(l.AWS.CreateKey("bot"))
	st, err := open(t, l).Inspect(t.Context(), old)
	if err != nil || st.Key.Ref.Owner != "bot" || st.Identity.Account != l.AWS.Account() {
		t.Errorf("an older id: %+v, %v", st, err)
	}
	asked := 0
	for _, r := range l.Requests() {
		if r.Op == "GetAccessKeyInfo" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("STS was asked %d times", asked)
	}
	// Without the right to ask, the search goes on.
	l.Fault("aws", "GetAccessKeyInfo", lab.Fault{Status: 403, Times: 9})
	if _, err := open(t, l).Inspect(t.Context(), old); err != nil {
		t.Errorf("without sts:GetAccessKeyInfo: %v", err)
	}
}

func TestKeyThatIAMDoesNotKnow(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	l.AWS.RemoveKey(old.ID)
	_, err := open(t, l).Inspect(t.Context(), old)
	if !errors.Is(err, providers.ErrForbidden) || !strings.Contains(err.Error(), "deleted already") {
		t.Errorf("IAM words an unknown key like a missing right, and we must say so: %v", err)
	}
}

func TestRootKeyIsRefused(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	root := key(l.AWS.CreateKey(""))
	p := open(t, l)
	_, err := p.Inspect(t.Context(), root)
	if !errors.Is(err, providers.ErrUnsupported) || !strings.Contains(err.Error(), "root") {
		t.Errorf("got %v", err)
	}
	v, err := p.Verify(t.Context(), root)
	if err != nil || v.Liveness != providers.Live || !strings.HasSuffix(v.Identity.Who, ":root") {
		t.Errorf("verify: %+v, %v", v, err)
	}
}

func TestQuarantineAndOwnAccess(t *testing.T) {
	t.Parallel()
	warned := func(st providers.KeyState, word string) bool {
		return strings.Contains(strings.Join(st.Warnings, "\n"), word)
	}
	st, err := inspect(t, "", nil)
	if err != nil || len(st.Warnings) != 0 || st.Self {
		t.Errorf("nothing to warn of: %+v, %v", st, err)
	}
	for _, version := range []string{"", "V2", "V3"} {
		policy := "AWSCompromisedKeyQuarantine" + version
		st, err = inspect(t, "", func(a *lab.AWS) { a.Attach("bot", "ReadOnlyAccess"); a.Attach("bot", policy) })
		if err != nil || !warned(st, policy) {
			t.Errorf("%s: %+v, %v", policy, st.Warnings, err)
		}
	}
	st, err = inspect(t, "operator", nil)
	if err != nil || !st.Self || !warned(st, "our own access") {
		t.Errorf("our own key is the leaked one: %+v, %v", st, err)
	}
	// Another key of the leaked user: not the same key, yet under the same denies.
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	l.AWS.Grant("bot", true)
	old := key(l.AWS.CreateKey("bot"))
	id, sec := l.AWS.CreateKey("bot")
	l.AWS.Attach("bot", "AWSCompromisedKeyQuarantineV3")
	p := open(t, l, func(c *aws.Config) { c.KeyID, c.Secret = id, secret.New(sec) })
	st, err = p.Inspect(t.Context(), old)
	if err != nil || st.Self || !warned(st, "our own access") || !warned(st, "Quarantine") {
		t.Errorf("the leaked user's second key: %+v, %v", st, err)
	}
	if err := p.Disable(t.Context(), st.Key.Ref); !errors.Is(err, providers.ErrForbidden) {
		t.Errorf("quarantine denies: %v", err)
	}
	// A missing right to look is said, and stops nothing.
	l.Fault("aws", "ListAttachedUserPolicies", lab.Fault{Status: 403, Times: 9})
	if st, err = p.Inspect(t.Context(), old); err != nil || !warned(st, "iam:ListAttachedUserPolicies") {
		t.Errorf("%+v, %v", st.Warnings, err)
	}
}

// When there is no room, the sibling's last use helps a person to choose.
func TestSiblingsUseIsShown(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	id, sec := l.AWS.CreateKey("bot")
	p := open(t, l)
	st, err := p.Inspect(t.Context(), old)
	if err != nil || st.Room() || len(st.Siblings) != 1 || st.Siblings[0].Usage == nil || !st.Siblings[0].Usage.At.IsZero() {
		t.Fatalf("never used: %+v, %v", st, err)
	}
	l.AWS.Use(id, sec, "s3")
	if st, err = p.Inspect(t.Context(), old); err != nil || st.Siblings[0].Usage.Service != "s3" {
		t.Errorf("used: %+v, %v", st.Siblings, err)
	}
}

// A key that a listing did not show before and that is older than our request
// is not our orphan, though nobody has used it.
func TestReconcileKnowsAKeyThatIsOlder(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	l.AWS.CreateKey("bot") // made a day ago
	p := open(t, l)
	req := providers.IssueRequest{Old: providers.KeyRef{ID: old.ID, Owner: "bot"}, Before: []string{old.ID}, Since: time.Now()}
	if rec, err := p.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Unclear || len(rec.Candidates) != 1 {
		t.Errorf("%+v, %v", rec, err)
	}
	req.Since = time.Time{}
	if rec, err := p.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Orphaned {
		t.Errorf("without a time: %+v, %v", rec, err)
	}
	// The old key may be gone by then, by somebody's hand: that changes nothing.
	l.AWS.RemoveKey(old.ID)
	if rec, err := p.Reconcile(t.Context(), req); err != nil || rec.Outcome != providers.Orphaned {
		t.Errorf("without the old key: %+v, %v", rec, err)
	}
}

// A wrong clock is named, is no refusal of the key, and heals itself where the
// SDK may try again.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	for _, off := range []time.Duration{20 * time.Minute, -20 * time.Minute} {
		l.AWS.ClockOff(off)
		v, err := open(t, l).Verify(t.Context(), old)
		if v.Liveness != providers.Unknown || !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), "clock of this machine is wrong by about 20m") {
			t.Errorf("%s: %+v, %v", off, v, err)
		}
		if _, err := open(t, l).LastUsed(t.Context(), providers.KeyRef{ID: old.ID, Owner: "bot"}); err != nil {
			t.Errorf("%s: a read is tried again with the right time: %v", off, err)
		}
		err = open(t, l).Disable(t.Context(), providers.KeyRef{ID: old.ID, Owner: "bot"})
		if !errors.Is(err, providers.ErrRefused) || errors.Is(err, providers.ErrAuth) {
			t.Errorf("%s: a write: %v", off, err)
		}
	}
	l.AWS.ClockOff(10 * time.Minute)
	if v, err := open(t, l).Verify(t.Context(), old); err != nil || v.Liveness != providers.Live {
		t.Errorf("within the tolerance: %+v, %v", v, err)
	}
}

// Only a session can have ended; for an ordinary key the code proves nothing.
func TestEndedSession(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	c := key(l.AWS.CreateKey("bot"))
	c.Parts[credential.PartSessionToken] = secret.New(lab.MadeUp("", 60))
	l.Fault("aws", "GetCallerIdentity", lab.Fault{Status: 403, Code: "ExpiredToken"})
	if v, err := open(t, l).Verify(t.Context(), c); err != nil || v.Liveness != providers.Dead {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestMissingSettingsAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := aws.New(aws.Config{})
	if err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") {
		t.Errorf("got %v", err)
	}
}
