package cli

import (
	"testing"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

func TestStepNamed(t *testing.T) {
	t.Parallel()
	one, two := &providers.Target{ID: "1"}, &providers.Target{ID: "2"}
	p := rotate.Plan{ID: "r-1", Steps: []rotate.Step{
		{N: 1, ID: "issue", Action: rotate.ActIssue},
		{N: 2, ID: "attest:x/1", Action: rotate.ActAttest, Target: one},
		{N: 3, ID: "attest:x/2", Action: rotate.ActAttest, Target: two},
		{N: 4, ID: "disable", Action: rotate.ActDisable},
	}}
	for word, want := range map[string]string{"1": "issue", "attest": "attest:x/2", "attest:x/1": "attest:x/1", "4": "disable", "disable": "disable"} {
		if got, err := stepNamed(p, word); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", word, got, err, want)
		}
	}
	for _, word := range []string{"0", "5", "disabel", "attest:", " "} {
		if got, err := stepNamed(p, word); err == nil {
			t.Errorf("%q is taken for %s", word, got)
		}
	}
}
