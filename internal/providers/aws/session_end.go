package aws

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// policyMark is the statement id of our policies: "Sid" may hold letters and digits only.
const policyMark = "SecretGuardEndsASession"

// document denies everything to the sessions of one name that were made before now. The
// role's id stands before the name in aws:userid; the policy is of this role only.
func document(of session, now time.Time) (string, error) {
	type statement struct {
		Sid, Effect, Action, Resource string
		Condition                     map[string]map[string]string
	}
	b, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{policyMark, "Deny", "*", "*", map[string]map[string]string{
		"StringLike":   {"aws:userid": "*:" + of.name},
		"DateLessThan": {"aws:TokenIssueTime": now.UTC().Format(time.RFC3339)},
	}}}})
	return string(b), err
}

// Disable denies everything to the session. It may be repeated: a policy that is there
// stays as it is, for a later time in it would hit sessions that replaced the leaked one.
func (s *Sessions) Disable(ctx context.Context, k providers.KeyRef) error {
	of, err := s.of(k)
	if err != nil {
		return err
	}
	if there, err := s.inPlace(ctx, of); err != nil || there {
		return ours(err)
	}
	// A second is what the condition tells apart; the leaked session is older.
	text, err := document(of, s.p.cfg.Now().Add(time.Second))
	if err != nil {
		return err
	}
	name := of.policy()
	_, err = s.p.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &of.role, PolicyName: &name, PolicyDocument: &text}, once)
	return ours(classify(ctx, "deny everything to the session "+of.owner(), err, false))
}

// Enable takes the policy off. It may be repeated.
func (s *Sessions) Enable(ctx context.Context, k providers.KeyRef) error {
	of, err := s.of(k)
	if err != nil {
		return err
	}
	name := of.policy()
	_, err = s.p.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &of.role, PolicyName: &name}, once)
	if errorCode(err) == "NoSuchEntity" { // it is off, or the role is gone
		return nil
	}
	return ours(classify(ctx, "take the policy "+name+" off the role "+of.role, err, false))
}

// of refuses a key whose session is not known: another's would be denied.
func (s *Sessions) of(k providers.KeyRef) (session, error) {
	of, ok := sessionOf(k.Owner)
	if !ok {
		return of, &providers.Error{Provider: SessionName, Op: "act on " + secret.Mask(k.ID), Class: providers.ErrRefused, Err: errors.New("which role and session it is of is not known; it ends by itself")}
	}
	return of, nil
}

// Guide tells a person how to assume the role anew.
func (s *Sessions) Guide(k providers.KeyRef) providers.Guidance {
	const link = "https://console.aws.amazon.com/iam/home#/roles"
	of, ok := sessionOf(k.Owner)
	if !ok {
		return providers.Guidance{Link: link, Make: []string{"assume the role anew"}, Retire: []string{
			"nothing deletes a temporary key: it ends by itself; to end it now, open the role, \"Revoke sessions\", which ends every session of the role",
		}}
	}
	return providers.Guidance{
		Link: link,
		Make: []string{
			"assume the role " + of.role + " under another session name than " + of.name + ": aws sts assume-role --role-arn … --role-session-name … --query Credentials --output json",
			"hand in the answer on one line, or the key id, the secret and the session token with spaces between",
		},
		Retire: []string{
			"nothing deletes a temporary key: the policy " + of.policy() + " of the role " + of.role + " denies everything to it until it ends by itself, after 12 hours at most",
			"after that, take the policy off: aws iam delete-role-policy --role-name " + of.role + " --policy-name " + of.policy(),
		},
	}
}

var (
	sessionID    = regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`)
	accessSecret = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)
	sessionToken = regexp.MustCompile(`^[A-Za-z0-9/+=]{100,}$`)
)

// Pasted takes what "aws sts assume-role" answers, also only its credentials, or three
// words. It sends nothing. Whose session it is shows only when it is asked: the result
// has no owner, and is therefore never denied by us.
func (s *Sessions) Pasted(old providers.KeyRef, value secret.Text) (providers.Issued, error) {
	id, sec, token := threeOf(value.Reveal())
	why := ""
	switch {
	case !sessionID.MatchString(id) || !accessSecret.MatchString(sec) || !sessionToken.MatchString(token):
		why = "what was pasted is no temporary key: hand in the JSON of aws sts assume-role on one line, or id, secret and session token with spaces between"
	case id == old.ID:
		why = "it is the leaked key"
	}
	if why != "" {
		return providers.Issued{}, &providers.Error{Provider: SessionName, Op: "take the new key", Class: providers.ErrRefused, Err: errors.New(why)}
	}
	return providers.Issued{
		Ref: providers.KeyRef{Kind: credential.AWSSession, ID: id},
		Credential: credential.Credential{Kind: credential.AWSSession, ID: id, Parts: map[credential.Part]secret.Text{
			credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec), credential.PartSessionToken: secret.New(token),
		}},
	}, nil
}

// threeOf takes a key's id, secret and session token out of what a person copied.
func threeOf(text string) (id, sec, token string) {
	type keys struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	var doc struct {
		keys

		Credentials keys
	}
	if json.Unmarshal([]byte(text), &doc) == nil {
		k := doc.keys
		if k == (keys{}) {
			k = doc.Credentials
		}
		return k.AccessKeyID, k.SecretAccessKey, k.SessionToken
	}
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t,;\"'", r) })
	if len(words) != 3 {
		return "", "", ""
	}
	return words[0], words[1], words[2]
}
