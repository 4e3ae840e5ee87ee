package planner

import (
	"errors"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// ontoWhich finds the key that is to take the old one's place among the owner's other
// keys. It must work, and its whole value must be known.
func ontoWhich(req Request, s providers.KeyState) (providers.KeyInfo, error) {
	i := slices.IndexFunc(s.Siblings, func(k providers.KeyInfo) bool { return k.Ref.ID == req.Onto.Part(credential.PartID).Reveal() })
	switch {
	case req.Strategy != rotate.KeepRunning:
		return providers.KeyInfo{}, errors.New("making room with another leaked key is for production that keeps running, not for containment")
	case !req.Onto.Complete():
		return providers.KeyInfo{}, fmt.Errorf("%w: case %s has no whole key", rotate.ErrIncomplete, req.OntoCase)
	case i < 0:
		return providers.KeyInfo{}, fmt.Errorf("the key of case %s is none of %s, or the same one: both keys must be of one owner", req.OntoCase, s.Key.Ref.Owner)
	case !s.Siblings[i].Active:
		return providers.KeyInfo{}, fmt.Errorf("the key of case %s is disabled already: it serves nobody; delete it at the issuer, then plan again", req.OntoCase)
	case s.Self:
		return providers.KeyInfo{}, errors.New("the leaked key is our own access: use another administrator's key")
	}
	return s.Siblings[i], nil
}

// makeRoom says in the plan that the other leaked key takes over, and what comes then:
// both are never dead while a consumer holds one.
func (b *builder) makeRoom(onto providers.KeyInfo) {
	b.plan.Onto, b.plan.OntoCase = onto.Ref, b.req.OntoCase
	mask := secret.Mask(onto.Ref.ID)
	b.plan.Phrase = "make room for " + b.plan.Old.Owner
	b.plan.Risks = append(b.plan.Risks,
		fmt.Sprintf("BOTH KEYS OF %s HAVE LEAKED: first, with this plan, the consumers of %s go over to %s and the former dies, which makes room; then %s is replaced by a new key: secretguard plan %s -o plan.json",
			b.plan.Old.Owner, b.plan.OldMask, mask, mask, b.req.OntoCase),
		"until that second plan is done, all consumers run with a key that has leaked: begin it at once",
	)
}
