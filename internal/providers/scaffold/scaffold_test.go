package scaffold_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/providers/scaffold"
)

// What is made builds, and passes the conformance suite: laid over this source, without
// touching it.
func TestWhatIsMadeBuildsAndPasses(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := scaffold.Files("zebra")
	if err != nil {
		t.Fatal(err)
	}
	dir, lay := t.TempDir(), map[string]string{}
	for _, f := range files {
		at := filepath.Join(dir, filepath.Base(f.Path))
		if err := os.WriteFile(at, f.Content, 0o600); err != nil {
			t.Fatal(err)
		}
		lay[filepath.Join(root, f.Path)] = at
	}
	b, err := json.Marshal(map[string]any{"Replace": lay})
	if err != nil {
		t.Fatal(err)
	}
	overlay, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "zebra.test")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, "./internal/providers/zebra")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run", "^(TestContract|TestPages)$")
	run.Dir = dir
	out, err := run.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestContract/faults/Issue/")) || !bytes.Contains(out, []byte("--- PASS: TestPages")) {
		t.Errorf("it does not pass: %v\n%s", err, out[max(0, len(out)-4000):])
	}
}

// A provider of this kind is short: under 200 lines.
func TestIsShort(t *testing.T) {
	t.Parallel()
	files, err := scaffold.Files("zebra")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(files[0].Content, []byte("\n")); n >= 200 {
		t.Errorf("%d lines", n)
	}
}

// Nothing is overwritten, nothing is written elsewhere, and no name leads out.
func TestWriteIsCareful(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if _, err := scaffold.Write(root, "zebra"); err == nil || !strings.Contains(err.Error(), "not the root of SecretGuard") {
		t.Errorf("a folder of somebody else: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module github.com/secretguard/secretguard\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "a", "../evil", "Zebra", "a-b", "a/b", strings.Repeat("a", 40), "ze bra", "zebra\n"} {
		if _, err := scaffold.Write(root, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	files, err := scaffold.Write(root, "zebra")
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	twin := filepath.Join(root, files[2].Path)
	if err := os.RemoveAll(filepath.Join(root, "internal", "providers")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(twin, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := scaffold.Write(root, "zebra"); err == nil || !strings.Contains(err.Error(), "is not overwritten") {
		t.Errorf("got %v", err)
	}
	b, err := os.ReadFile(twin)
	if _, there := os.Stat(filepath.Join(root, "internal", "providers")); err != nil || string(b) != "mine" || there == nil {
		t.Error("something was written")
	}
}

// The provider that CONTRIBUTING.md shows is as short as it says there.
func TestTheExampleIsShort(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := func(file string) int {
		b, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("\n"))
	}
	provider, twin := lines("providers/elevenlabs/elevenlabs.go"), lines("lab/vault_elevenlabs.go")
	said := fmt.Sprintf("%d lines of provider, %d of twin", provider, twin)
	if provider >= 200 || !strings.Contains(string(page), said) {
		t.Errorf("the page does not say %q", said)
	}
}
