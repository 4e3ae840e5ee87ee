package lab

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// reply writes "<OpResponse><OpResult>…</OpResult></OpResponse>".
func reply(w http.ResponseWriter, op string, result any) {
	writeXML(w, http.StatusOK, struct {
		XMLName xml.Name
		Space   string `xml:"xmlns,attr"`
		Result  any
		Meta    struct{ RequestId string } `xml:"ResponseMetadata"` //nolint:revive // the wire's spelling
	}{XMLName: xml.Name{Local: op + "Response"}, Space: "https://iam.amazonaws.com/doc/2010-05-08/", Result: named{op + "Result", result}})
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
	id := a.account // as for root
	if k.user != "" {
		id = "AIDA" + strings.ToUpper(k.user)
	}
	reply(w, "GetCallerIdentity", struct{ Arn, UserId, Account string }{a.arn(k.user), id, a.account}) //nolint:revive // the wire's spelling
}

// keyInfo tells the account of any key, also a foreign one.
func (a *AWS) keyInfo(w http.ResponseWriter, _ *awsKey, f url.Values) {
	id := f.Get("AccessKeyId")
	account := accountIn(id)
	if a.keys[id] != nil {
		account = a.account
	}
	if account == "" {
		awsError(w, 400, "ValidationError", "The access key id is not valid")
		return
	}
	reply(w, "GetAccessKeyInfo", struct{ Account string }{account})
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

func (a *AWS) createKey(w http.ResponseWriter, _ *awsKey, f url.Values) {
	user := f.Get("UserName")
	type full struct {
		keyMember
		SecretAccessKey string
	}
	keys := a.of(user)
	switch {
	case a.users[user] == nil && user != "":
		noSuchUser(w, user)
	case a.dials.again > 0 && len(keys) > 0:
		a.dials.again--
		reply(w, "CreateAccessKey", struct{ AccessKey full }{full{member(keys[0]), keys[0].secret}})
	case len(keys) >= quota:
		awsError(w, 409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	default:
		k := a.newKey(user)
		reply(w, "CreateAccessKey", struct{ AccessKey full }{full{member(k), k.secret}})
	}
}

func noSuchUser(w http.ResponseWriter, user string) {
	awsError(w, 404, "NoSuchEntity", "The user with name "+user+" cannot be found.")
}

// listKeys pages: MaxItems bounds a page, Marker says where the next one begins.
func (a *AWS) listKeys(w http.ResponseWriter, _ *awsKey, f url.Values) {
	user := f.Get("UserName")
	if a.users[user] == nil && user != "" {
		noSuchUser(w, user)
		return
	}
	var out struct {
		IsTruncated       bool
		Marker            string `xml:",omitempty"`
		UserName          string
		AccessKeyMetadata struct {
			Member []keyMember `xml:"member"`
		}
	}
	out.UserName = user
	most, err := strconv.Atoi(f.Get("MaxItems"))
	if err != nil {
		most = 100
	}
	if a.dials.page > 0 {
		most = min(most, a.dials.page)
	}
	begun := f.Get("Marker") == ""
	for _, k := range a.of(user) {
		begun = begun || "after-"+k.id == f.Get("Marker")
		switch {
		case time.Since(k.made) < a.dials.stale || !begun:
		case "after-"+k.id == f.Get("Marker"):
		case len(out.AccessKeyMetadata.Member) == most:
			out.IsTruncated, out.Marker = true, "after-"+out.AccessKeyMetadata.Member[most-1].AccessKeyId
		default:
			out.AccessKeyMetadata.Member = append(out.AccessKeyMetadata.Member, member(k))
		}
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
	switch f.Get("Status") {
	case "Active", "Inactive":
	default:
		awsError(w, 400, "ValidationError", "Value at 'status' failed to satisfy constraint")
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
	a.remove(k)
	reply(w, "DeleteAccessKey", struct{}{})
}

func (a *AWS) remove(k *awsKey) {
	if k.active { // an inactive key is refused already: deleting does not revive it
		k.changed = time.Now()
	}
	k.deleted = true
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
	if seen := k.last(a.dials.usageLag); !seen.at.IsZero() {
		u = last{seen.at.UTC().Format(time.RFC3339), seen.service, "us-east-1"}
	}
	reply(w, "GetAccessKeyLastUsed", struct {
		UserName          string `xml:",omitempty"`
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
