package content

import "github.com/secretguard/secretguard/internal/scan/match"

// Names looks at short texts that come again and again: names of files and
// folders, authors. It is used by one goroutine.
type Names struct {
	finder *match.Finder
	seen   map[string][]match.Sight
}

// maxNames bounds what is remembered: then it is forgotten.
const maxNames = 1 << 18

// NewNames returns one that has seen no name.
func NewNames(set *match.Set) *Names {
	return &Names{finder: set.Finder(), seen: map[string][]match.Sight{}}
}

// Look returns what a name holds. The list is not to be changed.
func (n *Names) Look(name []byte) []match.Sight {
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
