package source

import (
	"os"
	"path/filepath"
	"testing"
)

func TestReadFileStaysInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.txt")
	for path, text := range map[string]string{outside: "outside", filepath.Join(dir, "a.txt"): "inside"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Skip("no symbolic links here")
	}
	if b, err := ReadFile(dir, "a.txt", 0); err != nil || string(b) != "inside" {
		t.Errorf("got %q, %v", b, err)
	}
	for _, name := range []string{"link.txt", "../" + filepath.Base(filepath.Dir(outside)) + "/secret.txt"} {
		if b, err := ReadFile(dir, name, 0); err == nil {
			t.Errorf("%s was read: %q", name, b)
		}
	}
	if _, err := ReadFile(dir, "a.txt", 3); err == nil {
		t.Error("a file over the limit was read")
	}
}
