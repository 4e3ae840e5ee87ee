package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Exists reports whether there may be a journal in dir; false only when there is
// certainly none. Open would make one.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "journal.db"))
	return !errors.Is(err, fs.ErrNotExist)
}
