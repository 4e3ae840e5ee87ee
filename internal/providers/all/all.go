// Package all knows every provider and builds the registry from settings.
package all

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/actions"
	"github.com/secretguard/secretguard/internal/providers/anthropic"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/elevenlabs"
	"github.com/secretguard/secretguard/internal/providers/google"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/openai"
	"github.com/secretguard/secretguard/internal/providers/openrouter"
	"github.com/secretguard/secretguard/internal/providers/prefect"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/railway"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/providers/stripe"
	"github.com/secretguard/secretguard/internal/providers/supabase"
	"github.com/secretguard/secretguard/internal/providers/xai"
	"github.com/secretguard/secretguard/internal/secret"
)

// Options say where settings come from.
type Options struct {
	// Env reads a setting; os.Getenv outside tests.
	Env func(string) string
	// BaseURL and Private return a provider's base URL and whether it may be a
	// private address, from the user's own configuration. Both may be nil.
	BaseURL func(name string) string
	Private func(name string) bool
	// AllowPrivate permits private addresses for every provider.
	AllowPrivate bool
	Version      string
	// Timeout bounds one attempt of a request; zero means 30 s.
	Timeout time.Duration
	// BackOff is the first wait between tries; zero means that of package httpx.
	BackOff time.Duration
	// Verdicts remembers what services said about leaked keys; nil for no memory.
	Verdicts *probe.Cache
}

// Problem is a provider that is not set up.
type Problem struct {
	Provider string
	Missing  string // what to set
	Sink     bool   // consumers may be there that cannot be searched
}

// factory makes one provider from its settings. Its address is the name under which
// a user may set another base URL; several providers may share one.
type factory struct {
	describe func() providers.Descriptor
	make     func(Options, *httpx.Client) (providers.Provider, error)
	address  string // empty: the provider's name
}

func factories() []factory {
	list := []factory{
		{describe: aws.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(aws.New(o.aws(c)))
		}},
		{describe: aws.SessionDescriptor, address: aws.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(aws.NewSessions(o.aws(c)))
		}},
		{describe: netlify.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(netlify.New(netlify.Config{Token: o.setting("NETLIFY_AUTH_TOKEN"), BaseURL: o.baseURL(netlify.Name), Client: c}))
		}},
		{describe: render.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(render.New(render.Config{Token: o.setting("RENDER_API_KEY"), BaseURL: o.baseURL(render.Name), Client: c}))
		}},
		{describe: actions.Descriptor, address: actions.Address, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			only := strings.FieldsFunc(o.Env("SECRETGUARD_GITHUB_REPOS"), func(r rune) bool { return r == ',' || r == ' ' })
			return orNil(actions.New(actions.Config{Token: o.setting("GITHUB_ACTIONS_TOKEN"), Repositories: only, BaseURL: o.baseURL(actions.Address), Client: c}))
		}},
		{describe: railway.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(railway.New(railway.Config{Token: o.setting("RAILWAY_API_TOKEN"), BaseURL: o.baseURL(railway.Name), Client: c}))
		}},
		{describe: stripe.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(stripe.New(stripe.Config{BaseURL: o.baseURL(stripe.Name), Client: c}))
		}},
		{describe: stripe.WebhookDescriptor, address: stripe.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return stripe.NewWebhook(stripe.WebhookConfig{
				Key: o.setting("STRIPE_API_KEY"), Endpoints: o.Env("STRIPE_WEBHOOK_ENDPOINTS"), Connect: o.Env("STRIPE_WEBHOOK_CONNECT"), BaseURL: o.baseURL(stripe.Name), Client: c,
			})
		}},
		{describe: anthropic.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return anthropic.New(anthropic.Config{AdminKey: o.setting("ANTHROPIC_ADMIN_KEY"), BaseURL: o.baseURL(anthropic.Name), Client: c})
		}},
		{describe: supabase.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) { return supabase.New(o.supabase(c)) }},
		{describe: supabase.LegacyDescriptor, address: supabase.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return supabase.NewLegacy(o.supabase(c))
		}},
		{describe: supabase.JWTDescriptor, address: supabase.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			wait, err := o.duration("SUPABASE_JWT_WAIT")
			if err != nil {
				return nil, err
			}
			cfg := o.supabase(c)
			cfg.JWTWait = wait
			return supabase.NewJWT(cfg)
		}},
		{describe: supabase.DatabaseDescriptor, address: supabase.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			cfg := o.supabase(c)
			cfg.DatabaseURL, cfg.DatabaseCA = o.Env("SECRETGUARD_SUPABASE_DATABASE_URL"), o.setting("SUPABASE_DATABASE_CA").Reveal()
			return supabase.NewDatabase(cfg)
		}},
		{describe: prefect.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return prefect.New(prefect.Config{Key: o.setting("PREFECT_API_KEY"), KeyID: o.Env("PREFECT_KEY_ID"), BaseURL: o.baseURL(prefect.Name), Client: c})
		}},
		{describe: prefect.BotDescriptor, address: prefect.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			overlap, err := o.duration("PREFECT_OLD_KEY_LIFETIME")
			if err != nil {
				return nil, err
			}
			return prefect.NewBot(prefect.Config{Key: o.setting("PREFECT_API_KEY"), Account: o.Env("PREFECT_ACCOUNT_ID"), Overlap: overlap, BaseURL: o.baseURL(prefect.Name), Client: c})
		}},
		{describe: prefect.ServerDescriptor, address: prefect.ServerAddress, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return prefect.NewServer(prefect.Config{BaseURL: o.baseURL(prefect.ServerAddress), Client: c})
		}},
		{describe: google.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return google.New(google.Config{
				AccessToken: o.setting("GOOGLE_OAUTH_ACCESS_TOKEN"), Project: o.Env("GOOGLE_CLOUD_PROJECT"), BaseURL: o.baseURL(google.Name),
				KeysURL: o.Env("SECRETGUARD_GOOGLE_APIKEYS_URL"), Client: c,
			})
		}},
		{describe: openrouter.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return openrouter.New(openrouter.Config{ManagementKey: o.setting("OPENROUTER_MANAGEMENT_KEY"), BaseURL: o.baseURL(openrouter.Name), Client: c})
		}},
		{describe: elevenlabs.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return elevenlabs.New(elevenlabs.Config{
				AdminKey: o.setting("ELEVENLABS_ADMIN_KEY"), Account: o.Env("ELEVENLABS_SERVICE_ACCOUNT"), KeyID: o.Env("ELEVENLABS_KEY_ID"),
				BaseURL: o.baseURL(elevenlabs.Name), Client: c,
			})
		}},
		{describe: xai.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return xai.New(xai.Config{
				ManagementKey: o.setting("XAI_MANAGEMENT_KEY"), Team: o.Env("XAI_TEAM_ID"), BaseURL: o.baseURL(xai.Name),
				ManagementURL: o.Env("SECRETGUARD_XAI_MANAGEMENT_URL"), Client: c,
			})
		}},
		{describe: openai.ServiceDescriptor, address: openai.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return openai.NewService(o.openai(c))
		}},
		{describe: openai.AdminDescriptor, address: openai.Name, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return openai.NewAdmin(o.openai(c))
		}},
		{describe: openai.Descriptor, make: func(o Options, c *httpx.Client) (providers.Provider, error) { return openai.New(o.openai(c)) }},
	}
	for _, s := range guided.Table() {
		address, _, _, _ := probe.Of(s.Kind)
		list = append(list, factory{describe: s.Descriptor, address: address, make: func(o Options, c *httpx.Client) (providers.Provider, error) {
			return guided.Open(s, guided.Config{Base: o.baseURL, Client: c}), nil
		}})
	}
	return list
}

func (o Options) openai(c *httpx.Client) openai.Config {
	return openai.Config{AdminKey: o.setting("OPENAI_ADMIN_KEY"), BaseURL: o.baseURL(openai.Name), Client: c}
}

func (o Options) supabase(c *httpx.Client) supabase.Config {
	return supabase.Config{
		AccessToken: o.setting("SUPABASE_ACCESS_TOKEN"), Ref: o.Env("SUPABASE_PROJECT_REF"), BaseURL: o.baseURL(supabase.Name), ProjectURL: o.baseURL("supabase_project"), Client: c,
	}
}

// duration reads a setting such as "1h30m"; zero when it is not set.
func (o Options) duration(name string) (time.Duration, error) {
	v := o.Env(name)
	if v == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s is no length of time such as 30m or 4h", name)
	}
	return d, nil
}

func (f factory) where() string { return cmp.Or(f.address, f.describe().Name) }

// aws returns the settings of the AWS provider.
func (o Options) aws(c *httpx.Client) aws.Config {
	shared := cmp.Or(o.Env("AWS_ENDPOINT_URL"), o.baseURL(aws.Name))
	return aws.Config{
		KeyID: o.setting("AWS_ACCESS_KEY_ID").Reveal(), Secret: o.setting("AWS_SECRET_ACCESS_KEY"), SessionToken: o.setting("AWS_SESSION_TOKEN"),
		Region: cmp.Or(o.Env("AWS_REGION"), o.Env("AWS_DEFAULT_REGION")), Client: c, Version: o.Version,
		IAMEndpoint: cmp.Or(o.Env("AWS_ENDPOINT_URL_IAM"), shared), STSEndpoint: cmp.Or(o.Env("AWS_ENDPOINT_URL_STS"), shared),
		SQSEndpoint: cmp.Or(o.Env("AWS_ENDPOINT_URL_SQS"), shared),
	}
}

// Queues returns who looks at message queues: it works without an access of the
// operator's own, and tells less then.
func Queues(o Options) (providers.QueueInspector, error) {
	return aws.NewQueues(o.aws(o.client(aws.Name)))
}

// client returns the HTTP client for a provider.
func (o Options) client(name string) *httpx.Client {
	return httpx.New(httpx.Options{
		AllowPrivate: o.AllowPrivate || (o.Private != nil && o.Private(name)), Version: o.Version, Timeout: o.Timeout, BackOff: o.BackOff,
	})
}

// orNil keeps a nil pointer from becoming a non-nil interface.
func orNil[P providers.Provider](p P, err error) (providers.Provider, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Registry builds the providers that are set up, and says what the others lack.
func Registry(o Options) (providers.Registry, []Problem) {
	var list []providers.Provider
	var problems []Problem
	for _, f := range factories() {
		d := f.describe()
		p, err := f.make(o, o.client(f.where()))
		if unread := o.unreadable(d); unread != nil {
			err = unread
		}
		if err != nil {
			sink := false
			for _, r := range d.Roles {
				sink = sink || r == providers.RoleSink
			}
			problems = append(problems, Problem{Provider: d.Name, Missing: err.Error(), Sink: sink})
			continue
		}
		list = append(list, p)
	}
	checks := probe.New(probe.Options{BaseURL: o.baseURL, AllowPrivate: o.AllowPrivate, Version: o.Version, Timeout: o.Timeout, Cache: o.Verdicts})
	return providers.NewRegistry(list...).WithChecks(withAWS{Checker: checks, aws: aws.CheckOnly(o.aws(o.client(aws.Name)))}), problems
}

// withAWS checks AWS keys too when no access of one's own is set up: a key is checked
// with itself.
type withAWS struct {
	*probe.Checker

	aws providers.Verifier
}

// Call implements providers.KindVerifier.
func (w withAWS) Call(c credential.Credential) (who, call string, ok bool) {
	if d := aws.Descriptor(); slices.Contains(d.Kinds, credential.Wide(c.Kind)) {
		return d.Title, d.VerifyCall, c.Complete()
	}
	return w.Checker.Call(c)
}

// Verify implements providers.Verifier.
func (w withAWS) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	if d := aws.Descriptor(); slices.Contains(d.Kinds, credential.Wide(c.Kind)) && c.Complete() {
		return w.Through(d.Name, d.VerifyCall, w.aws).Verify(ctx, c)
	}
	return w.Checker.Verify(ctx, c)
}

// EndpointNames returns the names of everything whose address a user may set:
// providers, and services that are only asked whether a key works.
func EndpointNames() []string {
	list := probe.Names()
	for _, f := range factories() {
		list = append(list, f.where())
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Descriptors returns every provider as data, set up or not.
func Descriptors() []providers.Descriptor {
	var out []providers.Descriptor
	for _, f := range factories() {
		out = append(out, f.describe())
	}
	return out
}

// Names returns the names of all providers.
func Names() []string {
	var out []string
	for _, d := range Descriptors() {
		out = append(out, d.Name)
	}
	return out
}

// setting reads a setting from the environment, or from the file that
// NAME_FILE names.
func (o Options) setting(name string) secret.Text {
	if v := o.Env(name); v != "" {
		return secret.New(v)
	}
	if path := o.Env(name + "_FILE"); path != "" {
		b, err := os.ReadFile(path)
		if err == nil {
			return secret.New(strings.TrimSpace(string(b)))
		}
	}
	return secret.Text{}
}

// unreadable reports a setting whose file was named and cannot be read: "not set"
// would send the user looking in the wrong place.
func (o Options) unreadable(d providers.Descriptor) error {
	for _, s := range d.Settings {
		path := o.Env(s.Env + "_FILE")
		if path == "" || o.Env(s.Env) != "" {
			continue
		}
		if _, err := os.ReadFile(path); err != nil {
			return fmt.Errorf("read the file that %s_FILE names: %w", s.Env, err)
		}
	}
	return nil
}

func (o Options) baseURL(name string) string {
	if v := o.Env("SECRETGUARD_" + strings.ToUpper(name) + "_URL"); v != "" {
		return v
	}
	if o.BaseURL != nil {
		return o.BaseURL(name)
	}
	return ""
}
