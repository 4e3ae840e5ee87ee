package markup

import "bytes"

// Strings are the texts that cells name by number.
type Strings struct {
	text []byte
	ends []int // of each string in text, with the line end behind it
	used []bool
}

// add marks the end of a string in a text of n bytes.
func (s *Strings) add(n int) {
	s.ends = append(s.ends, n)
	s.used = append(s.used, false)
}

// get returns the string of a number, which is foreign.
func (s *Strings) get(i int) []byte {
	if i < 0 || i >= len(s.ends) {
		return nil
	}
	s.used[i] = true
	from := 0
	if i > 0 {
		from = s.ends[i-1]
	}
	return bytes.TrimSuffix(s.text[from:s.ends[i]], []byte("\n"))
}

// Unused appends the strings that no cell named to out[:0], each on the line of its
// number. It appends nothing when there are none.
func (s *Strings) Unused(out []byte) []byte {
	out = out[:0]
	found := false
	for i, used := range s.used {
		if used {
			out = append(out, '\n')
			continue
		}
		found = true
		out = append(append(out, s.get(i)...), '\n')
	}
	if !found {
		return out[:0]
	}
	return out
}
