package literal_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
	"github.com/secretguard/secretguard/internal/scan/literal"
	"github.com/secretguard/secretguard/internal/secret"
)

// The value is found on each of its lines, as a part of a longer one, in an archive,
// in a hidden file and in one that git ignores; and nothing else is.
func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	value := "value-" + "of-a-key-01"
	for name, text := range map[string]string{
		"a/deploy.yml": "one\nkey: " + value + "\nurl: s3://" + value + ":x@h\n" + value + value + "\n",
		".env":         value,
		".gitignore":   ".env\n",
		"other.txt":    "value-of-a-key-0\n1",
		"b.zip":        string(archivetest.Zip(t, archivetest.File{Name: "in/c.txt", Text: "x\n" + value})),
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := literal.Find(t.Context(), dir, []secret.Text{secret.New(value), {}})
	if err != nil {
		t.Fatal(err)
	}
	want := []literal.Place{{".env", 1}, {"a/deploy.yml", 2}, {"a/deploy.yml", 3}, {"a/deploy.yml", 4}, {"b.zip!in/c.txt", 2}}
	if !slices.Equal(got.Places, want) {
		t.Errorf("got %v, want %v", got.Places, want)
	}
	if len(got.Unread) != 0 || got.Files < 5 {
		t.Errorf("unread: %v, files: %d", got.Unread, got.Files)
	}
}

// A file that cannot be opened is named, and a folder that is not there is an error.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "closed"), []byte("x"), 0o000); err != nil {
		t.Fatal(err)
	}
	got, err := literal.Find(t.Context(), dir, []secret.Text{secret.New("x")})
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 && len(got.Unread) != 1 {
		t.Errorf("unread: %v", got.Unread)
	}
	if _, err := literal.Find(t.Context(), filepath.Join(dir, "gone"), nil); err == nil {
		t.Error("no error")
	}
}
