package suppress

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/secret"
)

// words is a value that a guesser would try, long as it is; random is none.
const (
	words  = "correct-horse-battery"
	random = "q7Zr2mXaKp3vT9wYb5Nc8dEf"
)

func about(value string) Subject {
	v := secret.New(value)
	return Subject{ID: secret.FindingID("r", v), Rules: []string{"r"}, File: "f", Lines: []int{1}, Secret: v}
}

func waiver(value string, e Entry) Waiver {
	e.Rule = "r"
	return Waiver{Entry: e, Secret: secret.New(value)}
}

func load(t *testing.T, path string, keys ...secret.Key) *List {
	t.Helper()
	l := &List{}
	if err := l.AddBaseline(path, keys...); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestAcceptKeepsWhatStandsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := Accept(path, []Waiver{waiver(words, Entry{Reason: "first"})}); err != nil {
		t.Fatal(err)
	}
	if err := Accept(path, []Waiver{waiver(random, Entry{Reason: "second", Owner: "jo"}), waiver(words, Entry{Reason: "newer"})}); err != nil {
		t.Fatal(err)
	}
	l := load(t, path)
	for value, want := range map[string]string{words: "newer", random: "second"} {
		if _, reason, ok := l.Why(about(value)); !ok || reason != want {
			t.Errorf("%s: %q, %v; want %q", value, reason, ok, want)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), words) || strings.Contains(string(text), random) || strings.Contains(string(text), "sg1:") {
		t.Errorf("%v: the file holds a value, or the hash that needs no salt:\n%s", err, text)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("something was left beside the baseline: %v", files)
	}
}

func TestAcceptDoesNotOverwriteAnotherFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Accept(path, []Waiver{waiver(words, Entry{})}); err == nil {
		t.Fatal("a file that is no baseline was replaced")
	}
	if b, _ := os.ReadFile(path); string(b) != "something else" {
		t.Errorf("the file is now %q", b)
	}
}

func TestAnEntryEndsAfterItsLastDay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	untils := map[string]bool{"2026-05-04": true, "2026-05-03": false, "soon": false, "": true}
	var waivers []Waiver
	for until := range untils {
		waivers = append(waivers, waiver(random+until, Entry{Until: until}))
	}
	if err := Accept(path, waivers); err != nil {
		t.Fatal(err)
	}
	l := load(t, path)
	l.Now = func() time.Time { return time.Date(2026, 5, 4, 23, 0, 0, 0, time.UTC) }
	for until, want := range untils {
		if _, _, ok := l.Why(about(random + until)); ok != want {
			t.Errorf("until %q holds: %v, want %v", until, ok, want)
		}
	}
}

// A file of the first format is read, and keeps its entries when more are added.
func TestTheFirstFormat(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	old := fmt.Sprintf(`{"schema":"secretguard.baseline/1","accepted":[{"id":%q,"rule":"r","reason":"old"}]}`, about(words).ID)
	if err := os.WriteFile(path, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, reason, ok := load(t, path).Why(about(words)); !ok || reason != "old" {
		t.Errorf("the old entry: %q, %v", reason, ok)
	}
	if err := Accept(path, []Waiver{waiver(random, Entry{Reason: "new"})}); err != nil {
		t.Fatal(err)
	}
	l := load(t, path)
	for value, want := range map[string]string{words: "old", random: "new"} {
		if _, reason, ok := l.Why(about(value)); !ok || reason != want {
			t.Errorf("%s: %q, %v; want %q", value, reason, ok, want)
		}
	}
}

// A file with a key says nothing to whoever lacks the key, and another key is none.
func TestAFileWithAKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	team, err := secret.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := secret.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := Accept(path, []Waiver{waiver(words, Entry{})}, team); err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]secret.Key{nil, {other}} {
		var l List
		if err := l.AddBaseline(path, keys...); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), team.Name()) {
			t.Errorf("with %d other keys: %v", len(keys), err)
		}
	}
	if _, _, ok := load(t, path, other, team).Why(about(words)); !ok {
		t.Error("with the key, the entry does not hold")
	}
	// Whoever edits the name of the key away has a file that accepts nothing.
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), `"key": "`+team.Name()+`",`, "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, ok := load(t, path).Why(about(words)); ok {
		t.Error("the entry holds without its key: it does not hang on it")
	}
}

// Values that only a rule without waivers found, and those that nobody guesses, cost
// nothing; of the others only so many are looked up, and the rest is said.
func TestSlowValuesAreBounded(t *testing.T) {
	t.Parallel()
	b, err := NewBaseline(secret.Key{})
	if err != nil {
		t.Fatal(err)
	}
	b.Waive([]Waiver{waiver(random, Entry{})})
	l := &List{}
	l.Add(b)
	b.slow = MaxSlow - 1
	other := about(words)
	other.Rules = []string{"another"}
	if left := l.Weigh([]Subject{other, about(random), about(words), about(words), about(words + "x"), about(words + "x"), about(words + "y")}); left != 2 {
		t.Errorf("%d values were left out, want 2", left)
	}
	if _, _, ok := l.Why(about(random)); !ok {
		t.Error("a value that is not slow was left out")
	}
}

func TestByPath(t *testing.T) {
	t.Parallel()
	b, err := NewBaseline(secret.Key{})
	if err != nil {
		t.Fatal(err)
	}
	b.Waive([]Waiver{waiver(random, Entry{Path: "a/b.txt"}), waiver(random, Entry{Path: "test/"}), waiver(random, Entry{Path: "key-****.txt"})})
	l := &List{}
	l.Add(b)
	for file, want := range map[string]bool{"a/b.txt": true, "a/b.txt2": false, "b.txt": false, "test/x/y": true, "tests/x": false, "test": false, "key-1234.txt": true} {
		s := about(random)
		s.File, s.Shown = file, strings.ReplaceAll(file, "1234", "****")
		if _, _, ok := l.Why(s); ok != want {
			t.Errorf("%s is accepted: %v, want %v", file, ok, want)
		}
	}
}
