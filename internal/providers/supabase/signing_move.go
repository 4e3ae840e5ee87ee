package supabase

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

// Reconcile tells whether a lost request made a key, by its id. A key that came
// meanwhile under another one may be it, if Supabase did not take the id: a person looks.
func (j *JWT) Reconcile(ctx context.Context, req providers.IssueRequest) (providers.Reconciliation, error) {
	list, _, err := j.keys.all(ctx)
	if err != nil {
		return providers.Reconciliation{}, err
	}
	var ours, strange []providers.KeyInfo
	for _, k := range trusted(list) {
		switch info := k.key(j.keys.ref).KeyInfo; {
		case k.ID == req.Old.ID || k.ID == legacySecret || slices.Contains(req.Before, k.ID):
		case madeFor(k.ID, req.Old.ID, req.Name):
			ours = append(ours, info)
		default:
			strange = append(strange, info)
		}
	}
	switch {
	case len(ours) == 1 && len(strange) == 0:
		return providers.Reconciliation{Outcome: providers.Orphaned, Candidates: ours, Detail: "one signing key was made by this run, whose secret is lost"}, nil
	case len(ours)+len(strange) > 0:
		return providers.Reconciliation{Outcome: providers.Unclear, Candidates: append(ours, strange...), Detail: "signing keys appeared that are not all of this run"}, nil
	}
	return providers.Reconciliation{Outcome: providers.NotApplied, Detail: "no signing key of this run is there"}, nil
}

// longestPause is how long a run waits by itself; for more it is held, and a person
// resumes it.
const longestPause = 10 * time.Minute

// throttle is how long Supabase is left alone when it wants no change of state yet and
// does not say for how long; its guide says about five minutes, and a run tries six times.
const throttle = time.Minute

// Remove revokes a key, by as many steps as it needs: one that is in use makes way for
// the key that replaces it, or for the one that it replaced, and one that has signed is
// left the time for which its tokens live. Each call goes on from what it finds.
func (s signing) Remove(ctx context.Context, k providers.KeyRef) error {
	list, imported, err := s.all(ctx)
	if err != nil {
		return err
	}
	key, there := named(list, k.ID)
	if !there || key.Status == revoked {
		return nil // gone already
	}
	if k.ID == legacySecret && !imported {
		return refused("revoke the legacy secret", "it is not among the signing keys: make the new key first")
	}
	if key.Status == inUse {
		if key, err = s.makeWay(ctx, key, list); err != nil {
			return err
		}
	}
	if key.Status == before {
		if err := s.outlived(key); err != nil {
			return err
		}
	}
	if k.ID == legacySecret {
		on, err := s.legacyKeysOn(ctx)
		if err != nil {
			return err
		}
		if on {
			return refused("revoke the legacy secret", "anon and service_role are switched on, and are signed with it: end them first (Project Settings, API Keys; where one has leaked, rotate it: supabase-legacy), then resume")
		}
	}
	return s.move(ctx, "revoke", k.ID, revoked)
}

func named(list []signingKey, id string) (signingKey, bool) {
	i := slices.IndexFunc(list, func(k signingKey) bool { return k.ID == id })
	if i < 0 {
		return signingKey{}, false
	}
	return list[i], true
}

// makeWay lets the one key that belongs to it come into use in place of key, which comes
// back as Supabase then has it.
func (s signing) makeWay(ctx context.Context, key signingKey, list []signingKey) (signingKey, error) {
	const op = "take the key out of use"
	var next []signingKey
	for _, n := range trusted(list) {
		if n.ID != key.ID && (replaces(n.ID, key.ID) || replaces(key.ID, n.ID)) {
			next = append(next, n)
		}
	}
	if len(next) != 1 {
		return key, refused(op, fmt.Sprintf("%d signing keys could take its place; of those that this program made, leave one, and revoke the others at the project's JWT keys", len(next)))
	}
	if next[0].Status != standby {
		if err := s.move(ctx, "let stand by", next[0].ID, standby); err != nil {
			return key, err
		}
	}
	if err := s.move(ctx, "bring into use", next[0].ID, inUse); err != nil {
		return key, err
	}
	list, _, err := s.all(ctx)
	if err != nil {
		return key, err
	}
	now, there := named(list, key.ID)
	if !there || now.Status == inUse {
		return key, &providers.Error{Provider: JWTName, Op: op, Class: providers.ErrConflict, Err: errors.New("it is not shown out of use yet")}
	}
	return now, nil
}

// outlived is nil when no token is good any more that the key signed.
func (s signing) outlived(key signingKey) error {
	const op = "revoke the key"
	end := key.Updated.Add(s.wait)
	left := end.Sub(s.now())
	switch {
	case left <= 0:
		return nil
	case left <= longestPause:
		return &providers.Error{Provider: JWTName, Op: op, Class: providers.ErrConflict, RetryAfter: left, Err: errors.New("tokens that it signed are still good")}
	}
	return refused(op, "it signs nothing any more, and tokens that it signed are good until "+end.UTC().Format(time.DateTime)+" UTC: resume then; or sign their users out now, with SUPABASE_JWT_WAIT=1s")
}

// legacyKeysOn tells whether anon and service_role are switched on: they are signed with
// the legacy secret, and Supabase does not revoke it before they are off.
func (s signing) legacyKeysOn(ctx context.Context) (bool, error) {
	var on switched
	err := s.Do(ctx, "ask whether legacy keys are switched on", http.MethodGet, "/api-keys/legacy", nil, &on)
	if errors.Is(err, providers.ErrNotFound) { // the day has come when there are none
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return *on.Enabled, nil
}

// move changes a key's state. It may be repeated.
func (s signing) move(ctx context.Context, what, id, to string) error {
	op := what + " the signing key"
	if id == legacySecret {
		var err error
		if id, err = s.legacyID(ctx); err != nil {
			return err
		}
	}
	var out signingKey
	err := s.Do(ctx, op, http.MethodPatch, signingPath+"/"+url.PathEscape(id), map[string]string{"status": to}, &out)
	var e *providers.Error
	switch {
	case errors.As(err, &e) && errors.Is(err, providers.ErrRateLimited) && e.RetryAfter == 0:
		e.RetryAfter = throttle
	case err == nil && (out.ID != id || out.Status != to):
		err = &providers.Error{Provider: JWTName, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer does not say that it is " + to)}
	}
	return err
}

func refused(op, why string) error {
	return &providers.Error{Provider: JWTName, Op: op, Class: providers.ErrRefused, Err: errors.New(why)}
}
