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

// AWS is the twin of IAM and STS: the query protocol, XML answers, real SigV4.
type AWS struct {
	lab     *Lab
	account string

	mu      sync.Mutex
	users   map[string]*awsUser
	keys    map[string]*awsKey
	adminID string
}

type awsUser struct {
	name     string
	admin    bool
	policies []string
	made     time.Time
}

type awsKey struct {
	id, secret string
	user       string
	active     bool
	deleted    bool
	made       time.Time
	changed    time.Time // last change of active or deleted
	usedAt     time.Time
	usedFor    string
}

// KeyView is a key as a test may look at it.
type KeyView struct {
	ID      string
	Active  bool
	Created time.Time
	UsedAt  time.Time
	UsedFor string
}

const quota = 2

func newAWS(l *Lab) *AWS {
	a := &AWS{lab: l, account: random("123456789", 1) + random("0123456789", 11), users: map[string]*awsUser{}, keys: map[string]*awsKey{}}
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

// Account returns the twin's account id.
func (a *AWS) Account() string { return a.account }

// CreateUser adds an ordinary user.
func (a *AWS) CreateUser(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[name] = &awsUser{name: name, made: time.Now()}
}

// Attach attaches a managed policy by name, such as AWSCompromisedKeyQuarantineV3.
func (a *AWS) Attach(user, policy string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[user].policies = append(a.users[user].policies, policy)
}

// CreateKey adds a key that works at once.
func (a *AWS) CreateKey(user string) (id, secret string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.newKey(user)
	k.made = k.made.Add(-24 * time.Hour)
	return k.id, k.secret
}

// newKey makes a key whose id carries the account the way real ones do: 128
// bits of base32, the account in the upper bits of the first six bytes.
func (a *AWS) newKey(user string) *awsKey {
	var account uint64
	_, _ = fmt.Sscan(a.account, &account) // twelve digits by construction
	raw := make([]byte, 10)
	copy(raw, random(string(allBytes()), 10))
	head := binary.BigEndian.Uint64(append([]byte{0, 0}, raw[:6]...))
	head = 1<<47 | account<<7 | head&0x7f
	full := make([]byte, 8)
	binary.BigEndian.PutUint64(full, head)
	copy(raw, full[2:])
	k := &awsKey{
		id:     "AKIA" + base32.StdEncoding.EncodeToString(raw),
		secret: random("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 40),
		user:   user, active: true, made: time.Now(),
	}
	a.keys[k.id] = k
	return k
}

func allBytes() []byte {
	b := make([]byte, 128)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// Keys returns a user's keys, oldest first.
func (a *AWS) Keys(user string) []KeyView {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []KeyView
	for _, k := range a.of(user) {
		out = append(out, KeyView{ID: k.id, Active: k.active, Created: k.made, UsedAt: k.usedAt, UsedFor: k.usedFor})
	}
	return out
}

func (a *AWS) of(user string) []*awsKey {
	var out []*awsKey
	for _, k := range a.keys {
		if k.user == user && !k.deleted {
			out = append(out, k)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].made.Before(out[j].made) })
	return out
}

// works reports whether a key is accepted now: a new one only after KeyDelay, a
// disabled or deleted one still for DisableDelay.
func (a *AWS) works(k *awsKey, now time.Time) bool {
	if k.active && !k.deleted {
		return now.Sub(k.made) >= a.lab.opts.KeyDelay
	}
	return now.Sub(k.changed) < a.lab.opts.DisableDelay
}

// use lets a consumer call a service with a key, as its own SDK would.
func (a *AWS) use(id, secret, service string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[id]
	if k == nil || k.secret != secret || !a.works(k, time.Now()) {
		return false
	}
	k.usedAt, k.usedFor = time.Now(), service
	return true
}

// ServeHTTP answers one query-protocol request.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		awsError(w, 400, "MalformedQueryString", "")
		return
	}
	op := form.Get("Action")
	mutates := slices.Contains([]string{"CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey"}, op)
	req := Request{Service: "aws", Method: r.Method, Path: r.URL.Path, Op: op, Mutates: mutates}
	a.lab.serve(w, req, func(w http.ResponseWriter) { a.answer(w, r, body, form) },
		func(w http.ResponseWriter, f Fault) {
			if f.Body != "" {
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(f.Status)
				_, _ = io.WriteString(w, f.Body) // the client may be gone
				return
			}
			awsError(w, f.Status, f.Code, "planned fault")
		})
}

func (a *AWS) answer(w http.ResponseWriter, r *http.Request, body []byte, form url.Values) {
	a.mu.Lock()
	defer a.mu.Unlock()
	caller, code := a.authenticate(r, body)
	if code != "" {
		awsError(w, 403, code, "The security token included in the request is invalid.")
		return
	}
	service := "iam"
	if strings.HasPrefix(form.Get("Version"), "2011") {
		service = "sts"
	}
	caller.usedAt, caller.usedFor = time.Now(), service
	op := form.Get("Action")
	if service == "iam" && !a.users[caller.user].admin {
		awsError(w, 403, "AccessDenied", "User: "+a.arn(caller.user)+" is not authorized to perform: iam:"+op+" on resource: "+a.arn(form.Get("UserName")))
		return
	}
	h, ok := map[string]func(http.ResponseWriter, *awsKey, url.Values){
		"GetCallerIdentity": a.callerIdentity, "GetAccessKeyInfo": a.keyInfo, "CreateAccessKey": a.createKey, "ListAccessKeys": a.listKeys,
		"UpdateAccessKey": a.updateKey, "DeleteAccessKey": a.deleteKey, "GetAccessKeyLastUsed": a.lastUsed, "ListAttachedUserPolicies": a.policies,
	}[op]
	if !ok {
		awsError(w, 400, "InvalidAction", "no such action")
		return
	}
	h(w, caller, form)
}

func (a *AWS) arn(user string) string { return "arn:aws:iam::" + a.account + ":user/" + user }

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
