package lab

import (
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// awsRole is a role with its inline policies, and awsPolicy one of those as far as it
// denies sessions.
type awsRole struct {
	path     string
	policies map[string]awsPolicy
	off      []awsPolicy // taken away a moment ago: some still meet them
}

type awsPolicy struct {
	text string
	at   time.Time // when it was put, or taken away
}

// awsSession is what a temporary key has more than a user's key.
type awsSession struct {
	role, name, token string
	issued            time.Time
}

// CreateRole makes a role; path is "/" or as of AWS's own ("/aws-reserved/…/").
func (a *AWS) CreateRole(name, path string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roles[name] = &awsRole{path: path, policies: map[string]awsPolicy{}}
}

// Assume makes a session of a role, as sts:AssumeRole does. A session may ask who it is
// and, of a role called "reader", sts:GetAccessKeyInfo; nothing else.
func (a *AWS) Assume(role, session string) (id, secret, token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.newKey("")
	delete(a.keys, k.id)
	k.id, k.made = "ASIA"+k.id[4:], time.Time{} // STS's keys are known at once
	k.session = &awsSession{role: role, name: session, token: MadeUp("IQoJb3JpZ2lu", 320), issued: time.Now()}
	a.keys[k.id] = k
	return k.id, k.secret, k.session.token
}

// leakSession makes a session of the role "deploy", and returns its token.
func (a *AWS) leakSession() string {
	a.CreateRole("deploy", "/")
	_, _, token := a.Assume("deploy", "ci")
	return token
}

// sessionOf returns the variables that go with a session's token.
func (a *AWS) sessionOf(token string) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id, k := range a.keys {
		if k.session != nil && k.session.token == token {
			return map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": k.secret}
		}
	}
	return nil
}

// AgeSession makes a session older than it is.
func (a *AWS) AgeSession(id string, by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[id].session.issued = time.Now().Add(-by)
}

// EndSession lets a session run out.
func (a *AWS) EndSession(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys[id].session.token = ""
}

// RolePolicies names a role's inline policies.
func (a *AWS) RolePolicies(role string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []string
	for name := range a.roles[role].policies {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// DenyRole puts an inline policy of somebody else's onto a role, which denies all.
func (a *AWS) DenyRole(role, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.roles[role].policies[name] = awsPolicy{text: `{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`}
}

// SessionDenied reports whether a session's calls are denied by a policy now.
func (a *AWS) SessionDenied(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keys[id]
	return k == nil || a.denied(k, time.Now())
}

// statement is a part of a policy, as far as the twin reads them.
type statement struct {
	Effect    string
	Action    string
	Condition struct {
		StringLike   map[string]string
		DateLessThan map[string]time.Time
	}
}

// denies reports whether a policy denies everything to a session. Names of condition
// keys are compared as IAM does, without case.
func (p awsPolicy) denies(s *awsSession) bool {
	var doc struct{ Statement []statement }
	if json.Unmarshal([]byte(p.text), &doc) != nil {
		return false
	}
	return slices.ContainsFunc(doc.Statement, func(st statement) bool {
		fits := st.Effect == "Deny" && st.Action == "*"
		for key, pattern := range st.Condition.StringLike {
			ok, _ := path.Match(pattern, "AROAROLE:"+s.name)
			fits = fits && ok && strings.EqualFold(key, "aws:userid")
		}
		for key, t := range st.Condition.DateLessThan {
			fits = fits && s.issued.Before(t) && strings.EqualFold(key, "aws:TokenIssueTime")
		}
		return fits
	})
}

// denied is what the role's policies say, which everybody hears of after DisableDelay.
func (a *AWS) denied(k *awsKey, now time.Time) bool {
	r := a.roles[k.session.role]
	if r == nil {
		return false
	}
	late := a.lab.opts.DisableDelay
	for _, p := range r.policies {
		if now.Sub(p.at) >= late && p.denies(k.session) {
			return true
		}
	}
	return slices.ContainsFunc(r.off, func(p awsPolicy) bool { return now.Sub(p.at) < late && p.denies(k.session) })
}

// asSession answers a call of a temporary key: who it is, is told to it in any case.
func (a *AWS) asSession(w http.ResponseWriter, k *awsKey, op, token string, form url.Values) {
	s := k.session
	who := "arn:aws:sts::" + a.account + ":assumed-role/" + s.role + "/" + s.name
	deny := func(why string) {
		awsError(w, 403, "AccessDenied", "User: "+who+" is not authorized to perform: sts:"+op+why)
	}
	switch {
	case s.token == "":
		awsError(w, 403, "ExpiredToken", "The security token included in the request is expired")
	case token != s.token:
		awsError(w, 403, "InvalidClientTokenId", "The security token included in the request is invalid")
	case op == "GetCallerIdentity":
		reply(w, op, struct{ Arn, UserId, Account string }{who, "AROAROLE:" + s.name, a.account}) //nolint:revive // the wire's spelling
	case a.denied(k, time.Now()):
		deny(" with an explicit deny in an identity-based policy")
	case op == "GetAccessKeyInfo" && s.role == "reader":
		a.keyInfo(w, k, form)
	default:
		deny(" because no identity-based policy allows the sts:" + op + " action")
	}
}

// role returns the role that a request names, or answers that there is none.
func (a *AWS) role(w http.ResponseWriter, f url.Values) *awsRole {
	r := a.roles[f.Get("RoleName")]
	if r == nil {
		awsError(w, 404, "NoSuchEntity", "The role with name "+f.Get("RoleName")+" cannot be found.")
	}
	return r
}

func (a *AWS) getRole(w http.ResponseWriter, _ *awsKey, f url.Values) {
	if r := a.role(w, f); r != nil {
		name := f.Get("RoleName")
		type role struct{ Path, RoleName, RoleId, Arn, CreateDate string } //nolint:revive // the wire's spelling
		reply(w, "GetRole", struct{ Role role }{role{r.path, name, "AROAROLE", "arn:aws:iam::" + a.account + ":role" + r.path + name, "2024-01-01T00:00:00Z"}})
	}
}

// policy returns a role and the policy of it that a request names, or answers that one of
// them is not there.
func (a *AWS) policy(w http.ResponseWriter, f url.Values) (r *awsRole, p awsPolicy, ok bool) {
	if r = a.role(w, f); r == nil {
		return nil, p, false
	}
	if p, ok = r.policies[f.Get("PolicyName")]; !ok {
		awsError(w, 404, "NoSuchEntity", "The role policy with name "+f.Get("PolicyName")+" cannot be found.")
	}
	return r, p, ok
}

func (a *AWS) getRolePolicy(w http.ResponseWriter, _ *awsKey, f url.Values) {
	_, p, ok := a.policy(w, f)
	if !ok {
		return
	}
	reply(w, "GetRolePolicy", struct{ RoleName, PolicyName, PolicyDocument string }{f.Get("RoleName"), f.Get("PolicyName"), url.QueryEscape(p.text)})
}

func (a *AWS) putRolePolicy(w http.ResponseWriter, _ *awsKey, f url.Values) {
	r := a.role(w, f)
	if r == nil {
		return
	}
	if !json.Valid([]byte(f.Get("PolicyDocument"))) {
		awsError(w, 400, "MalformedPolicyDocument", "Syntax errors in policy.")
		return
	}
	r.policies[f.Get("PolicyName")] = awsPolicy{f.Get("PolicyDocument"), time.Now()}
	reply(w, "PutRolePolicy", struct{}{})
}

func (a *AWS) deleteRolePolicy(w http.ResponseWriter, _ *awsKey, f url.Values) {
	r, p, ok := a.policy(w, f)
	if !ok {
		return
	}
	delete(r.policies, f.Get("PolicyName"))
	r.off = append(r.off, awsPolicy{p.text, time.Now()})
	reply(w, "DeleteRolePolicy", struct{}{})
}
