package probe_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a lab and a checker that asks it.
type world struct {
	lab   *lab.Lab
	waits []time.Duration
	mu    sync.Mutex
	now   atomic.Int64 // seconds that the clock was moved on
}

func newWorld(t *testing.T) *world {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return &world{lab: l}
}

func (w *world) clock() time.Time { return time.Now().Add(time.Duration(w.now.Load()) * time.Second) }

func (w *world) checker(change func(*probe.Options)) *probe.Checker {
	o := probe.Options{
		BaseURL: func(name string) string { return w.lab.URL("services") + "/" + name }, AllowPrivate: true, Now: w.clock,
		Sleep: func(_ context.Context, d time.Duration) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.waits = append(w.waits, d)
			return nil
		},
	}
	if change != nil {
		change(&o)
	}
	return probe.New(o)
}

// Every form: a key that its service knows is live, one that it does not know is dead,
// or unknown where a refusal proves nothing. Whom it speaks for is told.
func TestLiveAndDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	for _, s := range samples() {
		want := providers.Dead
		if s.open {
			want = providers.Unknown
		}
		if v, err := c.Verify(t.Context(), s.key); err != nil || v.Liveness != want {
			t.Errorf("%s, a key that is not known: %+v, %v", s.form, v, err)
		}
		if s.closed {
			continue
		}
		s.knownTo(w.lab)
		v, err := c.Verify(t.Context(), s.key)
		if err != nil || v.Liveness != providers.Live || v.At.IsZero() {
			t.Errorf("%s, a key that works: %+v, %v", s.form, v, err)
		}
		grade := providers.GradeIdentity
		if s.whom.Account+s.whom.Who+s.whom.Project == "" {
			grade = providers.GradeAnswer
		}
		if v.Identity != s.whom || v.Grade != grade {
			t.Errorf("%s speaks for %+v, grade %s; want %+v", s.form, v.Identity, v.Grade, s.whom)
		}
		if !s.little {
			continue
		}
		w.lab.Services.KnowLittle(s.service, value(s.key))
		if v, err := c.Verify(t.Context(), s.key); err != nil || v.Liveness != providers.Live || v.Detail == "" {
			t.Errorf("%s, a key with few rights: %+v, %v", s.form, v, err)
		}
	}
}

// Where a key may be of several addresses, one that refuses it proves nothing as long
// as another one does not answer.
func TestDeadNeedsEveryAddress(t *testing.T) {
	t.Parallel()
	for form, second := range map[string]string{"langsmith": "langsmith_eu", "2captcha": "rucaptcha", "twilio account": "twilio_au1"} {
		w := newWorld(t)
		s := of(form)
		w.lab.Fault("services", second, lab.Fault{Status: 503, Times: 9})
		v, _ := w.checker(nil).Verify(t.Context(), s.key)
		if v.Liveness != providers.Unknown {
			t.Errorf("%s: %+v", form, v)
		}
	}
}

// A project that only stood near a key may be another's: that it does not know the key
// proves nothing, that it knows it proves all.
func TestAProjectThatWasFoundNear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	s := of("supabase secret")
	s.key.Bound = false
	if v, err := c.Verify(t.Context(), s.key); err != nil || v.Liveness != providers.Unknown || !strings.Contains(v.Detail, project) {
		t.Errorf("refused by it: %+v, %v", v, err)
	}
	s.knownTo(w.lab)
	if v, err := c.Verify(t.Context(), s.key); err != nil || v.Liveness != providers.Live || v.Identity.Project != project {
		t.Errorf("accepted by it: %+v, %v", v, err)
	}
}

// A key whose address is not known, or is none of its service's, is not sent.
func TestAKeyWithoutAnAddressIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	foreign := of("supabase secret").key
	foreign.Project = "a.evil.example/aaaaa"
	none := of("supabase publishable").key
	none.Project = ""
	for name, cr := range map[string]credential.Credential{
		"a host in place of a project": token(credential.SupabaseLegacyJWT, jwt("supabase", "a.evil.example/aaaaa")), "another issuer": token(credential.SupabaseLegacyJWT, jwt("other", project)),
		"a short project": token(credential.SupabaseLegacyJWT, jwt("supabase", "short")), "a project that was found, and is a host": foreign, "no project": none,
		"a host in place of a region": token(credential.BedrockKey, bedrockShort("evil.example")), "no region": token(credential.BedrockKey, "bedrock-api-key-"+lab.MadeUp("", 400)),
		"another form": token(credential.GitHubToken, lab.MadeUp("ghp_", 35)), "two lines": token(credential.GitHubToken, lab.MadeUp("ghp_", 36)+"\n"),
	} {
		v, err := c.Verify(t.Context(), cr)
		if !errors.Is(err, providers.ErrUnsupported) || v.Liveness != providers.Unknown || v.Detail == "" {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	if n := len(w.lab.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Keys for which every request does something are never sent, and it is said why.
func TestNeverAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	for value, kind := range map[string]credential.Kind{
		"https://api.render.com/deploy/srv-" + lab.MadeUp("", 20) + "?key=" + lab.MadeUp("", 11): credential.RenderHook,
		"https://hooks.slack.com/services/T0/B0/" + lab.MadeUp("", 24):                           credential.SlackWebhook,
		lab.MadeUp("sk-ant-ort01-", 93):                                                          credential.AnthropicKey, lab.MadeUp("whsec_", 32): credential.StripeWebhook, lab.MadeUp("ghr_", 36): credential.GitHubToken,
		lab.MadeUp("xapp-1-A0-1-", 64): credential.SlackToken, lab.MadeUp("xoxe-1-", 150): credential.SlackToken,
		lab.MadeUp("", 20): credential.SupabaseDatabase, lab.MadeUp("", 21): credential.GitRemotePassword, lab.MadeUp("", 22): "generic.something", lab.MadeUp("", 23): "vendor.new",
	} {
		cr := token(kind, value)
		if _, _, ok := c.Call(cr); ok {
			t.Errorf("a %s would be asked about", kind)
		}
		v, err := c.Verify(t.Context(), cr)
		if !errors.Is(err, providers.ErrUnsupported) || v.Liveness != providers.Unknown || v.Detail != c.WhyNot(cr) || v.Detail == "" {
			t.Errorf("%s: %+v, %v", kind, v, err)
		}
	}
	if n := len(w.lab.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Whatever the kind and the value: a value is sent only to the service whose form it
// has, and never a value that has none.
func TestNothingIsSentToAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	var kinds []credential.Kind
	for _, s := range samples() {
		kinds = append(kinds, s.key.Kind)
	}
	home := map[string]string{
		"ghp_": "github", "xoxb-": "slack", "hf_": "huggingface", "sbp_": "supabase", "pnu_": "prefect", "gsk_": "groq", "r8_": "replicate",
	}
	rapid.Check(t, func(rt *rapid.T) {
		prefix := rapid.SampledFrom([]string{"", "ghp_", "xoxb-", "hf_", "sbp_", "pnu_", "gsk_", "r8_"}).Draw(rt, "prefix")
		v := prefix + rapid.StringMatching(`[A-Za-z0-9\n -]{0,60}`).Draw(rt, "value")
		before := len(w.lab.Requests())
		_, _ = c.Verify(t.Context(), token(rapid.SampledFrom(kinds).Draw(rt, "kind"), v))
		for _, r := range w.lab.Requests()[before:] {
			if prefix != "" && r.Op != home[prefix] {
				rt.Fatalf("a value that begins with %s went to %s", prefix, r.Op)
			}
		}
	})
}
