package aws_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World {
		t.Helper()
		l := providertest.Start(t, lab.Options{})
		l.AWS.CreateUser("deploy-bot")
		l.AWS.PageSize(1)
		old := key(l.AWS.CreateKey("deploy-bot"))
		p := open(t, l)
		return &providertest.World{
			RightsOps: []string{"GetUser", "SimulatePrincipalPolicy"}, NoRights: func() { l.AWS.Deny(l.AWS.Admin(), "iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:DeleteAccessKey") },
			Lab: l, Twin: "aws", Provider: p, Secrets: []string{l.Env()["AWS_SECRET_ACCESS_KEY"], old.Part(credential.PartSecret).Reveal()},
			Issuer: &providertest.IssuerSide{
				Old: old, Keys: func() []string { return ids(l, "deploy-bot") }, Fill: func() { l.AWS.CreateKey("deploy-bot") },
				Accepts:  func(c credential.Credential) bool { return l.AWS.Accepts(c.ID, c.Part(credential.PartSecret).Reveal()) },
				Use:      func(c credential.Credential) { l.AWS.Use(c.ID, c.Part(credential.PartSecret).Reveal(), "sqs") },
				VerifyOp: "GetCallerIdentity", InspectOp: "ListAccessKeys", IssueOp: "CreateAccessKey", ListOp: "ListAccessKeys",
				DisableOp: "UpdateAccessKey", DeleteOp: "DeleteAccessKey", UsedOp: "GetAccessKeyLastUsed",
				ClaimOp: "TagUser", UnclaimOp: "UntagUser", ClaimsOp: "ListUserTags",
			},
		}
	}})
}

// open returns a provider with the twin's administrator; change may alter its
// configuration.
func open(t *testing.T, l *lab.Lab, change ...func(*aws.Config)) *aws.Provider {
	t.Helper()
	env := l.Env()
	cfg := aws.Config{
		KeyID: env["AWS_ACCESS_KEY_ID"], Secret: secret.New(env["AWS_SECRET_ACCESS_KEY"]), Client: providertest.Client(t), Version: "test",
		IAMEndpoint: l.URL("aws"), STSEndpoint: l.URL("aws"),
	}
	for _, do := range change {
		do(&cfg)
	}
	p, err := aws.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func key(id, sec string) credential.Credential {
	return credential.Credential{Kind: credential.AWSAccessKey, ID: id, Parts: map[credential.Part]secret.Text{
		credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec),
	}}
}

func ids(l *lab.Lab, user string) []string {
	var out []string
	for _, k := range l.AWS.Keys(user) {
		out = append(out, k.ID)
	}
	return out
}
