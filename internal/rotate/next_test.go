package rotate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/journal"
)

// planOf builds a plan with n consumers, as the builder does.
func planOf(n int, strategy Strategy) Plan {
	p := Plan{
		Schema: PlanSchema, ID: "r-test", Issuer: "aws", Kind: credential.AWSAccessKey, Strategy: strategy,
		Old: providers.KeyRef{ID: "old", Owner: "deploy-bot"}, Account: "1", Policy: LabPolicy(), Phrase: "rotate deploy-bot",
	}
	add := func(s Step) {
		s.N = len(p.Steps) + 1
		p.Steps = append(p.Steps, s)
	}
	if strategy == ContainFirst {
		add(Step{ID: "disable", Action: ActDisable})
	}
	add(Step{ID: "issue", Action: ActIssue})
	add(Step{ID: "validate", Action: ActValidate})
	for i := range n {
		t := &providers.Target{Provider: "netlify", ID: fmt.Sprint(i), Name: fmt.Sprint("site-", i)}
		pl := &providers.Placement{Provider: "netlify", Resource: t.ID, Key: "K", Targets: []providers.Target{*t}}
		add(Step{ID: "store:" + pl.ID(), Action: ActStore, Placement: pl})
		add(Step{ID: "deploy:netlify/" + t.ID, Action: ActDeploy, Target: t})
		add(Step{ID: "attest:netlify/" + t.ID, Action: ActAttest, Target: t, Required: L2})
	}
	if strategy != ContainFirst {
		add(Step{ID: "disable", Action: ActDisable})
	}
	add(Step{ID: "delete", Action: ActDelete, Undo: UndoNone})
	add(Step{ID: "prove", Action: ActProve})
	return p
}

// book is a journal in memory.
type book struct{ recs []journal.Record }

func (b *book) add(t interface{ Fatal(...any) }, kind, step string, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(b.recs) + 1)
	b.recs = append(b.recs, journal.Record{Seq: n, Run: "r-test", Kind: kind, Step: step, Body: raw, Wall: time.Unix(n, 0)})
}

func (b *book) state(t interface{ Fatal(...any) }) *State {
	s, err := Fold(b.recs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// finish writes a step's done record, with the level it asks for.
func (b *book) finish(t interface{ Fatal(...any) }, s Step, level Level) {
	o := outcome{}
	switch s.Action {
	case ActAttest:
		o.Level = &level
	case ActIssue:
		o.New = &providers.KeyRef{ID: "new"}
	default: // the others say nothing more
	}
	b.add(t, recDone, s.ID, o)
}

func TestOrderOfARun(t *testing.T) {
	t.Parallel()
	for _, strategy := range []Strategy{KeepRunning, ContainFirst} {
		b := &book{}
		plan := planOf(2, strategy)
		b.add(t, recPlanned, "", plan)
		if d := Next(b.state(t)); d.Move != MoveAwait {
			t.Fatalf("before approval: %v", d.Move)
		}
		b.add(t, recApproved, "", Approval{})
		for _, want := range plan.Steps {
			d := Next(b.state(t))
			if d.Move != MoveDo || d.Step.ID != want.ID {
				t.Fatalf("%s: got %s %s (%s), want %s", strategy, d.Move, d.Step.ID, d.Why, want.ID)
			}
			b.add(t, recIntent, want.ID, intent{})
			if d := Next(b.state(t)); d.Move != MoveRecover || d.Step.ID != want.ID {
				t.Fatalf("with an open intent of %s: %s %s", want.ID, d.Move, d.Step.ID)
			}
			b.finish(t, want, L2)
		}
		if d := Next(b.state(t)); d.Move != MoveClose || d.Status != RunDone {
			t.Fatalf("at the end: %+v", d)
		}
	}
}

// The rules hold whatever the journal says and whatever order a plan has.
func TestSafetyRulesHoldInEveryState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := planOf(rapid.IntRange(0, 3).Draw(t, "consumers"), KeepRunning)
		plan.Steps = rapid.Permutation(plan.Steps).Draw(t, "steps")
		b := &book{}
		b.add(t, recPlanned, "", plan)
		b.add(t, recApproved, "", Approval{})
		done, level := map[string]bool{}, map[string]Level{}
		for range rapid.IntRange(0, 40).Draw(t, "events") {
			d := Next(b.state(t))
			if d.Move == MoveDo || d.Move == MoveRecover {
				assertAllowed(t, plan, d.Step, done, level)
			}
			step := rapid.SampledFrom(plan.Steps).Draw(t, "step")
			if d.Step.ID != "" && rapid.Bool().Draw(t, "obey") {
				step = d.Step
			}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				b.add(t, recIntent, step.ID, intent{})
			case 1:
				lv := Level(rapid.IntRange(0, 4).Draw(t, "level"))
				b.finish(t, step, lv)
				done[step.ID], level[step.ID] = true, lv
			case 2:
				b.add(t, recFailed, step.ID, failure{Text: "x", Open: rapid.Bool().Draw(t, "open")})
				done[step.ID] = false
			case 3:
				b.add(t, recRetry, "", struct{}{})
			}
		}
	})
}

func assertAllowed(t *rapid.T, plan Plan, step Step, done map[string]bool, level map[string]Level) {
	switch step.Action {
	case ActStore, ActDeploy, ActAttest:
		if !done["issue"] || !done["validate"] {
			t.Fatalf("%s before the new key works", step.ID)
		}
	case ActDisable, ActDelete:
		if step.Action == ActDelete && !done["disable"] {
			t.Fatal("delete before disable")
		}
		for _, s := range plan.Steps {
			if s.Action == ActStore && !done[s.ID] {
				t.Fatalf("%s while %s is not stored", step.ID, s.ID)
			}
			if s.Action == ActAttest && (!done[s.ID] || level[s.ID] < s.Required) {
				t.Fatalf("%s while %s is at L%d, done %v", step.ID, s.ID, level[s.ID], done[s.ID])
			}
		}
	case ActProve:
		if !done["delete"] {
			t.Fatal("prove before delete")
		}
	default: // issuing and checking the new key is always allowed
	}
}

func TestFoldIsPureAndNextReadsOnly(t *testing.T) {
	t.Parallel()
	b := &book{}
	b.add(t, recPlanned, "", planOf(2, KeepRunning))
	b.add(t, recApproved, "", Approval{})
	b.add(t, recIntent, "issue", intent{Before: []string{"old"}})
	one, two := b.state(t), b.state(t)
	for range 3 {
		Next(one)
		one.Snapshot()
	}
	if !reflect.DeepEqual(one, two) {
		t.Fatal("looking at a state changed it")
	}
}

func TestALaterIntentKeepsTheFirstView(t *testing.T) {
	t.Parallel()
	b := &book{}
	b.add(t, recPlanned, "", planOf(0, KeepRunning))
	b.add(t, recApproved, "", Approval{})
	b.add(t, recIntent, "issue", intent{Before: []string{"old"}})
	b.add(t, recIntent, "issue", intent{Before: []string{"old", "orphan"}})
	if got := b.state(t).peek("issue").intent.Before; len(got) != 1 {
		t.Fatalf("the orphan would be taken for an old key: %v", got)
	}
}

func TestRollBackOrder(t *testing.T) {
	t.Parallel()
	b := &book{}
	plan := planOf(2, KeepRunning)
	b.add(t, recPlanned, "", plan)
	b.add(t, recApproved, "", Approval{})
	for _, s := range plan.Steps {
		if s.Action == ActDelete {
			break
		}
		b.add(t, recIntent, s.ID, intent{})
		b.finish(t, s, L2)
	}
	b.add(t, recRollback, "", waiver{Reason: "test"})
	var order []Action
	for {
		d := Next(b.state(t))
		if d.Move == MoveClose {
			if d.Status != RunRolledBack {
				t.Fatalf("closes as %s", d.Status)
			}
			break
		}
		if d.Move != MoveDo {
			t.Fatalf("%s %s: %s", d.Move, d.Step.ID, d.Why)
		}
		order = append(order, d.Step.Action)
		b.add(t, recIntent, d.Step.ID, intent{})
		b.finish(t, d.Step, L2)
	}
	want := []Action{ActEnable, ActRestore, ActRestore, ActDeploy, ActDeploy, ActRemoveNew}
	if !reflect.DeepEqual(order, want) {
		t.Fatalf("order %v, want %v", order, want)
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	plan := planOf(1, KeepRunning)
	plan.Created, plan.Expires = now, now.Add(Validity)
	plan.Digest = plan.ComputeDigest()
	// A plan keeps its digest through a JSON file.
	raw, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var read Plan
	if err := json.Unmarshal(raw, &read); err != nil || read.ComputeDigest() != plan.Digest {
		t.Fatalf("digest changed in a file: %v", err)
	}
	altered := read
	altered.Steps = append([]Step(nil), read.Steps...)
	altered.Steps[0].Action = ActDelete
	for name, c := range map[string]struct {
		plan Plan
		a    Approval
		at   time.Time
		ok   bool
	}{
		"full digest":     {read, Approval{Digest: plan.Digest}, now, true},
		"short digest":    {read, Approval{Digest: plan.ShortDigest()}, now, true},
		"typed phrase":    {read, Approval{Digest: plan.Digest, Typed: "rotate deploy-bot"}, now, true},
		"wrong phrase":    {read, Approval{Digest: plan.Digest, Typed: "rotate deploy-bo"}, now, false},
		"no digest":       {read, Approval{}, now, false},
		"another digest":  {read, Approval{Digest: "0000-0000"}, now, false},
		"expired":         {read, Approval{Digest: plan.Digest}, now.Add(Validity + time.Second), false},
		"from the future": {read, Approval{Digest: plan.Digest}, now.Add(-time.Hour), false},
		"altered plan":    {altered, Approval{Digest: plan.Digest}, now, false},
	} {
		if err := c.a.Check(c.plan, c.at); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
