package machine

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/record"
)

// planOf builds a plan with n consumers, as the planner does.
func planOf(n int, strategy rotate.Strategy) rotate.Plan {
	p := rotate.Plan{
		Schema: rotate.PlanSchema, ID: "r-test", Issuer: "aws", Kind: credential.AWSAccessKey, Strategy: strategy,
		Old: providers.KeyRef{ID: "old", Owner: "deploy-bot"}, Account: "1", Policy: rotate.LabPolicy(), Phrase: "rotate deploy-bot",
	}
	stage := 0
	join := func(s rotate.Step) {
		s.N, s.Stage = len(p.Steps)+1, stage
		p.Steps = append(p.Steps, s)
	}
	add := func(s rotate.Step) {
		stage++
		join(s)
	}
	contain := strategy == rotate.ContainFirst
	if contain {
		add(rotate.Step{ID: "disable", Action: rotate.ActDisable})
	}
	add(rotate.Step{ID: "issue", Action: rotate.ActIssue})
	add(rotate.Step{ID: "validate", Action: rotate.ActValidate})
	for i := range n {
		if i < 2 && !contain || i == 0 {
			stage++
		}
		t := &providers.Target{Provider: "netlify", ID: fmt.Sprint(i), Name: fmt.Sprint("site-", i)}
		pl := &providers.Placement{Provider: "netlify", Resource: t.ID, Key: "K", Targets: []providers.Target{*t}}
		join(rotate.Step{ID: "store:" + t.ID, Action: rotate.ActStore, Placement: pl})
		join(rotate.Step{ID: rotate.Of(rotate.ActDeploy, *t), Action: rotate.ActDeploy, Target: t})
		join(rotate.Step{ID: rotate.Of(rotate.ActAttest, *t), Action: rotate.ActAttest, Target: t, Required: rotate.L2})
	}
	if !contain {
		add(rotate.Step{ID: "quiet", Action: rotate.ActQuiet})
		add(rotate.Step{ID: "disable", Action: rotate.ActDisable})
	}
	add(rotate.Step{ID: "soak", Action: rotate.ActSoak})
	add(rotate.Step{ID: "delete", Action: rotate.ActDelete, Undo: rotate.UndoNone})
	add(rotate.Step{ID: "prove", Action: rotate.ActProve})
	add(rotate.Step{ID: "search", Action: rotate.ActSearch})
	return p
}

// failer is what testing.T and rapid.T have in common.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// book is a journal in memory.
type book struct{ recs []record.Record }

func (b *book) add(t failer, e record.Entry) record.Record {
	raw, err := json.Marshal(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(b.recs) + 1)
	rec := record.Record{Seq: n, Run: "r-test", Kind: e.Kind, Step: e.Step, Body: raw, Blobs: map[string]string{}, Wall: time.Unix(n, 0)}
	for name := range e.Seal {
		rec.Blobs[name] = fmt.Sprint("blob-", n)
	}
	b.recs = append(b.recs, rec)
	return rec
}

func (b *book) state(t failer) *State {
	s, err := Fold(b.recs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// approved is a journal with an approved plan.
func approved(t failer, plan rotate.Plan) *book {
	b := &book{}
	b.add(t, record.Entry{Kind: kindPlanned, Body: plan})
	b.add(t, ApproveEntry(rotate.Approval{}))
	return b
}

// well answers an op as a service does on a good day.
func well(e Effect) Event {
	ev := Event{Kind: Came, Step: e.Step.ID, Result: OK}
	switch e.Op {
	case OpLook:
		ev.Result = Fits
	case OpConfirm:
		ev.Result = Shown
		if e.Step.Action == rotate.ActAttest {
			level := rotate.L2
			ev.Outcome.Level = &level
		}
	case OpSettle:
		ev.Result = NotApplied
	case OpSend, OpClean, OpBack, OpWrite, OpEnd:
	}
	switch {
	case e.Op == OpSend && e.Step.Action == rotate.ActIssue:
		ev.Outcome.New = &providers.KeyRef{ID: "new"}
	case e.Op == OpSend && e.Step.Action == rotate.ActDeploy:
		ev.Outcome.DeployID = "d-" + e.Step.ID
	}
	return ev
}

// drive runs a call to its end: each op is answered by answer, in the order in
// which pick says. It returns the ops that were asked for and how it ended.
func drive(t failer, b *book, answer func(Effect) Event, pick func(int) int) (ops []string, end rotate.RunStatus) {
	run := Run{State: b.state(t), AtOnce: 5}
	next := func(e Event) []Effect {
		r, todo, err := run.Next(e)
		if err != nil {
			t.Fatal(err)
		}
		run = r
		return todo
	}
	todo := next(Event{Kind: Begin})
	for range 10_000 {
		if len(todo) == 0 {
			t.Fatal("nothing to do and no end")
		}
		i := pick(len(todo))
		e := todo[i]
		todo = slices.Delete(todo, i, i+1)
		switch e.Op {
		case OpEnd:
			if len(todo) > 0 {
				t.Fatalf("the call ends and %d effects are left", len(todo))
			}
			return ops, e.End
		case OpWrite:
			todo = append(todo, next(Event{Kind: Wrote, Record: b.add(t, e.Entry)})...)
		default:
			ops = append(ops, string(e.Op)+" "+e.Step.ID)
			todo = append(todo, next(answer(e))...)
		}
	}
	t.Fatal("no end")
	return nil, ""
}

func first(int) int { return 0 }

func TestOrderOfARun(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[rotate.Strategy][]string{
		rotate.KeepRunning: {
			"look issue", "send issue", "confirm validate",
			"look store:0", "send store:0", "confirm store:0", "look deploy:netlify/0", "send deploy:netlify/0", "confirm deploy:netlify/0", "confirm attest:netlify/0",
			"look store:1", "send store:1", "confirm store:1", "look deploy:netlify/1", "send deploy:netlify/1", "confirm deploy:netlify/1", "confirm attest:netlify/1",
			"confirm quiet", "look disable", "send disable", "confirm disable", "confirm soak", "send delete", "confirm prove", "confirm search",
		},
		rotate.ContainFirst: {
			"look disable", "send disable", "confirm disable", "look issue", "send issue", "confirm validate",
			"look store:0", "look store:1", "send store:0", "send store:1", "confirm store:0", "confirm store:1",
			"look deploy:netlify/0", "look deploy:netlify/1", "send deploy:netlify/0", "send deploy:netlify/1",
			"confirm deploy:netlify/0", "confirm deploy:netlify/1", "confirm attest:netlify/0", "confirm attest:netlify/1", "confirm soak", "send delete", "confirm prove", "confirm search",
		},
	} {
		b := approved(t, planOf(2, strategy))
		ops, end := drive(t, b, well, first)
		if end != rotate.RunDone || !slices.Equal(ops, want) {
			t.Errorf("%s ends as %s after\n%q, want\n%q", strategy, end, ops, want)
		}
	}
}

// Before an approval nothing is done, and after the end nothing more.
func TestNothingBeforeApprovalOrAfterTheEnd(t *testing.T) {
	t.Parallel()
	b := &book{}
	b.add(t, record.Entry{Kind: kindPlanned, Body: planOf(1, rotate.KeepRunning)})
	if ops, end := drive(t, b, well, first); len(ops) != 0 || end != "" || len(b.recs) != 1 {
		t.Errorf("before approval: %q, %q, %d records", ops, end, len(b.recs))
	}
	b.add(t, ApproveEntry(rotate.Approval{}))
	drive(t, b, well, first)
	n := len(b.recs)
	if ops, end := drive(t, b, well, first); len(ops) != 0 || end != rotate.RunDone || len(b.recs) != n {
		t.Errorf("after the end: %q, %q, %d records more", ops, end, len(b.recs)-n)
	}
}

// A key that comes to sight only after it was looked for in vain may be the lost one: it
// is looked for again, in the turn that lost the answer and in the next one.
func TestALostKeyThatShowsLate(t *testing.T) {
	t.Parallel()
	for _, cut := range []bool{false, true} {
		b := approved(t, planOf(1, rotate.KeepRunning))
		seen := map[Op]int{}
		answer := func(e Effect) Event {
			ev := well(e)
			if e.Step.ID != "issue" {
				return ev
			}
			seen[e.Op]++
			n := seen[e.Op]
			switch {
			case e.Op == OpSend && n == 1:
				ev.Result = Lost
			case e.Op == OpSettle && n == 1 && cut:
				ev.Result = Interrupted
			case e.Op == OpSettle && (n == 1 || n == 2 && cut):
				ev.Result = NotApplied
			case e.Op == OpLook && n == 2:
				ev.Result = Stale
			case e.Op == OpSettle:
				ev.Result, ev.Orphan = Orphaned, &Orphan{Ref: providers.KeyRef{ID: "lost"}}
			}
			return ev
		}
		ops, end := drive(t, b, answer, first)
		if end != rotate.RunDone || !slices.Contains(ops, "clean issue") || seen[OpLook] != 3 {
			t.Errorf("cut short %v: %s after %q", cut, end, ops)
		}
	}
}

// Every request that changes something has its intent in the journal before it is
// asked for, whatever the answers are.
func TestIntentComesBeforeTheRequest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := approved(t, planOf(rapid.IntRange(0, 3).Draw(t, "consumers"), rapid.SampledFrom([]rotate.Strategy{rotate.KeepRunning, rotate.ContainFirst}).Draw(t, "strategy")))
		for range rapid.IntRange(1, 4).Draw(t, "calls") {
			drive(t, b, func(e Effect) Event {
				if (e.Op == OpSend || e.Op == OpClean || e.Op == OpBack) && !b.state(t).Of(e.Step.ID).Open {
					t.Fatalf("%s %s without an intent", e.Op, e.Step.ID)
				}
				return anyAnswer(t, e)
			}, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") })
			b.add(t, RetryEntry())
		}
	})
}

// anyAnswer answers an op in one of the ways in which it may end.
func anyAnswer(t *rapid.T, e Effect) Event {
	results := map[Op][]Result{
		OpLook: {Fits, Already, Stale, Failed, Interrupted}, OpSend: {OK, Refused, NoRoom, Lost, Failed, Interrupted},
		OpSettle: {Applied, NotApplied, Orphaned, Unclear, Failed, Interrupted}, OpClean: {OK, Lost, Failed},
		OpConfirm: {Shown, Ended, Harmed, Failed, Interrupted}, OpBack: {OK, Refused, Lost},
	}[e.Op]
	ev := well(e)
	ev.Result = rapid.SampledFrom(results).Draw(t, string(e.Op))
	switch {
	case ev.Result == Orphaned:
		ev.Orphan = &Orphan{Ref: providers.KeyRef{ID: "lost"}}
	case ev.Result == Applied:
		ev.Outcome.DeployID = "found"
		ev.Outcome.New = &providers.KeyRef{ID: "new"}
	case ev.Outcome.Level != nil:
		*ev.Outcome.Level = rotate.Level(rapid.IntRange(0, 4).Draw(t, "level"))
	}
	return ev
}

// The rules hold whatever the answers are and whatever order a plan has.
func TestSafetyRulesHoldInEveryState(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := planOf(rapid.IntRange(0, 3).Draw(t, "consumers"), rotate.KeepRunning)
		plan.Steps = rapid.Permutation(plan.Steps).Draw(t, "steps")
		for i := range plan.Steps {
			plan.Steps[i].Stage = 1 + rapid.IntRange(0, i).Draw(t, "stage")
		}
		b := approved(t, plan)
		for range rapid.IntRange(1, 5).Draw(t, "calls") {
			drive(t, b, func(e Effect) Event {
				assertAllowed(t, b.state(t), e)
				return anyAnswer(t, e)
			}, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") })
			b.add(t, RetryEntry())
		}
	})
}

func assertAllowed(t *rapid.T, s *State, e Effect) {
	done := func(id string) bool { return s.Of(id).Status == rotate.StepDone }
	if e.Op != OpSend {
		return
	}
	switch e.Step.Action {
	case rotate.ActStore, rotate.ActDeploy:
		if !done("issue") || !done("validate") {
			t.Fatalf("%s before the new key works", e.Step.ID)
		}
	case rotate.ActDisable, rotate.ActDelete:
		if e.Step.Action == rotate.ActDelete && (!done("disable") || !done("soak") || s.lifted != liftNone) {
			t.Fatal("delete of a key that is not disabled, was enabled again, or has not soaked")
		}
		for _, st := range s.Plan().Steps {
			if st.Action == rotate.ActStore && !done(st.ID) {
				t.Fatalf("%s while %s is not stored", e.Step.ID, st.ID)
			}
			if f := s.Of(st.ID); st.Action == rotate.ActAttest && (!done(st.ID) || *f.Level < st.Required) {
				t.Fatalf("%s while %s is at L%v, %s", e.Step.ID, st.ID, f.Level, f.Status)
			}
		}
	default: // issuing the new key is always allowed
	}
}

func TestFoldIsPureAndNextReadsOnly(t *testing.T) {
	t.Parallel()
	b := approved(t, planOf(2, rotate.KeepRunning))
	b.add(t, record.Entry{Kind: kindIntent, Step: "issue", Body: Intent{Before: []string{"old"}}})
	one, two := b.state(t), b.state(t)
	for range 3 {
		run := Run{State: one}
		for range 5 {
			if _, _, err := run.Next(Event{Kind: Begin}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := one.With(record.Record{Kind: kindDone, Step: "issue", Body: []byte(`{"new":{"id":"x"}}`)}); err != nil {
			t.Fatal(err)
		}
		one.Snapshot()
	}
	if !reflect.DeepEqual(one, two) {
		t.Fatal("looking at a state changed it")
	}
}

// With and Fold lead to the same state.
func TestWithIsFold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := approved(t, planOf(2, rotate.KeepRunning))
		s := b.state(t)
		n := len(b.recs)
		drive(t, b, func(e Effect) Event { return anyAnswer(t, e) }, first)
		for _, rec := range b.recs[n:] {
			var err error
			if s, err = s.With(rec); err != nil {
				t.Fatal(err)
			}
		}
		folded := b.state(t)
		folded.log, s.log = nil, nil
		if !reflect.DeepEqual(s, folded) {
			t.Fatalf("With gives\n%+v\nFold gives\n%+v", s, folded)
		}
	})
}

func TestALaterIntentKeepsTheFirstView(t *testing.T) {
	t.Parallel()
	b := approved(t, planOf(0, rotate.KeepRunning))
	b.add(t, record.Entry{Kind: kindIntent, Step: "issue", Body: Intent{Before: []string{"old"}}})
	b.add(t, record.Entry{Kind: kindIntent, Step: "issue", Body: Intent{Before: []string{"old", "orphan"}}})
	if got := b.state(t).Of("issue").Intent.Before; len(got) != 1 {
		t.Fatalf("the orphan would be taken for an old key: %v", got)
	}
}

func TestRollBackOrder(t *testing.T) {
	t.Parallel()
	b := approved(t, planOf(2, rotate.KeepRunning))
	drive(t, b, func(e Effect) Event {
		if e.Step.Action == rotate.ActDelete {
			return Event{Kind: Came, Step: e.Step.ID, Result: Refused, Failure: Failure{Text: "no"}}
		}
		return well(e)
	}, first)
	b.add(t, RollbackEntry("test"))
	ops, end := drive(t, b, well, first)
	want := []string{
		"send undo:disable", "look undo:store:0", "look undo:store:1", "send undo:store:0", "send undo:store:1", "confirm undo:store:0", "confirm undo:store:1",
		"look undo:deploy:netlify/0", "look undo:deploy:netlify/1", "send undo:deploy:netlify/0", "send undo:deploy:netlify/1", "confirm undo:deploy:netlify/0", "confirm undo:deploy:netlify/1",
		"look undo:issue", "send undo:issue",
	}
	if end != rotate.RunRolledBack || !slices.Equal(ops, want) {
		t.Fatalf("ends as %s after\n%q, want\n%q", end, ops, want)
	}
}
