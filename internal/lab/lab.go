// Package lab holds twins of the outside services on loopback: AWS IAM and STS,
// Netlify, Render and Stripe. They keep state and behave like the real ones where it
// hurts: two keys a user, keys that need time to work and to stop working,
// deploys that take time, answers that get lost. Tests, the demo and
// "secretguard lab serve" run on them.
//
// Start with [Start]. Everything here is safe for use from many goroutines.
package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options set the lab's speed. The zero value is fast: for tests.
type Options struct {
	KeyDelay     time.Duration // until a new key is accepted
	DrainTime    time.Duration // how long the instances of a replaced deploy still work
	DisableDelay time.Duration // until a disabled or deleted key is refused
	DeployTime   time.Duration // from start to live
	// Wrap, when set, stands before a twin: a test validates requests and
	// answers there.
	Wrap func(service string, twin http.Handler) http.Handler
}

// DemoOptions are slow enough to be watched.
func DemoOptions() Options {
	return Options{KeyDelay: 700 * time.Millisecond, DisableDelay: 400 * time.Millisecond, DeployTime: 600 * time.Millisecond}
}

// Request is one request that a twin served. It holds no header and no body.
type Request struct {
	Service string // aws, netlify, render, actions, railway, stripe
	Method  string
	Path    string
	URL     string // path and query, as they came
	Op      string // "CreateAccessKey", "PATCH env"
	Mutates bool
}

// Lab is a running set of twins.
type Lab struct {
	AWS     *AWS
	Netlify *Netlify
	Render  *Render
	Actions *Actions
	Railway *Railway
	// Services answer whether a leaked key works.
	Services *Services
	Stripe   *Stripe
	// Issuers by calls, below the same address as Services.
	OpenAI     *OpenAI
	Anthropic  *Anthropic
	Supabase   *Supabase
	Prefect    *Prefect
	OpenRouter *OpenRouter
	XAI        *XAI
	Google     *Google
	ElevenLabs *ElevenLabs
	Flows      *Flows

	opts    Options
	servers []*http.Server
	urls    map[string]string
	wg      sync.WaitGroup
	stop    chan struct{} // closed when somebody asks the lab to stop
	once    sync.Once
	closed  chan struct{} // closed by Close
	closing sync.Once

	mu       sync.Mutex
	requests []Request
	looks    int // requests to the lab itself
	faults   map[string][]Fault
}

// Start listens on loopback, one port for each service, and serves until Close;
// ctx bounds only the start.
func Start(ctx context.Context, o Options) (*Lab, error) {
	l := &Lab{opts: o, urls: map[string]string{}, faults: map[string][]Fault{}, stop: make(chan struct{}), closed: make(chan struct{})}
	l.AWS = newAWS(l)
	l.Netlify = newNetlify(l)
	l.Render = newRender(l)
	l.Actions, l.Railway = newActions(l), newRailway(l)
	l.Services = newServices(l)
	l.Stripe = newStripe(l)
	l.OpenAI, l.Anthropic, l.Supabase, l.Prefect = newOpenAI(l), newAnthropic(l), newSupabase(l), newPrefect(l)
	l.OpenRouter, l.XAI, l.Google = newOpenRouter(l), newXAI(l), newGoogle(l)
	l.ElevenLabs = newElevenLabs(l)
	for _, v := range []*Vault{l.OpenAI.Vault, l.Anthropic.Vault, l.Supabase.Vault, l.Prefect.Vault, l.OpenRouter.Vault, l.XAI.Vault, l.Google.Vault, l.ElevenLabs.Vault} {
		l.Services.vaults[v.name] = v
	}
	l.Services.vaults["supabase_project"] = l.Supabase.Vault // the address that its keys open
	l.Flows = newFlows(l)
	if err := l.Supabase.Database.listen(ctx); err != nil {
		l.Close()
		return nil, err
	}
	for name, h := range map[string]http.Handler{
		"aws": l.AWS, "netlify": l.Netlify, "render": l.Render, "actions": l.Actions, "railway": l.Railway, "stripe": l.Stripe, "services": l.Services, "flows": l.Flows, "lab": http.HandlerFunc(l.admin), "app": http.HandlerFunc(l.app),
	} {
		if o.Wrap != nil {
			h = o.Wrap(name, h)
		}
		if err := l.listen(ctx, name, h); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func (l *Lab) listen(ctx context.Context, name string, h http.Handler) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the %s twin: %w", name, err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	l.servers = append(l.servers, srv)
	l.urls[name] = "http://" + ln.Addr().String()
	l.wg.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.once.Do(func() { close(l.stop) })
		}
	})
	return nil
}

// Close ends all servers and waits for them. It may be called twice.
func (l *Lab) Close() {
	l.closing.Do(func() { close(l.closed) })
	for _, s := range l.servers {
		_ = s.Close() // a twin has nothing to flush
	}
	l.wg.Wait()
}

// Stopped is closed when somebody asked the lab to stop over HTTP.
func (l *Lab) Stopped() <-chan struct{} { return l.stop }

// URL returns the address of aws, netlify, render, actions, railway, services, database (of Supabase), lab (for people)
// or app (the consumers' health).
func (l *Lab) URL(name string) string { return l.urls[name] }

// Env returns the settings that point SecretGuard at the lab.
func (l *Lab) Env() map[string]string {
	id, sec := l.AWS.admin()
	env := map[string]string{
		"AWS_ENDPOINT_URL": l.urls["aws"], "AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": sec, "AWS_REGION": "us-east-1",
		"SECRETGUARD_NETLIFY_URL": l.urls["netlify"] + "/api/v1", "NETLIFY_AUTH_TOKEN": l.Netlify.token,
		"SECRETGUARD_RENDER_URL": l.urls["render"] + "/v1", "RENDER_API_KEY": l.Render.token,
		"SECRETGUARD_STRIPE_URL": l.urls["stripe"], "STRIPE_API_KEY": l.Stripe.own, "STRIPE_WEBHOOK_ENDPOINTS": l.Stripe.hookEnds(),
		"OPENAI_ADMIN_KEY": l.OpenAI.own, "ANTHROPIC_ADMIN_KEY": l.Anthropic.own,
		"SECRETGUARD_GITHUB_ACTIONS_URL": l.urls["actions"], "GITHUB_ACTIONS_TOKEN": l.Actions.token,
		"SECRETGUARD_RAILWAY_URL": l.urls["railway"], "RAILWAY_API_TOKEN": l.Railway.token,
		"SUPABASE_ACCESS_TOKEN": l.Supabase.own, "SUPABASE_PROJECT_REF": l.Supabase.ref, "SUPABASE_JWT_WAIT": "50ms", "SECRETGUARD_SUPABASE_DATABASE_URL": l.urls["database"], "PREFECT_API_KEY": l.Prefect.own, "PREFECT_ACCOUNT_ID": l.Prefect.account,
		"OPENROUTER_MANAGEMENT_KEY": l.OpenRouter.own, "XAI_MANAGEMENT_KEY": l.XAI.own, "XAI_TEAM_ID": l.XAI.team, "SECRETGUARD_XAI_MANAGEMENT_URL": l.urls["services"] + "/xai",
		"ELEVENLABS_ADMIN_KEY": l.ElevenLabs.own, "ELEVENLABS_SERVICE_ACCOUNT": l.ElevenLabs.account,
		"GOOGLE_OAUTH_ACCESS_TOKEN": l.Google.own, "GOOGLE_CLOUD_PROJECT": l.Google.project, "SECRETGUARD_GOOGLE_APIKEYS_URL": l.urls["services"] + "/google",
	}
	for name := range serviceTwins {
		if key := "SECRETGUARD_" + strings.ToUpper(name) + "_URL"; env[key] == "" { // a twin of its own
			env[key] = l.urls["services"] + "/" + name
		}
	}
	return env
}

// Requests returns what was served so far, oldest first.
func (l *Lab) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Request(nil), l.requests...)
}

// Served returns how many requests were served so far, looks at the lab itself
// among them: whoever waits for it to be idle must see that it is wanted.
func (l *Lab) Served() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.requests) + l.looks
}

func (l *Lab) record(r Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
}

// MadeUp returns prefix and n random letters and digits: a value that looks like
// a key of that family and opens nothing.
func MadeUp(prefix string, n int) string {
	return prefix + random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", n)
}

func random(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic("lab: no random numbers")
		}
		b.WriteByte(alphabet[i.Int64()])
	}
	return b.String()
}

// MadeUpOf returns n random characters of an alphabet.
func MadeUpOf(alphabet string, n int) string { return random(alphabet, n) }
