package all_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/actions"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func env(m map[string]string) func(string) string { return func(n string) string { return m[n] } }

// A provider that is written and not registered would never run.
func TestEveryFolderIsRegistered(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() && !slices.Contains([]string{"all", "providertest", "probe", "scaffold", "tokens"}, e.Name()) { // these provide nothing by themselves
			folders = append(folders, e.Name())
		}
	}
	names := []string{"guided"} // a table: many providers that differ in data only
	table := guided.Table()
	for _, name := range all.Names() {
		if slices.ContainsFunc(table, func(s guided.Service) bool { return s.Name == name }) {
			continue
		}
		folder, _, _ := strings.Cut(name, "-") // "openai-service" stands beside "openai"
		if name == actions.Name {
			folder = "actions" // GitHub as a sink; as an issuer it is another
		}
		names = append(names, folder)
	}
	slices.Sort(names)
	if names = slices.Compact(names); !slices.Equal(folders, names) {
		t.Errorf("folders %v, registered %v", folders, names)
	}
	for _, f := range folders {
		b, err := filepath.Glob(filepath.Join("..", f, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(b, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), "providertest.Run(")
		}) {
			t.Errorf("%s does not run the conformance suite", f)
		}
	}
}

// Without settings no provider is there but those that need none, and each other
// says all that it lacks.
func TestMissingSettings(t *testing.T) {
	t.Parallel()
	reg, problems := all.Registry(all.Options{Env: env(nil)})
	if len(reg.All())+len(problems) != len(all.Names()) {
		t.Fatalf("%d providers, problems %+v", len(reg.All()), problems)
	}
	for _, d := range all.Descriptors() {
		if !slices.ContainsFunc(d.Settings, func(s providers.Setting) bool { return s.Required }) {
			if _, there := reg.Get(d.Name); !there {
				t.Errorf("%s needs nothing, and is not there", d.Name)
			}
			continue
		}
		i := slices.IndexFunc(problems, func(p all.Problem) bool { return p.Provider == d.Name })
		for _, s := range d.Settings {
			if s.Required != strings.Contains(problems[i].Missing, s.Env) {
				t.Errorf("%s: setting %s, problem %q", d.Name, s.Env, problems[i].Missing)
			}
		}
		if problems[i].Sink != slices.Contains(d.Roles, providers.RoleSink) {
			t.Errorf("%s: %+v", d.Name, problems[i])
		}
	}
}

// Each setting can come from a file; one that cannot be read is named.
func TestSettingsFromFiles(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	vars, dir := l.Env(), t.TempDir()
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "NETLIFY_AUTH_TOKEN", "RENDER_API_KEY"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(vars[name]+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		delete(vars, name)
		vars[name+"_FILE"] = path
	}
	reg, problems := all.Registry(all.Options{Env: env(vars), AllowPrivate: true})
	if len(problems) != 0 {
		t.Fatalf("problems %+v", problems)
	}
	for _, p := range reg.Sinks() {
		s, _ := providers.As[providers.Sink](p)
		if _, err := s.Locate(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", p.Describe().Name, err)
		}
	}
	vars["RENDER_API_KEY_FILE"] = filepath.Join(dir, "nowhere")
	_, problems = all.Registry(all.Options{Env: env(vars), AllowPrivate: true})
	if len(problems) != 1 || problems[0].Provider != "render" || !strings.Contains(problems[0].Missing, "RENDER_API_KEY_FILE") {
		t.Errorf("problems %+v", problems)
	}
}

// A private address is reached only where the user allows it: for all providers
// or for one.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	for name, tc := range map[string]struct {
		o    all.Options
		want map[string]bool
	}{
		"nobody":   {all.Options{}, map[string]bool{}},
		"everyone": {all.Options{AllowPrivate: true}, map[string]bool{"netlify": true, "render": true, "github-actions": true, "railway": true}},
		"render":   {all.Options{Private: func(n string) bool { return n == "render" }}, map[string]bool{"render": true}},
	} {
		tc.o.Env = env(l.Env())
		reg, _ := all.Registry(tc.o)
		for _, p := range reg.Sinks() {
			s, _ := providers.As[providers.Sink](p)
			_, err := s.Locate(t.Context(), nil)
			n := p.Describe().Name
			if (err == nil) != tc.want[n] || err != nil && !errors.Is(err, httpx.ErrPrivate) {
				t.Errorf("%s: %s: %v", name, n, err)
			}
		}
		v, _ := reg.IssuerOf(credential.AWSAccessKey)
		verifier, _ := providers.As[providers.Verifier](v)
		verdict, err := verifier.Verify(t.Context(), credential.Credential{Parts: map[credential.Part]secret.Text{
			credential.PartID: secret.New("x"), credential.PartSecret: secret.New("y"),
		}})
		if name != "everyone" && (verdict.Liveness != providers.Unknown || !errors.Is(err, httpx.ErrPrivate)) {
			t.Errorf("%s: aws: %+v, %v", name, verdict, err)
		}
	}
}

// The environment wins over the configuration; AWS has endpoints of its own.
func TestBaseURLs(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	vars := l.Env()
	from := map[string]string{"netlify": vars["SECRETGUARD_NETLIFY_URL"], "render": "http://127.0.0.1:1", "aws": vars["AWS_ENDPOINT_URL"]}
	delete(vars, "SECRETGUARD_NETLIFY_URL")
	delete(vars, "AWS_ENDPOINT_URL")
	vars["AWS_ENDPOINT_URL_STS"] = l.URL("aws")
	reg, problems := all.Registry(all.Options{Env: env(vars), BaseURL: func(n string) string { return from[n] }, AllowPrivate: true})
	if len(problems) != 0 {
		t.Fatal(problems)
	}
	for _, p := range reg.Sinks() {
		s, _ := providers.As[providers.Sink](p)
		if _, err := s.Locate(t.Context(), nil); err != nil {
			t.Errorf("%s: %v", p.Describe().Name, err)
		}
	}
	l.AWS.CreateUser("bot")
	id, sec := l.AWS.CreateKey("bot")
	p, _ := reg.Get("aws")
	in, _ := providers.As[providers.Inspector](p)
	if _, err := in.Inspect(t.Context(), credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
		credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec),
	}}); err != nil {
		t.Error(err)
	}
}
