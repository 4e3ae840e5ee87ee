package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// storageOptions keep an object that is too large to scan out of memory.
var storageOptions = filesystem.Options{LargeObjectThreshold: DefaultMaxBytes}

// maxAlternates bounds how many stores may borrow from each other; git stops at
// a depth of five.
const maxAlternates = 32

// objects are the object stores of a repository: its own, and those that it
// borrows from (objects/info/alternates), which go-git finds only in part.
type objects struct {
	*filesystem.Storage

	borrowed []*filesystem.Storage
	gone     []string // stores that are not there
}

// openObjects finds the stores that dir borrows from; the caller sets its own.
func openObjects(dir string) (*objects, error) {
	o := &objects{}
	seen := map[string]bool{filepath.Join(dir, "objects"): true}
	todo := []string{filepath.Join(dir, "objects")}
	for len(todo) > 0 {
		store := todo[0]
		todo = todo[1:]
		list, err := alternates(store)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if seen[a] {
				continue
			}
			seen[a] = true
			if info, err := os.Stat(a); err != nil || !info.IsDir() || len(o.borrowed) == maxAlternates {
				o.gone = append(o.gone, a)
				continue
			}
			o.borrowed = append(o.borrowed, filesystem.NewStorageWithOptions(osfs.New(filepath.Dir(a)), cache.NewObjectLRUDefault(), storageOptions))
			todo = append(todo, a)
		}
	}
	return o, nil
}

// alternates lists the stores that a store names, one a line, relative to itself.
func alternates(store string) ([]string, error) {
	f, err := os.Open(filepath.Join(store, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the alternates: %w", err)
	}
	defer f.Close()
	var out []string
	in := bufio.NewScanner(f)
	for in.Scan() {
		if line := strings.TrimSpace(in.Text()); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, filepath.Clean(below(store, line)))
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("read the alternates: %w", err)
	}
	return out, nil
}

// EncodedObject finds an object in any store.
func (o *objects) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	obj, err := o.Storage.EncodedObject(t, h)
	for _, s := range o.borrowed {
		if err == nil {
			break
		}
		obj, err = s.EncodedObject(t, h)
	}
	return obj, err
}

// HasEncodedObject tells, by its error, whether any store has the object.
func (o *objects) HasEncodedObject(h plumbing.Hash) error {
	err := o.Storage.HasEncodedObject(h)
	for _, s := range o.borrowed {
		if err == nil {
			break
		}
		err = s.HasEncodedObject(h)
	}
	return err
}

// each calls visit for every object of a type in every store, reached or not,
// once. What cannot be read is handed to damaged and the rest goes on.
func (o *objects) each(ctx context.Context, t plumbing.ObjectType, damaged func(name string), visit func(plumbing.EncodedObject) error) error {
	seen := map[plumbing.Hash]bool{}
	once := func(obj plumbing.EncodedObject) error {
		if seen[obj.Hash()] || ctx.Err() != nil {
			return ctx.Err()
		}
		seen[obj.Hash()] = true
		return visit(obj)
	}
	for _, s := range append([]*filesystem.Storage{o.Storage}, o.borrowed...) {
		if err := loose(s, t, damaged, once); err != nil {
			return err
		}
		packs, err := s.ObjectPacks()
		if err != nil {
			return fmt.Errorf("list the packs: %w", err)
		}
		for _, p := range packs {
			if err := packed(s, p, t, damaged, once); err != nil {
				return err
			}
		}
	}
	return nil
}

func loose(s *filesystem.Storage, t plumbing.ObjectType, damaged func(string), visit func(plumbing.EncodedObject) error) error {
	var stop error
	err := s.ForEachObjectHash(func(h plumbing.Hash) error {
		obj, err := s.EncodedObject(plumbing.AnyObject, h)
		switch {
		case err != nil:
			damaged(h.String())
		case obj.Type() == t:
			stop = visit(obj)
		}
		return stop
	})
	if stop == nil && err != nil {
		return fmt.Errorf("list the objects: %w", err)
	}
	return stop
}

func packed(s *filesystem.Storage, pack plumbing.Hash, t plumbing.ObjectType, damaged func(string), visit func(plumbing.EncodedObject) error) error {
	dir := dotgit.New(s.Filesystem())
	name := "pack-" + pack.String()
	file, err := dir.ObjectPack(pack)
	if err != nil {
		damaged(name)
		return nil //nolint:nilerr // a gap, not the end: the rest is still scanned
	}
	defer file.Close()
	idx, err := dir.ObjectPackIdx(pack)
	if err != nil {
		damaged(name)
		return nil //nolint:nilerr // as above
	}
	if !whole(file, idx) { // the end of a pack cut short would look like the end of its objects
		damaged(name)
	}
	iter, err := filesystem.NewPackfileIter(s.Filesystem(), file, idx, t, true, storageOptions.LargeObjectThreshold)
	if err != nil {
		damaged(name)
		return nil //nolint:nilerr // as above
	}
	defer iter.Close()
	for {
		obj, err := iter.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil: // the next call goes on behind it
			damaged(name)
			continue
		}
		if err := visit(obj); err != nil {
			return err
		}
	}
}

// whole reports whether a pack ends in the checksum that its index names.
func whole(pack, idx io.ReadSeeker) bool {
	const sum = 20
	a, b := make([]byte, sum), make([]byte, sum)
	for _, end := range []struct {
		f    io.ReadSeeker
		from int64
		into []byte
	}{{pack, -sum, a}, {idx, -2 * sum, b}} {
		if _, err := end.f.Seek(end.from, io.SeekEnd); err != nil {
			return false
		}
		if _, err := io.ReadFull(end.f, end.into); err != nil {
			return false
		}
		if _, err := end.f.Seek(0, io.SeekStart); err != nil {
			return false
		}
	}
	return bytes.Equal(a, b)
}
