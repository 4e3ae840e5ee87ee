package runs_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/rotate/runs"
)

// A damaged journal refuses effects and tells what happened, as far as it can be
// understood: a bit that tipped in what a record says, in its time, and an end that was
// cut off.
func TestDamagedJournalTellsWhatHappened(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Until = "attest"
	p, _ := w.Start(rotatetest.Fast)
	whole, err := os.ReadFile(filepath.Join(w.Dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	tip := func(what string) func([]byte) []byte {
		return func(b []byte) []byte {
			at := bytes.LastIndex(b, []byte(what))
			if at < 0 {
				t.Fatalf("%q is not in the journal", what)
			}
			b[at] ^= 1
			return b
		}
	}
	cut := func(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:len(b)-n] } }
	for name, tt := range map[string]struct {
		damage func([]byte) []byte
		must   bool // the run must still be told of
	}{
		"a body": {tip(`{"detail":"reads back equal"`), true}, "a time": {tip("T" + p.Created.UTC().Format("15:04:")), true},
		"the last bytes": {cut(100), true}, "the last page": {cut(4096), false}, "four pages": {cut(16384), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "state")
			if err := os.CopyFS(dir, os.DirFS(w.Dir)); err != nil {
				t.Fatal(err)
			}
			_ = os.Chmod(dir, 0o700)
			files, _ := filepath.Glob(filepath.Join(dir, "*"))
			for _, f := range files {
				_ = os.Chmod(f, 0o600)
			}
			if err := os.WriteFile(filepath.Join(dir, "journal.db"), tt.damage(bytes.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			j, err := journal.Open(t.Context(), dir, "test")
			if !errors.Is(err, journal.ErrCorrupt) {
				t.Fatalf("opened: %v", err)
			}
			if j == nil {
				if tt.must {
					t.Errorf("it cannot be read: %v", err)
				}
				return
			}
			defer j.Close()
			if _, err := j.Lease(t.Context(), p.ID, "x", "tester"); err == nil {
				t.Error("it gives a lease")
			}
			s, err := runs.Load(t.Context(), j, p.ID)
			if tt.must && (err != nil || s.Plan().ID != p.ID || !s.Touched("issue")) {
				t.Errorf("the run is not told of: %v", err)
			}
		})
	}
}

// A journal that is empty although its folder was in use is no new one.
func TestAnEmptiedJournalIsNoNewOne(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Until = "attest"
	if _, err := w.Start(rotatetest.Fast); err != nil && !errors.Is(err, rotate.ErrPaused) {
		t.Fatal(err)
	}
	for _, name := range []string{"journal.db-wal", "journal.db-shm"} {
		_ = os.Remove(filepath.Join(w.Dir, name))
	}
	if err := os.Truncate(filepath.Join(w.Dir, "journal.db"), 0); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(t.Context(), w.Dir, "test")
	if !errors.Is(err, journal.ErrCorrupt) || j != nil {
		t.Errorf("opened: %v", err)
	}
}
