package match

// prefilter is an Aho-Corasick automaton over the keywords of all rules, with
// ASCII letters folded. It reads the raw bytes once and makes no copy of them.
// Source of the construction: Aho and Corasick, "Efficient string matching",
// CACM 18 (1975).
type prefilter struct {
	class [256]uint8 // byte -> column; 0 for bytes in no keyword
	width int
	next  []int32   // state*width + column -> state
	out   [][]int32 // state -> rules, those of its suffixes included
}

func fold(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// newPrefilter builds the automaton; words are lower case.
func newPrefilter(words map[string][]int) *prefilter {
	p := &prefilter{width: 1}
	for w := range words {
		for i := range len(w) {
			if b := fold(w[i]); p.class[b] == 0 {
				p.class[b] = uint8(p.width)
				p.width++
			}
		}
	}
	for b := byte('A'); b <= 'Z'; b++ {
		p.class[b] = p.class[fold(b)]
	}
	p.state()
	for w, rules := range words {
		s := int32(0)
		for i := range len(w) {
			at := s*int32(p.width) + int32(p.class[fold(w[i])])
			if p.next[at] == 0 {
				n := p.state()
				p.next[at] = n
			}
			s = p.next[at]
		}
		for _, r := range rules {
			p.out[s] = append(p.out[s], int32(r))
		}
	}
	p.link()
	return p
}

func (p *prefilter) state() int32 {
	p.next = append(p.next, make([]int32, p.width)...)
	p.out = append(p.out, nil)
	return int32(len(p.out) - 1)
}

// link turns the tree into an automaton without failure steps, breadth first.
func (p *prefilter) link() {
	w := int32(p.width)
	fail := make([]int32, len(p.out))
	var queue []int32
	for c := range w {
		if n := p.next[c]; n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		p.out[s] = append(p.out[s], p.out[fail[s]]...)
		for c := range w {
			n := p.next[s*w+c]
			back := p.next[fail[s]*w+c]
			if n == 0 {
				p.next[s*w+c] = back
				continue
			}
			fail[n] = back
			queue = append(queue, n)
		}
	}
}

// candidates marks in hit the rules of which a keyword occurs in data.
func (p *prefilter) candidates(data string, hit []bool) {
	s, w := int32(0), int32(p.width)
	for i := range len(data) {
		s = p.next[s*w+int32(p.class[data[i]])]
		for _, r := range p.out[s] {
			hit[r] = true
		}
	}
}
