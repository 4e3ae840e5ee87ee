package rotate_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
)

func TestApproval(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	plan := rotate.Plan{
		Schema: rotate.PlanSchema, ID: "r-test", Issuer: "aws", Kind: credential.AWSAccessKey, Policy: rotate.LabPolicy(), Phrase: "rotate deploy-bot",
		Old: providers.KeyRef{ID: "old", Owner: "deploy-bot"}, Created: now, Expires: now.Add(rotate.Validity),
		Steps: []rotate.Step{{N: 1, ID: "issue", Action: rotate.ActIssue}},
	}
	plan.Digest = plan.ComputeDigest()
	// A plan keeps its digest through a JSON file.
	raw, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var read rotate.Plan
	if err := json.Unmarshal(raw, &read); err != nil || read.ComputeDigest() != plan.Digest {
		t.Fatalf("digest changed in a file: %v", err)
	}
	altered := read
	altered.Steps = append([]rotate.Step(nil), read.Steps...)
	altered.Steps[0].Action = rotate.ActDelete
	for name, c := range map[string]struct {
		plan rotate.Plan
		a    rotate.Approval
		at   time.Time
		ok   bool
	}{
		"full digest":     {read, rotate.Approval{Digest: plan.Digest}, now, true},
		"short digest":    {read, rotate.Approval{Digest: plan.ShortDigest()}, now, true},
		"typed phrase":    {read, rotate.Approval{Digest: plan.Digest, Typed: "rotate deploy-bot"}, now, true},
		"wrong phrase":    {read, rotate.Approval{Digest: plan.Digest, Typed: "rotate deploy-bo"}, now, false},
		"no digest":       {read, rotate.Approval{}, now, false},
		"another digest":  {read, rotate.Approval{Digest: "0000-0000"}, now, false},
		"expired":         {read, rotate.Approval{Digest: plan.Digest}, now.Add(rotate.Validity + time.Second), false},
		"from the future": {read, rotate.Approval{Digest: plan.Digest}, now.Add(-time.Hour), false},
		"altered plan":    {altered, rotate.Approval{Digest: plan.Digest}, now, false},
	} {
		if err := c.a.Check(c.plan, c.at); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
