package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/rotate"
)

// declaredChecks are the checks of the user's own configuration, by consumer. The
// scanned repository declares none: a check may be a command.
func declaredChecks(list []config.Consumer) map[string]rotate.Check {
	out := map[string]rotate.Check{}
	for _, c := range list {
		if k := c.Check; k != nil {
			out[c.Where] = rotate.Check(*k)
		}
	}
	return out
}

// commandEnv is the environment of a declared command: the user's own, without the
// access to providers that a rotation works with.
func commandEnv() []string {
	var ours []string
	for _, d := range all.Descriptors() {
		for _, s := range d.Settings {
			if s.Secret {
				ours = append(ours, s.Env, s.Env+"_FILE")
			}
		}
	}
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(ours, name)
	})
}
