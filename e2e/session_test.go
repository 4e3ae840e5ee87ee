//go:build e2e

package e2e

import (
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/secret"
)

// A role's session is found by what it says of itself, and the policy that ends it is one
// that moto's own reader of policies takes. moto judges no conditions: that the policy
// denies is shown by the twin only.
func TestSessionPolicyAgainstMoto(t *testing.T) {
	address := moto(t)
	admin, key := motoUser(t, iamClient(address, "x", "y"), "admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	c := iamClient(address, admin, key)
	role, trust, name := "deploy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`, "ci-17"
	made, err := c.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &role, AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	s := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider(admin, key, "")})
	got, err := s.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: made.Role.Arn, RoleSessionName: &name})
	if err != nil {
		t.Fatal(err)
	}
	p, err := aws.NewSessions(aws.Config{KeyID: admin, Secret: secret.New(key), Client: httpx.New(httpx.Options{AllowPrivate: true}), IAMEndpoint: address, STSEndpoint: address})
	if err != nil {
		t.Fatal(err)
	}
	leaked := credential.Credential{Kind: credential.AWSSession, ID: *got.Credentials.AccessKeyId, Parts: map[credential.Part]secret.Text{
		credential.PartID: secret.New(*got.Credentials.AccessKeyId), credential.PartSecret: secret.New(*got.Credentials.SecretAccessKey), credential.PartSessionToken: secret.New(*got.Credentials.SessionToken),
	}}
	st, err := p.Inspect(t.Context(), leaked)
	if err != nil || st.Key.Ref.Owner != "deploy/ci-17" {
		t.Fatalf("%+v, %v", st.Key.Ref, err)
	}
	for range 2 {
		if err := p.Disable(t.Context(), st.Key.Ref); err != nil {
			t.Fatal(err)
		}
	}
	policy := "SecretGuardEnds-" + name
	put, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &policy})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := url.QueryUnescape(*put.PolicyDocument)
	for _, want := range []string{`"Effect":"Deny"`, `"aws:userid":"*:ci-17"`, `"aws:TokenIssueTime":`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
	for range 2 {
		if err := p.Enable(t.Context(), st.Key.Ref); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := c.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: &role}); err != nil || len(list.PolicyNames) != 0 {
		t.Errorf("%v, %v", list, err)
	}
	t.Logf("moto took %s", text)
}
