package gitdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Worktrees lists the working trees of the repository, d's own first; none when it
// is bare. Those that are gone are lost: their folder is not there any more.
// Source: gitrepository-layout(5), worktrees/<id>/gitdir.
func (d Dir) Worktrees() ([]Dir, []Lost) {
	var out []Dir
	if d.Root != "" {
		out = append(out, d)
	}
	if d.Git != d.Common && filepath.Base(d.Common) == ".git" {
		out = append(out, Dir{Root: filepath.Dir(d.Common), Git: d.Common, Common: d.Common})
	}
	var lost []Lost
	list, err := os.ReadDir(filepath.Join(d.Common, "worktrees"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		lost = append(lost, Lost{"worktrees", reason(err)})
	}
	for _, e := range list {
		git := filepath.Join(d.Common, "worktrees", e.Name())
		if git == d.Git {
			continue
		}
		b, err := readSmall(filepath.Join(git, "gitdir"))
		file := strings.TrimRight(string(b), "\r\n")
		if err != nil || file == "" {
			lost = append(lost, Lost{"worktrees/" + e.Name(), "does not say where it is"})
			continue
		}
		if !filepath.IsAbs(file) { // worktree.useRelativePaths
			file = filepath.Join(git, file)
		}
		if to, err := linked(file); err != nil || filepath.Base(to) != e.Name() {
			lost = append(lost, Lost{"worktrees/" + e.Name(), "its folder is not there any more"})
			continue
		}
		out = append(out, Dir{Root: filepath.Dir(file), Git: git, Common: d.Common})
	}
	return out, lost
}

// maxModuleDepth bounds how deep modules are looked for: their names may have slashes.
const maxModuleDepth = 20

// Modules lists the git folders of submodules that lie in the repository, also of
// those that were taken out again, in the order of their names. Those of a
// submodule's own are not among them.
func (d Dir) Modules() []string {
	var out []string
	var look func(at string, depth int)
	look = func(at string, depth int) {
		list, err := os.ReadDir(at)
		if err != nil || depth > maxModuleDepth {
			return
		}
		for _, e := range list {
			sub := filepath.Join(at, e.Name())
			switch {
			case !e.IsDir():
			case isGitDir(sub):
				out = append(out, sub)
			default:
				look(sub, depth+1)
			}
		}
	}
	look(filepath.Join(d.Common, "modules"), 0)
	return out
}
