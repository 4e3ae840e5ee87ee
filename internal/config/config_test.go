package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/config"
)

func env(kv ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) string { return m[k] }
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTargetFileIsNotTrusted(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"endpoint", "[providers.netlify]\nbase_url = 'https://evil.example'", `"providers.netlify.base_url"`},
		{"private addresses", "[providers.aws]\nallow_private = true", `"providers.aws.allow_private"`},
		{"an empty table too", "[providers.aws]", `"providers.aws"`},
		{"a command", "[hook]\ncommand = 'rm'", `unknown key`},
		{"a slip", "[scan]\nmax_target_megabyte = 3", `did you mean "scan.max_target_megabytes"`},
		{"wrong type", "[scan]\nmax_target_megabytes = 'x'", `line 2`},
		{"negative", "[scan]\nmax_target_megabytes = -1", `cannot be negative`},
		{"no TOML", "]]]", `line 1`},
		{"rules outside", "[scan]\nrules = '../outside.toml'", `scan.rules`},
		{"rules absent", "[scan]\nrules = 'none.toml'", `scan.rules`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			write(t, filepath.Join(parent, "outside.toml"), "title = 'x'")
			target := filepath.Join(parent, "repo")
			if err := os.Mkdir(target, 0o700); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(target, config.OwnName), tt.text)
			_, err := config.Load(config.Options{Target: target, Env: env()})
			var ce *config.Error
			if !errors.As(err, &ce) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want a config.Error with %s", err, tt.want)
			}
		})
	}
}

func TestHostileKeysAreQuoted(t *testing.T) {
	t.Parallel()
	target := t.TempDir()
	write(t, filepath.Join(target, config.OwnName), "\"a\\u001b[31m\\u202e\" = 1\n")
	_, err := config.Load(config.Options{Target: target, Env: env()})
	if err == nil || strings.ContainsAny(err.Error(), "\x1b\u202e\n") {
		t.Errorf("error %q", err)
	}
}

func TestHostileFilesAreRefusedNotFollowed(t *testing.T) {
	t.Parallel()
	outside := write(t, filepath.Join(t.TempDir(), "o.toml"), "title = 'x'")
	for name, plant := range map[string]func(string) error{
		"link out":  func(p string) error { return os.Symlink(outside, p) },
		"pipe":      func(p string) error { return mkfifo(p) },
		"folder":    func(p string) error { return os.Mkdir(p, 0o700) },
		"very long": func(p string) error { return os.WriteFile(p, make([]byte, 5<<20), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{config.OwnName, config.GitleaksName} {
				target := t.TempDir()
				if err := plant(filepath.Join(target, file)); err != nil {
					t.Fatal(err)
				}
				if _, err := config.Load(config.Options{Target: target, Env: env()}); err == nil {
					t.Errorf("%s: no error", file)
				}
			}
		})
	}
}

func TestUserFile(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	path := write(t, filepath.Join(home, "config.toml"), `
[providers.netlify]
base_url = "http://127.0.0.1:9999"
allow_private = true
[scan]
max_target_megabytes = 7
`)
	names := []string{"aws", "netlify", "render"}
	cfg, err := config.Load(config.Options{Env: env("SECRETGUARD_HOME", home), Providers: names})
	if err != nil {
		t.Fatal(err)
	}
	if p := cfg.Provider("netlify"); p.BaseURL != "http://127.0.0.1:9999" || !p.AllowPrivate {
		t.Errorf("provider %+v", p)
	}
	if cfg.Scan.MaxTargetMegabytes != 7 || len(cfg.Files) != 1 || cfg.Files[0].Trust != config.FromUser {
		t.Errorf("config %+v", cfg)
	}
	cfg, err = config.Load(config.Options{Env: env("SECRETGUARD_HOME", home, "SECRETGUARD_NETLIFY_URL", "https://n.example")})
	if err != nil || cfg.Provider("netlify").BaseURL != "https://n.example" {
		t.Errorf("environment did not win: %+v, %v", cfg.Provider("netlify"), err)
	}
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(config.Options{Env: env("SECRETGUARD_HOME", home)}); err == nil || !strings.Contains(err.Error(), "chmod") {
		t.Errorf("a file that others may write to: %v", err)
	}
}

func TestUserFileMistakes(t *testing.T) {
	t.Parallel()
	password := "hun" + "ter2"
	for text, want := range map[string]string{
		"[providers.netlfy]\nbase_url='https://x.example'":                           `did you mean "netlify"`,
		"[providers.netlify]\nbase_ulr='https://x.example'":                          `did you mean "providers.NAME.base_url"`,
		"[providers.netlify]\nbase_url='http://x.example'":                           "https",
		"[providers.netlify]\nbase_url='ftp://x.example'":                            "https",
		"[providers.netlify]\nbase_url='/path'":                                      "absolute",
		"[providers.netlify]\nbase_url='https://x.example/?a=b'":                     "query",
		"[providers.netlify]\nbase_url='https://u:" + password + "@x.example'":       "password",
		"[providers.a]\nbase_url='https://x.example'\n[providers.b]\nbase_url='x:y'": `"providers.a"`,
	} {
		home := t.TempDir()
		write(t, filepath.Join(home, "config.toml"), text)
		_, err := config.Load(config.Options{Env: env("SECRETGUARD_HOME", home), Providers: []string{"netlify"}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), password) {
			t.Errorf("%s: error %v, want %s", text, err, want)
		}
	}
}

func TestRulesOrder(t *testing.T) {
	t.Parallel()
	target, home := t.TempDir(), t.TempDir()
	write(t, filepath.Join(target, "team.toml"), "team")
	write(t, filepath.Join(home, "own.toml"), "own")
	write(t, filepath.Join(home, "config.toml"), "[scan]\nrules='own.toml'")
	flagged := write(t, filepath.Join(t.TempDir(), "flag.toml"), "flag")
	named := write(t, filepath.Join(t.TempDir(), "named.toml"), "named")

	check := func(want string, trust config.Trust, o config.Options) {
		t.Helper()
		cfg, err := config.Load(o)
		if err != nil || cfg.Rules == nil {
			t.Fatalf("want %s: %+v, %v", want, cfg.Rules, err)
		}
		if string(cfg.Rules.Data) != want || cfg.Rules.Trust != trust {
			t.Errorf("rules %q (%s), want %q (%s)", cfg.Rules.Data, cfg.Rules.Trust, want, trust)
		}
	}
	check("own", config.FromUser, config.Options{Target: target, Env: env("SECRETGUARD_HOME", home)})
	write(t, filepath.Join(target, config.GitleaksName), "gitleaks")
	check("gitleaks", config.FromTarget, config.Options{Target: target, Env: env("SECRETGUARD_HOME", home)})
	write(t, filepath.Join(target, config.OwnName), "[scan]\nrules='team.toml'")
	check("team", config.FromTarget, config.Options{Target: target, Env: env()})
	check("inline", config.FromUser, config.Options{Target: target, Env: env("GITLEAKS_CONFIG_TOML", "inline")})
	check("named", config.FromUser, config.Options{Target: target, Env: env("GITLEAKS_CONFIG_TOML", "inline", "GITLEAKS_CONFIG", named)})
	check("flag", config.FromUser, config.Options{Target: target, Explicit: flagged, Env: env("GITLEAKS_CONFIG", named)})
}

func TestNamedFilesMustExist(t *testing.T) {
	t.Parallel()
	absent := filepath.Join(t.TempDir(), "none.toml")
	for name, o := range map[string]config.Options{
		"flag":        {Explicit: absent, Env: env()},
		"environment": {Env: env("GITLEAKS_CONFIG", absent)},
	} {
		if _, err := config.Load(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNothingAtAllIsFine(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]config.Options{
		"empty":           {Env: env()},
		"no environment":  {},
		"empty target":    {Target: t.TempDir(), Env: env("HOME", "")},
		"target is gone":  {Target: filepath.Join(t.TempDir(), "x"), Env: env()},
		"home is missing": {Env: env("HOME", filepath.Join(t.TempDir(), "nobody"))},
	} {
		if cfg, err := config.Load(o); err != nil || cfg.Rules != nil || len(cfg.Files) != 0 {
			t.Errorf("%s: %+v, %v", name, cfg, err)
		}
	}
}

func TestStateDir(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	for name, tt := range map[string]struct {
		env  func(string) string
		want string
	}{
		"own variable": {env("SECRETGUARD_HOME", base, "XDG_STATE_HOME", "/x", "HOME", "/h"), base},
		"xdg":          {env("XDG_STATE_HOME", base, "HOME", "/h"), filepath.Join(base, "secretguard")},
		"relative xdg": {env("XDG_STATE_HOME", "rel", "HOME", base), filepath.Join(base, ".local/state/secretguard")},
		"home":         {env("HOME", base), filepath.Join(base, ".local/state/secretguard")},
	} {
		if got, err := config.StateDir(tt.env); err != nil || got != tt.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, tt.want)
		}
	}
	for _, e := range []func(string) string{nil, env(), env("HOME", "")} {
		if _, err := config.StateDir(e); !errors.Is(err, config.ErrNoState) {
			t.Errorf("without any folder: %v", err)
		}
	}
}

func TestMakeStateDir(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	dir, err := config.MakeStateDir(env("SECRETGUARD_HOME", filepath.Join(base, "a", "b")))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	open := filepath.Join(base, "open")
	if err := errors.Join(os.Mkdir(open, 0o700), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{open, link} {
		if _, err := config.MakeStateDir(env("SECRETGUARD_HOME", bad)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func FuzzLoadTargetFile(f *testing.F) {
	f.Add("[scan]\nmax_target_megabytes = 3\n")
	f.Add("[providers.netlify]\nbase_url = 'https://x.example'\n")
	f.Add("\"\\u001b\" = 1")
	f.Add("[scan]\nrules = '/etc/passwd'\n")
	f.Fuzz(func(t *testing.T, text string) {
		target := t.TempDir()
		write(t, filepath.Join(target, config.OwnName), text)
		cfg, err := config.Load(config.Options{Target: target, Env: env()})
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(line, "configuration ") || strings.ContainsAny(line, "\x1b\r\x00") {
					t.Errorf("error line %q", line)
				}
			}
			return
		}
		if p := cfg.Provider("netlify"); p.BaseURL != "" || p.AllowPrivate {
			t.Errorf("a target file set an endpoint: %+v", p)
		}
	})
}
