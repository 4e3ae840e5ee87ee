package difftest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/zricethezav/gitleaks/v8/detect"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// TestRealRepository compares over the repository that the environment names,
// by "make compare REPO=path".
func TestRealRepository(t *testing.T) {
	repo := os.Getenv("SECRETGUARD_COMPARE_REPO")
	if repo == "" {
		t.Skip("SKIPPED: no repository to compare over; run: make compare REPO=path")
	}
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	sg := scanGit(t, set, repo)
	gl := gitleaks(t, "git", repo)
	c := compare(gl, sg, proof(t, repo, set))
	c.print(t, repo+" at "+strings.TrimSpace(git(t, repo, "rev-parse", "HEAD")))
	for class, list := range c.details {
		if os.Getenv("SECRETGUARD_COMPARE_DETAILS") != "" && class != classOwnRule {
			t.Logf("%s:\n  %s", class, strings.Join(list, "\n  "))
		}
	}
	for _, u := range c.details[classUnexplained] {
		t.Error(u)
	}
	if c.theirs == 0 {
		t.Error("gitleaks reports nothing here: the comparison shows nothing")
	}
}

// scanGit returns our findings that count over a whole history.
func scanGit(t *testing.T, set *match.Set, repo string) []scan.Finding {
	t.Helper()
	src, err := source.Git(t.Context(), repo, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	res, err := scan.New(set, scan.Options{}).Scan(t.Context(), src)
	if err != nil || !res.Coverage.Complete {
		t.Fatalf("our scan: %v, complete %v, skipped %+v", err, res.Coverage.Complete, res.Coverage.Skipped)
	}
	return reported(res)
}

// proof reads the repository with git, and runs gitleaks' detector in this process.
func proof(t *testing.T, repo string, set *match.Set) evidence {
	t.Helper()
	rules := map[string]match.Rule{}
	for _, r := range set.Rules() {
		rules[r.ID] = r
	}
	merges := map[string]bool{}
	for commit := range strings.FieldsSeq(git(t, repo, "rev-list", "--all", "--merges")) {
		merges[commit] = true
	}
	return evidence{
		merge:  func(commit string) bool { return merges[commit] },
		rule:   func(id string) match.Rule { return rules[id] },
		blob:   blobs(t, repo),
		detect: detector(t),
	}
}

// blobs returns a function that reads a blob from one git process.
func blobs(t *testing.T, repo string) func(hash string) string {
	t.Helper()
	c := exec.CommandContext(context.WithoutCancel(t.Context()), "git", "-C", repo, "cat-file", "--batch") // ends with its input, after the test
	c.Env = gitEnv()
	ask, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(ask.Close(), c.Wait()); err != nil {
			t.Error(err)
		}
	})
	answer := bufio.NewReader(pipe)
	return func(hash string) string {
		t.Helper()
		var name, kind string
		var size int
		if _, err := fmt.Fprintln(ask, hash); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fscanf(answer, "%s %s %d\n", &name, &kind, &size); err != nil || kind != "blob" {
			t.Fatalf("git cat-file %s: %s %s, %v", hash, name, kind, err)
		}
		b := make([]byte, size+1) // and a line end
		if _, err := io.ReadFull(answer, b); err != nil {
			t.Fatal(err)
		}
		return string(b[:size])
	}
}

// detector is gitleaks' own over one text, with the default rules, in this process.
func detector(tb testing.TB) func(text, path string) []theirs {
	tb.Helper()
	once.Do(func() {
		if shared, errShared = detect.NewDetectorDefaultConfig(); errShared == nil {
			shared.MaxDecodeDepth = 5 // as the program's default; 0 in the library
		}
	})
	if errShared != nil {
		tb.Fatal(errShared)
	}
	return func(text, path string) []theirs {
		var out []theirs
		for _, f := range shared.Detect(detect.Fragment{Raw: text, FilePath: path, StartLine: 1}) { //nolint:staticcheck // deprecated for a v9 that does not exist
			out = append(out, theirs{RuleID: f.RuleID, File: path, Secret: f.Secret, StartLine: f.StartLine, EndLine: f.EndLine})
		}
		return out
	}
}

// gitleaks reads a configuration through package variables: once in a process.
var (
	once      sync.Once
	shared    *detect.Detector
	errShared error
)
