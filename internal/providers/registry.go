package providers

import (
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/credential"
)

// Registry is the set of providers that are configured. It is a value built in
// one place (package all) and handed down; it never changes after that, so it
// may be used from many goroutines.
type Registry struct{ list []Provider }

// NewRegistry checks that names are unique; a duplicate is a programmer's
// mistake and panics at start-up, where a test sees it.
func NewRegistry(list ...Provider) Registry {
	seen := map[string]bool{}
	for _, p := range list {
		n := p.Describe().Name
		if seen[n] {
			panic(fmt.Sprintf("provider %q is registered twice", n))
		}
		seen[n] = true
	}
	return Registry{list: slices.Clone(list)}
}

// All returns the providers in registration order.
func (r Registry) All() []Provider { return slices.Clone(r.list) }

// Get returns a provider by name.
func (r Registry) Get(name string) (Provider, bool) {
	for _, p := range r.list {
		if p.Describe().Name == name {
			return p, true
		}
	}
	return nil, false
}

// IssuerOf returns the provider that issues credentials of the kind.
func (r Registry) IssuerOf(k credential.Kind) (Provider, bool) {
	for _, p := range r.list {
		if slices.Contains(p.Describe().Kinds, k) {
			return p, true
		}
	}
	return nil, false
}

// Sinks returns the providers that store values for consumers.
func (r Registry) Sinks() []Provider {
	var out []Provider
	for _, p := range r.list {
		if _, ok := As[Sink](p); ok {
			out = append(out, p)
		}
	}
	return out
}
