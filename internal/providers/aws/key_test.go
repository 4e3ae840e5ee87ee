package aws_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// Every code of the reference's table, as an answer to a read, to a write and to
// the question whether a key lives.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	p := open(t, l)
	for _, tc := range []struct {
		code        string
		status      int
		read, write error
		liveness    providers.Liveness
	}{
		{"InvalidClientTokenId", 403, providers.ErrAuth, providers.ErrAuth, providers.Dead},
		{"SignatureDoesNotMatch", 403, providers.ErrAuth, providers.ErrAuth, providers.Unknown},
		{"ExpiredToken", 403, providers.ErrAuth, providers.ErrAuth, providers.Unknown}, // of a key that is no session
		{"MissingAuthenticationToken", 403, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"IncompleteSignature", 403, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"AccessDenied", 403, providers.ErrForbidden, providers.ErrForbidden, providers.Live},
		{"OptInRequired", 403, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"RegionDisabledException", 403, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"RequestExpired", 403, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"NoSuchEntity", 404, providers.ErrNotFound, providers.ErrNotFound, providers.Unknown},
		{"LimitExceeded", 409, providers.ErrQuota, providers.ErrQuota, providers.Unknown},
		{"EntityTemporarilyUnmodifiable", 409, providers.ErrConflict, providers.ErrConflict, providers.Unknown},
		{"ConcurrentModification", 409, providers.ErrConflict, providers.ErrConflict, providers.Unknown},
		{"InvalidInput", 400, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"ValidationError", 400, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"Throttling", 400, providers.ErrRateLimited, providers.ErrRateLimited, providers.Unknown},
		{"RequestLimitExceeded", 503, providers.ErrRateLimited, providers.ErrRateLimited, providers.Unknown},
		{"ServiceFailure", 500, providers.ErrTransient, providers.ErrAmbiguous, providers.Unknown},
		{"InternalFailure", 500, providers.ErrTransient, providers.ErrAmbiguous, providers.Unknown},
		{"ServiceUnavailable", 503, providers.ErrTransient, providers.ErrAmbiguous, providers.Unknown},
		{"NeverHeardOf", 418, providers.ErrRefused, providers.ErrRefused, providers.Unknown},
		{"not a code at all", 400, providers.ErrTransient, providers.ErrAmbiguous, providers.Unknown},
	} {
		fault := lab.Fault{Status: tc.status, Code: tc.code, Times: 100}
		l.Fault("aws", "GetAccessKeyLastUsed", fault)
		l.Fault("aws", "UpdateAccessKey", fault)
		l.Fault("aws", "GetCallerIdentity", fault)
		_, err := p.LastUsed(t.Context(), providers.KeyRef{ID: old.ID, Owner: "bot"})
		var e *providers.Error
		if !errors.As(err, &e) || !errors.Is(err, tc.read) || e.Status != tc.status || strings.Contains(e.Code, " ") || e.RequestID == "" {
			t.Errorf("%s: read: %v, want %v", tc.code, err, tc.read)
		}
		if err := p.Disable(t.Context(), providers.KeyRef{ID: old.ID, Owner: "bot"}); !errors.Is(err, tc.write) {
			t.Errorf("%s: write: %v, want %v", tc.code, err, tc.write)
		}
		if v, _ := p.Verify(t.Context(), old); v.Liveness != tc.liveness {
			t.Errorf("%s: %s, want %s", tc.code, v.Liveness, tc.liveness)
		}
		l.Calm()
	}
	if k := l.AWS.Keys("bot"); len(k) != 1 || !k[0].Active {
		t.Errorf("a refused request has changed the key: %+v", k)
	}
}

// An answer of the right form with nothing in it makes no key live.
func TestLiveNeedsAnIdentity(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	l.Fault("aws", "GetCallerIdentity", lab.Fault{
		Status: 200, ContentType: "text/xml", Body: "<GetCallerIdentityResponse><GetCallerIdentityResult></GetCallerIdentityResult></GetCallerIdentityResponse>",
	})
	if v, err := open(t, l).Verify(t.Context(), old); v.Liveness != providers.Unknown || !errors.Is(err, providers.ErrTransient) {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestMissingRightIsNamed(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("bot")
	l.AWS.CreateUser("weak")
	old := key(l.AWS.CreateKey("bot"))
	id, sec := l.AWS.CreateKey("weak")
	p := open(t, l, func(c *aws.Config) { c.KeyID, c.Secret = id, secret.New(sec) })
	_, err := p.Issue(t.Context(), providers.IssueRequest{Old: providers.KeyRef{ID: old.ID, Owner: "bot"}})
	var e *providers.Error
	if !errors.As(err, &e) || !errors.Is(err, providers.ErrForbidden) || e.Need != "iam:CreateAccessKey" {
		t.Errorf("got %v", err)
	}
}

// A new key needs time to work, a disabled one to stop; the record of use lags.
func TestKeysNeedTime(t *testing.T) {
	t.Parallel()
	const delay = 150 * time.Millisecond
	l := providertest.Start(t, lab.Options{KeyDelay: delay, DisableDelay: delay})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	l.AWS.LagUsage(time.Hour)
	p := open(t, l)
	begin := time.Now()
	got, err := p.Issue(t.Context(), providers.IssueRequest{Old: providers.KeyRef{ID: old.ID, Owner: "bot"}})
	if err != nil {
		t.Fatal(err)
	}
	until := func(c credential.Credential, want providers.Liveness) {
		t.Helper()
		other := false
		for {
			v, err := p.Verify(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			if v.Liveness == want {
				break
			}
			other = true
		}
		if took := time.Since(begin); other && took < delay {
			t.Errorf("%s already after %s", want, took)
		}
	}
	until(got.Credential, providers.Live)
	begin = time.Now()
	if err := p.Disable(t.Context(), providers.KeyRef{ID: old.ID, Owner: "bot"}); err != nil {
		t.Fatal(err)
	}
	until(old, providers.Dead)
	if u, err := p.LastUsed(t.Context(), got.Ref); err != nil || !u.At.IsZero() {
		t.Errorf("the record lags by an hour: %+v, %v", u, err)
	}
	l.AWS.LagUsage(0)
	if u, err := p.LastUsed(t.Context(), got.Ref); err != nil || u.Service != aws.Descriptor().ProbeService {
		t.Errorf("our own checks are in the record: %+v, %v", u, err)
	}
}

// tap records the form of every request to the twin.
type tap struct {
	mu    sync.Mutex
	forms []string
}

func (p *tap) wrap(service string, h http.Handler) http.Handler {
	if service != "aws" {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		r.Body = &teed{r.Body, body}
		h.ServeHTTP(w, r)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.forms = append(p.forms, body.String())
	})
}

type teed struct {
	body interface {
		Read([]byte) (int, error)
		Close() error
	}
	to *strings.Builder
}

func (t *teed) Read(b []byte) (int, error) {
	n, err := t.body.Read(b)
	t.to.Write(b[:n])
	return n, err
}

func (t *teed) Close() error { return t.body.Close() }

// Without a user's name IAM takes the user who signs, or root: every request
// that works on keys names one, and without an owner none is sent.
func TestUserIsAlwaysNamed(t *testing.T) {
	t.Parallel()
	record := &tap{}
	l := providertest.Start(t, lab.Options{Wrap: record.wrap})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	p := open(t, l)
	ctx := t.Context()
	ref := providers.KeyRef{ID: old.ID, Owner: "bot"}
	if _, err := p.Inspect(ctx, old); err != nil {
		t.Fatal(err)
	}
	got, err := p.Issue(ctx, providers.IssueRequest{Old: ref})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Reconcile(ctx, providers.IssueRequest{Old: ref, Before: []string{old.ID}})
	if err := errors.Join(err, p.Disable(ctx, ref), p.Enable(ctx, ref), p.Delete(ctx, got.Ref)); err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, form := range record.forms {
		for _, op := range []string{"CreateAccessKey", "ListAccessKeys", "UpdateAccessKey", "DeleteAccessKey", "ListAttachedUserPolicies"} {
			if strings.Contains(form, "Action="+op+"&") {
				named++
				if !strings.Contains(form, "&UserName=bot") {
					t.Errorf("no user is named in %s", form)
				}
			}
		}
	}
	if named < 6 {
		t.Errorf("only %d requests seen", named)
	}
	before := l.Served()
	_, err = p.Issue(ctx, providers.IssueRequest{Old: providers.KeyRef{ID: old.ID}})
	for _, err := range []error{err, p.Disable(ctx, providers.KeyRef{ID: old.ID}), p.Enable(ctx, providers.KeyRef{ID: old.ID}), p.Delete(ctx, providers.KeyRef{ID: old.ID})} {
		if !errors.Is(err, providers.ErrRefused) {
			t.Errorf("without an owner: %v", err)
		}
	}
	if l.Served() != before {
		t.Error("a request without a user's name was sent")
	}
}

// A create is sent once, whatever the SDK would like to repeat.
func TestCreateIsSentOnce(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"500": {Status: 500}, "503": {Status: 503}, "throttled": {Status: 429}, "dropped": {DropBefore: true}, "lost": {DropAfter: true}, "cut": {Cut: true, Keep: 50},
	} {
		l := providertest.Start(t, lab.Options{})
		l.AWS.CreateUser("bot")
		old := key(l.AWS.CreateKey("bot"))
		f.Times = 9
		l.Fault("aws", "CreateAccessKey", f)
		if _, err := open(t, l).Issue(t.Context(), providers.IssueRequest{Old: providers.KeyRef{ID: old.ID, Owner: "bot"}}); err == nil {
			t.Errorf("%s: no error", name)
		}
		n := 0
		for _, r := range l.Requests() {
			if r.Op == "CreateAccessKey" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s: sent %d times", name, n)
		}
	}
}

// CloudTrail shows the User-Agent: it names the run that made a key.
func TestRunIsNamedInTheUserAgent(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var agents []string
	l := providertest.Start(t, lab.Options{Wrap: func(_ string, h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			agents = append(agents, r.Header.Get("User-Agent"))
			mu.Unlock()
			h.ServeHTTP(w, r)
		})
	}})
	l.AWS.CreateUser("bot")
	old := key(l.AWS.CreateKey("bot"))
	if _, err := open(t, l).Issue(t.Context(), providers.IssueRequest{Old: providers.KeyRef{ID: old.ID, Owner: "bot"}, EffectID: "run-7"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(agents, []string{"secretguard/test (run-7)"}) {
		t.Errorf("agents %q", agents)
	}
}
