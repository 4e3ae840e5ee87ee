package match

// Reference and Described are the slow way and ours, in the same words.
func Reference(s *Set, text, path string) []string {
	return reference(s.Rules(), s.globalList, text, path)
}

// Described words a record.
func (f *Finder) Described(text []byte, r *Record, path string) []string {
	return described(f, text, r, path)
}
