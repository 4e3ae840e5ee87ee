package lab

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"time"
)

// reply writes "<OpResponse><OpResult>…</OpResult></OpResponse>".
func reply(w http.ResponseWriter, op string, result any) {
	writeXML(w, http.StatusOK, struct {
		XMLName xml.Name
		Result  any
		Meta    struct{ RequestId string } `xml:"ResponseMetadata"` //nolint:revive // the wire's spelling
	}{XMLName: xml.Name{Local: op + "Response"}, Result: named{op + "Result", result}})
}

// named gives a result its element's name.
type named struct {
	name string
	v    any
}

// MarshalXML writes the value under its name.
func (n named) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	return e.EncodeElement(n.v, xml.StartElement{Name: xml.Name{Local: n.name}})
}

func (a *AWS) callerIdentity(w http.ResponseWriter, k *awsKey, _ url.Values) {
	reply(w, "GetCallerIdentity", struct{ Arn, UserId, Account string }{a.arn(k.user), "AIDA" + k.user, a.account}) //nolint:revive // the wire's spelling
}

func (a *AWS) keyInfo(w http.ResponseWriter, _ *awsKey, _ url.Values) {
	reply(w, "GetAccessKeyInfo", struct{ Account string }{a.account})
}

type keyMember struct {
	UserName, AccessKeyId, Status string //nolint:revive // the wire's spelling
	CreateDate                    string
}

func member(k *awsKey) keyMember {
	return keyMember{k.user, k.id, status(k), k.made.UTC().Format(time.RFC3339)}
}

func status(k *awsKey) string {
	if k.active {
		return "Active"
	}
	return "Inactive"
}

func (a *AWS) createKey(w http.ResponseWriter, caller *awsKey, f url.Values) {
	user := f.Get("UserName")
	if user == "" {
		user = caller.user // as IAM does, which is why clients must name the user
	}
	switch {
	case a.users[user] == nil:
		awsError(w, 404, "NoSuchEntity", "The user with name "+user+" cannot be found.")
	case len(a.of(user)) >= quota:
		awsError(w, 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	default:
		k := a.newKey(user)
		type full struct {
			keyMember
			SecretAccessKey string
		}
		reply(w, "CreateAccessKey", struct{ AccessKey full }{full{member(k), k.secret}})
	}
}

func (a *AWS) listKeys(w http.ResponseWriter, _ *awsKey, f url.Values) {
	user := f.Get("UserName")
	if a.users[user] == nil {
		awsError(w, 404, "NoSuchEntity", "The user with name "+user+" cannot be found.")
		return
	}
	var out struct {
		IsTruncated       bool
		UserName          string
		AccessKeyMetadata struct {
			Member []keyMember `xml:"member"`
		}
	}
	out.UserName = user
	for _, k := range a.of(user) {
		out.AccessKeyMetadata.Member = append(out.AccessKeyMetadata.Member, member(k))
	}
	reply(w, "ListAccessKeys", out)
}

// named returns the key that a request names, if it is that user's.
func (a *AWS) named(f url.Values) *awsKey {
	k := a.keys[f.Get("AccessKeyId")]
	if k == nil || k.deleted || k.user != f.Get("UserName") {
		return nil
	}
	return k
}

func (a *AWS) updateKey(w http.ResponseWriter, _ *awsKey, f url.Values) {
	k := a.named(f)
	if k == nil {
		awsError(w, 404, "NoSuchEntity", "The Access Key cannot be found.")
		return
	}
	if active := f.Get("Status") == "Active"; active != k.active {
		k.active, k.changed = active, time.Now()
	}
	reply(w, "UpdateAccessKey", struct{}{})
}

func (a *AWS) deleteKey(w http.ResponseWriter, _ *awsKey, f url.Values) {
	k := a.named(f)
	if k == nil {
		awsError(w, 404, "NoSuchEntity", "The Access Key cannot be found.")
		return
	}
	if k.active { // an inactive key is refused already: deleting does not revive it
		k.changed = time.Now()
	}
	k.deleted = true
	reply(w, "DeleteAccessKey", struct{}{})
}

func (a *AWS) lastUsed(w http.ResponseWriter, _ *awsKey, f url.Values) {
	k := a.keys[f.Get("AccessKeyId")]
	if k == nil || k.deleted {
		awsError(w, 403, "AccessDenied", "not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key") // as IAM answers for an unknown id
		return
	}
	type last struct {
		LastUsedDate string `xml:",omitempty"`
		ServiceName  string
		Region       string
	}
	u := last{ServiceName: "N/A", Region: "N/A"}
	if !k.usedAt.IsZero() {
		u = last{k.usedAt.UTC().Format(time.RFC3339), k.usedFor, "us-east-1"}
	}
	reply(w, "GetAccessKeyLastUsed", struct {
		UserName          string
		AccessKeyLastUsed last
	}{k.user, u})
}

func (a *AWS) policies(w http.ResponseWriter, _ *awsKey, f url.Values) {
	u := a.users[f.Get("UserName")]
	if u == nil {
		awsError(w, 404, "NoSuchEntity", "no such user")
		return
	}
	type policy struct{ PolicyName, PolicyArn string }
	var out struct {
		IsTruncated      bool
		AttachedPolicies struct {
			Member []policy `xml:"member"`
		}
	}
	for _, p := range u.policies {
		out.AttachedPolicies.Member = append(out.AttachedPolicies.Member, policy{p, "arn:aws:iam::aws:policy/" + p})
	}
	reply(w, "ListAttachedUserPolicies", out)
}
