package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// How long a verdict is believed. A dead key seldom comes back to life; a live one
// may be revoked by somebody at any moment. Unknown is not remembered.
const (
	liveFor = 10 * time.Minute
	deadFor = 24 * time.Hour
)

// Cache remembers verdicts in one file, under keyed hashes of the values: neither a
// value nor anything that it could be guessed by without the key is in it. A nil
// cache remembers nothing. It may be used from many goroutines, and lost at any time.
type Cache struct {
	path string
	key  secret.Key

	mu      sync.Mutex
	entries map[string]entry
}

type entry struct {
	Liveness providers.Liveness `json:"liveness"`
	Grade    providers.Grade    `json:"grade"`
	Code     string             `json:"code,omitempty"`
	Detail   string             `json:"detail,omitempty"`
	Account  string             `json:"account,omitempty"`
	Who      string             `json:"who,omitempty"`
	Project  string             `json:"project,omitempty"`
	Scopes   string             `json:"scopes,omitempty"`
	At       time.Time          `json:"at"`
}

// OpenCache opens the cache in a folder, which is made when it is missing. A file
// that cannot be understood is as good as none.
func OpenCache(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the verdict cache: %w", err)
	}
	key, err := cacheKey(filepath.Join(dir, "verdicts.key"))
	if err != nil {
		return nil, fmt.Errorf("open the verdict cache: %w", err)
	}
	c := &Cache{path: filepath.Join(dir, cacheFile), key: key, entries: map[string]entry{}}
	if b, err := os.ReadFile(c.path); err == nil && json.Unmarshal(b, &c.entries) != nil || c.entries == nil {
		c.entries = map[string]entry{}
	}
	return c, nil
}

const cacheFile = "verdicts.json"

// ForgetVerdicts drops what the cache in a folder holds, if there is one. It may be
// called at any time, and as often as one likes.
func ForgetVerdicts(dir string) { _ = os.Remove(filepath.Join(dir, cacheFile)) }

// cacheKey reads this installation's key, or makes one.
func cacheKey(path string) (secret.Key, error) {
	if b, err := os.ReadFile(path); err == nil {
		if key, err := secret.KeyFromBytes(b); err == nil {
			return key, nil
		}
	}
	key, err := secret.NewKey()
	if err != nil {
		return secret.Key{}, err
	}
	return key, replace(path, key.Bytes())
}

func (c *Cache) name(service string, value secret.Text) string {
	return c.key.HMAC(secret.New(service + "\x00" + value.Reveal()))
}

func (c *Cache) get(service string, value secret.Text, now time.Time) (providers.Verdict, bool) {
	if c == nil {
		return providers.Verdict{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[c.name(service, value)]
	if !ok || e.ended(now) {
		return providers.Verdict{}, false
	}
	return providers.Verdict{
		Liveness: e.Liveness, Grade: e.Grade, Code: e.Code, At: e.At,
		Detail:   also(e.Detail, "remembered from "+e.At.UTC().Format("15:04:05 UTC")+", --no-cache asks again"),
		Identity: providers.Identity{Account: e.Account, Who: e.Who, Project: e.Project, Scopes: e.Scopes},
	}, true
}

// ahead is how far in the future a verdict may lie: somebody who looked at the clock
// before another's answer came may write after it.
const ahead = time.Minute

// ended also drops what lies in the future: the clock was wrong.
func (e entry) ended(now time.Time) bool {
	age := now.Sub(e.At)
	switch e.Liveness {
	case providers.Live:
		return age < -ahead || age > liveFor
	case providers.Dead:
		return age < -ahead || age > deadFor
	case providers.Unknown:
	}
	return true
}

func (c *Cache) put(service string, value secret.Text, v providers.Verdict, now time.Time) error {
	if c == nil || v.Liveness != providers.Live && v.Liveness != providers.Dead {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, e := range c.entries {
		if e.ended(now) {
			delete(c.entries, name)
		}
	}
	c.entries[c.name(service, value)] = entry{
		Liveness: v.Liveness, Grade: v.Grade, Code: v.Code, Detail: v.Detail, At: v.At,
		Account: v.Identity.Account, Who: v.Identity.Who, Project: v.Identity.Project, Scopes: v.Identity.Scopes,
	}
	b, err := json.Marshal(c.entries)
	if err != nil {
		return fmt.Errorf("write the verdict cache: %w", err)
	}
	_ = replace(c.path, b) // a verdict that is not remembered is asked for again
	return nil
}

// replace writes a file for its owner only, as a whole.
func replace(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".verdicts-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}
