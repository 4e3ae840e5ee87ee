package history

import (
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/match"
)

// telling knows which names give away something that the scan found, there or
// elsewhere: they are not written down. It is used by one goroutine.
type telling struct {
	named  map[string][]match.Sight // names that a rule looked at
	pieces []string
	holds  map[string]bool // names that were compared: a tree's names come again in every version
}

func (s *scanner) telling() *telling {
	t := &telling{named: s.named, holds: map[string]bool{}}
	for i := range s.res.Hits {
		t.pieces = append(t.pieces, match.Telling(s.res.Hits[i].Secret)...)
	}
	slices.Sort(t.pieces)
	t.pieces = slices.Compact(t.pieces)
	return t
}

func (t *telling) gives(name string) bool {
	if len(t.named[name]) > 0 {
		return true
	}
	holds, compared := t.holds[name]
	if !compared {
		holds = slices.ContainsFunc(t.pieces, func(p string) bool { return strings.Contains(name, p) })
		t.holds[name] = holds
	}
	return holds
}
