package term

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"scan", "plan", "rotate", "providers", "rules"}
	for word, want := range map[string]string{
		"scna": "scan", "rotat": "rotate", "provider": "providers", "plan": "plan", "ruls": "rules",
		"": "", "xyz": "", "completely-else": "", strings.Repeat("s", 1<<20): "",
	} {
		if got := Nearest(word, known); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", word, got, want)
		}
	}
}
