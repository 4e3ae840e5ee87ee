// Package ignore tells which names git would ignore, by gitignore(5) and the sources
// of git (dir.c, wildmatch.c). It reads no files: start with [Parse] and [New].
package ignore

import (
	"bytes"
	"slices"
	"strings"
)

// List is the patterns of one file, as a .gitignore has them.
type List struct{ patterns []pattern }

type pattern struct {
	text    string // without the marks below
	literal int    // bytes of text before the first special character
	negated bool   // !
	folder  bool   // it ends in /: folders only
	base    bool   // it has no other /: it is compared with the last name only
}

// MaxPatterns is how many patterns a list may have: each name is compared with all
// of them.
const MaxPatterns = 10_000

// Parse reads patterns. It returns false when there are more than MaxPatterns; the
// list is empty then.
func Parse(data []byte) (List, bool) {
	var l List
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if i := bytes.IndexByte(line, 0); i >= 0 {
			line = line[:i]
		}
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if p, ok := parse(trimBlanks(string(line))); ok {
			l.patterns = append(l.patterns, p)
		}
		if len(l.patterns) > MaxPatterns {
			return List{}, false
		}
	}
	return l, true
}

// trimBlanks cuts blanks off the end, but for those behind a backslash.
func trimBlanks(s string) string {
	end := -1
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
			if end < 0 {
				end = i
			}
		case '\\':
			i++
			if i == len(s) {
				return s
			}
			end = -1
		default:
			end = -1
		}
	}
	if end < 0 {
		return s
	}
	return s[:end]
}

func parse(s string) (pattern, bool) {
	var p pattern
	s, p.negated = strings.CutPrefix(s, "!")
	s, p.folder = strings.CutSuffix(s, "/")
	p.base = !strings.Contains(s, "/")
	p.text = strings.TrimPrefix(s, "/")
	p.literal = strings.IndexAny(p.text, `*?[\`)
	if p.literal < 0 {
		p.literal = len(p.text)
	}
	return p, s != ""
}

// match judges a path below the folder of the list by its last pattern that fits.
func (l List) match(path, name string, folder bool) (ignored, known bool) {
	for _, p := range slices.Backward(l.patterns) {
		if p.folder && !folder {
			continue
		}
		if p.base && p.matchName(name) || !p.base && p.matchPath(path) {
			return !p.negated, true
		}
	}
	return false, false
}

func (p pattern) matchName(name string) bool {
	if p.literal == len(p.text) {
		return p.text == name
	}
	return wild(p.text, name, false)
}

// matchPath compares what stands before the first special character as it is, and
// the rest as a pattern of its own, as git does: it makes a difference for "a**/b".
func (p pattern) matchPath(path string) bool {
	if !strings.HasPrefix(path, p.text[:p.literal]) {
		return false
	}
	rest, path := p.text[p.literal:], path[p.literal:]
	return rest == "" && path == "" || wild(rest, path, true)
}

// Folder is what holds in one folder of a repository. It does not change, and may be
// used from many goroutines.
type Folder struct {
	shared *shared
	parent *Folder
	path   string // from the top of the working tree, with a / at its end; empty there
	list   List
	all    bool // it is ignored itself, so everything is that is not tracked
}

// shared holds for a whole repository.
type shared struct {
	tracked []string
	lists   []List
}

// New returns the top folder of a repository with its own list. Tracked are the
// paths of the index, sorted; what is tracked is never ignored. The other lists are
// the weaker, the later they stand: .git/info/exclude, then the user's own.
func New(tracked []string, list List, others ...List) *Folder {
	return &Folder{shared: &shared{tracked, others}, list: list}
}

// Sub returns the folder of a name in this one, with its own list.
func (f *Folder) Sub(name string, list List) *Folder {
	return &Folder{shared: f.shared, parent: f, path: f.path + name + "/", list: list, all: f.all || f.match(name, true)}
}

// File reports whether git ignores the file of a name in this folder.
func (f *Folder) File(name string) bool {
	if !f.all && !f.match(name, false) {
		return false
	}
	_, tracked := slices.BinarySearch(f.shared.tracked, f.path+name)
	return !tracked
}

// Whole reports whether git ignores the folder of a name in this one with all that
// is in it: no file below it is tracked.
func (f *Folder) Whole(name string) bool {
	if !f.all && !f.match(name, true) {
		return false
	}
	path := f.path + name
	if _, submodule := slices.BinarySearch(f.shared.tracked, path); submodule {
		return false
	}
	i, _ := slices.BinarySearch(f.shared.tracked, path+"/")
	return i == len(f.shared.tracked) || !strings.HasPrefix(f.shared.tracked[i], path+"/")
}

// match asks the lists from the innermost on; the first that knows decides.
func (f *Folder) match(name string, folder bool) bool {
	path := f.path + name
	for at := f; at != nil; at = at.parent {
		if ignored, known := at.list.match(path[len(at.path):], name, folder); known {
			return ignored
		}
	}
	for _, l := range f.shared.lists {
		if ignored, known := l.match(path, name, folder); known {
			return ignored
		}
	}
	return false
}
