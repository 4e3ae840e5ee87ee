package lab

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

func (a *AWS) getUser(w http.ResponseWriter, _ *awsKey, f url.Values) {
	u := a.users[f.Get("UserName")]
	if u == nil {
		noSuchUser(w, f.Get("UserName"))
		return
	}
	path := "/"
	if u.path != "" {
		path = u.path
	}
	type user struct{ Path, UserName, UserId, Arn, CreateDate string } //nolint:revive // the wire's spelling
	reply(w, "GetUser", struct{ User user }{user{path, u.name, "AIDA" + strings.ToUpper(u.name), a.arn(u.name), u.made.UTC().Format(time.RFC3339)}})
}

// simulate says what a user's policies would decide. It takes users' addresses
// only, as far as this twin has principals.
func (a *AWS) simulate(w http.ResponseWriter, _ *awsKey, f url.Values) {
	var u *awsUser
	for _, one := range a.users {
		if a.arn(one.name) == f.Get("PolicySourceArn") {
			u = one
		}
	}
	if u == nil {
		awsError(w, 404, "NoSuchEntity", "the principal cannot be found")
		return
	}
	type missing struct {
		Member []string `xml:"member"`
	}
	type result struct {
		EvalActionName, EvalResourceName, EvalDecision string
		MissingContextValues                           missing
	}
	var out struct {
		IsTruncated       bool
		EvaluationResults struct {
			Member []result `xml:"member"`
		}
	}
	for i := 1; f.Has(fmt.Sprintf("ActionNames.member.%d", i)); i++ {
		action := f.Get(fmt.Sprintf("ActionNames.member.%d", i))
		decision := a.decision(u, action)
		if strings.HasPrefix(action, "sqs:") {
			decision = a.queueDecision(u, action, f.Get("ResourceArns.member.1"))
		}
		out.EvaluationResults.Member = append(out.EvaluationResults.Member, result{
			EvalActionName: action, EvalResourceName: f.Get("ResourceArns.member.1"), EvalDecision: decision, MissingContextValues: missing{u.hangs},
		})
	}
	reply(w, "SimulatePrincipalPolicy", out)
}
