package issue

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// waitForKey holds the run until a person hands the new key in.
func waitForKey(w *effect.Worker) machine.Event {
	return machine.Event{Result: machine.Refused, Failure: machine.Failure{
		Text:   "waits for you: " + effect.Instructions(w.Step.Guide),
		Remedy: "secretguard rotate supply " + w.Plan().ID,
	}}
}

// Pasted checks a key that a person handed in.
func Pasted(ctx context.Context, w *effect.Worker, value secret.Text) (providers.Issued, error) {
	guide, err := effect.Ability[providers.Guide](w)
	if err != nil {
		return providers.Issued{}, err
	}
	issued, err := guide.Pasted(w.Plan().Old, value)
	if err != nil {
		return issued, err
	}
	if err := differs(ctx, w, issued.Credential); err != nil {
		return issued, errors.New("that is the old key, the one that leaked: make a new one, and hand that in")
	}
	verdict, err := w.Verdict(ctx, issued.Credential)
	switch {
	case err != nil:
		return issued, fmt.Errorf("check the new key: %w", err)
	case verdict.Liveness != providers.Live:
		return issued, fmt.Errorf("the issuer does not accept that key (%s); copy it again, or make another one", verdict.Detail)
	case w.Plan().Account != "" && verdict.Identity.Account != "" && verdict.Identity.Account != w.Plan().Account:
		return issued, fmt.Errorf("that key belongs to account %s, and the old one to %s: make it in the same account", verdict.Identity.Account, w.Plan().Account)
	}
	return issued, nil
}
