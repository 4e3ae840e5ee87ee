package source

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing"
)

// ReadBlob returns the content of one object of the repository that p is in. One
// larger than maxBytes (0: DefaultMaxBytes) is an error.
func ReadBlob(p, hash string, maxBytes int64) ([]byte, error) {
	repo, err := open(p)
	if err != nil {
		return nil, err
	}
	o, err := repo.Storer.EncodedObject(plumbing.BlobObject, plumbing.NewHash(hash))
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", hash, err)
	}
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	if o.Size() > maxBytes {
		return nil, fmt.Errorf("object %s is larger than %d MB", hash, maxBytes>>20)
	}
	return content(o)
}

// ReadFile returns the content of a file below dir. name has slashes; a link that
// leads out of dir is an error.
func ReadFile(dir, name string, maxBytes int64) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	b, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > maxBytes {
		return nil, fmt.Errorf("%s is larger than %d MB", name, maxBytes>>20)
	}
	return b, nil
}

// WorkTree returns the folder of the repository's files, or dir itself when it is
// in no repository.
func WorkTree(dir string) string {
	repo, err := open(dir)
	if err != nil {
		return dir
	}
	tree, err := repo.Worktree()
	if err != nil { // a bare repository has none
		return dir
	}
	return tree.Filesystem.Root()
}
