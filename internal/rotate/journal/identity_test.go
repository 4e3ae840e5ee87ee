package journal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/secret"
)

// ring is a keyring in memory; fail, when set, is what it answers.
type ring struct {
	mu      sync.Mutex
	entries map[string]secret.Text
	fail    error
}

func (r *ring) Get(_ context.Context, name string) (secret.Text, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.entries[name]
	if r.fail == nil && !ok {
		return v, errors.New("no such entry")
	}
	return v, r.fail
}

func (r *ring) Set(_ context.Context, name string, v secret.Text) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail == nil {
		r.entries[name] = v
	}
	return r.fail
}

func (r *ring) Delete(_ context.Context, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.entries, name)
	return r.fail
}

// sealOne writes a sealed value and returns the blob's name.
func sealOne(t *testing.T, j *Journal, value string) string {
	t.Helper()
	l, err := j.Lease(t.Context(), "r-1", "x", "tester")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Release()
	rec, err := l.Append(t.Context(), Entry{Kind: "done", Body: struct{}{}, Seal: map[string]secret.Text{"v": secret.New(value)}})
	if err != nil {
		t.Fatal(err)
	}
	return rec.Blobs["v"]
}

func TestIdentityInTheKeyring(t *testing.T) {
	t.Parallel()
	r := &ring{entries: map[string]secret.Text{}}
	dir := filepath.Join(t.TempDir(), "state")
	id := Identity{Place: InKeyring, Keeper: r}
	j, err := OpenWith(t.Context(), dir, "test", id)
	if err != nil {
		t.Fatal(err)
	}
	blob := sealOne(t, j, "a value")
	j.Close()
	if _, err := os.Stat(filepath.Join(dir, identityFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is an identity file too: %v", err)
	}
	if len(r.entries) != 1 {
		t.Fatalf("entries %v", r.entries)
	}
	// Whatever the setting says later, an identity is used where it is.
	j, err = OpenWith(t.Context(), dir, "test", Identity{Place: InFile, Keeper: r})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := j.Unseal(t.Context(), blob); err != nil || v.Reveal() != "a value" {
		t.Fatalf("got %v", err)
	}
	j.Close()
	// A copy of the folder opens nothing, and a locked keyring changes nothing.
	for name, keeper := range map[string]Keeper{"none": nil, "locked": &ring{fail: errors.New("it is locked")}, "another machine's": &ring{entries: map[string]secret.Text{}}} {
		j, err := OpenWith(t.Context(), dir, "test", Identity{Place: Anywhere, Keeper: keeper})
		if !errors.Is(err, ErrNoIdentity) || j == nil {
			t.Fatalf("%s: got %v", name, err)
		}
		if _, err := j.Unseal(t.Context(), blob); !errors.Is(err, ErrNoIdentity) {
			t.Errorf("%s: opened: %v", name, err)
		}
		if _, err := j.Lease(t.Context(), "r-1", "x", "tester"); !errors.Is(err, ErrNoIdentity) {
			t.Errorf("%s: it takes effects: %v", name, err)
		}
		if _, err := j.Records(t.Context(), "r-1"); err != nil {
			t.Errorf("%s: it cannot be read: %v", name, err)
		}
		j.Close()
	}
}

func TestIdentityWhereThereIsNoKeyring(t *testing.T) {
	t.Parallel()
	broken := &ring{fail: errors.New("no bus")}
	dir := filepath.Join(t.TempDir(), "strict")
	if j, err := OpenWith(t.Context(), dir, "test", Identity{Place: InKeyring, Keeper: broken}); j != nil || !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), `identity = "file"`) {
		t.Errorf("got %v, %v", j, err)
	}
	for _, k := range []Keeper{broken, nil} {
		dir := filepath.Join(t.TempDir(), "auto")
		j, err := OpenWith(t.Context(), dir, "test", Identity{Place: Anywhere, Keeper: k})
		if err != nil {
			t.Fatal(err)
		}
		blob := sealOne(t, j, "a value")
		if v, err := j.Unseal(t.Context(), blob); err != nil || v.Reveal() != "a value" {
			t.Errorf("got %v", err)
		}
		j.Close()
		if info, err := os.Stat(filepath.Join(dir, identityFile)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file in its place: %v, %v", info, err)
		}
	}
}

// Sessions that start at once agree on one identity; the others' entries go.
func TestOneIdentityInTheKeyring(t *testing.T) {
	t.Parallel()
	r := &ring{entries: map[string]secret.Text{}}
	dir := t.TempDir()
	var wg sync.WaitGroup
	got := make([]secret.Text, 8)
	for i := range got {
		wg.Go(func() {
			k := keyring{where: Identity{Place: InKeyring, Keeper: r}}
			var err error
			if got[i], err = k.identity(t.Context(), dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, v := range got {
		if !v.Equal(got[0]) {
			t.Fatal("two identities")
		}
	}
	if len(r.entries) != 1 {
		t.Errorf("%d entries are left", len(r.entries))
	}
}
