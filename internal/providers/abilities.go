package providers

// Ability is one thing that a provider can do, in words for people. A descriptor
// lists them; the conformance suite holds the list to the provider.
type Ability string

// Abilities. Those by hand are a person's part, and told to the person.
const (
	CanVerify       Ability = "tell whether a key works"
	CanInspect      Ability = "tell whose a key is"
	CanIssue        Ability = "make a new key"
	CanIssueByHand  Ability = "take the new key from a person, who is told how to make it"
	CanReplace      Ability = "put the new key in the place of the old one, which ends with that"
	CanDisable      Ability = "disable a key, which can be undone"
	CanDelete       Ability = "take the old key away"
	CanRetire       Ability = "take the old key away with nothing but the key itself"
	CanDeleteByHand Ability = "tell a person how to take the old key away, and see that it is gone"
	CanTellUse      Ability = "tell when a key was last used"
	CanList         Ability = "name keys that appear meanwhile"
	CanRekey        Ability = "replace its own access"
	CanStore        Ability = "find and store values"
	CanDeploy       Ability = "deploy, and see what is live"
)

// AbilitiesOf returns what a provider can do as it is set up, in the order of a
// rotation.
func AbilitiesOf(p Provider) []Ability {
	var out []Ability
	add := func(ok bool, a Ability) {
		if ok {
			out = append(out, a)
		}
	}
	_, guides := As[Guide](p)
	_, issues := As[Issuer](p)
	_, deletes := As[Deleter](p)
	_, retires := As[Retirer](p)
	add(has[Verifier](p), CanVerify)
	add(has[Inspector](p), CanInspect)
	add(issues, CanIssue)
	add(guides && !issues, CanIssueByHand)
	add(has[Replacer](p), CanReplace)
	add(has[Disabler](p), CanDisable)
	add(deletes, CanDelete)
	add(retires, CanRetire)
	add(guides && !deletes && !retires, CanDeleteByHand)
	add(has[UsageReporter](p), CanTellUse)
	add(has[Lister](p), CanList)
	add(has[Rekeyer](p), CanRekey)
	add(has[Sink](p), CanStore)
	add(has[Deployer](p), CanDeploy)
	return out
}

func has[T any](p Provider) bool {
	_, ok := As[T](p)
	return ok
}
