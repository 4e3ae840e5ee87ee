package attest

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
)

// checked runs the check that a person declared, until it passed several times in a
// row, and then its negative control. What it shows without a control that failed as it
// should is no more than that the consumer is well.
func checked(ctx context.Context, w *effect.Worker, c rotate.Check) (rotate.Level, string, error) {
	if w.Check == nil {
		return rotate.L0, "", errors.New("this call cannot run the check that was declared")
	}
	p := w.Policy()
	if last, err := repeated(ctx, w, c, c.URL, true); err != nil {
		return rotate.L0, "", fmt.Errorf("%s does not pass its declared check (%s): %w", w.Step.Target.Name, last, err)
	}
	said := fmt.Sprintf("; its declared check passed %d times in a row", p.HealthNeeded)
	if c.Preview == "" {
		return rotate.L2, said + "; negative control: not possible, no preview is declared", nil
	}
	last, err := repeated(ctx, w, c, c.Preview, false)
	switch {
	case ctx.Err() != nil:
		return rotate.L0, "", err
	case err != nil: // nothing against the consumer: the check shows less than it was thought to
		return rotate.L2, said + "; negative control: NOT PASSED, at " + c.Preview + ", which should have a wrong key: " + last, nil //nolint:nilerr // see above
	}
	return rotate.L3, said + fmt.Sprintf("; negative control: passed, the same check failed %d times in a row at %s, which has a wrong key (%s)", p.HealthNeeded, c.Preview, last), nil
}

// repeated runs a check at an address until it ended several times in a row as wanted,
// and returns what was seen last. At the preview a check that passes once is the end:
// it passes without the key.
func repeated(ctx context.Context, w *effect.Worker, c rotate.Check, address string, wanted bool) (last string, err error) {
	err = inARow(ctx, w, func(ctx context.Context) (bool, string, error) {
		passed, detail, unknown := w.Check(ctx, c, address)
		if unknown != nil { // not known is an answer here, not an error
			last = "not known: " + unknown.Error()
			return false, "check: " + last, nil //nolint:nilerr // see above
		}
		last = detail
		if passed && !wanted {
			return false, "", errPassesAnyway
		}
		return passed == wanted, "check: " + detail + ",", nil
	})
	if errors.Is(err, errPassesAnyway) {
		last = "it passes there too (" + last + "), so it does not need the key"
	}
	return last, err
}

var errPassesAnyway = errors.New("the check passes with a wrong key")
