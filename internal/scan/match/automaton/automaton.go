// Package automaton runs an expression byte by byte, from a place where a match may
// start, to say how far the bytes go that matter to it.
package automaton

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// Automaton runs the suffix of an expression, from an anchor on, as a
// deterministic automaton whose states are made when they are first entered. It
// answers two questions, both on the safe side: whether a match may start here,
// and how far the bytes go that can matter to it. Most anchors are words in
// ordinary text, and it gives up on them after a few bytes; the expression
// itself runs only where it does not.
//
// Empty-width assertions count as satisfied. It is used by one goroutine.
type Automaton struct {
	prog   *syntax.Prog
	next   []int32 // state*128 + ASCII byte -> state; unknown when negative
	pcs    [][]uint32
	accept []bool
	index  map[string]int32
	start  int32
	mark   []uint32 // pc -> generation, for closures
	gen    uint32
	key    []byte
}

const (
	unknown  = -1
	deadEnd  = 0
	asciiLen = 128
	// maxStates bounds the memory of one automaton, half a KiB a state; when there
	// are more, all are forgotten and made anew.
	maxStates = 2000
)

// New compiles a suffix: an expression of which each match starts where it is run.
func New(suffix *syntax.Regexp) (*Automaton, error) {
	prog, err := syntax.Compile(suffix.Simplify())
	if err != nil {
		return nil, err
	}
	a := &Automaton{prog: prog, mark: make([]uint32, len(prog.Inst))}
	a.reset()
	return a, nil
}

func (a *Automaton) reset() {
	a.next, a.pcs, a.accept = a.next[:0], a.pcs[:0], a.accept[:0]
	a.index = map[string]int32{}
	a.state(nil, false) // the dead end
	a.gen++
	pcs, match := a.close(nil, uint32(a.prog.Start))
	a.start = a.state(pcs, match)
}

// close adds pc and everything that it leads to without reading.
func (a *Automaton) close(pcs []uint32, pc uint32) ([]uint32, bool) {
	if a.mark[pc] == a.gen {
		return pcs, false
	}
	a.mark[pc] = a.gen
	in := &a.prog.Inst[pc]
	switch in.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		pcs, one := a.close(pcs, in.Out)
		pcs, two := a.close(pcs, in.Arg)
		return pcs, one || two
	case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
		return a.close(pcs, in.Out)
	case syntax.InstMatch:
		return pcs, true
	case syntax.InstFail:
		return pcs, false
	default:
		return append(pcs, pc), false
	}
}

// state returns the number of a state, making it when it is new. A state that
// has nothing to read but is a match differs from the dead end.
func (a *Automaton) state(pcs []uint32, match bool) int32 {
	slices.Sort(pcs)
	a.key = a.key[:0]
	for _, pc := range pcs {
		a.key = binary.LittleEndian.AppendUint32(a.key, pc)
	}
	if match {
		a.key = append(a.key, 1)
	}
	if s, ok := a.index[string(a.key)]; ok {
		return s
	}
	s := int32(len(a.pcs))
	a.index[string(a.key)] = s
	a.pcs = append(a.pcs, slices.Clone(pcs))
	a.accept = append(a.accept, match)
	for range asciiLen {
		a.next = append(a.next, unknown)
	}
	return s
}

// step makes the state that follows s on a rune.
func (a *Automaton) step(s int32, r rune) int32 {
	a.gen++
	var pcs []uint32
	match := false
	for _, pc := range a.pcs[s] {
		in := &a.prog.Inst[pc]
		if !in.MatchRune(r) {
			continue
		}
		var m bool
		pcs, m = a.close(pcs, in.Out)
		match = match || m
	}
	if len(pcs) == 0 && !match {
		return deadEnd
	}
	return a.state(pcs, match)
}

// Run reads text from start. It returns whether a match is possible, and the end
// of what it read: no byte from there on matters to a match from this anchor.
func (a *Automaton) Run(text []byte, start int) (possible bool, end int) {
	if len(a.pcs) > maxStates {
		a.reset()
	}
	s := a.start
	possible = a.accept[s]
	for i := start; i < len(text); {
		b := text[i]
		var n int32
		size := 1
		if b < utf8.RuneSelf {
			if n = a.next[int(s)*asciiLen+int(b)]; n == unknown {
				n = a.step(s, rune(b))
				a.next[int(s)*asciiLen+int(b)] = n
			}
		} else {
			var r rune
			r, size = utf8.DecodeRune(text[i:])
			n = a.step(s, r)
		}
		i += size
		if n == deadEnd {
			return possible, min(i, len(text))
		}
		s = n
		possible = possible || a.accept[s]
		if len(a.pcs) > 4*maxStates { // within one run: as good as everywhere
			return true, len(text)
		}
	}
	return possible, len(text)
}
