package planner

import (
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

// check is what a person declared for a consumer, nil when nothing was.
func (b *builder) check(t providers.Target) *rotate.Check {
	for _, name := range []string{t.ID, t.Name} {
		if c, ok := b.req.Checks[t.Provider+":"+name]; ok {
			return &c
		}
	}
	return nil
}

// told is a check in words: who approves a plan sees what will be run on this machine.
func told(c rotate.Check) string {
	if len(c.Command) == 0 {
		return "GET " + c.URL
	}
	return "the command " + strings.Join(c.At(c.URL), " ")
}
