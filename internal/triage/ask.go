package triage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
)

// Verify asks the issuer, with one read-only call that the issuer sees, whether
// the case's credential works. The liveness is usable also with an error, and is
// then unknown: only an answer that says so makes a credential dead. A kind that
// nobody can verify and a credential with a part missing give ErrUnsupported.
// Verify may be repeated.
func Verify(ctx context.Context, reg providers.Registry, c Case) (Liveness, error) {
	if c.Canary() {
		return unknown("a canary: using it would raise an alarm"),
			fmt.Errorf("verify %s: it is a canary: %w", c.ID, providers.ErrUnsupported)
	}
	if !c.Credential.Complete() {
		return unknown("a part of the credential was not found"),
			fmt.Errorf("verify %s: the credential is incomplete, missing %s: %w", c.ID, partNames(c.Missing), providers.ErrUnsupported)
	}
	v, _, _, ok := reg.VerifierOf(c.Credential)
	if !ok {
		why := reg.WhyNot(c.Credential)
		return unknown("not asked: " + why), fmt.Errorf("verify %s: %s: %w", c.ID, why, providers.ErrUnsupported)
	}
	verdict, err := v.Verify(ctx, c.Credential)
	if err != nil {
		l := unknown("the check failed: " + className(err))
		l.Verdict.Identity, l.Verdict.Code, l.Verdict.At = verdict.Identity, verdict.Code, verdict.At
		return l, fmt.Errorf("verify %s: %w", c.ID, err)
	}
	switch verdict.Liveness {
	case providers.Live, providers.Dead, providers.Unknown:
	default: // an empty or new word is no proof of anything
		verdict.Liveness = providers.Unknown
	}
	if verdict.Liveness == providers.Dead && c.Credential.Kind.OfAProject() && c.Credential.Project == "" {
		return unknown("the project that is configured does not know it; it may be another's"), nil
	}
	return Liveness{Value: string(verdict.Liveness), Verdict: verdict}, nil
}

func unknown(detail string) Liveness {
	return Liveness{
		Value:   string(providers.Unknown),
		Verdict: providers.Verdict{Liveness: providers.Unknown, Detail: detail},
	}
}

// className gives the class of a provider failure and its cause, without the
// words of the other side: what a person can do about it is in the cause.
func className(err error) string {
	var pe *providers.Error
	if errors.As(err, &pe) && pe.Class != nil {
		if pe.Err != nil {
			return fmt.Sprintf("%v: %v", pe.Class, pe.Err)
		}
		return pe.Class.Error()
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return "no usable answer"
}

func partNames(parts []credential.Part) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

// Locate asks every sink which of its stored values hold a part of the case's
// credential, and returns the case with Placements and Gaps filled anew. A sink
// that fails leaves a gap and its error is returned too, joined with the others;
// what was found stays usable. Locate only reads and may be repeated.
func Locate(ctx context.Context, reg providers.Registry, c Case) (Case, error) {
	return LocateValues(ctx, reg, c, Wanted(c))
}

// LocateValues is [Locate] for values of the caller's own.
func LocateValues(ctx context.Context, reg providers.Registry, c Case, wanted []providers.Wanted) (Case, error) {
	c.Placements, c.Gaps, c.Unreadable = nil, nil, 0
	sinks := reg.Sinks()
	if len(sinks) == 0 {
		c.Gaps = []providers.Gap{{What: "consumers", Why: "no provider that stores values is set up"}}
		return c, nil
	}
	if len(wanted) == 0 {
		c.Gaps = []providers.Gap{{What: "consumers", Why: "no part of the credential is known"}}
		return c, nil
	}
	var errs []error
	for _, p := range sinks {
		sink, _ := providers.As[providers.Sink](p)
		located, err := sink.Locate(ctx, wanted)
		c.Placements = append(c.Placements, located.Placements...)
		c.Gaps = append(c.Gaps, located.Gaps...)
		c.Unreadable += located.Unreadable
		if err != nil {
			name := p.Describe().Name
			c.Gaps = append(c.Gaps, providers.Gap{What: name, Why: className(err)})
			errs = append(errs, fmt.Errorf("look for %s in %s: %w", c.ID, name, err))
		}
	}
	slices.SortStableFunc(c.Placements, func(a, b providers.Placement) int {
		return cmp.Or(cmp.Compare(a.ID(), b.ID()), cmp.Compare(a.Part, b.Part))
	})
	c.Placements = slices.CompactFunc(c.Placements, func(a, b providers.Placement) bool {
		return a.ID() == b.ID() && a.Part == b.Part
	})
	return c, errors.Join(errs...)
}

// Wanted lists the values to look for, with the names they usually have.
func Wanted(c Case) []providers.Wanted {
	var out []providers.Wanted
	for _, p := range c.Credential.PartNames() {
		out = append(out, providers.Wanted{
			Part: p, Value: c.Credential.Part(p), Names: VariableNames(c.Kind, p),
		})
	}
	return out
}
