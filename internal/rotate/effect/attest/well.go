package attest

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
)

// errIll ends a look before its time is over.
var errIll = errors.New("ill")

// ConsumersWell looks at every attested consumer that has a health URL, until it was
// well as many times in a row as the policy wants. One that was ill as many times in a
// row is ill: whoever waits longer leaves production down for longer.
func ConsumersWell(ctx context.Context, w *effect.Worker) error {
	return eachConsumer(ctx, w, w.Policy().HealthNeeded)
}

// ConsumersStillWell is a short look, for again and again: one good answer is enough,
// and only a consumer that gave a bad one is looked at for longer.
func ConsumersStillWell(ctx context.Context, w *effect.Worker) error {
	return eachConsumer(ctx, w, 1)
}

func eachConsumer(ctx context.Context, w *effect.Worker, good int) error {
	for _, s := range w.Plan().Steps {
		if s.Action != rotate.ActAttest || s.Target.HealthURL == "" || excused(w, s.ID) {
			continue
		}
		if err := stillWell(ctx, w, *s.Target, good); err != nil {
			return err
		}
	}
	return nil
}

// stillWell asks a consumer until it was well so many times in a row, and after a bad
// answer as many times as the policy wants.
func stillWell(ctx context.Context, w *effect.Worker, t providers.Target, need int) error {
	p := w.Policy()
	good, bad := 0, 0
	err := w.Poll(ctx, p.HealthEvery, p.AttestWithin, nil, func(ctx context.Context) (bool, string, error) {
		if ill := w.Health(ctx, t.HealthURL); ill != nil {
			good, bad, need = 0, bad+1, p.HealthNeeded
			if bad >= p.HealthNeeded {
				return false, "", fmt.Errorf("%w %d times in a row: %w", errIll, bad, ill)
			}
			return false, "health: " + ill.Error(), nil
		}
		good, bad = good+1, 0
		return good >= need, fmt.Sprintf("health: well %d of %d times", good, need), nil
	})
	if err != nil {
		return fmt.Errorf("%s is not well on the new key: %w", t.Name, err)
	}
	return nil
}
