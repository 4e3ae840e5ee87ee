package issue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// claimLife is how long a mark holds others back: a run that died must not do so for
// ever. clockLeeway is how far the clocks of two machines may differ.
const (
	claimLife   = time.Hour
	clockLeeway = 5 * time.Minute
)

// claim marks the owner of the keys as this run's, and gives way to a run that did so
// before. Where the issuer has no marks, or we may not set them, the run goes on: a
// lost answer is then for a person to judge. It returns nil when the way is free.
func claim(ctx context.Context, w *effect.Worker) *machine.Event {
	c, err := effect.Ability[providers.Claimer](w)
	if err != nil {
		return nil
	}
	err = take(ctx, w, c)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errSlept): // nothing was asked of the key: look again
		return &machine.Event{Result: machine.Interrupted}
	case errors.Is(err, providers.ErrForbidden):
		w.Say("our access may not mark " + w.Plan().Old.Owner + " as being worked on: another responder does not see this run")
		return nil
	}
	e := w.NotSent(ctx, err)
	if e.Result == machine.Lost {
		e.Result = machine.Refused // of the key nothing was asked yet
	}
	return &e
}

// take sets the mark. One that stands already goes before, whatever the clocks of two
// machines say; of two that are set in the same moment the order of the marks decides,
// which both see.
func take(ctx context.Context, w *effect.Worker, c providers.Claimer) error {
	mine, now := w.Plan().ID, w.Now()
	known, err := claims(ctx, w, c)
	if err != nil {
		return err
	}
	if live(known, mine, now) { // of a try before: it keeps its turn
		return first(ctx, w, c, known, now)
	}
	for _, o := range known {
		if o.Run != mine && !dead(o, now) {
			return taken(w, o)
		}
	}
	if _, err := w.Again(ctx, func(ctx context.Context) error {
		return c.Claim(ctx, w.Plan().Old, providers.Claim{Run: mine, At: now.UTC()})
	}); err != nil {
		return fmt.Errorf("mark %s as being worked on: %w", w.Plan().Old.Owner, err)
	}
	if err := wait(ctx, w, w.Policy().ClaimWait); err != nil { // another one may be setting its own just now
		return err
	}
	if known, err = claims(ctx, w, c); err != nil {
		return err
	}
	return first(ctx, w, c, known, now)
}

// errSlept means that the machine slept while it waited for another's mark.
var errSlept = errors.New("this machine slept")

func wait(ctx context.Context, w *effect.Worker, d time.Duration) error {
	slept, err := w.Pause(ctx, d)
	if err == nil && slept {
		err = errSlept
	}
	return err
}

// first gives way unless this run's mark is the first of those that hold. One that had
// to be told from another looks at the keys once more, as the other one may have been
// faster than its mark.
func first(ctx context.Context, w *effect.Worker, c providers.Claimer, known []providers.Claim, now time.Time) error {
	known = slices.DeleteFunc(known, func(o providers.Claim) bool { return o.Run != w.Plan().ID && dead(o, now) })
	switch {
	case len(known) == 0:
		return errors.New("the mark on " + w.Plan().Old.Owner + " was taken away by somebody: ask who, then resume")
	case known[0].Run != w.Plan().ID:
		if err := c.Unclaim(context.WithoutCancel(ctx), w.Plan().Old, w.Plan().ID); err != nil {
			return fmt.Errorf("%w (our own mark is still there: %w)", taken(w, known[0]), err)
		}
		return taken(w, known[0])
	case len(known) == 1:
		return nil
	}
	if err := wait(ctx, w, 2*w.Policy().ClaimWait); err != nil {
		return err
	}
	if e := Look(ctx, w); e.Result != machine.Fits {
		return errors.New(e.Failure.Text)
	}
	return nil
}

// live reports whether the run has a mark that holds.
func live(known []providers.Claim, run string, now time.Time) bool {
	return slices.ContainsFunc(known, func(o providers.Claim) bool { return o.Run == run && now.Sub(o.At) < claimLife })
}

// dead reports whether a mark holds no more: its run died, or was given up.
func dead(o providers.Claim, now time.Time) bool { return now.Sub(o.At) > claimLife+clockLeeway }

func taken(w *effect.Worker, o providers.Claim) error {
	return fmt.Errorf("another responder's run %s has been at the keys of %s since %s: speak with them, and leave it to them; should that run be dead, its mark holds until %s, then resume",
		o.Run, w.Plan().Old.Owner, o.At.Format(time.RFC3339), o.At.Add(claimLife+clockLeeway).Format(time.TimeOnly))
}

func claims(ctx context.Context, w *effect.Worker, c providers.Claimer) ([]providers.Claim, error) {
	var out []providers.Claim
	err := w.Read(ctx, func(ctx context.Context) (err error) {
		out, err = c.Claims(ctx, w.Plan().Old)
		return err
	})
	return out, err
}

// ours says why a key that a lost request seems to have made may be another
// responder's; empty when it cannot. The issuer's record of use may lag, so that a
// key which is in use looks unused: only a mark that held all others back tells.
func ours(ctx context.Context, w *effect.Worker, k providers.KeyInfo) string {
	c, err := effect.Ability[providers.Claimer](w)
	if err != nil {
		return "" // keys of this issuer carry our name, or it tells them apart itself
	}
	known, err := claims(ctx, w, c)
	if err != nil {
		return "whether another responder is at work cannot be seen: " + err.Error()
	}
	own := slices.IndexFunc(known, func(o providers.Claim) bool { return o.Run == w.Plan().ID })
	switch {
	case own < 0:
		return "this run has no mark on its owner that would have held another responder back"
	case len(known) > 1:
		return "another run has a mark on its owner too"
	case k.Created.Before(known[own].At.Add(-clockLeeway)) || k.Created.After(known[own].At.Add(claimLife)):
		return "it was made while this run's mark did not hold"
	}
	return ""
}

// Release takes the run's mark away. That it could not is no failure: it ends by
// itself.
func Release(ctx context.Context, w *effect.Worker) {
	c, err := effect.Ability[providers.Claimer](w)
	if err != nil || !w.State.Touched("issue") {
		return
	}
	if err := w.Request(ctx, func(ctx context.Context) error { return c.Unclaim(ctx, w.Plan().Old, w.Plan().ID) }); err != nil && !errors.Is(err, providers.ErrForbidden) {
		w.Say("the mark of this run is still on " + w.Plan().Old.Owner + ": " + err.Error())
	}
}
