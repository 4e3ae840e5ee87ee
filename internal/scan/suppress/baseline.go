package suppress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/secret"
)

// BaselineSchema names the format of a baseline file. The first one has no salt, and
// finding ids in place of hashes of its own; it is read, too.
const (
	BaselineSchema = "secretguard.baseline/2"
	oldSchema      = "secretguard.baseline/1"
)

// MaxSlow is how many distinct guessable values are held against a baseline in a scan:
// at some 30 ms each a hostile repository could stop a scan otherwise.
const MaxSlow = 2000

// ErrKey means that a baseline was made with a team's key that is not at hand.
var ErrKey = errors.New("its key is not at hand")

// Entry is one accepted secret of a baseline: a waiver. Its id names the secret under
// its rule, so it holds after a rebase, a squash, a rename and a reformatting.
type Entry struct {
	ID   string `json:"id"`
	Rule string `json:"rule"`
	// File is where it stood when it was accepted; it is for people.
	File string `json:"file,omitempty"`
	// Path, when set, is the only file for which the entry holds, or with a '/' at its
	// end the only folder: a copy elsewhere is reported. Secrets in it are masked.
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason,omitempty"`
	Owner  string `json:"owner,omitempty"`
	// Until is the last day on which the entry holds, "2006-01-02" in UTC; empty
	// for no end.
	Until string `json:"until,omitempty"`
}

// holdsFor reports whether an entry is about the file of a finding.
func (e Entry) holdsFor(s Subject) bool {
	is := func(file string) bool {
		return e.Path == file || strings.HasSuffix(e.Path, "/") && strings.HasPrefix(file, e.Path)
	}
	return e.Path == "" || is(s.File) || s.Shown != "" && is(s.Shown)
}

// Ended reports whether an entry's last day is over. A day that cannot be read
// ends the entry: a mistake must not hide a finding for ever.
func (e Entry) Ended(now time.Time) bool {
	if e.Until == "" {
		return false
	}
	day, err := time.Parse(time.DateOnly, e.Until)
	return err != nil || !now.Before(day.AddDate(0, 0, 1))
}

// Old reports whether an entry is of the first format: its hash has a public salt.
func (e Entry) Old() bool { return !strings.HasPrefix(e.ID, secret.WaiverPrefix) }

// Baseline is a file of waivers. Its methods that do not change it may be called from
// many goroutines.
type Baseline struct {
	Entries []Entry
	// Key is the name of the team's key that its ids hang on; empty for none.
	Key string

	salt  []byte
	hash  secret.Waiving
	index map[string][]int // id -> entries
	rules map[string]bool  // that have an entry with a hash of this file

	mu   sync.Mutex
	memo map[valueOf]*remembered
	slow int
	left int
}

type valueOf struct{ rule, value string }

// remembered is the id of a value, worked out by whoever comes first.
type remembered struct {
	once sync.Once
	id   string
}

// document is a baseline as it stands in its file.
type document struct {
	Schema   string  `json:"schema"`
	Salt     []byte  `json:"salt"`
	Key      string  `json:"key,omitempty"`
	Accepted []Entry `json:"accepted"`
}

// NewBaseline returns an empty baseline with a salt of its own. Its ids hang on the
// team's key, too, unless that is the zero key.
func NewBaseline(team secret.Key) (*Baseline, error) {
	salt, err := secret.NewSalt()
	if err != nil {
		return nil, err
	}
	b := &Baseline{salt: salt, Key: team.Name()}
	b.hash, err = secret.NewWaiving(salt, team)
	return b, err
}

// ReadBaseline returns all entries of a baseline, also those that have ended. A file
// of the first format gets a salt for what is added to it. Without the key that it
// names among keys, the error is ErrKey.
func ReadBaseline(path string, keys ...secret.Key) (*Baseline, error) {
	text, err := readPlain(os.Stat, os.Open, path)
	if err != nil {
		return nil, fmt.Errorf("read the baseline %s: %w", path, err)
	}
	b, err := parseBaseline(text, keys)
	if err != nil {
		return nil, fmt.Errorf("the baseline %s: %w", path, err)
	}
	return b, nil
}

func parseBaseline(text []byte, keys []secret.Key) (*Baseline, error) {
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	var team secret.Key
	switch {
	case doc.Schema == oldSchema:
		b, err := NewBaseline(team)
		if err == nil {
			b.set(doc.Accepted)
		}
		return b, err
	case doc.Schema != BaselineSchema:
		return nil, fmt.Errorf("it has the schema %q; this version reads %q", doc.Schema, BaselineSchema)
	case doc.Key != "":
		i := slices.IndexFunc(keys, func(k secret.Key) bool { return k.Name() == doc.Key })
		if i < 0 {
			return nil, fmt.Errorf("it was made with the team's key %q: %w", doc.Key, ErrKey)
		}
		team = keys[i]
	}
	hash, err := secret.NewWaiving(doc.Salt, team)
	if err != nil {
		return nil, err
	}
	b := &Baseline{Key: doc.Key, salt: doc.Salt, hash: hash}
	b.set(doc.Accepted)
	return b, nil
}

// set replaces the entries.
func (b *Baseline) set(entries []Entry) {
	b.Entries, b.index, b.rules = entries, map[string][]int{}, map[string]bool{}
	for i, e := range entries {
		b.index[e.ID] = append(b.index[e.ID], i)
		if !e.Old() {
			b.rules[e.Rule] = true
		}
	}
}

// match returns which entries name the secret of a finding under its rule.
func (b *Baseline) match(s Subject) []int {
	found := b.index[s.ID]
	if len(s.Rules) > 0 && b.rules[s.Rules[0]] {
		if id := b.id(s.Rules[0], s.Secret); id != "" {
			found = append(slices.Clone(found), b.index[id]...)
		}
	}
	return found
}

// id returns the id of a secret under a rule, empty when too many were asked for.
func (b *Baseline) id(rule string, t secret.Text) string {
	b.mu.Lock()
	k := valueOf{rule, t.Reveal()}
	r := b.memo[k]
	if r == nil {
		if b.memo == nil {
			b.memo = map[valueOf]*remembered{}
		}
		r = &remembered{}
		b.memo[k] = r
		if secret.Guessable(t) {
			if b.slow++; b.slow > MaxSlow {
				r.once.Do(func() {})
				b.left++
			}
		}
	}
	b.mu.Unlock()
	r.once.Do(func() { r.id = b.hash.ID(rule, t) })
	return r.id
}

// refused is how often a value was not looked at since the last call.
func (b *Baseline) refused() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.left
	b.left = 0
	return n
}

// Waiver is an entry for a secret, before its id is known.
type Waiver struct {
	Entry
	Secret secret.Text
}

// Waive puts waivers before the entries that stand in the file: the newest word about
// a secret wins.
func (b *Baseline) Waive(waivers []Waiver) {
	ids := make([]string, len(waivers))
	known := map[valueOf]int{}
	var wait sync.WaitGroup
	free := make(chan struct{}, maxParallel)
	for i, w := range waivers {
		k := valueOf{w.Rule, w.Secret.Reveal()}
		if _, ok := known[k]; ok {
			continue
		}
		known[k] = i
		free <- struct{}{}
		wait.Go(func() {
			ids[i] = b.hash.ID(w.Rule, w.Secret)
			<-free
		})
	}
	wait.Wait()
	var entries []Entry
	seen := map[[2]string]bool{}
	add := func(e Entry) {
		if k := [2]string{e.ID, e.Path}; !seen[k] {
			seen[k] = true
			entries = append(entries, e)
		}
	}
	for _, w := range waivers {
		e := w.Entry
		e.ID = ids[known[valueOf{w.Rule, w.Secret.Reveal()}]]
		add(e)
	}
	for _, e := range b.Entries {
		add(e)
	}
	b.set(entries)
}

// maxParallel bounds the memory of slow hashes: 19 MB each.
const maxParallel = 4

// Write writes the file. No secret is in it.
func (b *Baseline) Write(w io.Writer) error {
	doc := document{Schema: BaselineSchema, Salt: b.salt, Key: b.Key, Accepted: b.Entries}
	if doc.Accepted == nil {
		doc.Accepted = []Entry{}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// Save replaces the file at path as a whole, so that a crash leaves the old one or
// the new one.
func (b *Baseline) Save(path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".baseline-*")
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	err = errors.Join(b.Write(tmp), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the baseline: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}

// Accept adds waivers to the baseline at path, which need not exist, and keeps what
// stands there. A new one hangs on the first of the keys, if there is one.
func Accept(path string, waivers []Waiver, keys ...secret.Key) error {
	b, err := ReadBaseline(path, keys...)
	if errors.Is(err, os.ErrNotExist) {
		b, err = NewBaseline(first(keys))
	}
	if err != nil {
		return err
	}
	b.Waive(waivers)
	return b.Save(path)
}

func first(keys []secret.Key) secret.Key {
	if len(keys) == 0 {
		return secret.Key{}
	}
	return keys[0]
}

// AddBaseline reads a baseline, or a JSON report of gitleaks. Entries whose last day
// is over do not accept anything; see Ended. The error of a baseline that was made
// with another key than these is ErrKey.
func (l *List) AddBaseline(path string, keys ...secret.Key) error {
	if b, err := readPlain(os.Stat, os.Open, path); err == nil && bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return l.addReport(b, path)
	}
	b, err := ReadBaseline(path, keys...)
	if err == nil {
		l.Add(b)
	}
	return err
}

// Add adds a baseline.
func (l *List) Add(b *Baseline) { l.files = append(l.files, b) }
