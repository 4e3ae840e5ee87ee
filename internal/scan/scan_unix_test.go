//go:build unix

package scan_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
)

// TestPipePutInPlaceOfAFile: nobody writes to it, and the scan does not wait.
func TestPipePutInPlaceOfAFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	write(t, path, "a.txt", "nothing\n")
	write(t, path, "b.txt", leak())
	src := watched{dir(t, path, 0), func(name string) {
		b := filepath.Join(path, "b.txt")
		if name != "a.txt" {
			return
		}
		if err := errors.Join(os.Remove(b), syscall.Mkfifo(b, 0o600)); err != nil {
			t.Error(err)
		}
	}}
	res, err := scan.New(rules(t), scan.Options{}).Scan(t.Context(), src)
	if err != nil || res.Coverage.Complete || len(res.Coverage.Skipped) != 1 {
		t.Errorf("%v, coverage %+v", err, res.Coverage)
	}
}
