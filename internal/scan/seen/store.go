package seen

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"time"
)

// Store keeps files about one repository in the user's cache folder. Everything in
// it may be deleted at any time; what cannot be read or written is as if it were
// not there. It may be used from many goroutines and processes.
type Store struct{ dir string }

// maxFile is the largest file that is read, in bytes.
const maxFile = 1 << 30

// stale is how long the files about a repository stay that is no longer scanned.
const stale = 60 * 24 * time.Hour

// NewStore returns the store in a cache folder for the repository whose objects lie
// in a folder.
func NewStore(cache, objects string) *Store {
	sum := sha256.Sum256([]byte(objects))
	return &Store{filepath.Join(cache, "history", hex.EncodeToString(sum[:12]))}
}

// Load returns a file; nil when there is none.
func (s *Store) Load(name string) []byte {
	path := filepath.Join(s.dir, name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(s.dir, now, now) // it is in use; when that fails it is only forgotten earlier
	return b
}

// Save writes a file whole or not at all.
func (s *Store) Save(name string, data []byte) {
	if os.MkdirAll(s.dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(s.dir, ".new-*")
	if err != nil {
		return
	}
	_, err = f.Write(data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // half a file is of no use
	}
	s.forget()
}

// forget removes what is about repositories that were not scanned for long.
func (s *Store) forget() {
	list, err := os.ReadDir(filepath.Dir(s.dir))
	if err != nil {
		return
	}
	for _, e := range list {
		if info, err := e.Info(); err == nil && e.IsDir() && time.Since(info.ModTime()) > stale {
			_ = os.RemoveAll(filepath.Join(filepath.Dir(s.dir), e.Name())) // the next scan tries again
		}
	}
}
