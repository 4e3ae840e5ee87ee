// Package gitdir reads a git repository's own files: where its folders are, its
// refs, reflogs and the marks that its history is cut off. It runs no git, reads
// no configuration that names a command, and follows no link out of a ref.
//
// Start with [Find]. Protocol facts: gitrepository-layout(5), gitformat-index(5),
// git-config(1).
package gitdir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrNotRepository means that a path is in no git repository.
var ErrNotRepository = errors.New("not a git repository")

// Dir is a repository on the disk.
type Dir struct {
	Root   string // the working tree; empty for a bare repository
	Git    string // this working tree's own folder
	Common string // what all working trees share: objects, branches, tags
}

// Find returns the repository that a path is in.
func Find(path string) (Dir, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Dir{}, fmt.Errorf("look at %s: %w", path, err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Dir{}, fmt.Errorf("look at %s: %w", path, err)
	}
	if !info.IsDir() {
		abs = filepath.Dir(abs)
	}
	for at := abs; ; at = filepath.Dir(at) {
		d, err := at2dir(at)
		if err == nil || !errors.Is(err, ErrNotRepository) {
			return d, err
		}
		if at == filepath.Dir(at) {
			return Dir{}, fmt.Errorf("%s: %w", path, ErrNotRepository)
		}
	}
}

// At returns the repository of a git folder that is known, as the environment of a
// hook names it, with its working tree.
func At(git, tree string) (Dir, error) {
	abs, err := filepath.Abs(git)
	if err == nil {
		tree, err = filepath.Abs(tree)
	}
	if err != nil {
		return Dir{}, fmt.Errorf("look at %s: %w", git, err)
	}
	if !isGitDir(abs) {
		return Dir{}, fmt.Errorf("%s: %w", git, ErrNotRepository)
	}
	return withCommon(Dir{Root: tree, Git: abs})
}

// at2dir looks at one folder: its .git, or the folder itself when it is bare.
func at2dir(at string) (Dir, error) {
	dot := filepath.Join(at, ".git")
	info, err := os.Stat(dot)
	switch {
	case err == nil && info.IsDir():
		if _, err := os.Stat(filepath.Join(dot, "HEAD")); errors.Is(err, fs.ErrPermission) {
			return Dir{}, fmt.Errorf("look into %s: %w", dot, err)
		}
		if !isGitDir(dot) {
			return Dir{}, ErrNotRepository
		}
		return withCommon(Dir{Root: at, Git: dot})
	case err == nil && info.Mode().IsRegular():
		to, err := linked(dot)
		if err != nil {
			return Dir{}, err
		}
		return withCommon(Dir{Root: at, Git: to})
	case errors.Is(err, fs.ErrPermission):
		return Dir{}, fmt.Errorf("look at %s: %w", dot, err)
	}
	if isGitDir(at) {
		d, err := withCommon(Dir{Git: at})
		if filepath.Base(at) == ".git" {
			d.Root = filepath.Dir(at)
		}
		return d, err
	}
	return Dir{}, ErrNotRepository
}

// isGitDir reports whether a folder looks like git's own, as git decides.
func isGitDir(at string) bool {
	if info, err := os.Stat(filepath.Join(at, "HEAD")); err != nil || !info.Mode().IsRegular() {
		return false
	}
	if _, err := os.Stat(filepath.Join(at, "commondir")); err == nil {
		return true
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(at, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	return true
}

// linked reads a .git file: "gitdir: <path>".
func linked(file string) (string, error) {
	b, err := readSmall(file)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	to, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s: %w: it names no folder", file, ErrNotRepository)
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(file), to)
	}
	if !isGitDir(to) {
		return "", fmt.Errorf("%s: %w: it names %s, where there is none", file, ErrNotRepository, to)
	}
	return to, nil
}

func withCommon(d Dir) (Dir, error) {
	d.Common = d.Git
	b, err := readSmall(filepath.Join(d.Git, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err != nil {
		return d, fmt.Errorf("read commondir: %w", err)
	}
	to := strings.TrimRight(string(b), "\r\n")
	if !filepath.IsAbs(to) {
		to = filepath.Join(d.Git, to)
	}
	d.Common = filepath.Clean(to)
	return d, nil
}

// Objects is the folder of the object database.
func (d Dir) Objects() string { return filepath.Join(d.Common, "objects") }

// maxSmall is the most that is read of a file that holds a line or a few.
const maxSmall = 64 << 10

// readSmall reads a small plain file; anything else is refused before it is
// opened: opening a pipe would wait for ever.
func readSmall(name string) ([]byte, error) { return readPlain(name, maxSmall) }

func readPlain(name string, limit int64) ([]byte, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a plain file", filepath.Base(name))
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", filepath.Base(name), limit)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// Traits are the settings of a repository that decide whether it can be read
// here.
type Traits struct {
	Bare bool
	// Format is the hash of its objects: "sha1" or "sha256".
	Format string
	// Unknown names what is not known here: the format may be another. Foreign text.
	Unknown string
	// RefStorage is "files" or "reftable".
	RefStorage string
	// Partial is set when objects were left out on purpose (a partial clone).
	Partial bool
}

// harmless are the extensions that change neither objects nor refs. Source:
// git's Documentation/config/extensions.adoc.
var harmless = []string{
	"noop", "noop-v1", "preciousobjects", "worktreeconfig", "relativeworktrees", "compatobjectformat", "submodulepathconfig",
}

// Width is the length of an object's name in bytes.
func (t Traits) Width() int {
	if t.Format == "sha256" {
		return 32
	}
	return 20
}

// Traits reads them from the repository's configuration. Includes are not
// followed, since the configuration is foreign: git does not look for these
// settings in them either.
func (d Dir) Traits() (Traits, error) {
	t := Traits{Format: "sha1", RefStorage: "files"}
	b, err := readPlain(filepath.Join(d.Common, "config"), 4<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("read the repository's configuration: %w", err)
	}
	section := ""
	in := bufio.NewScanner(bytes.NewReader(b))
	in.Buffer(nil, 4<<20)
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if strings.HasPrefix(line, "[") {
			name, rest, _ := strings.Cut(line[1:], "]")
			section = strings.ToLower(strings.TrimSpace(name))
			line = strings.TrimSpace(rest)
		}
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		key, value, set := strings.Cut(line, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.Trim(strings.TrimSpace(value), `"`)
		t.setting(section, key, value, set)
	}
	return t, in.Err()
}

func (t *Traits) setting(section, key, value string, set bool) {
	switch section + "." + key {
	case "core.bare":
		t.Bare = !set || strings.EqualFold(value, "true")
	case "extensions.objectformat":
		t.Format = strings.ToLower(value)
	case "extensions.refstorage":
		t.RefStorage, _, _ = strings.Cut(strings.ToLower(value), ":")
	case "extensions.partialclone":
		t.Partial = true
	case "core.repositoryformatversion":
		if value != "0" && value != "1" {
			t.Unknown = "repositoryFormatVersion = " + value
		}
	default:
		if section == "extensions" && !slices.Contains(harmless, key) {
			t.Unknown = "extensions." + key
		}
		if key == "promisor" && strings.HasPrefix(section, "remote ") {
			t.Partial = t.Partial || !set || strings.EqualFold(value, "true")
		}
	}
}
