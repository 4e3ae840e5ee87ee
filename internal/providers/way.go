package providers

import "slices"

// Way is how far a provider ends an incident by itself.
type Way string

// Ways.
const (
	WayAutomatic Way = "automatic" // new and old key by calls
	WayMixed     Way = "mixed"     // a person does one half
	WayGuided    Way = "guided"    // a person makes and takes away, guided and checked
	WayStores    Way = "stores"    // a sink
)

// Way tells how far the provider ends an incident by itself when it is set up.
func (d Descriptor) Way() Way {
	issues, deletes := slices.Contains(d.Can, CanIssue), slices.ContainsFunc(d.Can, Ability.ends)
	switch {
	case slices.Contains(d.Can, CanStore):
		return WayStores
	case issues && deletes:
		return WayAutomatic
	case issues || deletes:
		return WayMixed
	}
	return WayGuided
}

// ends reports whether an old key is taken away by a call.
func (a Ability) ends() bool { return a == CanDelete || a == CanRetire || a == CanReplace }

// Cannot says what people may expect of an issuer and this one cannot do, one
// sentence each.
func (d Descriptor) Cannot() []string {
	if d.Way() == WayStores {
		return nil
	}
	var out []string
	for _, miss := range []struct {
		needed Ability
		text   string
	}{
		{CanIssue, "It cannot make a key: a person does, and hands it in."},
		{CanDisable, "It cannot disable a key and enable it again: the way back ends when the old key is taken away, and an abused key cannot be contained first."},
		{CanDelete, "It cannot take the old key away: a person does, and the run sees that it is gone."},
		{CanTellUse, "It does not tell when a key was last used: a consumer that was not found shows only when it breaks."},
		{CanList, "It does not name keys that somebody else makes meanwhile: look through them on the issuer's page."},
	} {
		if !slices.Contains(d.Can, miss.needed) && (miss.needed != CanDelete || !slices.ContainsFunc(d.Can, Ability.ends)) {
			out = append(out, miss.text)
		}
	}
	if !d.Overlap {
		out = append(out, "Old and new key do not live side by side: there is an outage until every consumer has the new one.")
	}
	return out
}
