package providers

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/credential"
)

// Registry is the set of providers that are configured. It is a value built in
// one place (package all) and handed down; it never changes after that, so it
// may be used from many goroutines.
type Registry struct {
	list   []Provider
	checks KindVerifier
}

// KindVerifier verifies credentials whose issuer is not among the providers that
// are set up: it needs no access of the operator, only the key itself.
type KindVerifier interface {
	Verifier
	// Call names who would see the request and what it is, before it is made; false
	// when no free request that only reads is known for this credential.
	Call(c credential.Credential) (who, call string, ok bool)
	// WhyNot says why nobody is asked about this credential.
	WhyNot(c credential.Credential) string
	// Through returns v as it may be asked: each key once at a time, each service only
	// so often. name is the service's and call its request.
	Through(name, call string, v Verifier) Verifier
}

// WithChecks returns a registry that asks v about what no provider verifies.
func (r Registry) WithChecks(v KindVerifier) Registry {
	r.checks = v
	return r
}

// VerifierOf returns who can verify a credential, whom it asks, and with which
// request.
func (r Registry) VerifierOf(c credential.Credential) (v Verifier, who, call string, ok bool) {
	if p, found := r.IssuerOf(c.Kind); found {
		if v, ok = As[Verifier](p); ok {
			d := p.Describe()
			call = cmp.Or(d.VerifyCall, "one request")
			if r.checks != nil {
				v = r.checks.Through(d.Name, call, v)
			}
			return v, d.Title, call, true
		}
	}
	if r.checks == nil {
		return nil, "", "", false
	}
	if who, call, ok = r.checks.Call(c); !ok {
		return nil, "", "", false
	}
	return r.checks, who, call, true
}

// WhyNot says why nobody can verify a credential.
func (r Registry) WhyNot(c credential.Credential) string {
	if p, ok := r.IssuerOf(c.Kind); ok {
		return p.Describe().Title + " offers no check"
	}
	if r.checks == nil {
		return "no provider is set up that can check this kind"
	}
	return r.checks.WhyNot(c)
}

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

// SinkOf returns the service of a name that stores values; ErrUnsupported when there is
// none, or it stores none.
func SinkOf(r Registry, name string) (Sink, error) { return ableTo[Sink](r, name, "stores no values") }

// DeployerOf returns the service of a name that deploys; errors as of SinkOf.
func DeployerOf(r Registry, name string) (Deployer, error) {
	return ableTo[Deployer](r, name, "cannot deploy")
}

func ableTo[T any](r Registry, name, otherwise string) (able T, err error) {
	p, ok := r.Get(name)
	if !ok {
		return able, fmt.Errorf("provider %s is not configured: %w", name, ErrUnsupported)
	}
	if able, ok = As[T](p); !ok {
		return able, fmt.Errorf("provider %s %s: %w", name, otherwise, ErrUnsupported)
	}
	return able, nil
}
