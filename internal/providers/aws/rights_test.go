package aws_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/aws"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// What IAM's simulation cannot know is not called a yes, nor a no.
func TestRightsThatCannotBeKnown(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("deploy-bot")
	l.AWS.Move("deploy-bot", "/apps/")
	asks := []providers.Ask{{Act: providers.DoIssue, Key: providers.KeyRef{Owner: "deploy-bot", ID: "x"}}, {Act: providers.DoStore}}
	got := open(t, l).Rights(t.Context(), asks)
	if got[0].May != providers.MayYes || got[0].Permission != "iam:CreateAccessKey" || got[1].May != providers.MayUnknown {
		t.Errorf("%+v", got)
	}
	l.AWS.Hang(l.AWS.Admin(), "aws:MultiFactorAuthPresent")
	if got := open(t, l).Rights(t.Context(), asks); got[0].May != providers.MayUnknown || !strings.Contains(got[0].Why, "MultiFactor") {
		t.Errorf("%+v", got)
	}
	l.AWS.Hang(l.AWS.Admin())
	id, sec := l.AWS.CreateKey("")
	root := open(t, l, func(c *aws.Config) { c.KeyID, c.Secret = id, secret.New(sec) })
	if got := root.Rights(t.Context(), asks); got[0].May != providers.MayUnknown || !strings.Contains(got[0].Why, "root") {
		t.Errorf("%+v", got)
	}
	l.AWS.Deny(l.AWS.Admin(), "iam:SimulatePrincipalPolicy")
	if got := open(t, l).Rights(t.Context(), asks); got[0].May != providers.MayUnknown || !strings.Contains(got[0].Why, "lacks a permission") {
		t.Errorf("%+v", got)
	}
	if got := open(t, l).Rights(t.Context(), []providers.Ask{{Act: providers.DoIssue, Key: providers.KeyRef{Owner: "nobody"}}}); got[0].May != providers.MayUnknown {
		t.Errorf("%+v", got)
	}
}

// A single right that is missing is told apart from those that are there.
func TestOneRightIsMissing(t *testing.T) {
	t.Parallel()
	l := providertest.Start(t, lab.Options{})
	l.AWS.CreateUser("deploy-bot")
	l.AWS.Deny(l.AWS.Admin(), "iam:DeleteAccessKey")
	key := providers.KeyRef{Owner: "deploy-bot", ID: "x"}
	got := open(t, l).Rights(t.Context(), []providers.Ask{{Act: providers.DoDelete, Key: key}, {Act: providers.DoDisable, Key: key}})
	if got[0].May != providers.MayNo || got[1].May != providers.MayYes {
		t.Errorf("%+v", got)
	}
}
