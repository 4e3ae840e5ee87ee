// Package quiet waits until nobody uses the old key any more, as far as its issuer
// records uses: instances that drain with it, and consumers that no plan knows.
package quiet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// Confirm waits until the record of the old key's use stands still for a while. It
// never says that nobody uses the key: only that no use came to the record. What it
// waited for goes on if a person accepts it, or says whose the traffic is.
func Confirm(ctx context.Context, w *effect.Worker) machine.Event {
	if w.Facts().Waived != nil {
		return accepted(ctx, w)
	}
	p := w.Policy()
	var last providers.Usage
	var since time.Time // zero before the first look
	err := w.Poll(ctx, p.QuietEvery, p.QuietWithin, nil, func(ctx context.Context) (bool, string, error) {
		used, err := w.LastUsed(ctx, w.Plan().Old)
		if err != nil {
			return false, "", err
		}
		now := w.Now()
		if !since.IsZero() && used != last && ours(w, used) {
			last = used // our own look at the key, which came to the record late
		}
		if since.IsZero() || used != last {
			said := "the record of the old key's use: " + Words(used)
			if !since.IsZero() {
				said = "the old key is still used: " + Words(used)
			}
			last, since = used, now
			return p.QuietFor <= 0, said, nil
		}
		silent := now.Sub(since)
		return silent >= p.QuietFor, fmt.Sprintf("silent for %s of %s", silent.Round(time.Second), p.QuietFor), nil
	})
	switch {
	case err == nil:
		return effect.Shown(machine.Outcome{Used: &last, Detail: fmt.Sprintf("no use came to the issuer's record for %s; %s", p.QuietFor, Words(last))})
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return w.Failed(ctx, err)
	case since.IsZero():
		return w.Failed(ctx, fmt.Errorf("whether the old key is still used cannot be known: %w; %s", err, ways(w)))
	}
	return w.Failed(ctx, fmt.Errorf("somebody whom the plan does not know still uses the old key and will fail without it: %s; looked for %s; %s",
		Words(last), p.QuietWithin, ways(w)))
}

// ways are what a person can do about a key that is still in use.
func ways(w *effect.Worker) string {
	waive := fmt.Sprintf("secretguard rotate waive %s %s", w.Plan().ID, w.Step.ID)
	return "find who it is, move it to the new key, and resume to look again; or accept that it breaks: " + waive +
		" --reason …; or, if it is the thief: " + waive + " --hostile --reason …"
}

// accepted looks once more, so that what a person accepted is written down.
func accepted(ctx context.Context, w *effect.Worker) machine.Event {
	words := "a person accepts that whoever still uses the old key fails without it"
	if w.Facts().Hostile {
		words = "a person says that the traffic on the old key is the thief's"
	}
	used, err := w.LastUsed(ctx, w.Plan().Old)
	if err != nil {
		return effect.Shown(machine.Outcome{Detail: words + "; its use could not be looked at: " + err.Error()})
	}
	return effect.Shown(machine.Outcome{Used: &used, Detail: words + "; " + Words(used)})
}

// Again returns the error that says that the old key was used since it was found
// silent; nil when it was not, or when a person accepted that.
func Again(ctx context.Context, w *effect.Worker) error {
	f := w.State.Of(string(rotate.ActQuiet))
	if f.Used == nil || f.Waived != nil {
		return nil
	}
	var used providers.Usage
	err := w.Read(ctx, func(ctx context.Context) (err error) {
		used, err = w.LastUsed(ctx, w.Plan().Old)
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("look once more whether it is silent: %w", err)
	case used != *f.Used && !ours(w, used):
		return fmt.Errorf("it was used since it was silent: %s; resume, and it is waited for again", Words(used))
	}
	return nil
}

// ours reports whether a use on record is explained by one of our own: under the name of
// our checks, at a time at which plan or journal say that we made one. What is not
// explained, and what cannot be told apart, is somebody's.
func ours(w *effect.Worker, used providers.Usage) bool {
	return used.Service != "" && used.Service == probes(w) &&
		slices.ContainsFunc(w.State.Probed(), func(s rotate.Span) bool { return s.Covers(used.At) })
}

// probes is the name under which our own checks of a key come to the record; empty
// where they cannot be told apart.
func probes(w *effect.Worker) string {
	p, ok := w.Registry.Get(w.Plan().Issuer)
	if !ok {
		return ""
	}
	return p.Describe().ProbeService
}

// Words tells the issuer's record of a use to people.
func Words(u providers.Usage) string {
	if u.At.IsZero() {
		return "no use is on record"
	}
	out := "last used " + u.At.UTC().Format(time.DateTime) + " UTC"
	if u.Service != "" {
		out += " for " + u.Service
	}
	if u.Region != "" {
		out += " in " + u.Region
	}
	return out + " (by whom, the issuer does not say)"
}
