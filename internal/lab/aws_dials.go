package lab

import "time"

// Account returns the twin's account id.
func (a *AWS) Account() string { return a.account }

// CreateUser adds an ordinary user.
func (a *AWS) CreateUser(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[name] = &awsUser{name: name, made: time.Now()}
}

// Grant lets a user do everything, or nothing again.
func (a *AWS) Grant(user string, on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[user].admin = on
}

// Deny takes single actions away from a user who may do everything else.
func (a *AWS) Deny(user string, actions ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[user].denied = actions
}

// Hang lets a user's rights hang on what only a real request has, such as
// aws:MultiFactorAuthPresent: a simulation then names it and is not certain.
func (a *AWS) Hang(user string, on ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[user].hangs = on
}

// Move gives a user's address a path, such as "/apps/".
func (a *AWS) Move(user, path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[user].path = path
}

// Admin is the user whose access the lab hands out.
func (a *AWS) Admin() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys[a.adminID].user
}

// Attach attaches a managed policy by name, such as AWSCompromisedKeyQuarantineV3.
func (a *AWS) Attach(user, policy string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[user].policies = append(a.users[user].policies, policy)
}

// CreateKey adds a key that works at once; an empty user means the root user.
func (a *AWS) CreateKey(user string) (id, secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.newKey(user)
	k.made = k.made.Add(-24 * time.Hour)
	return k.id, k.secret
}

// RemoveKey deletes a key as somebody else would.
func (a *AWS) RemoveKey(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.remove(a.keys[id])
}

// Keys returns a user's keys, oldest first.
func (a *AWS) Keys(user string) []KeyView {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []KeyView
	for _, k := range a.of(user) {
		u := k.last(0)
		out = append(out, KeyView{ID: k.id, Active: k.active, Created: k.made, UsedAt: u.at, UsedFor: u.service})
	}
	return out
}

// Secret returns a key's secret, as its issuer knows it.
func (a *AWS) Secret(id string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys[id].secret
}

// Accepts reports whether a service would accept the key now.
func (a *AWS) Accepts(id, secret string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[id]
	return k != nil && k.secret == secret && a.works(k, time.Now())
}

// ForeignID makes up a key id of another account.
func (a *AWS) ForeignID(account string) string { return "AKIA" + keyTail(account) }

// ClockOff sets the service's clock ahead of ours; a negative time is behind.
func (a *AWS) ClockOff(d time.Duration) { a.dial(func(o *awsDials) { o.clockOff = d }) }

// StaleList keeps a new key out of listings for a while.
func (a *AWS) StaleList(d time.Duration) { a.dial(func(o *awsDials) { o.stale = d }) }

// LagUsage keeps a use out of the record for a while.
func (a *AWS) LagUsage(d time.Duration) { a.dial(func(o *awsDials) { o.usageLag = d }) }

// PageSize bounds how many keys one page of a listing holds.
func (a *AWS) PageSize(n int) { a.dial(func(o *awsDials) { o.page = n }) }

// SameAgain lets the next n calls of CreateAccessKey answer with the user's
// oldest key instead of a new one.
func (a *AWS) SameAgain(n int) { a.dial(func(o *awsDials) { o.again = n }) }

// LagIn lets one region accept a key that was stopped for longer than the others; a
// region is the one that a request is signed for.
func (a *AWS) LagIn(region string, d time.Duration) {
	a.dial(func(o *awsDials) { o.lagIn = map[string]time.Duration{region: d} })
}

// OldIDs gives new keys ids of the older kind, which carry no account.
func (a *AWS) OldIDs(on bool) { a.dial(func(o *awsDials) { o.oldIDs = on }) }

func (a *AWS) dial(set func(*awsDials)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	set(&a.dials)
}

// Deactivate disables a key as somebody else would, so that it is refused at once.
func (a *AWS) Deactivate(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[id].active, a.keys[id].changed = false, time.Time{}
}
