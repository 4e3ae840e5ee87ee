package match

// Reference and Described are the slow way and ours, in the same words.
func Reference(s *Set, text, path string) []string {
	return reference(s.Rules(), s.globalList, text, path)
}

// Impatient makes stretches join from the start on.
func (f *Finder) Impatient() { f.free = -1 << 40 }

// Read is how many bytes all automata read in the last search.
func (f *Finder) Read() int {
	n := 0
	for _, k := range f.spent {
		n += k
	}
	return n
}

// Around is around.
var Around = around

// Described words a record.
func (f *Finder) Described(text []byte, r *Record, path string) []string {
	return described(f, text, r, path)
}
