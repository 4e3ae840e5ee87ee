package journal

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"filippo.io/age"

	"github.com/secretguard/secretguard/internal/rotate/record"
	"github.com/secretguard/secretguard/internal/secret"
)

// written makes a journal with some records, and returns its folder, a copy that
// was taken while it was open (as after a power loss), and the records.
func written(t *testing.T) (dir, lost string, recs []Record) {
	t.Helper()
	dir, lost = filepath.Join(t.TempDir(), "state"), filepath.Join(t.TempDir(), "lost")
	j := open(t, dir)
	l := lease(t, j, "r-1")
	for i := range 20 {
		if _, err := l.Append(t.Context(), Entry{Kind: "intent", Step: "issue", Body: map[string]int{"n": i}, Seal: map[string]secret.Text{"v": marked()}}); err != nil {
			t.Fatal(err)
		}
	}
	copyFolder(t, dir, lost)
	recs, err := j.Records(t.Context(), "")
	if err := errors.Join(err, l.Release(), j.Close()); err != nil {
		t.Fatal(err)
	}
	return dir, lost, recs
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name()), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The end of the log was being written when the power went: what was flushed
// before is there, in order, and nothing else is.
func TestTornEndIsWhatWasFlushed(t *testing.T) {
	t.Parallel()
	_, lost, recs := written(t)
	wal, err := os.ReadFile(filepath.Join(lost, "journal.db-wal"))
	if err != nil || len(wal) == 0 {
		t.Fatalf("there is no log to tear: %d bytes, %v", len(wal), err)
	}
	for i := range 60 {
		n := len(wal) * i / 60
		dir := filepath.Join(t.TempDir(), "state")
		copyFolder(t, lost, dir)
		torn := slices.Clone(wal[:n])
		if i%2 == 0 { // or its page was written as something else
			torn = append(torn, make([]byte, 700)...)
		}
		if err := os.WriteFile(filepath.Join(dir, "journal.db-wal"), torn, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := Open(t.Context(), dir, "test")
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", n, len(wal), err)
		}
		got, err := j.Records(t.Context(), "")
		if err := errors.Join(err, j.Close()); err != nil {
			t.Fatal(err)
		}
		if len(got) > len(recs) || !slices.EqualFunc(got, recs[:len(got)], func(a, b Record) bool { return a.Hash == b.Hash }) {
			t.Fatalf("%d of %d bytes: %d records that are not the first ones", n, len(wal), len(got))
		}
	}
}

// Whichever bit flips: it is noticed and nothing is written any more, or it was in
// a place that says nothing.
func TestFlippedBitIsFound(t *testing.T) {
	t.Parallel()
	dir, _, recs := written(t)
	db, err := os.ReadFile(filepath.Join(dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for i := range 120 {
		at := (len(db)*i/120 + 37*i) % len(db)
		bad := slices.Clone(db)
		bad[at] ^= 1 << (i % 8)
		to := filepath.Join(t.TempDir(), "state")
		copyFolder(t, dir, to)
		if err := os.WriteFile(filepath.Join(to, "journal.db"), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := Open(t.Context(), to, "test")
		switch {
		case errors.Is(err, ErrCorrupt), errors.Is(err, ErrNewer):
			found++
			if j != nil {
				if _, err := j.Lease(t.Context(), "r-1", "x", "tester"); err == nil {
					t.Errorf("byte %d: a damaged journal gives a lease", at)
				}
			}
		case err != nil:
			found++
		default:
			got, err := j.Records(t.Context(), "")
			if err != nil || !slices.EqualFunc(got, recs, func(a, b Record) bool { return a.Digest() == b.Digest() }) {
				t.Errorf("byte %d: other records, and nobody noticed (%v)", at, err)
			}
			for _, r := range got {
				for _, id := range r.Blobs {
					if v, err := j.Unseal(t.Context(), id); err != nil || !v.Equal(marked()) {
						t.Errorf("byte %d: a sealed value is gone, and nobody noticed: %v", at, err)
					}
				}
			}
		}
		if j != nil {
			_ = j.Close()
		}
	}
	if found == 0 {
		t.Error("no flip was found: the test flips nothing that matters")
	}
}

// A key file that is gone is not replaced by one that opens nothing.
func TestIdentityIsGone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{identityFile, hashFile} {
		dir, _, recs := written(t)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		j, err := Open(t.Context(), dir, "test")
		if !errors.Is(err, ErrNoIdentity) || j == nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := j.Records(t.Context(), ""); err != nil || len(got) != len(recs) {
			t.Errorf("%s: it must stay readable: %d records, %v", name, len(got), err)
		}
		if _, err := j.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrNoIdentity) {
			t.Errorf("%s: a lease: %v", name, err)
		}
		if !gone(filepath.Join(dir, name)) {
			t.Errorf("%s was made anew", name)
		}
		_ = j.Close()
	}
}

// What was sealed for a recovery recipient opens with its identity when this
// machine's own is lost, and the run can go on.
func TestRecoveryIdentityOpens(t *testing.T) {
	t.Parallel()
	card, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "state")
	put := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	put(recipientsFile, "# the card in the safe\n"+card.Recipient().String()+"\n")
	j := open(t, dir)
	l := lease(t, j, "r-1")
	rec, err := l.Append(t.Context(), Entry{Kind: "done", Body: struct{}{}, Seal: map[string]secret.Text{"v": marked()}})
	if err := errors.Join(err, l.Release(), j.Close(), os.Remove(filepath.Join(dir, identityFile))); err != nil {
		t.Fatal(err)
	}
	put(recoveryFile, card.String()+"\n")
	j = open(t, dir)
	if v, err := j.Unseal(t.Context(), rec.Blobs["v"]); err != nil || !v.Equal(marked()) {
		t.Errorf("the recovery identity does not open it: %v", err)
	}
	if _, err := lease(t, j, "r-1").Append(t.Context(), Entry{Kind: "note", Body: struct{}{}}); err != nil {
		t.Errorf("the run cannot go on: %v", err)
	}
}

// A journal on a medium that takes no writes can be read.
func TestReopenToRead(t *testing.T) {
	t.Parallel()
	dir, _, recs := written(t)
	j := open(t, dir)
	if err := j.reopenToRead(t.Context(), filepath.Join(dir, "journal.db")); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Records(t.Context(), ""); err != nil || len(got) != len(recs) {
		t.Errorf("%d records, %v", len(got), err)
	}
	if _, err := j.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrUnwritable) {
		t.Errorf("a lease: %v", err)
	}
}

// When the room is used up, what happened can still be written; nothing begins.
func TestReserveIsForWhatHappened(t *testing.T) {
	t.Parallel()
	j := open(t, filepath.Join(t.TempDir(), "state"))
	l := lease(t, j, "r-1")
	info, err := os.Stat(filepath.Join(j.dir, reserveFile))
	if err != nil || info.Size() != reserveSize {
		t.Fatalf("no reserve: %v, %v", info, err)
	}
	if _, err := j.db.ExecContext(t.Context(), "PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), record.Entry{Kind: "intent", Body: struct{}{}}); !errors.Is(err, ErrUnwritable) {
		t.Errorf("an intent: %v", err)
	}
	if j.spent {
		t.Error("an intent has taken the reserve")
	}
	if _, err := l.Append(t.Context(), record.Entry{Kind: "done", Body: struct{}{}, Happened: true}); !errors.Is(err, ErrUnwritable) || !j.spent {
		t.Errorf("an outcome: %v, reserve given back: %v", err, j.spent)
	}
	if _, err := j.db.ExecContext(t.Context(), "PRAGMA query_only = OFF"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), record.Entry{Kind: "done", Body: struct{}{}, Happened: true}); err != nil {
		t.Errorf("an outcome: %v", err)
	}
	if _, err := l.Append(t.Context(), record.Entry{Kind: "intent", Body: struct{}{}}); !errors.Is(err, ErrUnwritable) || !errors.Is(err, errNoReserve) {
		t.Errorf("an intent after the reserve was given back: %v", err)
	}
}
