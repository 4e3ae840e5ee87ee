package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"
)

// ErrUnsupported means that the repository has a format that cannot be read.
var ErrUnsupported = errors.New("this repository has a format that cannot be read yet")

// harmless are the extensions that change neither objects nor refs: what lacks
// in a partial clone is counted when it is missed. go-git refuses them all.
// Source: git's Documentation/config/extensions.adoc.
var harmless = []string{"partialclone", "preciousobjects", "relativeworktrees", "worktreeconfig"}

// open opens the repository that p is in; a folder may be a bare one itself.
func open(p string) (*git.Repository, error) {
	if _, err := os.Stat(p); err != nil {
		return nil, fmt.Errorf("look at %s: %w", p, err)
	}
	dir, tree, err := findGitDir(p)
	if err != nil {
		return nil, err
	}
	common, err := commonDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the repository %s: %w", p, err)
	}
	objects, err := openObjects(common)
	if err != nil {
		return nil, fmt.Errorf("open the repository %s: %w", p, err)
	}
	both := dotgit.NewRepositoryFilesystem(osfs.New(dir), osfs.New(common))
	objects.Storage = filesystem.NewStorageWithOptions(both, cache.NewObjectLRUDefault(), storageOptions)
	repo, err := git.Open(objects, nil)
	if tree != "" && err == nil {
		repo, err = git.Open(objects, osfs.New(tree))
	}
	switch {
	case errors.Is(err, git.ErrUnknownExtension), errors.Is(err, git.ErrUnsupportedExtensionRepositoryFormatVersion),
		errors.Is(err, git.ErrUnsupportedRepositoryFormatVersion):
		return nil, fmt.Errorf("%s: %w: %w", p, ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("open the repository %s: %w", p, err)
	}
	return repo, nil
}

// findGitDir looks upwards for a .git folder, for a file that names one, or for
// a bare repository. tree is the working tree, empty for a bare one.
func findGitDir(p string) (dir, tree string, err error) {
	at, err := filepath.Abs(p)
	if err != nil {
		return "", "", fmt.Errorf("look at %s: %w", p, err)
	}
	for ; ; at = filepath.Dir(at) {
		dot := filepath.Join(at, ".git")
		info, err := os.Stat(dot)
		switch {
		case err == nil && info.IsDir():
			return dot, at, nil
		case err == nil && info.Mode().IsRegular():
			dir, err := linkedDir(dot)
			return dir, at, err
		case err != nil && !errors.Is(err, fs.ErrNotExist) && !notFolder(err):
			return "", "", fmt.Errorf("look at %s: %w", dot, err)
		}
		if bareDir(at) {
			return at, "", nil
		}
		if at == filepath.Dir(at) {
			return "", "", fmt.Errorf("%s: %w", p, ErrNotRepository)
		}
	}
}

// notFolder: a path that goes through a file, so there is nothing at its end.
func notFolder(err error) bool {
	return strings.Contains(err.Error(), "not a directory")
}

// bareDir reports whether git would take dir for a repository.
func bareDir(dir string) bool {
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || !info.IsDir() {
			return false
		}
	}
	info, err := os.Stat(filepath.Join(dir, "HEAD"))
	return err == nil && info.Mode().IsRegular()
}

// linkedDir reads a .git file: "gitdir: PATH".
func linkedDir(dot string) (string, error) {
	line, err := firstLine(dot)
	if err != nil {
		return "", err
	}
	path, ok := strings.CutPrefix(line, "gitdir: ")
	if !ok {
		return "", fmt.Errorf("%s names no git folder: %w", dot, ErrNotRepository)
	}
	return below(filepath.Dir(dot), path), nil
}

// commonDir is where a working tree's repository keeps what all its trees share.
func commonDir(dir string) (string, error) {
	line, err := firstLine(filepath.Join(dir, "commondir"))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	if err != nil {
		return "", err
	}
	return below(dir, line), nil
}

func below(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// firstLine reads the first line of a small file that git wrote.
func firstLine(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > 1<<16 {
		return "", fmt.Errorf("%s is not a file of git", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimRight(line, "\r"), nil
}

// Config returns the repository's configuration without the extensions that
// make no difference here.
func (o *objects) Config() (*config.Config, error) {
	cfg, err := o.Storage.Config()
	if err != nil || !cfg.Raw.HasSection("extensions") {
		return cfg, err
	}
	s := cfg.Raw.Section("extensions")
	for _, opt := range slices.Clone(s.Options) {
		if slices.Contains(harmless, strings.ToLower(opt.Key)) {
			s.RemoveOption(opt.Key)
		}
	}
	return cfg, nil
}
