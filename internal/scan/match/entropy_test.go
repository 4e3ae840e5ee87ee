package match

import (
	"math"
	"testing"
)

// TestEntropyIsGitleaks: bits for each character, divided by the length in bytes.
func TestEntropyIsGitleaks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"": 0, "aaaa": 0, "abab": 1, "abcd": 2, "aabbccdd": 2, "ää": 0.5} {
		if got := entropy(text); math.Abs(got-want) > 1e-9 {
			t.Errorf("%q: %f, want %f", text, got, want)
		}
	}
}
