package lab

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Vault is the twin of a service that makes and takes away keys by calls: what it
// knows of its keys, and the paths of its management API. Whether a key works is
// asked at the same service's own path (see [Services]).
type Vault struct {
	lab    *Lab
	name   string
	mux    *http.ServeMux
	ops    map[string]op // by pattern
	bearer func(*http.Request) string
	refuse func(w http.ResponseWriter, status int, code string)

	own string // the operator's access

	mu     sync.Mutex
	access []string // tokens that may manage keys
	keys   []*VaultKey
	quota  int
	page   int
	stale  time.Duration
	again  int
}

// op is one call of the management API.
type op struct {
	name  string
	reads bool // also where it is a POST
	do    func(w http.ResponseWriter, r *http.Request)
}

// VaultKey is one key as its issuer knows it.
type VaultKey struct {
	ID, Token, Owner, Name string
	Fields                 map[string]any // what else the issuer keeps, by its own names
	Made                   time.Time
	Active, Gone           bool
	changed                time.Time // when it began, or ceased, to work; zero: long ago
}

func newVault(l *Lab, name string, refuse func(http.ResponseWriter, int, string)) *Vault {
	return &Vault{lab: l, name: name, mux: http.NewServeMux(), ops: map[string]op{}, refuse: refuse, bearer: func(r *http.Request) string {
		t, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		return t
	}}
}

// on adds a call; patterns are those of http.ServeMux.
func (v *Vault) on(pattern string, o op) {
	v.ops[pattern] = o
	v.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		defer v.mu.Unlock()
		if !v.manages(v.bearer(r)) {
			v.refuse(w, http.StatusUnauthorized, "unauthorized")
			return
		}
		o.do(w, r)
	})
}

// find returns the call that a request is, below the service's own path.
func (v *Vault) find(r *http.Request, path string) (op, *http.Request, bool) {
	below := r.Clone(r.Context())
	below.URL.Path, below.URL.RawPath = "/"+path, ""
	_, pattern := v.mux.Handler(below)
	o, ok := v.ops[pattern]
	return o, below, ok
}

// Access makes a token that may manage keys, as the operator's own.
func (v *Vault) Access(token string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.access = append(v.access, token)
	return token
}

// Own returns the operator's access, which Lab.Env names.
func (v *Vault) Own() string { return v.own }

// Add adds a key that has worked for a day, as a person made it.
func (v *Vault) Add(k VaultKey) *VaultKey {
	v.mu.Lock()
	defer v.mu.Unlock()
	k.Made, k.Active = time.Now().Add(-24*time.Hour), true
	v.keys = append(v.keys, &k)
	return &k
}

// make adds a key that begins to work now; the caller holds the lock.
func (v *Vault) make(k VaultKey) *VaultKey {
	if v.again > 0 { // a service that hands out what it has handed out before
		v.again--
		k.Token = v.keys[0].Token
	}
	k.Made, k.changed, k.Active = time.Now(), time.Now(), true
	k.Fields = maps.Clone(k.Fields)
	v.keys = append(v.keys, &k)
	return &k
}

// full reports whether an owner has as many keys as it may.
func (v *Vault) full(owner string) bool { return v.quota > 0 && len(v.of(owner)) >= v.quota }

// of returns an owner's keys, oldest first, without those that listings do not have
// yet; the caller holds the lock.
func (v *Vault) of(owner string) []*VaultKey {
	var out []*VaultKey
	for _, k := range v.keys {
		if !k.Gone && (owner == "" || k.Owner == owner) && (k.changed.IsZero() || time.Since(k.Made) >= v.stale) {
			out = append(out, k)
		}
	}
	return out
}

// named returns a key by its id; nil when it is gone.
func (v *Vault) named(id string) *VaultKey {
	for _, k := range v.keys {
		if k.ID == id && !k.Gone {
			return k
		}
	}
	return nil
}

// set makes a key work, or not.
func (v *Vault) set(k *VaultKey, active bool) {
	if k.Active != active {
		k.Active, k.changed = active, time.Now()
	}
}

// drop deletes a key.
func (v *Vault) drop(k *VaultKey) {
	v.set(k, false)
	k.Gone = true
}

// works reports whether the service accepts a key now: it takes a while until all of
// it knows of a change.
func (v *Vault) works(token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.accepted(token, func(*VaultKey) bool { return true })
}

// manages reports whether a token may manage keys: an access, or a key of the sort that
// does, which has the field "manages"; the caller holds the lock.
func (v *Vault) manages(token string) bool {
	return slices.Contains(v.access, token) || v.accepted(token, func(k *VaultKey) bool { return k.Fields["manages"] == true })
}

// accepted reports whether a key of some sort works now; the caller holds the lock.
func (v *Vault) accepted(token string, sort func(*VaultKey) bool) bool {
	for _, k := range v.keys {
		if k.Token != token || !sort(k) {
			continue
		}
		wait := v.lab.opts.KeyDelay
		if !k.Active {
			wait = v.lab.opts.DisableDelay
		}
		if settled := k.changed.IsZero() || time.Since(k.changed) >= wait; settled == k.Active {
			return true
		}
	}
	return false
}

// knows reports whether a request comes with an access or a key of this vault, also with
// one that is gone.
func (v *Vault) knows(r *http.Request) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	token := v.bearer(r)
	return slices.Contains(v.access, token) || slices.ContainsFunc(v.keys, func(k *VaultKey) bool { return k.Token == token })
}

// Accepts reports whether the service accepts a key now.
func (v *Vault) Accepts(token string) bool { return v.works(token) }

// IDs returns the ids of an owner's keys, or of all.
func (v *Vault) IDs(owner string) []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for _, k := range v.keys {
		if !k.Gone && (owner == "" || k.Owner == owner) {
			out = append(out, k.ID)
		}
	}
	return out
}

// Key returns a key as its issuer knows it.
func (v *Vault) Key(id string) (VaultKey, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := v.named(id); k != nil {
		return *k, true
	}
	return VaultKey{}, false
}

// Remove deletes a key as a person does on the service's page.
func (v *Vault) Remove(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := v.named(id); k != nil {
		v.drop(k)
	}
}

// Quota bounds how many keys an owner may have; 0 is no bound.
func (v *Vault) Quota(n int) { v.dial(func() { v.quota = n }) }

// PageSize bounds how many entries one page of a listing holds, whatever is asked for.
func (v *Vault) PageSize(n int) { v.dial(func() { v.page = n }) }

// StaleList keeps a new key out of listings for a while.
func (v *Vault) StaleList(d time.Duration) { v.dial(func() { v.stale = d }) }

// SameAgain lets the next n calls hand out the value of the oldest key.
func (v *Vault) SameAgain(n int) { v.dial(func() { v.again = n }) }

func (v *Vault) dial(set func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	set()
}

// pageOf cuts a page out of a list: what follows the entry with the id after.
func pageOf(v *Vault, list []*VaultKey, after string, most int) (page []*VaultKey, more bool) {
	if i := slices.IndexFunc(list, func(k *VaultKey) bool { return k.ID == after }); i >= 0 {
		list = list[i+1:]
	}
	if v.page > 0 {
		most = v.page
	}
	if len(list) > most {
		return list[:most], true
	}
	return list, false
}

// bodyOf reads a request's JSON.
func bodyOf(r *http.Request) map[string]any {
	var out map[string]any
	_ = json.NewDecoder(r.Body).Decode(&out) // a body that is none has no fields
	return out
}

func word(m map[string]any, field string) string {
	s, _ := m[field].(string)
	return s
}

// hint shows the ends of a key, as services do.
func hint(token string, head, tail int) string {
	return token[:head] + "..." + token[len(token)-tail:]
}
