package probe_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
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
	"github.com/secretguard/secretguard/internal/secret"
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

func token(kind credential.Kind, value string) credential.Credential {
	return credential.Credential{Kind: kind, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(value)}}
}

const hexDigits = "0123456789abcdef"

// keys are a made-up key of each service.
func keys() map[string]credential.Credential {
	return map[string]credential.Credential{
		"openai":    token(credential.OpenAIKey, lab.MadeUp("sk-", 20)+"T3BlbkFJ"+lab.MadeUp("", 20)),
		"anthropic": token(credential.AnthropicKey, lab.MadeUp("sk-ant-api03-", 93)+"AA"), "google": token(credential.GoogleAPIKey, lab.MadeUp("AIza", 35)),
		"github": token(credential.GitHubToken, lab.MadeUp("ghp_", 36)), "slack": token(credential.SlackToken, "xoxb-"+lab.MadeUpOf("0123456789", 12)+"-"+lab.MadeUpOf("0123456789", 12)+"-"+lab.MadeUp("", 24)),
		"huggingface": token(credential.HuggingFaceToken, lab.MadeUp("hf_", 34)), "supabase": token(credential.SupabaseToken, "sbp_"+lab.MadeUpOf(hexDigits, 40)),
		"prefect": token(credential.PrefectUserKey, lab.MadeUp("pnu_", 36)), "groq": token(credential.GroqKey, lab.MadeUp("gsk_", 52)),
		"openrouter": token(credential.OpenRouterKey, "sk-or-v1-"+lab.MadeUpOf(hexDigits, 64)), "xai": token(credential.XAIKey, lab.MadeUp("xai-", 80)),
		"replicate": token(credential.ReplicateKey, lab.MadeUp("r8_", 37)), "elevenlabs": token(credential.ElevenLabsKey, "sk_"+lab.MadeUpOf(hexDigits, 48)),
		"langsmith": token(credential.LangSmithKey, "lsv2_pt_"+lab.MadeUpOf(hexDigits, 32)+"_"+lab.MadeUpOf(hexDigits, 10)),
		"deepseek":  token(credential.DeepSeekKey, "sk-"+lab.MadeUpOf(hexDigits, 32)), "mistral": token(credential.MistralKey, lab.MadeUp("", 32)),
		"netlify": token(credential.NetlifyToken, lab.MadeUp("nfp_", 36)), "render": token(credential.RenderKey, lab.MadeUp("rnd_", 28)),
		"cohere": token(credential.CohereKey, lab.MadeUp("", 40)), "twocaptcha": token(credential.TwoCaptchaKey, lab.MadeUpOf(hexDigits, 32)),
		"supabase_project": token(credential.SupabaseLegacyJWT, jwt("supabase", strings.Repeat("abcd", 5))),
		"railway":          token(credential.RailwayToken, lab.MadeUpOf(hexDigits, 8)+strings.Repeat("-"+lab.MadeUpOf(hexDigits, 4), 3)+"-"+lab.MadeUpOf(hexDigits, 12)),
	}
}

// jwt makes a token that names a project.
func jwt(issuer, ref string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + e([]byte(`{"iss":"`+issuer+`","ref":"`+ref+`","role":"anon"}`)) + "." + lab.MadeUp("", 43)
}

// A token is shown to the project that it names, and to nobody when it names none.
func TestATokenWithoutAProjectIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range []string{jwt("supabase", "a.evil.example/aaaaa"), jwt("other", strings.Repeat("abcd", 5)), jwt("supabase", "short")} {
		if _, err := w.checker(nil).Verify(t.Context(), token(credential.SupabaseLegacyJWT, v)); !errors.Is(err, providers.ErrUnsupported) {
			t.Errorf("got %v", err)
		}
	}
	if n := len(w.lab.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

func value(c credential.Credential) string { return c.Part(credential.PartToken).Reveal() }

// Every service of the twin: a key that it knows is live, one that it does not know
// is dead, or unknown where its refusal proves nothing.
func TestLiveAndDead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	all := keys()
	for _, name := range lab.ServiceNames() {
		cr, ok := all[name]
		if !ok {
			t.Errorf("no key of %s is tried", name)
			continue
		}
		want := providers.Dead
		if name == "railway" {
			want = providers.Unknown
		}
		if v, err := c.Verify(t.Context(), cr); err != nil || v.Liveness != want {
			t.Errorf("%s, a key that is not known: %+v, %v", name, v, err)
		}
		w.lab.Services.Know(name, value(cr))
		v, err := c.Verify(t.Context(), cr)
		if err != nil || v.Liveness != providers.Live || v.Grade == providers.GradeNone || v.At.IsZero() {
			t.Errorf("%s, a key that works: %+v, %v", name, v, err)
		}
		if v.Grade == providers.GradeIdentity && v.Identity.Who == "" && v.Identity.Account == "" {
			t.Errorf("%s: an identity without a name", name)
		}
	}
	for _, name := range []string{"openai", "google", "elevenlabs"} {
		w.lab.Services.KnowLittle(name, value(all[name]))
		if v, err := c.Verify(t.Context(), all[name]); err != nil || v.Liveness != providers.Live {
			t.Errorf("%s, a key with few rights: %+v, %v", name, v, err)
		}
	}
}

// Services that lie: none of this proves anything, and none makes a key dead or live.
func TestLiars(t *testing.T) {
	t.Parallel()
	const page = "<html><body>Request blocked</body></html>"
	for name, f := range map[string]lab.Fault{
		"HTML with 200":            {Status: 200, Body: page, Times: 9},
		"a firewall's 403":         {Status: 403, Body: page, Times: 9},
		"a firewall's 401":         {Status: 401, Body: page, Times: 9},
		"403 in JSON":              {Status: 403, Code: "forbidden", Times: 9},
		"401 in JSON, other words": {Status: 401, Code: "come back later", Times: 9},
		"200 in JSON, other words": {Status: 200, Body: `{"ok":1}`, ContentType: "application/json", Times: 9},
		"200, broken JSON":         {Status: 200, Body: `{"object":"bal`, ContentType: "application/json", Times: 9},
		"200, null":                {Status: 200, Body: `null`, ContentType: "application/json", Times: 9},
		"a storm":                  {Status: 429, Times: 99},
		"out of order":             {Status: 503, Times: 9},
		"cut off":                  {DropBefore: true, Times: 9},
		"slow":                     {Delay: time.Hour, Times: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := w.checker(func(o *probe.Options) { o.Timeout = 300 * time.Millisecond })
			for service, cr := range keys() {
				if service != "openai" && service != "github" && service != "slack" {
					continue
				}
				w.lab.Services.Know(service, value(cr))
				w.lab.Fault("services", service, f)
				v, err := c.Verify(t.Context(), cr)
				if v.Liveness != providers.Unknown {
					t.Errorf("%s: %+v", service, v)
				}
				if err != nil && strings.Contains(err.Error(), value(cr)) {
					t.Error("the error holds the key")
				}
			}
		})
	}
}

// A key is not taken along to another host.
func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var reached atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(elsewhere.Close)
	cr := keys()["openai"]
	w.lab.Fault("services", "openai", lab.Fault{Status: 302, Header: map[string]string{"Location": elsewhere.URL}, Times: 9})
	v, _ := w.checker(nil).Verify(t.Context(), cr)
	if v.Liveness != providers.Unknown || reached.Load() {
		t.Errorf("%+v, the other host was reached: %v", v, reached.Load())
	}
}

// A private address is refused unless it was allowed.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, err := w.checker(func(o *probe.Options) { o.AllowPrivate = false }).Verify(t.Context(), keys()["openai"])
	if err == nil || v.Liveness != providers.Unknown || len(w.lab.Requests()) != 0 {
		t.Errorf("%+v, %v, %d requests", v, err, len(w.lab.Requests()))
	}
}

// A service that asks to be left alone is left alone, by other keys too.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	w.lab.Fault("services", "openai", lab.Fault{Status: 429, RetryAfter: "7", Times: 99})
	_, err := c.Verify(t.Context(), keys()["openai"])
	if !errors.Is(err, providers.ErrRateLimited) || len(w.lab.Requests()) != probe.Tries {
		t.Fatalf("%v after %d requests", err, len(w.lab.Requests()))
	}
	for _, d := range w.waits {
		if d < 7*time.Second {
			t.Errorf("waited %s, the service asked for 7 s", d)
		}
	}
	w.lab.Calm()
	if _, err := c.Verify(t.Context(), keys()["openai"]); !errors.Is(err, providers.ErrRateLimited) || len(w.lab.Requests()) != probe.Tries {
		t.Errorf("asked again at once: %v", err)
	}
	w.now.Store(120)
	if v, err := c.Verify(t.Context(), keys()["openai"]); err != nil || v.Liveness != providers.Dead {
		t.Errorf("after the wait: %+v, %v", v, err)
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	for range probe.Budget {
		if _, err := c.Verify(t.Context(), keys()["groq"]); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := c.Verify(t.Context(), keys()["groq"]); !errors.Is(err, providers.ErrUnsupported) || v.Liveness != providers.Unknown {
		t.Errorf("beyond the budget: %+v, %v", v, err)
	}
}

// One key, asked about from many goroutines, is one request.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, cr := w.checker(nil), keys()["openai"]
	w.lab.Fault("services", "openai", lab.Fault{Delay: 200 * time.Millisecond})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if v, err := c.Verify(t.Context(), cr); err != nil || v.Liveness != providers.Dead {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
	wg.Wait()
	if n := len(w.lab.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// The cache answers in place of the service, ends, and holds no key.
func TestCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	open := func() *probe.Checker {
		cache, err := probe.OpenCache(dir)
		if err != nil {
			t.Fatal(err)
		}
		return w.checker(func(o *probe.Options) { o.Cache = cache })
	}
	cr := keys()["github"]
	w.lab.Services.Know("github", value(cr))
	for range 3 {
		if v, err := open().Verify(t.Context(), cr); err != nil || v.Liveness != providers.Live || v.Identity.Who != "jo" {
			t.Fatalf("%+v, %v", v, err)
		}
	}
	if n := len(w.lab.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	w.lab.Services.Forget("github", value(cr))
	w.now.Store(3600)
	if v, _ := open().Verify(t.Context(), cr); v.Liveness != providers.Dead {
		t.Errorf("an hour later: %+v", v)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		info, _ := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, mode %v", f, err, info.Mode())
		}
		for i := 0; i+8 <= len(value(cr)); i++ {
			if strings.Contains(string(b), value(cr)[i:i+8]) {
				t.Fatalf("%s holds a piece of the key", f)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "verdicts.json"), []byte("null"), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := open().Verify(t.Context(), cr); err != nil || v.Liveness != providers.Dead {
		t.Errorf("with a damaged cache: %+v, %v", v, err)
	}
}

// Whatever the kind and the value: a value is sent only to the service whose form it
// has, and never a value that has none.
func TestNothingIsSentToAStranger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.checker(nil)
	all := keys()
	var kinds []credential.Kind
	for _, cr := range all {
		kinds = append(kinds, cr.Kind)
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
	for _, name := range probe.Names() {
		if all[name].Kind == "" && name != "netlify" && name != "render" {
			t.Errorf("%s is never tried", name)
		}
	}
}
