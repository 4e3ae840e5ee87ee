package planner

import (
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// check is what a person declared for a consumer, nil when nothing was.
func (b *builder) check(t providers.Target) *rotate.Check {
	if c, ok := declared(b.req.Checks, t); ok {
		return &c
	}
	return nil
}

// declared finds what was declared for a consumer, by its id or its name.
func declared[T any](list map[string]T, t providers.Target) (T, bool) {
	for _, name := range []string{t.ID, t.Name} {
		if v, ok := list[t.Provider+":"+name]; ok {
			return v, true
		}
	}
	var none T
	return none, false
}

// told is a check in words: who approves a plan sees what will be run on this machine.
func told(c rotate.Check) string {
	if len(c.Command) == 0 {
		return "GET " + c.URL
	}
	return "the command " + strings.Join(c.At(c.URL), " ")
}
