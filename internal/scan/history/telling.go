package history

import (
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/match"
)

// telling knows which names give away something that the scan found, there or
// elsewhere: they are not written down. It is used by one goroutine.
type telling struct {
	names  map[string]bool // that a rule finds something in, or that were looked at
	pieces []string
}

func (s *scanner) telling() *telling {
	t := &telling{names: map[string]bool{}}
	for i := range s.res.Hits {
		t.pieces = append(t.pieces, match.Telling(s.res.Hits[i].Secret)...)
	}
	slices.Sort(t.pieces)
	t.pieces = slices.Compact(t.pieces)
	for name, sights := range s.named {
		t.names[name] = len(sights) > 0
	}
	return t
}

func (t *telling) gives(name string) bool {
	if t.names[name] || len(t.pieces) == 0 {
		return t.names[name]
	}
	tells := slices.ContainsFunc(t.pieces, func(p string) bool { return strings.Contains(name, p) })
	if tells {
		t.names[name] = true
	}
	return tells
}
