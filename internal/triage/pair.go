package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan"
)

// pairing is which key id goes with which other part, and why.
type pairing struct {
	byID    map[*value]join
	byOther map[*value]*value
	freeIDs []*value // ids without a partner
	free    []*value // parts without a partner
}

type join struct {
	other *value
	how   string
}

func (p pairing) of(id *value) (*value, string) {
	j := p.byID[id]
	return j.other, j.how
}

func (p pairing) taken(other *value) bool { return p.byOther[other] != nil }

// candidates words a missing part. It names cases, which are our own text, or public
// ids, and not files, which are foreign.
func (p pairing) candidates(part credential.Part, free []*value) string {
	name := map[credential.Part]string{
		credential.PartID: "key id", credential.PartSecret: "secret",
	}[part]
	if len(free) == 0 {
		return "no " + name + " found"
	}
	const most = 3
	var ids []string
	for _, v := range free[:min(len(free), most)] {
		if v.public { // it has no case
			ids = append(ids, shown(v))
			continue
		}
		ids = append(ids, newCase(v).ID)
	}
	if len(free) > most {
		ids = append(ids, fmt.Sprintf("and %d more", len(free)-most))
	}
	return fmt.Sprintf("no %s for certain; candidates: %s", name, strings.Join(ids, ", "))
}

// edge is one possible pair; the lower distance wins, then more sightings.
type edge struct {
	id, other *value
	distance  int // twice the lines between, plus one against the file's own order
	seen      int // in how many places this pair stands so
	how       string
}

// pair joins ids with one other part in four rounds, from the surest sign to the
// weakest: in the same version of a file, in the same file, in the same commit,
// alone in the whole scan. Two equally good partners mean none: a wrong pair
// would be verified, and rotated, as a key that does not exist.
func pair(ids, others []*value) pairing {
	m := matcher{
		ids: ids, others: others,
		p:         pairing{byID: map[*value]join{}, byOther: map[*value]*value{}},
		contested: map[*value]bool{},
	}
	m.settle(m.neighbours(sameVersion, "same file"))
	m.settle(m.neighbours(sameFile, "same file, other commit"))
	m.settle(m.alone(sameCommit, "same commit, other file"))
	m.settle(m.alone(func(scan.Finding) string { return "all" }, "the only pair in this scan"))
	for _, v := range ids {
		if m.isFree(v) {
			m.p.freeIDs = append(m.p.freeIDs, v)
		}
	}
	for _, v := range others {
		if m.isFree(v) {
			m.p.free = append(m.p.free, v)
		}
	}
	return m.p
}

// The places that a round compares; an empty name takes a finding out of it.
func sameVersion(f scan.Finding) string {
	version := f.Blob
	if version == "" {
		version = f.Commit + "\x00" + string(f.Where)
	}
	return fmt.Sprintf("%s\x00%s", f.Path(), version)
}

func sameFile(f scan.Finding) string   { return f.Path() }
func sameCommit(f scan.Finding) string { return f.Commit }

type matcher struct {
	ids, others []*value
	p           pairing
	contested   map[*value]bool // had two equally good partners: stays alone
}

func (m *matcher) isFree(v *value) bool {
	_, isID := m.p.byID[v]
	return !isID && m.p.byOther[v] == nil
}

// settle takes the best edges first. Edges of equal worth that share an end
// cancel each other out.
func (m *matcher) settle(edges []edge) {
	slices.SortFunc(edges, compareEdges)
	for len(edges) > 0 {
		n := 1
		for n < len(edges) && compareEdges(edges[0], edges[n]) == 0 {
			n++
		}
		m.settleEqual(edges[:n])
		edges = edges[n:]
	}
}

func compareEdges(a, b edge) int {
	return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(b.seen, a.seen))
}

func (m *matcher) settleEqual(edges []edge) {
	claims := map[*value]int{}
	var open []edge
	for _, e := range edges {
		if !m.isFree(e.id) || !m.isFree(e.other) || m.contested[e.id] || m.contested[e.other] {
			continue
		}
		open = append(open, e)
		claims[e.id]++
		claims[e.other]++
	}
	for _, e := range open {
		if claims[e.id] > 1 || claims[e.other] > 1 {
			m.contested[e.id], m.contested[e.other] = true, true
			continue
		}
		m.p.byID[e.id] = join{other: e.other, how: e.how}
		m.p.byOther[e.other] = e.id
	}
}

// spot is one value at one place.
type spot struct {
	v    *value
	at   scan.Finding
	isID bool
}

// places groups the free values by place, each place in reading order.
func (m *matcher) places(key func(scan.Finding) string) map[string][]spot {
	out := map[string][]spot{}
	collect := func(values []*value, isID bool) {
		for _, v := range values {
			if !m.isFree(v) {
				continue
			}
			for _, f := range v.findings {
				if k := key(f); k != "" {
					out[k] = append(out[k], spot{v: v, at: f, isID: isID})
				}
			}
		}
	}
	collect(m.ids, true)
	collect(m.others, false)
	for _, spots := range out {
		slices.SortFunc(spots, func(a, b spot) int { return compareFindings(a.at, b.at) })
	}
	return out
}

// neighbours proposes pairs that follow each other within a place. Where several
// ids are followed by several secrets ("id id secret secret") the order proves
// nothing, and no pair is proposed.
func (m *matcher) neighbours(key func(scan.Finding) string, how string) []edge {
	best := map[[2]*value]*edge{}
	for _, spots := range m.places(key) {
		if spots[0].at.Path() == "" {
			continue // commit messages share no file
		}
		runs := splitRuns(spots)
		for i := 1; i < len(runs); i++ {
			a, b := runs[i-1], runs[i]
			if distinct(a) > 1 && distinct(b) > 1 {
				continue
			}
			propose(best, a[len(a)-1], b[0], spots[0].isID, how)
		}
	}
	return edgesOf(best)
}

func propose(best map[[2]*value]*edge, x, y spot, idFirst bool, how string) {
	lines := y.at.Line - x.at.Line
	distance := 2 * lines
	if x.isID != idFirst {
		distance++ // against the order in which this file writes its pairs
	}
	id, other := x.v, y.v
	if !x.isID {
		id, other = other, id
	}
	e := edge{id: id, other: other, distance: distance, seen: 1, how: apart(how, lines)}
	k := [2]*value{id, other}
	old := best[k]
	switch {
	case old == nil || e.distance < old.distance:
		best[k] = &e
	case e.distance == old.distance:
		old.seen++
	}
}

func apart(how string, lines int) string {
	switch lines {
	case 0:
		return how + ", same line"
	case 1:
		return how + ", 1 line apart"
	default:
		return fmt.Sprintf("%s, %d lines apart", how, lines)
	}
}

// splitRuns cuts a place into stretches of the same part.
func splitRuns(spots []spot) [][]spot {
	var runs [][]spot
	for i, s := range spots {
		if i == 0 || s.isID != spots[i-1].isID {
			runs = append(runs, nil)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], s)
	}
	return runs
}

func distinct(run []spot) int {
	seen := map[*value]bool{}
	for _, s := range run {
		seen[s.v] = true
	}
	return len(seen)
}

// alone proposes a pair where a place holds exactly one id and one other part.
func (m *matcher) alone(key func(scan.Finding) string, how string) []edge {
	best := map[[2]*value]*edge{}
	for _, spots := range m.places(key) {
		var ids, others []spot
		for _, s := range spots {
			if s.isID {
				ids = append(ids, s)
			} else {
				others = append(others, s)
			}
		}
		if distinct(ids) != 1 || distinct(others) != 1 {
			continue
		}
		k := [2]*value{ids[0].v, others[0].v}
		if best[k] == nil {
			best[k] = &edge{id: k[0], other: k[1], how: how}
		}
		best[k].seen++
	}
	return edgesOf(best)
}

// edgesOf takes the edges out of the map; settle orders and compares them by
// worth alone, so that map order cannot show.
func edgesOf(best map[[2]*value]*edge) []edge {
	out := make([]edge, 0, len(best))
	for _, e := range best {
		out = append(out, *e)
	}
	return out
}
