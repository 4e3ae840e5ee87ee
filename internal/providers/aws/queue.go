package aws

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Queues looks at SQS queues. Unlike a [Provider] it works without an access of the
// operator; with one it also tells what rights a key has. It is safe for use from
// many goroutines.
type Queues struct {
	p     *Provider
	admin bool
}

var _ providers.QueueInspector = (*Queues)(nil)

// placeholder stands where no access is set up; it signs nothing.
var placeholder = secret.New("none")

// NewQueues returns an inspector; KeyID and Secret of cfg may be empty.
func NewQueues(cfg Config) (*Queues, error) {
	admin := cfg.KeyID != "" && !cfg.Secret.Empty()
	if !admin { // what follows signs with the consumer's key only
		cfg.KeyID, cfg.Secret = "none", placeholder
	}
	p, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &Queues{p: p, admin: admin}, nil
}

// InspectQueue asks STS whether the key works, SQS about the queue, and IAM whether
// the key's user may do the actions. Nothing is sent or received: IAM simulates, and
// reads the policies of the user and of the queue (SimulatePrincipalPolicy).
func (q *Queues) InspectQueue(ctx context.Context, req providers.QueueRequest) (providers.QueueState, error) {
	out := providers.QueueState{Exists: providers.AnswerUnknown}
	for _, a := range req.Actions {
		out.May = append(out.May, providers.QueueAction{Action: a, Answer: providers.AnswerUnknown})
	}
	var err error
	if out.Key, err = q.p.Verify(ctx, req.As); err != nil {
		return out, err
	}
	if out.Key.Liveness != providers.Live {
		out.Detail = "the key does not work"
		return out, nil
	}
	policy, err := q.look(ctx, req, &out)
	if err != nil {
		return out, err
	}
	if out.Exists != providers.AnswerNo && len(req.Actions) > 0 {
		q.simulate(ctx, req, policy, &out)
	}
	return out, nil
}

// look reads the queue's attributes, as the consumer and, where that is denied, as
// the operator. It returns the queue's own policy.
func (q *Queues) look(ctx context.Context, req providers.QueueRequest, out *providers.QueueState) (policy string, err error) {
	id, sec, session := req.As.Part(credential.PartID), req.As.Part(credential.PartSecret), req.As.Part(credential.PartSessionToken)
	res, err := q.attributes(ctx, req, credentials.NewStaticCredentialsProvider(id.Reveal(), sec.Reveal(), session.Reveal()))
	if errorCode(err) == "AccessDenied" || errorCode(err) == "AccessDeniedException" {
		out.Detail = "the key may not look at the queue (sqs:GetQueueAttributes)"
		if !q.admin {
			out.ARN = arnOf(req.URL)
			return "", nil
		}
		if res, err = q.attributes(ctx, req, q.p.own()); errorCode(err) == "AccessDenied" || errorCode(err) == "AccessDeniedException" {
			out.ARN = arnOf(req.URL)
			return "", nil
		}
	}
	var absent *types.QueueDoesNotExist
	switch {
	case errors.As(err, &absent), errorCode(err) == "AWS.SimpleQueueService.NonExistentQueue":
		out.Exists, out.Detail = providers.AnswerNo, "SQS knows no such queue"
		return "", nil
	case err != nil:
		return "", classify(ctx, "look at the queue", err, true)
	}
	out.Exists, out.Detail = providers.AnswerYes, ""
	out.ARN = res.Attributes[string(types.QueueAttributeNameQueueArn)]
	out.Waiting, _ = strconv.Atoi(res.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)]) // absent: none
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if text := res.Attributes[string(types.QueueAttributeNameRedrivePolicy)]; text != "" && json.Unmarshal([]byte(text), &redrive) == nil {
		out.DeadLetter = redrive.Target
	}
	return res.Attributes[string(types.QueueAttributeNamePolicy)], nil
}

func (q *Queues) attributes(ctx context.Context, req providers.QueueRequest, as aws.CredentialsProvider) (*sqs.GetQueueAttributesOutput, error) {
	region := req.Region
	if region == "" {
		region = q.p.cfg.Region
	}
	client := sqs.New(sqs.Options{
		Region: region, Credentials: as, HTTPClient: q.p.cfg.Client.HTTP(), BaseEndpoint: endpoint(q.p.cfg.SQSEndpoint),
		RetryMaxAttempts: 1, APIOptions: []func(*middleware.Stack) error{markReads, wholeJSON, q.p.agent},
	})
	return client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &req.URL, AttributeNames: []types.QueueAttributeName{
			types.QueueAttributeNameQueueArn, types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameRedrivePolicy, types.QueueAttributeNamePolicy,
		},
	})
}

// simulate asks IAM what the key's user may do. Only a named user can be asked about.
func (q *Queues) simulate(ctx context.Context, req providers.QueueRequest, policy string, out *providers.QueueState) {
	who := out.Key.Identity.Who
	unknown := func(why string) {
		for i := range out.May {
			out.May[i].Detail = why
		}
	}
	switch {
	case !q.admin:
		unknown("only an administrator's access can ask IAM (iam:SimulatePrincipalPolicy)")
		return
	case !strings.Contains(who, ":user/"):
		unknown("IAM simulates for named users; this key is of the kind " + kindOf(who))
		return
	}
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &who, ActionNames: req.Actions, ResourceArns: []string{out.ARN}}
	if policy != "" {
		in.ResourcePolicy = &policy
	}
	res, err := q.p.iam.SimulatePrincipalPolicy(ctx, in)
	if err != nil {
		var e *providers.Error
		text := "IAM could not be asked"
		if errors.As(classify(ctx, "simulate", err, true), &e) {
			text += ": " + e.Class.Error()
			if errors.Is(e.Class, providers.ErrForbidden) {
				text += "; it needs iam:SimulatePrincipalPolicy"
			}
		}
		unknown(text)
		return
	}
	for _, r := range res.EvaluationResults {
		for i := range out.May {
			if m, told := &out.May[i], right(r); m.Action == told.Permission {
				answers := map[providers.May]providers.Answer{providers.MayYes: providers.AnswerYes, providers.MayNo: providers.AnswerNo}
				m.Answer, m.Detail = cmp.Or(answers[told.May], providers.AnswerUnknown), told.Why
			}
		}
	}
}

// arnOf makes the ARN out of a queue's URL: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.
func arnOf(address string) string {
	rest, _ := strings.CutPrefix(address, "https://sqs.")
	host, path, _ := strings.Cut(rest, "/")
	region, _, _ := strings.Cut(host, ".")
	return "arn:aws:sqs:" + region + ":" + strings.ReplaceAll(path, "/", ":")
}

// wholeJSON is what wholeAnswer is for a protocol whose answers are JSON.
func wholeJSON(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("secretguardWholeJSON",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, meta, err := next.HandleDeserialize(ctx, in)
			res, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok {
				return out, meta, err
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close() // read to its end, or broken
			res.Body = io.NopCloser(bytes.NewReader(body))
			var object map[string]json.RawMessage
			switch {
			case err != nil:
				return out, meta, err
			case res.StatusCode/100 == 2 && (json.Unmarshal(body, &object) != nil || object["Attributes"] == nil):
				return out, meta, errAnswer
			}
			return out, meta, nil
		}), middleware.After)
}
