package difftest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// writeAll writes files below dir.
func writeAll(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// commit writes files and commits everything; it returns the commit.
func commit(t *testing.T, dir, message string, files map[string]string) string {
	t.Helper()
	writeAll(t, dir, files)
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", message)
	return strings.TrimSpace(git(t, dir, "rev-parse", "HEAD"))
}

func newRepo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "main")
	return dir
}

// configure writes a configuration outside the repository, and compiles it.
func configure(t *testing.T, text string) (string, *match.Set) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gitleaks-test.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := ruleset.Load([]byte(text), path, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	return path, set
}

// scanDir returns our findings that count in a folder.
func scanDir(t *testing.T, set *match.Set, dir string) []scan.Finding {
	t.Helper()
	src, err := source.Dir(dir, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := scan.New(set, scan.Options{}).Scan(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return res.Active()
}

// TestEveryFormOfRuleAndAllowlist compares file by file, over a folder and over
// the history that holds the same files.
func TestEveryFormOfRuleAndAllowlist(t *testing.T) {
	t.Parallel()
	dir := newRepo(t)
	files := map[string]string{}
	list := samples()
	for _, s := range list {
		if _, ok := files[s.file]; ok {
			t.Fatalf("two samples in %s", s.file)
		}
		files[s.file] = s.text
	}
	commit(t, dir, "every form", files)
	config, set := configure(t, fmt.Sprintf(rules, strings.Repeat("0", 40)))

	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		gl := gitleaksIn(t, dir, "dir", ".", "--config", config)
		check(t, list, gl, scanDir(t, set, dir))
	})
	t.Run("history", func(t *testing.T) {
		t.Parallel()
		gl := gitleaksIn(t, dir, "git", ".", "--config", config)
		list := slices.Clone(list)
		for i, s := range list {
			if h := s.history; h != nil {
				list[i].gitleaks, list[i].onlyTheirs, list[i].onlyOurs = h.gitleaks, h.onlyTheirs, h.onlyOurs
			}
		}
		check(t, list, gl, scanGit(t, set, dir))
	})
}

// check compares each sample's file by line and secret.
func check(t *testing.T, list []sample, gl []theirs, sg []scan.Finding) {
	t.Helper()
	for _, s := range list {
		var theirsHere []theirs
		for _, f := range gl {
			if f.File == s.file {
				theirsHere = append(theirsHere, f)
			}
		}
		var oursHere []scan.Finding
		for _, f := range sg {
			if f.File == s.file {
				oursHere = append(oursHere, f)
			}
		}
		if len(theirsHere) != s.gitleaks {
			t.Errorf("%s: gitleaks reports %d, want %d: the sample does not test what it says: %v", s.name, len(theirsHere), s.gitleaks, theirsHere)
		}
		missing := slices.DeleteFunc(slices.Clone(theirsHere), func(g theirs) bool {
			return slices.ContainsFunc(oursHere, func(f scan.Finding) bool { return sameFinding(g, f) })
		})
		extra := slices.DeleteFunc(oursHere, func(f scan.Finding) bool {
			return slices.ContainsFunc(theirsHere, func(g theirs) bool { return sameFinding(g, f) })
		})
		if len(missing) != s.onlyTheirs || len(extra) != s.onlyOurs {
			t.Errorf("%s: only gitleaks %v, want %d; only ours %v, want %d", s.name, missing, s.onlyTheirs, describeAll(extra), s.onlyOurs)
		}
	}
}

// sameFinding: one rule, one secret, on a line of gitleaks' match.
func sameFinding(g theirs, f scan.Finding) bool {
	return g.RuleID == f.Rule && g.Secret == f.Secret.Reveal() && max(g.StartLine, 1) <= f.Line && f.Line <= max(g.EndLine, 1)
}

func describeAll(list []scan.Finding) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = describe(f)
	}
	return out
}
