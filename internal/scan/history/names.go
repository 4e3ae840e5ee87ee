package history

import (
	"bytes"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// names looks at short texts that come again and again: names of files and
// folders, authors. It is used by one goroutine.
type names struct {
	finder *match.Finder
	seen   map[string][]match.Sight
}

// maxNames bounds what is remembered: then it is forgotten.
const maxNames = 1 << 18

func newNames(set *match.Set) *names {
	return &names{finder: set.Finder(), seen: map[string][]match.Sight{}}
}

// look returns what a name holds.
func (n *names) look(name []byte) []match.Sight {
	if !n.finder.Possible(name) {
		return nil
	}
	if s, ok := n.seen[string(name)]; ok {
		return s
	}
	if len(n.seen) >= maxNames {
		clear(n.seen)
	}
	s := n.finder.Settle(name, n.finder.Find(name))
	n.seen[string(name)] = s
	return s
}

// people looks at who wrote a commit or tag.
func (c *commits) people(o *pack.Object, header []byte) {
	for _, field := range []string{"author ", "committer ", "tagger "} {
		for line := range bytes.Lines(header) {
			who, ok := bytes.CutPrefix(line, []byte(field))
			if !ok {
				continue
			}
			who = who[:bytes.LastIndexByte(who, '>')+1]
			if sights := c.names.look(who); len(sights) > 0 {
				c.found = append(c.found, message{o.Ref, o.Kind, WherePerson, sights})
			}
		}
	}
}

// folderName notes a folder whose name holds something.
func (t *trees) folderName(name []byte) bool {
	sights := t.names.look(name)
	if len(sights) > 0 {
		t.named[string(name)] = sights
	}
	return len(sights) > 0
}

// pathName adds what the last part of a path holds in itself.
func (p *placer) pathName(l leaf) {
	path := strings.TrimSuffix(l.path, "/")
	dir := strings.LastIndexByte(path, '/') + 1
	for _, m := range p.s.opts.Set.At(p.s.named[path[dir:]], "", "") {
		m.Column += dir
		m.EndColumn += dir
		p.add(hitKey{rule: m.Rule, secret: m.Secret, path: path, line: 1, column: m.Column, where: WherePath}, m, p.s.db.ID(l.blob), l.stretch, false)
	}
}
