package issue

import (
	"context"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/secret"
)

// chosen makes up the new key's value where that is ours to do, so that it is sealed with
// the intent, before the first request; empty where it is not, or was done by an earlier
// try of this run: that value is the one, whatever became of the request. sent says that
// such a request may have been carried out.
func chosen(ctx context.Context, w *effect.Worker) (value secret.Text, sent bool, err error) {
	r, err := effect.Ability[providers.Replacer](w)
	if err != nil || w.Plan().OntoCase != "" {
		return secret.Text{}, false, nil //nolint:nilerr // other issuers make the value themselves
	}
	was, err := sealedValue(ctx, w)
	if err != nil || !was.Empty() {
		return secret.Text{}, w.Facts().Open, err
	}
	value, err = r.Choose(w.Plan().Old)
	return value, false, err
}

// sealedValue opens the value that was sealed with the intent; empty where there is none.
func sealedValue(ctx context.Context, w *effect.Worker) (secret.Text, error) {
	id := w.State.Of("issue").OldValue
	if id == "" {
		return secret.Text{}, nil
	}
	return w.Secrets.Unseal(context.WithoutCancel(ctx), id)
}
