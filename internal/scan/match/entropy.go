package match

import "math"

// entropy is Shannon's, in bits for each character, counted as gitleaks does:
// over runes, divided by the length in bytes.
func entropy(s string) float64 {
	var ascii [128]int
	var others map[rune]int
	for _, r := range s {
		if r < 128 {
			ascii[r]++
			continue
		}
		if others == nil {
			others = map[rune]int{}
		}
		others[r]++
	}
	n, e := float64(len(s)), 0.0
	for _, c := range ascii {
		if c > 0 {
			f := float64(c) / n
			e -= f * math.Log2(f)
		}
	}
	for _, c := range others {
		f := float64(c) / n
		e -= f * math.Log2(f)
	}
	return e
}
