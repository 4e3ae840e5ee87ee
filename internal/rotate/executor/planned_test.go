package executor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// rightsOf returns what a plan says of our rights, by step.
func rightsOf(p rotate.Plan) map[string]providers.Right {
	out := map[string]providers.Right{}
	for _, s := range p.Steps {
		if s.Right != nil {
			out[s.ID] = *s.Right
		}
	}
	return out
}

// Each step that changes something says whether our own access may do it. A right
// that is plainly missing stops the approval, unless it says why it is tried all the
// same; one that cannot be known is never called there.
func TestRightsAreAskedBeforeApproval(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Render.Role("DEVELOPER")
	j := w.Open()
	defer j.Close()
	from := len(w.Lab.Requests())
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertNoMutation(from)
	got := rightsOf(p)
	for _, s := range p.Steps {
		r, told := got[s.ID]
		want := providers.MayYes
		switch {
		case s.Action == rotate.ActValidate || s.Action == rotate.ActAttest || s.Action == rotate.ActQuiet || s.Action == rotate.ActSoak || s.Action == rotate.ActProve || s.Action == rotate.ActSearch:
			if told {
				t.Errorf("%s changes nothing and has a right: %+v", s.ID, r)
			}
			continue
		case s.Placement != nil && s.Placement.Provider == "render", s.Target != nil && s.Target.Provider == "render":
			want = providers.MayUnknown
		}
		if r.May != want || r.Why == "" {
			t.Errorf("%s: %+v, want %s", s.ID, r, want)
		}
	}
	if n := p.Needs[slices.IndexFunc(p.Needs, func(n rotate.Need) bool { return n.Permission == "iam:CreateAccessKey" })]; n.Status != "ok" {
		t.Errorf("need %+v", n)
	}
	if len(p.Missing()) != 0 {
		t.Errorf("missing: %+v", p.Missing())
	}

	w.Lab.AWS.Deny(w.Lab.AWS.Admin(), "iam:DeleteAccessKey")
	p, err = w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if m := p.Missing(); len(m) != 1 || m[0].ID != "delete" {
		t.Fatalf("missing: %+v", m)
	}
	if !slices.ContainsFunc(p.Risks, func(r string) bool { return strings.Contains(r, "MAY NOT DO STEP") }) {
		t.Errorf("risks %q", p.Risks)
	}
	a := rotate.Approval{Digest: p.Digest, Typed: p.Phrase, Who: "tester"}
	from = len(w.Lab.Requests())
	if err := w.Executor(j).Start(t.Context(), p, a); !errors.Is(err, rotate.ErrRights) || !strings.Contains(err.Error(), "iam:DeleteAccessKey") {
		t.Fatalf("approved with a right missing: %v", err)
	}
	w.AssertNoMutation(from)
	// A simulation may be wrong: a person may try.
	a.Despite = "the simulation does not see the policy of the boundary"
	w.Lab.AWS.Deny(w.Lab.AWS.Admin())
	if err := w.Executor(j).Start(t.Context(), p, a); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
}

// Containment waits for nothing: it says that rights were not asked for.
func TestContainmentDoesNotAskForRights(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, func(r *planner.Request) { rotatetest.Fast(r); r.Strategy = rotate.ContainOnly })
	if err != nil {
		t.Fatal(err)
	}
	if r := rightsOf(p)["disable"]; r.May != providers.MayUnknown || !strings.Contains(r.Why, "not asked") {
		t.Errorf("%+v", r)
	}
	if w.Count("SimulatePrincipalPolicy") != 0 {
		t.Error("it was asked for")
	}
}

// The outage of each consumer is estimated from what its platform tells of past
// deploys; what is assumed is called that.
func TestOutageIsEstimated(t *testing.T) {
	t.Parallel()
	w := rotatetest.NewOn(t, lab.Options{}, 0)
	w.Lab.Render.Past(w.Estate.Web, 3*time.Minute, 12*time.Minute, time.Minute)
	j := w.Open()
	defer j.Close()
	find := func(p rotate.Plan, provider string) rotate.Outage {
		t.Helper()
		i := slices.IndexFunc(p.Outage, func(o rotate.Outage) bool { return strings.HasPrefix(o.Target, provider+"/") })
		if i < 0 || len(p.Outage) != 2 {
			t.Fatalf("outage %+v", p.Outage)
		}
		return p.Outage[i]
	}
	p, err := w.Plan(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := find(p, "render"); o.Down != 0 || o.Deploy != 12 || o.Assumed || !strings.Contains(o.Words(), "side by side") {
		t.Errorf("%+v", o)
	}
	// The default policy's numbers, not the lab's: ready checks, deploy, health.
	p, err = w.Plan(j, func(r *planner.Request) { r.Strategy, r.Policy = rotate.ContainFirst, nil })
	if err != nil {
		t.Fatal(err)
	}
	if o := find(p, "render"); o.Down < 12.1 || o.Down > 14 || !strings.Contains(o.Words(), "stopped") || o.Basis != "the longest of its last 4 deploys" {
		t.Errorf("%+v", o)
	}
	if !strings.Contains(p.OutageWords(), "2 of 2 are down") {
		t.Errorf("%q", p.OutageWords())
	}
	w.Lab.Fault("netlify", "GET deploys", lab.Fault{Status: 403, Skip: 1, Times: 9})
	p, err = w.Plan(j, nil)
	if err != nil {
		t.Fatal(err)
	}
	if o := find(p, "netlify"); !o.Assumed || o.Deploy != 5 || !strings.Contains(o.Words(), "ASSUMED") || !strings.Contains(p.OutageWords(), "1 deploy times are assumed") {
		t.Errorf("%+v", o)
	}
}
