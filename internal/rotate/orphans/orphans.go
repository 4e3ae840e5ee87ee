// Package orphans finds and deletes the keys that runs of this machine made at an
// issuer and that no run needs.
package orphans

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/rotate/runs"
)

// Leftover is a key at an issuer that a run of this machine made, or may have made,
// and that no run needs.
type Leftover struct {
	Run  string
	Key  providers.KeyInfo
	Why  string
	Ours bool // the journal names it; otherwise it only fits the time of a lost answer
	// Stored names the values into which the run wrote it and which nobody took back:
	// who has them may run with it.
	Stored []string
}

// ErrNotLeft means that a key is not among the leftovers: it is not touched.
var ErrNotLeft = errors.New("no run of this machine left that key behind")

// ErrStored means that consumers may run with a key: it is not touched.
var ErrStored = errors.New("consumers may run with that key")

// Leftovers asks the issuers which keys of past runs are still there. It only
// reads. What could not be asked is in the error, beside what was found.
func Leftovers(ctx context.Context, j *journal.Journal, reg providers.Registry) ([]Leftover, error) {
	ids, err := j.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var states []*machine.State
	used := map[providers.KeyRef]bool{}
	for _, id := range ids {
		s, err := runs.Load(ctx, j, id)
		if err != nil {
			return nil, err
		}
		if !s.Approved() {
			continue
		}
		states = append(states, s)
		if s.Status() == rotate.RunDone || !s.Closed() {
			used[s.New()] = true // consumers run with it, or will
		}
	}
	var out []Leftover
	var errs []error
	for _, s := range states {
		found, err := leftOf(ctx, s, reg, used)
		out = append(out, found...)
		if err != nil {
			errs = append(errs, fmt.Errorf("run %s: %w", s.Plan().ID, err))
		}
	}
	slices.SortStableFunc(out, func(a, b Leftover) int { return a.Key.Created.Compare(b.Key.Created) })
	return slices.CompactFunc(out, func(a, b Leftover) bool { return a.Key.Ref == b.Key.Ref }), errors.Join(errs...)
}

func leftOf(ctx context.Context, s *machine.State, reg providers.Registry, used map[providers.KeyRef]bool) ([]Leftover, error) {
	if s.Plan().OntoCase != "" {
		return nil, nil // it made no key
	}
	named := map[string]string{}
	for _, o := range s.Orphans() {
		named[o.Ref.ID] = "a lost answer made it"
	}
	if s.Closed() && s.Status() != rotate.RunDone && s.New().ID != "" {
		named[s.New().ID] = "the run that made it is " + string(s.Status())
	}
	issue := s.Of("issue")
	lost := issue.Open && len(issue.Intent.Before) > 0
	if len(named) == 0 && !lost {
		return nil, nil
	}
	p, _ := reg.Get(s.Plan().Issuer)
	lister, ok := providers.As[providers.Lister](p)
	if !ok {
		return nil, fmt.Errorf("%s is not set up, or cannot list keys: look by hand at the keys of %s", s.Plan().Issuer, s.Plan().Old.Owner)
	}
	keys, err := lister.Keys(ctx, s.Plan().Old)
	if err != nil {
		return nil, err
	}
	var out []Leftover
	for _, k := range keys {
		why, ours := named[k.Ref.ID]
		fits := lost && k.Ref != s.Plan().Old && !slices.Contains(issue.Intent.Before, k.Ref.ID) && k.Created.After(issue.Began.Add(-5*time.Minute))
		switch {
		case used[k.Ref]:
		case ours:
			l := Leftover{Run: s.Plan().ID, Key: k, Why: why, Ours: true}
			if k.Ref == s.New() {
				l.Stored = s.Written()
			}
			out = append(out, l)
		case fits:
			out = append(out, Leftover{Run: s.Plan().ID, Key: k, Why: "it was made about when an answer was lost: it may be ours, or somebody else's"})
		}
	}
	return out, nil
}

// DeleteLeftover deletes a key that a person names, if a run of this machine left
// it behind and the issuer has no record of a use. One that the run stored is deleted
// only when the person says that nobody runs with it (unused). Nothing else is deleted.
func DeleteLeftover(ctx context.Context, j *journal.Journal, reg providers.Registry, id string, unused bool, actor, reason string) error {
	left, err := Leftovers(ctx, j, reg)
	at := slices.IndexFunc(left, func(l Leftover) bool { return l.Key.Ref.ID == id })
	if at < 0 {
		return errors.Join(fmt.Errorf("%w: %s", ErrNotLeft, id), err)
	}
	l := left[at]
	if len(l.Stored) > 0 && !unused {
		return fmt.Errorf("%w: run %s wrote it and was given up before it took it back: %s", ErrStored, l.Run, strings.Join(l.Stored, "; "))
	}
	s, err := runs.Load(ctx, j, l.Run)
	if err != nil {
		return err
	}
	p, _ := reg.Get(s.Plan().Issuer)
	if u, ok := providers.As[providers.UsageReporter](p); ok {
		used, err := u.LastUsed(ctx, l.Key.Ref)
		if err != nil {
			return err
		}
		if !used.At.IsZero() && !l.Ours {
			return fmt.Errorf("that key was used at %s for %s: it is somebody's, and is left alone", used.At.Format(time.DateTime), used.Service)
		}
	}
	d, ok := providers.As[providers.Deleter](p)
	if !ok {
		return fmt.Errorf("delete it by hand: %s: %w", s.Plan().Issuer, providers.ErrUnsupported)
	}
	if err := j.Note(ctx, actor, "orphan-intent", map[string]string{"run": l.Run, "key": id, "reason": reason}); err != nil {
		return err
	}
	if err := d.Delete(ctx, l.Key.Ref); err != nil {
		return err
	}
	return j.Note(ctx, actor, "orphan-deleted", map[string]string{"run": l.Run, "key": id})
}
