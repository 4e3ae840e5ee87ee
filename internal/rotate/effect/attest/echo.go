package attest

import (
	"context"
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/secret"
)

// echoes asks a consumer, each time with a new nonce, to show that it holds the new
// key, until it did several times in a row.
func echoes(ctx context.Context, w *effect.Worker, e rotate.Echo) error {
	if w.Echo == nil {
		return errors.New("this call cannot ask an echo endpoint")
	}
	old, err := w.OldKey(ctx)
	if err != nil {
		return err
	}
	fresh, err := w.NewKey(ctx)
	if err != nil {
		return err
	}
	err = inARow(ctx, w, func(ctx context.Context) (bool, string, error) {
		nonce, err := secret.NewNonce()
		if err != nil {
			return false, "", err
		}
		got, ill := w.Echo(ctx, e.URL, e.Variable, nonce)
		switch {
		case ill != nil: // no answer is an answer, not an error
			return false, "echo: " + ill.Error(), nil //nolint:nilerr // see above
		case got == secret.Echo(fresh.Part(e.Part), e.Variable, nonce):
			return true, "echo: holds the new key,", nil
		case got == secret.Echo(old.Part(e.Part), e.Variable, nonce):
			return false, "echo: it still runs with the OLD key", nil
		}
		return false, "echo: it runs with a key that is neither the old nor the new one", nil
	})
	if err != nil {
		return fmt.Errorf("%s does not show that it holds the new key: %w", w.Step.Target.Name, err)
	}
	return nil
}
