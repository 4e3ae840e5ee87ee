package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// ReadBlob returns the content of one object of the repository that p is in. One
// larger than maxBytes (0: DefaultMaxBytes) is an error, and so is one that is no
// blob.
func ReadBlob(ctx context.Context, p, hash string, maxBytes int64) ([]byte, error) {
	dir, traits, err := open(p)
	if err != nil {
		return nil, err
	}
	id, err := pack.ParseID(hash)
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", hash, err)
	}
	if maxBytes == 0 {
		maxBytes = DefaultMaxBytes
	}
	kind, data, err := readObject(ctx, dir, traits, id, maxBytes)
	switch {
	case errors.Is(err, pack.ErrTooLarge):
		return nil, fmt.Errorf("object %s is larger than %d MB", hash, maxBytes>>20)
	case err != nil:
		return nil, fmt.Errorf("read object: %w", err)
	case kind != pack.Blob:
		return nil, fmt.Errorf("object %s is a %s, not a file's content", hash, kind)
	}
	return data, nil
}

func readObject(ctx context.Context, dir gitdir.Dir, traits gitdir.Traits, id pack.ID, limit int64) (pack.Kind, []byte, error) {
	if traits.Unknown != "" {
		db, err := (&Repository{Dir: dir, Traits: traits, path: dir.Git}).Open(ctx)
		if err != nil {
			return 0, nil, err
		}
		defer func() { _ = db.Close() }() // only read
		r, ok := db.Lookup(id)
		if !ok {
			return 0, nil, fmt.Errorf("%s: %w", id, pack.ErrMissing)
		}
		return db.Read(r, limit)
	}
	db, err := pack.OpenFew(dir.Objects(), traits.Width())
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = db.Close() }() // only read
	return db.ReadID(id, limit)
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

// WorkTree returns the folder of the repository's files; in no repository, or in
// a bare one, the path itself, or for a file the folder that it is in.
func WorkTree(p string) string {
	if dir, err := gitdir.Find(p); err == nil && dir.Root != "" {
		return dir.Root
	}
	if info, err := os.Stat(p); err == nil && !info.IsDir() {
		return filepath.Dir(p)
	}
	return p
}
