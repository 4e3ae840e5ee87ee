package suppress

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAcceptKeepsWhatStandsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := Accept(path, []Entry{{ID: "sg1:a", Rule: "r", Reason: "first"}}); err != nil {
		t.Fatal(err)
	}
	if err := Accept(path, []Entry{{ID: "sg1:b", Rule: "r", Reason: "second", Owner: "jo"}, {ID: "sg1:a", Rule: "r", Reason: "newer"}}); err != nil {
		t.Fatal(err)
	}
	var l List
	if err := l.AddBaseline(path); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{"sg1:a": "newer", "sg1:b": "second"} {
		if _, reason, ok := l.Why(Subject{ID: id, Rules: []string{"r"}, File: "f", Lines: []int{1}}); !ok || reason != want {
			t.Errorf("%s: %q, %v; want %q", id, reason, ok, want)
		}
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
	if err := Accept(path, []Entry{{ID: "sg1:a"}}); err == nil {
		t.Fatal("a file that is no baseline was replaced")
	}
	if b, _ := os.ReadFile(path); string(b) != "something else" {
		t.Errorf("the file is now %q", b)
	}
}

func TestAnEntryEndsAfterItsLastDay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "baseline.json")
	entries := []Entry{{ID: "sg1:today", Until: "2026-05-04"}, {ID: "sg1:over", Until: "2026-05-03"}, {ID: "sg1:typo", Until: "soon"}, {ID: "sg1:ever"}}
	if err := Accept(path, entries); err != nil {
		t.Fatal(err)
	}
	l := List{Now: func() time.Time { return time.Date(2026, 5, 4, 23, 0, 0, 0, time.UTC) }}
	if err := l.AddBaseline(path); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"sg1:today": true, "sg1:over": false, "sg1:typo": false, "sg1:ever": true} {
		if _, _, ok := l.Why(Subject{ID: id, Rules: []string{"r"}, File: "f", Lines: []int{1}}); ok != want {
			t.Errorf("%s holds: %v, want %v", id, ok, want)
		}
	}
}
