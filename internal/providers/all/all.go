// Package all knows every provider and builds the registry from settings.
package all

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/render"
	"github.com/secretguard/secretguard/internal/providers/stripe"
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

// factory makes one provider from its settings.
type factory struct {
	describe func() providers.Descriptor
	make     func(Options, *httpx.Client) (providers.Provider, error)
}

func factories() []factory {
	return []factory{
		{aws.Descriptor, func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(aws.New(o.aws(c)))
		}},
		{netlify.Descriptor, func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(netlify.New(netlify.Config{Token: o.setting("NETLIFY_AUTH_TOKEN"), BaseURL: o.baseURL(netlify.Name), Client: c}))
		}},
		{render.Descriptor, func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(render.New(render.Config{Token: o.setting("RENDER_API_KEY"), BaseURL: o.baseURL(render.Name), Client: c}))
		}},
		{stripe.Descriptor, func(o Options, c *httpx.Client) (providers.Provider, error) {
			return orNil(stripe.New(stripe.Config{BaseURL: o.baseURL(stripe.Name), Client: c}))
		}},
	}
}

func (o Options) aws(c *httpx.Client) aws.Config {
	shared := first(o.Env("AWS_ENDPOINT_URL"), o.baseURL(aws.Name))
	return aws.Config{
		KeyID: o.setting("AWS_ACCESS_KEY_ID").Reveal(), Secret: o.setting("AWS_SECRET_ACCESS_KEY"), SessionToken: o.setting("AWS_SESSION_TOKEN"),
		Region: first(o.Env("AWS_REGION"), o.Env("AWS_DEFAULT_REGION")), Client: c, Version: o.Version,
		IAMEndpoint: first(o.Env("AWS_ENDPOINT_URL_IAM"), shared), STSEndpoint: first(o.Env("AWS_ENDPOINT_URL_STS"), shared),
	}
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
		p, err := f.make(o, o.client(d.Name))
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

func (o Options) client(name string) *httpx.Client {
	return httpx.New(httpx.Options{
		AllowPrivate: o.AllowPrivate || (o.Private != nil && o.Private(name)), Version: o.Version, Timeout: o.Timeout, BackOff: o.BackOff,
	})
}

// withAWS checks AWS keys too when no access of one's own is set up: a key is checked
// with itself.
type withAWS struct {
	*probe.Checker

	aws providers.Verifier
}

// Call implements providers.KindVerifier.
func (w withAWS) Call(c credential.Credential) (who, call string, ok bool) {
	if d := aws.Descriptor(); slices.Contains(d.Kinds, c.Kind) {
		return d.Title, d.VerifyCall, c.Complete()
	}
	return w.Checker.Call(c)
}

// Verify implements providers.Verifier.
func (w withAWS) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	if d := aws.Descriptor(); slices.Contains(d.Kinds, c.Kind) && c.Complete() {
		return w.Through(d.Name, d.VerifyCall, w.aws).Verify(ctx, c)
	}
	return w.Checker.Verify(ctx, c)
}

// EndpointNames returns the names of everything whose address a user may set:
// providers, and services that are only asked whether a key works.
func EndpointNames() []string {
	list := append(Names(), probe.Names()...)
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

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
