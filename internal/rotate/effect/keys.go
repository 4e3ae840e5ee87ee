package effect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/secret"
)

// Ability returns an ability of the run's issuer.
func Ability[T any](w *Worker) (T, error) {
	var zero T
	p, ok := w.Registry.Get(w.Plan().Issuer)
	if w.access != nil {
		p, ok = w.access, true
	}
	if !ok {
		return zero, fmt.Errorf("provider %s is not configured: %w", w.Plan().Issuer, providers.ErrUnsupported)
	}
	a, ok := providers.As[T](p)
	if !ok {
		return zero, fmt.Errorf("%s: %w", w.Plan().Issuer, providers.ErrUnsupported)
	}
	return a, nil
}

// ChangeAccess goes on with the new key where our own access is the old one: from
// the moment on that the new one was checked. Only the new key itself is deleted,
// in a roll back, with the old one.
func (w *Worker) ChangeAccess(ctx context.Context) error {
	if !w.Plan().Self || w.State.Of("validate").Status != rotate.StepDone || w.Step.Action == rotate.ActRemoveNew {
		return nil
	}
	p, err := Ability[providers.Rekeyer](w)
	if err != nil {
		return err
	}
	c, err := w.NewKey(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	w.access, err = p.WithAccess(c)
	return err
}

// Sink returns a service that stores values.
func (w *Worker) Sink(name string) (providers.Sink, error) {
	return providers.SinkOf(w.Registry, name)
}

// credentialOf opens the sealed parts of the old or the new key, also when the run
// is to stop: an answer that is there must still be compared and written down.
func (w *Worker) credentialOf(ctx context.Context, blobs map[credential.Part]string, ref providers.KeyRef) (credential.Credential, error) {
	c := credential.Credential{Kind: w.Plan().Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{}}
	for part, id := range blobs {
		v, err := w.Secrets.Unseal(context.WithoutCancel(ctx), id)
		if err != nil {
			return c, fmt.Errorf("open the sealed %s: %w", part, err)
		}
		c.Parts[part] = v
	}
	return c, nil
}

// OldKey opens the leaked key.
func (w *Worker) OldKey(ctx context.Context) (credential.Credential, error) {
	return w.credentialOf(ctx, w.State.OldBlobs(), w.Plan().Old)
}

// NewKey opens the new key; it has no parts before it was issued.
func (w *Worker) NewKey(ctx context.Context) (credential.Credential, error) {
	return w.credentialOf(ctx, w.State.NewBlobs(), w.State.New())
}

// OntoKey opens the leaked key that takes the old one's place.
func (w *Worker) OntoKey(ctx context.Context) (credential.Credential, error) {
	return w.credentialOf(ctx, w.State.OntoBlobs(), w.Plan().Onto)
}

// Siblings lists the owner's keys besides the old one.
func (w *Worker) Siblings(ctx context.Context) ([]string, error) {
	old, err := w.OldKey(ctx)
	if err != nil {
		return nil, err
	}
	in, err := Ability[providers.Inspector](w)
	if err != nil {
		return nil, err
	}
	var ks providers.KeyState
	err = w.Request(ctx, func(ctx context.Context) (err error) {
		ks, err = in.Inspect(ctx, old)
		return err
	})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, k := range ks.Siblings {
		ids = append(ids, k.Ref.ID)
	}
	slices.Sort(ids)
	return ids, nil
}

// Usage reads the new key's last use; what cannot be read counts as none, which
// can only lower a later attestation.
func (w *Worker) Usage(ctx context.Context) providers.Usage {
	if w.State.New().ID == "" {
		return providers.Usage{}
	}
	used, err := w.LastUsed(ctx, w.State.New())
	if err != nil {
		return providers.Usage{}
	}
	return used
}

// LastUsed reads the issuer's record of a key's last use, to the second and in UTC,
// so that two readings of one use are equal.
func (w *Worker) LastUsed(ctx context.Context, key providers.KeyRef) (providers.Usage, error) {
	u, err := Ability[providers.UsageReporter](w)
	if err != nil {
		return providers.Usage{}, err
	}
	var used providers.Usage
	err = w.Request(ctx, func(ctx context.Context) (err error) {
		used, err = u.LastUsed(ctx, key)
		return err
	})
	used.At = used.At.UTC().Truncate(time.Second)
	return used, err
}

// Verdict asks the issuer whether a key works.
func (w *Worker) Verdict(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v, err := Ability[providers.Verifier](w)
	if err != nil {
		return providers.Verdict{}, err
	}
	var verdict providers.Verdict
	err = w.Read(ctx, func(ctx context.Context) (err error) {
		verdict, err = v.Verify(ctx, c)
		return err
	})
	return verdict, err
}

// Probe asks an issuer whether the old key works, and remembers when: a probe comes to
// the issuer's record as a use.
func (w *Worker) Probe(ctx context.Context, v providers.Verifier, old credential.Credential) (providers.Verdict, error) {
	begin := w.Now()
	verdict, err := v.Verify(ctx, old)
	span := rotate.SpanOf(begin, w.Now())
	w.probed = w.probed.Join(&span)
	return verdict, err
}

// Probed returns when this worker used the old key; nil when it did not.
func (w *Worker) Probed() *rotate.Span { return w.probed }

// ByHand reports whether a person takes this issuer's keys away.
func (w *Worker) ByHand() bool {
	_, deletes := Ability[providers.Deleter](w)
	_, guides := Ability[providers.Guide](w)
	return deletes != nil && guides == nil
}

// Instructions puts what a person is to do into a line.
func Instructions(g *rotate.Guide) string {
	return g.Link + " : " + strings.Join(g.Do, "; ")
}
