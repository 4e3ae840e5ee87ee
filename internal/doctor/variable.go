package doctor

import (
	"errors"
	"regexp"
	"strings"
)

// variable looks at one variable that must be set.
func (d *diagnosis) variable(name string) {
	if d.f.Variables == nil {
		d.unknown("variable.missing", name, "the variables could not be read", "give our token the right to read them")
		return
	}
	v, set := d.f.Variables[name]
	text := v.Text.Reveal()
	switch {
	case !set:
		d.bad("variable.missing", name, "it is not set", d.setIn(name))
	case !v.Readable && d.shown(name):
		d.ok("variable.set", name, "set; it cannot be read back, and the endpoint showed it")
	case !v.Readable:
		d.unknown("variable.value", name, "it is set, and its value cannot be read back", "declare an endpoint that proves it, or compare its name in the run that stored it")
	case strings.TrimSpace(text) == "":
		d.bad("variable.empty", name, "it is set and empty", d.setIn(name))
	case placeholder(text):
		d.bad("variable.placeholder", name, "it holds a placeholder, no value", d.setIn(name))
	case unclean(text):
		d.bad("variable.quoted", name, "its value begins or ends with a space or a line end, or stands in quotes that belong to it", d.setIn(name))
	case v.Retired != "":
		d.bad("variable.stale", name, "it still holds the value that the run "+v.Retired+" replaced", "secretguard report "+v.Retired+" (tells what replaced it); then "+d.setIn(name))
	default:
		d.ok("variable.set", name, "set, from the "+v.From)
	}
	if set && v.NotAtRuntime {
		d.bad("variable.scope", name, "its scopes leave out functions and runtime: only builds see it", "give it the scope functions at Netlify")
	}
}

// shown reports whether the endpoint proved the variable.
func (d *diagnosis) shown(name string) bool {
	if d.f.Endpoint == nil {
		return false
	}
	p, asked := d.f.Endpoint.Proofs[name]
	return asked && p.Err == nil
}

var (
	// wholePlaceholder is a value that is nothing but a word in place of one.
	wholePlaceholder = regexp.MustCompile(`(?i)^(change[-_ ]?me|replace[-_ ]?me|fix[-_ ]?me|todo|tbd|null|undefined|placeholder|dummy|secret|password|` +
		`(your|my|insert|enter|put|add)[-_ ].*|x{3,}|\*{3,}|\.{3}|-+|<[^<>/]{1,60}>|\[.*\]|\$\{[^}]*\}|\$\([^)]*\)|\{\{.*\}\}|%[A-Z_]+%|\$[A-Z_]+|(sync|generateValue): ?\w+)$`)
	// inPlaceholder is a word in a longer value that no real one holds.
	inPlaceholder = regexp.MustCompile(`(?i)((^|[^a-z])(change|replace)[-_]?me([^a-z]|$)|(^|[^a-z])your[-_](key|token|secret|api|account|project|queue)|EXAMPLE(KEY)?$|xxxxxx|<(your|my|the|project|api|account|key|token|secret|region|bucket|url|host|user|pass|app)[a-z_ -]{0,40}>)`)
)

// placeholder reports a value that stands in place of one, as examples have it.
func placeholder(text string) bool {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	return wholePlaceholder.MatchString(text) || inPlaceholder.MatchString(text)
}

// unclean reports a value with something around it that a form or a file left there.
func unclean(text string) bool {
	if text != strings.TrimSpace(text) {
		return true
	}
	first, last := text[0], text[len(text)-1]
	return len(text) > 1 && first == last && (first == '"' || first == '\'')
}

// afterProof is what to do about an answer that does not show the key.
func (d *diagnosis) afterProof(name string, p Proof) string {
	switch {
	case errors.Is(p.Err, ErrNotSet):
		return d.setIn(name) + "; or put it on the endpoint's list, or correct its address"
	case errors.Is(p.Err, ErrOtherKey):
		return "deploy " + d.f.Consumer.Service() + ", so that what runs has what is stored"
	case p.Status/100 == 2:
		return "it says success whatever happens: make it fail without its keys, and show them (docs/attestation.md has the few lines)"
	}
	return "offer the endpoint (docs/attestation.md has the few lines), or correct its address"
}
