package supabase

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// How long a refused password is not sent again: for as long as a ban lasts. One that we
// have just set gets another try earlier, as a pooler may not know it yet.
const (
	restLong  = 30 * time.Minute
	restShort = 45 * time.Second
)

// restBetween is how long no other unknown password is tried after a refusal: a history may
// hold several old ones, and the second refusal may shut us out.
const restBetween = 10 * time.Minute

// rest remembers refusals: Supabase shuts out whoever is refused a few times.
type rest struct {
	mu    sync.Mutex
	said  map[[sha256.Size]byte]providers.Verdict
	known map[[sha256.Size]byte]bool // was accepted
	ours  [sha256.Size]byte          // the password that we set last
	last  time.Time                  // when one was refused
}

func newRest() *rest {
	return &rest{said: map[[sha256.Size]byte]providers.Verdict{}, known: map[[sha256.Size]byte]bool{}}
}

func restKey(password secret.Text) [sha256.Size]byte { return sha256.Sum256([]byte(password.Reveal())) }

// refused returns what was said of a password, while it is not to be sent again.
func (r *rest) refused(password secret.Text, now time.Time) (providers.Verdict, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key, most := restKey(password), restLong
	if key == r.ours {
		most = restShort
	}
	v, ok := r.said[key]
	return v, ok && now.Sub(v.At) < most
}

// wait is how long a password of which nothing is known must wait; zero for now.
func (r *rest) wait(password secret.Text, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := restKey(password)
	if key == r.ours || r.known[key] || r.last.IsZero() {
		return 0
	}
	return max(0, restBetween-now.Sub(r.last))
}

func (r *rest) note(password secret.Text, v providers.Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v.Liveness == providers.Dead {
		r.said[restKey(password)], r.last = v, v.At
		return
	}
	r.known[restKey(password)] = true
}

// forget begins anew: a password is about to be set.
func (r *rest) forget(ours secret.Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.said)
	r.ours = restKey(ours)
}
