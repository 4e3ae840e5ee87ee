package lab

import (
	"encoding/base32"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// AWS is the twin of IAM and STS: the query protocol, XML answers, real SigV4; and
// of SQS, as far as looking at a queue goes.
type AWS struct {
	lab     *Lab
	account string

	mu      sync.Mutex
	users   map[string]*awsUser
	keys    map[string]*awsKey
	roles   map[string]*awsRole
	queues  map[string]*queue
	adminID string
	dials   awsDials
}

// awsDials are misbehaviours that last until they are turned back.
type awsDials struct {
	clockOff time.Duration            // how far the service's clock is ahead of ours
	stale    time.Duration            // how long a listing does not show a new key
	usageLag time.Duration            // how long a use stays out of the record
	page     int                      // most keys in one page; 0 = no bound
	again    int                      // how many CreateAccessKey answer with the user's oldest key
	oldIDs   bool                     // new keys get ids without an account
	lagIn    map[string]time.Duration // how much longer a region accepts a key that was stopped
}

type awsUser struct {
	name     string
	path     string // of its address: "/" or "/apps/"
	admin    bool
	denied   []string // actions that no policy grants, "iam:DeleteAccessKey"
	hangs    []string // context keys that a condition of its policies reads
	policies []string
	tags     map[string]string
	made     time.Time
}

type awsKey struct {
	id, secret string
	user       string // empty: the root user's
	active     bool
	deleted    bool
	made       time.Time
	changed    time.Time // last change of active or deleted
	uses       []awsUse
	session    *awsSession // of a temporary key
}

type awsUse struct {
	at      time.Time
	service string
}

// KeyView is a key as a test may look at it.
type KeyView struct {
	ID      string
	Active  bool
	Created time.Time
	UsedAt  time.Time
	UsedFor string
}

// quota is IAM's AccessKeysPerUser; active and inactive keys both count.
const quota = 2

func newAWS(l *Lab) *AWS {
	a := &AWS{lab: l, account: random("123456789", 1) + random("0123456789", 11), users: map[string]*awsUser{}, keys: map[string]*awsKey{}, roles: map[string]*awsRole{}, queues: map[string]*queue{}}
	a.users["secretguard-admin"] = &awsUser{name: "secretguard-admin", admin: true, made: time.Now()}
	k := a.newKey("secretguard-admin")
	k.made = time.Time{} // old enough to be known everywhere
	a.adminID = k.id
	return a
}

func (a *AWS) admin() (id, secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.adminID, a.keys[a.adminID].secret
}

// newKey makes a key whose id carries the account the way real ones do: the
// account in the upper bits of the first six bytes, in base32.
func (a *AWS) newKey(user string) *awsKey {
	id := "AKIA" + keyTail(a.account)
	if a.dials.oldIDs {
		id = "AKIAI" + random("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 15)
	}
	k := &awsKey{
		id: id, user: user, active: true, made: time.Now(),
		secret: random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40),
	}
	a.keys[k.id] = k
	return k
}

// keyTail makes the sixteen characters after the prefix of a key id.
func keyTail(account string) string {
	var n uint64
	_, _ = fmt.Sscan(account, &n) // twelve digits by construction
	raw := make([]byte, 10)
	copy(raw, random(string(allBytes()), 10))
	head := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))
	full := make([]byte, 8)
	binary.BigEndian.PutUint64(full, 1<<47|n<<7|head&0x7f)
	copy(raw, full[2:])
	return base32.StdEncoding.EncodeToString(raw)
}

// accountIn reads the account back out of a key id; "" when there is none in it.
func accountIn(id string) string {
	if len(id) != 20 || id[4] == 'I' || id[4] == 'J' {
		return ""
	}
	raw, err := base32.StdEncoding.DecodeString(id[4:])
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%012d", binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))&(1<<47-1)>>7)
}

func allBytes() []byte {
	b := make([]byte, 128)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// of returns a user's keys, oldest first.
func (a *AWS) of(user string) []*awsKey {
	var out []*awsKey
	for _, k := range a.keys {
		if k.user == user && !k.deleted && k.session == nil {
			out = append(out, k)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].made.Before(out[j].made) })
	return out
}

// works reports whether a key is accepted now: a new one only after KeyDelay, a
// disabled or deleted one still for DisableDelay.
func (a *AWS) works(k *awsKey, now time.Time) bool { return a.worksIn("", k, now) }

// worksIn is works in a region, which may hear of a change later than others.
func (a *AWS) worksIn(region string, k *awsKey, now time.Time) bool {
	if k.active && !k.deleted {
		return now.Sub(k.made) >= a.lab.opts.KeyDelay
	}
	return now.Sub(k.changed) < a.lab.opts.DisableDelay+a.dials.lagIn[region]
}

// Use calls a service with a key, as a consumer's own SDK would; it reports
// whether the key was accepted.
func (a *AWS) Use(id, secret, service string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[id]
	if k == nil || k.secret != secret || !a.works(k, time.Now()) {
		return false
	}
	k.used(service)
	return true
}

// used records a use. Only the newest uses matter; older ones than a lag could
// want are dropped.
func (k *awsKey) used(service string) {
	k.uses = append(k.uses, awsUse{time.Now(), service})
	if len(k.uses) > 4096 {
		k.uses = slices.Clone(k.uses[len(k.uses)-2048:])
	}
}

// last returns the newest use that is older than the lag.
func (k *awsKey) last(lag time.Duration) awsUse {
	for _, u := range slices.Backward(k.uses) {
		if time.Since(u.at) >= lag {
			return u
		}
	}
	return awsUse{}
}

// ServeHTTP answers one query-protocol request.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	if op, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."); ok {
		a.lab.serve(w, r, Request{Service: "aws", Op: op, Mutates: op != "GetQueueAttributes"}, func(w http.ResponseWriter) { a.answerQueue(w, r, body, op) }, awsRefuse)
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		awsError(w, 400, "MalformedQueryString", "")
		return
	}
	op := form.Get("Action")
	mutates := slices.Contains([]string{"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "TagUser", "UntagUser", "PutRolePolicy", "DeleteRolePolicy"}, op)
	a.lab.serve(w, r, Request{Service: "aws", Op: op, Mutates: mutates}, func(w http.ResponseWriter) { a.answer(w, r, body, form) }, awsRefuse)
}

// awsRefuse answers a planned fault with the code that IAM and STS give for it.
func awsRefuse(w http.ResponseWriter, f Fault) {
	status := f.Status
	codes := map[int]string{
		401: "InvalidClientTokenId", 403: "AccessDenied", 404: "NoSuchEntity", 409: "EntityTemporarilyUnmodifiable", 429: "Throttling", 500: "ServiceFailure", 503: "ServiceUnavailable",
	}
	if f.Code == "" {
		f.Code = codes[status]
		status = map[int]int{401: 403, 429: 400}[status] // how AWS spells those two
	}
	if status == 0 {
		status = f.Status
	}
	message := "planned fault"
	if f.Code == "AccessDenied" {
		message = "User: somebody is not authorized to perform: iam:Something on resource: something"
	}
	awsError(w, status, f.Code, message)
}

func (a *AWS) answer(w http.ResponseWriter, r *http.Request, body []byte, form url.Values) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
	caller, code, message := a.authenticate(r, body)
	if code != "" {
		awsError(w, 403, code, message)
		return
	}
	service := "iam"
	if strings.HasPrefix(form.Get("Version"), "2011") {
		service = "sts"
	}
	caller.used(service)
	op := form.Get("Action")
	if caller.session != nil {
		a.asSession(w, caller, op, r.Header.Get("X-Amz-Security-Token"), form)
		return
	}
	if service == "iam" && !a.may(caller, op) {
		awsError(w, 403, "AccessDenied", "User: "+a.arn(caller.user)+" is not authorized to perform: iam:"+op+" on resource: "+a.arn(form.Get("UserName")))
		return
	}
	if form.Get("UserName") == "" {
		form.Set("UserName", caller.user) // as IAM does, which is why clients must name the user
	}
	h, ok := map[string]func(http.ResponseWriter, *awsKey, url.Values){
		"GetCallerIdentity": a.callerIdentity, "GetAccessKeyInfo": a.keyInfo, "CreateAccessKey": a.createKey, "ListAccessKeys": a.listKeys,
		"UpdateAccessKey": a.updateKey, "DeleteAccessKey": a.deleteKey, "GetAccessKeyLastUsed": a.lastUsed, "ListAttachedUserPolicies": a.policies, "GetUser": a.getUser, "SimulatePrincipalPolicy": a.simulate,
		"TagUser": a.tagUser, "UntagUser": a.untagUser, "ListUserTags": a.listTags,
		"GetRole": a.getRole, "GetRolePolicy": a.getRolePolicy, "PutRolePolicy": a.putRolePolicy, "DeleteRolePolicy": a.deleteRolePolicy,
	}[op]
	if !ok {
		awsError(w, 400, "InvalidAction", "no such action")
		return
	}
	h(w, caller, form)
}

// may reports whether the key's user has the right. AWS's quarantine denies a
// leaked user to touch keys, whatever else it may do; whether deleting is among
// that is not known, so the twin allows it.
func (a *AWS) may(caller *awsKey, op string) bool {
	if caller.user == "" {
		return true // root
	}
	return a.decision(a.users[caller.user], "iam:"+op) == "allowed"
}

// decision is what a user's policies say of an action, in the words of IAM's
// simulation.
func (a *AWS) decision(u *awsUser, action string) string {
	quarantined := slices.ContainsFunc(u.policies, func(p string) bool { return strings.HasPrefix(p, "AWSCompromisedKeyQuarantine") })
	switch {
	case quarantined && (action == "iam:CreateAccessKey" || action == "iam:UpdateAccessKey"):
		return "explicitDeny"
	case !u.admin || slices.Contains(u.denied, action):
		return "implicitDeny"
	}
	return "allowed"
}

// now is the service's own clock.
func (a *AWS) now() time.Time { return time.Now().Add(a.dials.clockOff) }

func (a *AWS) arn(user string) string {
	if user == "" {
		return "arn:aws:iam::" + a.account + ":root"
	}
	path := "/"
	if u := a.users[user]; u != nil && u.path != "" {
		path = u.path
	}
	return "arn:aws:iam::" + a.account + ":user" + path + user
}

func awsError(w http.ResponseWriter, status int, code, message string) {
	type detail struct{ Type, Code, Message string }
	writeXML(w, status, struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     detail
		RequestID string `xml:"RequestId"`
	}{Error: detail{"Sender", code, message}, RequestID: random("0123456789abcdef", 32)})
}

func writeXML(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(v) // the client may be gone
}
