// Package whole lists every place in which a secret can lie in a repository: all
// objects, what is staged, working trees with what git does not know, submodules
// with their own histories, large files, and git's own settings and logs. Start
// with [Open].
package whole

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// Wheres of what lies in no history, index or working tree.
const (
	whereGitDir = "git-dir"
	whereLFS    = "lfs"
)

// maxRepositories bounds how many submodules are followed.
const maxRepositories = 10_000

// Open lists the parts of the repository that p is in. What is in order costs
// little here: content is read when the source is scanned.
func Open(ctx context.Context, p string, o source.Options) (*source.Whole, error) {
	main, err := source.Git(ctx, p, o)
	if err != nil {
		return nil, err
	}
	c := &census{ctx: ctx, opts: o, top: main.Dir.Root, seen: map[string]bool{}}
	if c.top == "" {
		c.top = main.Dir.Common
	}
	c.repository(main, "")
	info := main.Info()
	info.Kind = "repository"
	// Indexes come first: what they hold is no longer without a place then.
	parts := append(append(c.indexes, c.histories...), c.folders...)
	return &source.Whole{About: info, Parts: parts, Skips: c.skips}, nil
}

// census gathers the parts.
type census struct {
	ctx  context.Context //nolint:containedctx // a census lives as long as one call
	opts source.Options
	top  string // paths are shown from here

	seen                        map[string]bool // git folders
	indexes, histories, folders []source.Part
	skips                       []source.Skip
}

// under is how a folder is shown: from the top when it lies below it.
func (c *census) under(at string) string {
	rel, err := filepath.Rel(c.top, at)
	switch {
	case err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)):
		return filepath.ToSlash(at)
	case rel == ".":
		return ""
	}
	return filepath.ToSlash(rel)
}

func (c *census) gap(what, example string, err error) {
	c.skips = append(c.skips, source.Skip{What: what, Why: "cannot be read: " + err.Error(), Example: example, Gap: true})
}

// repository lists the parts of one repository, whose files lie under a folder.
func (c *census) repository(r *source.Repository, under string) {
	if c.seen[r.Dir.Common] {
		return
	}
	c.seen[r.Dir.Common] = true
	if len(c.seen) > maxRepositories {
		c.gap("submodule", under, fmt.Errorf("there are more than %d", maxRepositories))
		return
	}
	c.histories = append(c.histories, source.Part{Source: r, What: "repository", Under: under})
	trees, lost := r.Dir.Worktrees()
	for _, l := range lost {
		c.skips = append(c.skips, source.Skip{What: source.WorkingTree, Why: l.Why, Example: l.Name})
	}
	for _, d := range trees {
		c.worktree(r, d, trees)
	}
	for _, git := range r.Dir.Modules() {
		c.module(gitdir.Dir{Git: git, Common: git}, git)
	}
	c.gitFolder(r.Dir, trees)
	c.folder("large file storage", filepath.Join(r.Dir.Common, "lfs", "objects"), source.Folder{Where: whereLFS})
}

// worktree lists a working tree: its index, its submodules and its files.
func (c *census) worktree(r *source.Repository, d gitdir.Dir, all []gitdir.Dir) {
	under := c.under(d.Root)
	one := *r
	one.Dir = d
	c.indexes = append(c.indexes, source.Part{Source: source.StagedOf(&one, under), What: "index", Under: under})
	f := source.Folder{Under: under, Leave: map[string]bool{".git": true}}
	for _, other := range all {
		if rel, err := filepath.Rel(d.Root, other.Root); err == nil && rel != "." {
			f.Leave[filepath.ToSlash(rel)] = true
		}
	}
	index, err := d.Index("")
	if err == nil { // else its own part says so
		for _, e := range index.Entries {
			if e.Mode>>12 == 0o16 && c.submodule(d, e.Path) {
				f.Leave[e.Path] = true
			}
		}
		if !r.Traits.Partial { // what was not fetched is looked at here
			f.Known = committed(index, r.Traits.Width())
		}
	}
	c.folder(source.WorkingTree, d.Root, f)
}

// submodule lists a submodule that is checked out, and reports whether it is.
func (c *census) submodule(d gitdir.Dir, name string) bool {
	root := filepath.Join(d.Root, filepath.FromSlash(name))
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return false
	}
	sub, err := gitdir.Find(root)
	if err != nil || sub.Root != root {
		return false // it is not checked out
	}
	return c.module(sub, root)
}

// module lists the repository of a submodule.
func (c *census) module(d gitdir.Dir, at string) bool {
	if c.seen[d.Common] {
		return true
	}
	r, err := source.GitOf(c.ctx, d, at, c.opts)
	if err != nil {
		c.gap("submodule", c.under(at), err)
		return false
	}
	c.repository(r, c.under(at))
	return true
}

// committed reports of files whether they are what the index says, whose objects
// are looked at with the history. A file that a filter changes is not.
func committed(index gitdir.Index, width int) func(string, []byte) bool {
	ids := make(map[string]string, len(index.Entries))
	for _, e := range index.Entries {
		if e.IsFile() && !e.IntentToAdd {
			ids[e.Path] = e.ID
		}
	}
	return func(name string, data []byte) bool {
		id, ok := ids[name]
		o := pack.Object{Kind: pack.Blob, Data: data, ID: pack.MakeID([]byte(id))}
		return ok && o.Verify(width)
	}
}

// gitFolder lists what git keeps for itself beside the objects: settings, hooks,
// logs, messages that were begun.
func (c *census) gitFolder(d gitdir.Dir, trees []gitdir.Dir) {
	f := source.Folder{Where: whereGitDir, Leave: map[string]bool{"objects": true, "lfs": true, "modules": true, "index": true}}
	for _, t := range trees {
		if rel, err := filepath.Rel(d.Common, t.Git); err == nil && rel != "." {
			f.Leave[path.Join(filepath.ToSlash(rel), "index")] = true
		}
	}
	c.folder("git folder", d.Common, f)
}

// folder lists a folder, if it is there.
func (c *census) folder(what, at string, f source.Folder) {
	o := c.opts
	if f.Where != "" {
		o.SkipIgnored = false
	}
	f.Under = c.under(at)
	src, err := source.FolderOf(at, o, f)
	switch {
	case err == nil:
		c.folders = append(c.folders, source.Part{Source: src, What: what, Under: f.Under})
	case !errors.Is(err, fs.ErrNotExist):
		c.gap(what, f.Under, err)
	}
}
