package probe

import (
	"cmp"
	"slices"

	"github.com/secretguard/secretguard/internal/credential"
)

// Way is how keys of one form are asked about, or why they are not, in words.
type Way struct {
	Kind credential.Kind
	// What is which sort of the kind's keys it is; empty for the ordinary one.
	What string
	// Who is asked, with which request, and what its answers look like. Why is set
	// instead of all these where nobody is asked.
	Who, Call, Live, Dead, Few, But, Why string
}

// Ways lists all of them, by kind. The words are made of what the code tests.
func Ways() []Way {
	var out []Way
	for _, p := range table() {
		out = append(out, Way{Kind: p.kind, What: p.what, Who: p.title, Call: p.call, Live: p.live.text, Dead: p.dead.text, Few: p.scoped.text, But: p.but})
	}
	for _, r := range reasons() {
		out = append(out, Way{Kind: r.kind, What: r.prefix, Why: r.why})
	}
	slices.SortStableFunc(out, func(a, b Way) int { return cmp.Compare(a.Kind, b.Kind) })
	return out
}
