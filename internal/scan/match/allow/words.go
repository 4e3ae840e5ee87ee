package allow

// words tells whether one of many lower-case words occurs in a text, with ASCII
// letters folded: an Aho-Corasick automaton (Aho and Corasick, "Efficient string
// matching", CACM 18, 1975). A rule may have more than a thousand stop words.
type words struct {
	class [256]uint8 // byte -> column; 0 for bytes in no word
	width int32
	next  []int32 // state*width + column -> state
	final []bool
}

func foldByte(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// newWords builds the automaton; nil for no words.
func newWords(list []string) *words {
	if len(list) == 0 {
		return nil
	}
	w := &words{width: 1}
	for _, s := range list {
		for i := range len(s) {
			if b := foldByte(s[i]); w.class[b] == 0 {
				w.class[b] = uint8(w.width)
				w.width++
			}
		}
	}
	for b := byte('A'); b <= 'Z'; b++ {
		w.class[b] = w.class[foldByte(b)]
	}
	w.state()
	for _, word := range list {
		s := int32(0)
		for i := range len(word) {
			at := s*w.width + int32(w.class[foldByte(word[i])])
			if w.next[at] == 0 {
				n := w.state()
				w.next[at] = n
			}
			s = w.next[at]
		}
		w.final[s] = true
	}
	w.link()
	return w
}

func (w *words) state() int32 {
	w.next = append(w.next, make([]int32, w.width)...)
	w.final = append(w.final, false)
	return int32(len(w.final) - 1)
}

// link turns the tree into an automaton without failure steps, breadth first.
func (w *words) link() {
	fail := make([]int32, len(w.final))
	var queue []int32
	for c := range w.width {
		if n := w.next[c]; n != 0 {
			queue = append(queue, n)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		w.final[s] = w.final[s] || w.final[fail[s]]
		for c := range w.width {
			n := w.next[s*w.width+c]
			back := w.next[fail[s]*w.width+c]
			if n == 0 {
				w.next[s*w.width+c] = back
				continue
			}
			fail[n] = back
			queue = append(queue, n)
		}
	}
}

// in reports whether a word occurs in the text. No words occur nowhere.
func (w *words) in(text string) bool {
	if w == nil {
		return false
	}
	s := int32(0)
	if w.final[s] { // the empty word
		return true
	}
	for i := range len(text) {
		s = w.next[s*w.width+int32(w.class[text[i]])]
		if w.final[s] {
			return true
		}
	}
	return false
}
