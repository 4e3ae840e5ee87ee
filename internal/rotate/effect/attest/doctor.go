package attest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/rotate/effect"
)

// examined lets doctor look at the consumer until it finds nothing wrong, or the time for
// the attestation is over: a service that starts, or a right that is new, takes a while.
func examined(ctx context.Context, w *effect.Worker, declaration json.RawMessage) error {
	if w.Doctor == nil {
		return errors.New("this call cannot let doctor look at the consumer that was declared")
	}
	p := w.Policy()
	err := w.Poll(ctx, p.HealthEvery, p.AttestWithin, nil, func(ctx context.Context) (bool, string, error) {
		wrong, err := w.Doctor(ctx, declaration)
		return len(wrong) == 0, strings.Join(wrong, "; "), err
	})
	if err != nil {
		return fmt.Errorf("doctor finds something wrong with %s, so the old key stays alive (%w); mend it and resume, or accept it: secretguard rotate waive %s %s --level 1 --reason …",
			w.Step.Target.Name, err, w.Plan().ID, w.Step.ID)
	}
	return nil
}
