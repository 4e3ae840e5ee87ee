package aws

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/secretguard/secretguard/internal/providers"
)

// actions are the IAM actions behind what a rotation does.
var actions = map[providers.Act]string{
	providers.DoIssue: "iam:CreateAccessKey", providers.DoDisable: "iam:UpdateAccessKey", providers.DoDelete: "iam:DeleteAccessKey",
}

// Rights lets IAM simulate our own policies against the key's user. The simulation
// knows boundaries and the organisation's policies; it does not know the policy of
// a session, and nothing of the root user (API reference, SimulatePrincipalPolicy).
func (p *Provider) Rights(ctx context.Context, asks []providers.Ask) []providers.Right {
	out := providers.Untold(asks, "")
	byUser := map[string][]int{}
	for i, a := range asks {
		out[i].Permission = actions[a.Act]
		if out[i].Permission == "" || a.Key.Owner == "" {
			out[i].Why = "this provider does nothing of the kind"
			continue
		}
		byUser[a.Key.Owner] = append(byUser[a.Key.Owner], i)
	}
	for user, at := range byUser {
		found, err := p.simulate(ctx, user)
		for _, i := range at {
			switch r, told := found[out[i].Permission]; {
			case err != nil:
				out[i].Why = "not told: " + err.Error()
			case !told:
				out[i].Why = "the simulation says nothing about it"
			default:
				out[i] = r
			}
		}
	}
	return out
}

// simulate returns what IAM says of each action, on one user.
func (p *Provider) simulate(ctx context.Context, user string) (map[string]providers.Right, error) {
	var target *iam.GetUserOutput
	var missing error
	var wg sync.WaitGroup
	wg.Go(func() { target, missing = p.iam.GetUser(ctx, &iam.GetUserInput{UserName: &user}) })
	own, err := p.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	wg.Wait()
	if err != nil {
		return nil, classify(ctx, "ask who we are", err, true)
	}
	if missing != nil { // the address of a user holds a path, which only IAM knows
		return nil, classify(ctx, "look at the user "+user, missing, true)
	}
	arn := aws.ToString(own.Arn)
	if !strings.Contains(arn, ":user/") || target.User == nil {
		return nil, fmt.Errorf("our own access is no IAM user's (%s), and what limits a session or root cannot be seen", kindOf(arn))
	}
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &arn, ResourceArns: []string{aws.ToString(target.User.Arn)}}
	for _, act := range []providers.Act{providers.DoIssue, providers.DoDisable, providers.DoDelete} {
		in.ActionNames = append(in.ActionNames, actions[act])
	}
	found := map[string]providers.Right{}
	pages := iam.NewSimulatePrincipalPolicyPaginator(p.iam, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(ctx, "simulate our own policies", err, true)
		}
		for _, r := range page.EvaluationResults {
			found[aws.ToString(r.EvalActionName)] = right(r)
		}
	}
	return found, nil
}

// kindOf is the kind of principal in an ARN: "assumed-role", "root".
func kindOf(arn string) string {
	kind, _, _ := strings.Cut(arn[strings.LastIndexByte(arn, ':')+1:], "/")
	return kind
}

// right reads one result. Where a condition hangs on something that only a real
// request has, neither answer is certain.
func right(r types.EvaluationResult) providers.Right {
	out := providers.Right{Permission: aws.ToString(r.EvalActionName), May: providers.MayUnknown}
	missing := r.MissingContextValues
	for _, s := range r.ResourceSpecificResults {
		missing = append(missing, s.MissingContextValues...)
	}
	switch {
	case r.EvalDecision == types.PolicyEvaluationDecisionTypeExplicitDeny && len(missing) == 0:
		out.May, out.Why = providers.MayNo, "IAM's simulation: a policy denies it"
	case len(missing) > 0:
		out.Why = "IAM's simulation: it hangs on " + strings.Join(missing, ", ")
	case r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed:
		out.May, out.Why = providers.MayYes, "IAM's simulation allows it"
	case r.EvalDecision == types.PolicyEvaluationDecisionTypeImplicitDeny:
		out.May, out.Why = providers.MayNo, "IAM's simulation: no policy allows it"
	default:
		out.Why = "IAM's simulation gives an unknown answer"
	}
	return out
}
