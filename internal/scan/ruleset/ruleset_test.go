package ruleset

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/sample"
)

// The snapshot that the program starts with is that of the rules in the sources,
// and brings back the same set.
func TestSnapshotIsFresh(t *testing.T) {
	t.Parallel()
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if string(set.Snapshot()) != builtin {
		t.Fatal("builtin.rules is not that of the rules: run go generate ./internal/scan/ruleset")
	}
	restored, err := Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(set.Rules(), restored.Rules()) || set.Hash() != restored.Hash() || string(restored.Snapshot()) != builtin {
		t.Error("the restored set is another one")
	}
}

// A damaged snapshot is an error.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	for n := 0; n < len(builtin); n += 97 {
		if _, err := match.Restore(builtin[:n]); !errors.Is(err, match.ErrSnapshot) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if _, err := match.Restore(builtin + "x"); !errors.Is(err, match.ErrSnapshot) {
		t.Error("something behind it was taken")
	}
}

func TestGitleaksDefaultsAreThere(t *testing.T) {
	t.Parallel()
	set, err := Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, r := range set.Rules() {
		if r.Own {
			own++
		}
	}
	if n := len(set.Rules()); own < 40 || n-own < 200 {
		t.Errorf("%d rules, %d of them ours: some are missing", n, own)
	}
}

// Only our own packs say what a match is: a kind decides to whom a value is shown.
func TestAConfigurationNamesNoKind(t *testing.T) {
	t.Parallel()
	set, err := Load([]byte("[[rules]]\nid='a-b'\nregex='x(y)'\nkeywords=['x']\nkind='stripe.secret_key'\npart='id'\ncontext=true\n"), "c.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.Rules() {
		if r.ID == "a-b" && (r.Kind != "" || r.Part != "" || r.Context || r.Own) {
			t.Errorf("the rule of a configuration is %+v", r)
		}
	}
}

// Each of several keys under one name is found, as files list them.
func TestEveryKeyOfAList(t *testing.T) {
	t.Parallel()
	set, err := Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	source := sample.Source(t.Name())
	for list, form := range map[string]string{
		"MISTRAL_API_KEYS=<>,<>,<>,<>\n":                              "{alnum:32}",
		"cohere_keys = [\n    \"<>\",\n    \"<>\",\n    \"<>\"\n]\n":  "{alnum:40}",
		"2captcha:\n  keys:\n    - <>\n    - <>\n    - <>\nport: 1\n": "{hex:32}",
		"DEEPSEEK_API_KEYS='<> <>'\n":                                 "sk-{hex:32}",
		"ELEVENLABS_API_KEYS=<>|<>;<>\r\n":                            "{hex:32}",
	} {
		key, err := sample.Parse(form)
		if err != nil {
			t.Fatal(err)
		}
		var want, got []string
		for strings.Contains(list, "<>") {
			want = append(want, key.Make(source))
			list = strings.Replace(list, "<>", want[len(want)-1], 1)
		}
		for _, m := range set.Scan(match.Fragment{Text: list}) {
			if m.Rule.Own {
				got = append(got, m.Secret)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d of %d keys in %s", len(got), len(want), list)
		}
	}
}
