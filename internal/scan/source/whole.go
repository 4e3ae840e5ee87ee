package source

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
)

// Whole is a source made of others, which are read one after the other. One that
// cannot be read is a gap, and the others are read all the same.
type Whole struct {
	About Info
	Parts []Part
	Skips []Skip // of what is no part, or could not be made one
}

// WorkingTree is What of a part with the files that people work on.
const WorkingTree = "working tree"

// Part is one source of a Whole.
type Part struct {
	Source

	// What it is called when it cannot be read, and Under what folder its paths are
	// when it is a Repository; others put that before their paths themselves.
	What, Under string
}

// Info describes all of it.
func (w *Whole) Info() Info { return w.About }

// Folder says what is special about a folder that is read as a part of something.
type Folder struct {
	Where string // "worktree" when empty
	Under string // put before the paths, with a slash between
	// Leave are files and folders that others read, by their paths in the folder,
	// '/'-separated.
	Leave map[string]bool
	// Known reports whether the content of a file, by its path in the folder, is
	// looked at elsewhere. It may be called from many goroutines; may be nil.
	Known func(path string, data []byte) bool
}

// FolderOf scans a folder as a part of something. See Dir for the rules.
func FolderOf(at string, o Options, f Folder) (Source, error) {
	root, err := os.OpenRoot(at)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", at, err)
	}
	return dir{path: at, root: root, opts: o.withDefaults(), part: f}, nil
}

// place is where a file of the folder lies.
func (f Folder) place(name string) Place {
	p := Place{Where: f.Where, Path: path.Join(f.Under, filepath.ToSlash(name))}
	if p.Where == "" {
		p.Where = "worktree"
	}
	return p
}

// StagedOf scans the index of a repository as a part of something: see Staged.
func StagedOf(r *Repository, under string) Source {
	return staged{path: r.path, dir: r.Dir, traits: r.Traits, under: under, opts: r.Options}
}
