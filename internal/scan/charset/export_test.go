package charset

// IsBinary judges as Text does, but converts nothing.
func IsBinary(data []byte) bool {
	return !Plain(data) && detect(data[:min(len(data), probe)]).width == 0
}
