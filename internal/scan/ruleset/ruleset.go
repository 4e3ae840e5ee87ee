// Package ruleset puts the rules of a scan together: our packs, gitleaks'
// defaults, and what a configuration changes.
package ruleset

import (
	_ "embed" // the snapshot of the built-in rules
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/gitleaks"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/rules"
)

//go:generate go run ./snapshot builtin.rules

// builtin is what Compile makes of the built-in rules; a test holds it against
// them.
//
//go:embed builtin.rules
var builtin string

// Load compiles the built-in rules, or those of a gitleaks configuration (data,
// with its name for errors, and a reader for the files that it extends) together
// with our own packs. No data means the built-in ones.
func Load(data []byte, name string, read gitleaks.Reader) (*match.Set, error) {
	if len(data) == 0 {
		return match.Restore(builtin)
	}
	return compile(data, name, read)
}

// Builtin compiles the built-in rules from their sources.
func Builtin() (*match.Set, error) { return compile(nil, "the built-in rules", nil) }

func compile(data []byte, name string, read gitleaks.Reader) (*match.Set, error) {
	own, err := packs()
	if err != nil {
		return nil, err
	}
	base, err := gitleaks.Default()
	if len(data) > 0 {
		base, err = gitleaks.Parse(data, name, read)
	}
	if err != nil {
		return nil, err
	}
	list := own
	for _, r := range base.Rules {
		if slices.ContainsFunc(own, func(o match.Rule) bool { return o.ID == r.ID }) {
			return nil, fmt.Errorf("%s: the rule id %s is one of our own; choose another", name, r.ID)
		}
		// A kind decides to whom "verify" shows a value, and what becomes of a match:
		// no file but our own may set it.
		r.Kind, r.Part, r.Context = "", "", false
		list = append(list, r)
	}
	set, err := match.Compile(list, base.Global)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return set, nil
}

// packs returns the rules of our own packs.
func packs() ([]match.Rule, error) {
	var list []match.Rule
	for _, p := range rules.Packs() {
		own, err := gitleaks.Parse(p.Data, "rules/"+p.Name, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range own.Rules {
			r.Own = true
			list = append(list, r)
		}
	}
	return list, nil
}
