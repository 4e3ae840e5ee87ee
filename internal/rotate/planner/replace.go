package planner

import (
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// onlyOne is the risk of an issuer without overlap.
const onlyOne = "this issuer keeps one key only: making the new one is an outage until every consumer has it"

// replaces reports whether a call puts the new key in the place of the old one.
func (b *builder) replaces() bool {
	_, ok := providers.As[providers.Replacer](b.issuer)
	return ok
}

// replacing words the step that makes the new key and ends the old one.
func (b *builder) replacing(st *rotate.Step) {
	st.Title = "put a new key in the place of the old one of " + b.plan.Old.Owner + ", which ends with that"
	st.Undo, st.Risk = rotate.UndoNone, "THE OUTAGE BEGINS: consumers fail from here until they have the new one"
	b.plan.Risks = append(b.plan.Risks, onlyOne)
}

// noWayBack takes the promise out of the steps behind such a one: the value from before
// opens nothing any more.
func (b *builder) noWayBack() {
	if !b.replaces() {
		return
	}
	for i := range b.plan.Steps {
		if st := &b.plan.Steps[i]; st.Undo != rotate.UndoNone {
			st.Undo = "-"
		}
	}
}

// wantedProof says how often the old key must be refused.
func wantedProof(p rotate.Policy) string {
	if p.ProofRefusals == 1 {
		return "one refusal, more would shut us out,"
	}
	return fmt.Sprintf("%d refusals over %s", p.ProofRefusals, p.ProofWindow)
}
