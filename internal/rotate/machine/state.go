// Package machine decides what a run does next. [Fold] makes a run's state out
// of its journal records, and [Run.Next] takes what happened and gives the
// effects to carry out: pure functions that talk to nobody, so that the same code
// runs in production and under the explorer that walks through every state.
//
// Every step goes the same way: look at the world, write the intent, send one
// request, settle what became of it if its answer was lost, confirm that it took
// effect, write the outcome. What an action needs of that is in traits.go.
package machine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/record"
)

// Facts is what the journal says about one step.
type Facts struct {
	Status   rotate.StepStatus
	Open     bool // an intent without an outcome: the effect may have happened
	Attempts int
	Intent   Intent
	DeployID string
	Began    time.Time
	Ended    time.Time
	Detail   string
	Level    *rotate.Level
	Waived   *rotate.Level
	Hash     string           // store: keyed hash of what we stored
	Hostile  bool             // quiet: a person says that the traffic is the thief's
	Used     *providers.Usage // quiet: the record of the old key's use that stood still
	OldValue string           // blob id of what was sealed with the first intent: store: what was there before; issue: the value that we chose
	By       string           // who ran the program when it was done
	ByHand   bool
	Redone   bool // it was done once, and is to be done anew
	// soak: a consumer fell ill when the key was disabled or since, and a person who was
	// told so accepts it.
	Ill, IllAccepted bool
}

// lift is whether the old key, once disabled, was enabled again for a consumer that
// fell ill.
type lift int

const (
	liftNone  lift = iota
	liftMaybe      // about to be, or the answer was lost
	liftDone
)

// State is a run, folded from its records. It never changes: With returns a new
// one, so that it may be read from many goroutines.
type State struct {
	plan     rotate.Plan
	approved bool
	by       []string // who approved
	status   rotate.RunStatus
	steps    map[string]Facts
	undo     bool
	lifted   lift
	newRef   providers.KeyRef
	newMask  string
	oldBlobs map[credential.Part]string
	newBlobs map[credential.Part]string
	onto     map[credential.Part]string // never changes once the plan is there
	orphans  []Orphan
	redo     []string
	probed   []rotate.Span // when we ourselves used the old key
	proof    *rotate.DeathProof
	problem  Failure
	alarm    string
	left     []string
	waivers  []rotate.Waiver
	seq      int64
	started  time.Time
	updated  time.Time
	log      []rotate.Event
}

// Fold makes the state of a run from its records, oldest first. It is pure: the
// same records give the same state.
func Fold(recs []record.Record) (*State, error) {
	s := &State{
		steps: map[string]Facts{}, oldBlobs: map[credential.Part]string{}, newBlobs: map[credential.Part]string{},
	}
	for _, r := range recs {
		if err := s.apply(r); err != nil {
			return nil, fmt.Errorf("journal record %d (%s): %w", r.Seq, r.Kind, err)
		}
		if e, ok := s.Event(r); ok {
			s.log = append(s.log, e)
		}
	}
	return s, nil
}

// With returns the state after one more record.
func (s *State) With(r record.Record) (*State, error) {
	next := *s
	next.steps = maps.Clone(s.steps)
	next.oldBlobs, next.newBlobs = maps.Clone(s.oldBlobs), maps.Clone(s.newBlobs)
	next.orphans, next.redo, next.log = slices.Clone(s.orphans), slices.Clone(s.redo), nil
	if err := next.apply(r); err != nil {
		return nil, fmt.Errorf("journal record %d (%s): %w", r.Seq, r.Kind, err)
	}
	return &next, nil
}

// Of returns what is known of a step.
func (s *State) Of(id string) Facts {
	f, ok := s.steps[id]
	if !ok {
		f.Status = rotate.StepWaiting
	}
	return f
}

func (s *State) change(id string, do func(*Facts)) {
	f := s.Of(id)
	do(&f)
	s.steps[id] = f
}

func (s *State) apply(r record.Record) error {
	s.seq, s.updated = r.Seq, r.Wall
	switch r.Kind {
	case kindPlanned:
		collect(s.oldBlobs, blobOld, r.Blobs)
		s.onto = map[credential.Part]string{}
		collect(s.onto, blobOnto, r.Blobs)
		return json.Unmarshal(r.Body, &s.plan)
	case kindApproved:
		return s.applyApproval(r)
	case kindIntent:
		return s.applyIntent(r)
	case kindUnknown, kindProgress, kindDone:
		return s.applyOutcome(r)
	case kindOrphan:
		return s.applyOrphan(r)
	case kindFailed:
		return s.applyFailure(r)
	case kindHarm:
		return s.applyHarm(r)
	case kindRetry:
		s.retry()
	case kindWaived:
		var w waiver
		err := json.Unmarshal(r.Body, &w)
		s.change(r.Step, func(f *Facts) {
			f.Waived, f.Hostile, f.IllAccepted = &w.Level, f.Hostile || w.Hostile, f.IllAccepted || f.Ill
		})
		s.waivers = append(slices.Clip(s.waivers), rotate.Waiver{Step: r.Step, Level: w.Level, Hostile: w.Hostile, Reason: w.Reason, Who: r.Actor, At: r.Wall})
		return err
	case kindRollback:
		s.undo = true
		s.retry()
	case kindPaused:
		s.status = rotate.RunPaused
	case kindClosed:
		var c closing
		err := json.Unmarshal(r.Body, &c)
		s.status, s.left = c.Status, slices.Concat(s.left, c.Left)
		if c.Status == rotate.RunAbandoned {
			s.problem = Failure{Text: "given up: " + c.Reason}
		}
		return err
	}
	return nil
}

func (s *State) applyApproval(r record.Record) error {
	var a rotate.Approval
	if err := json.Unmarshal(r.Body, &a); err != nil {
		return err
	}
	if !slices.Contains(s.by, a.Who) {
		s.by = append(slices.Clip(s.by), a.Who)
	}
	if len(s.by) >= s.plan.Policy.Approvals {
		s.approved, s.status, s.started = true, rotate.RunApproved, r.Wall
	}
	return nil
}

func collect(into map[credential.Part]string, prefix string, blobs map[string]string) {
	for name, id := range blobs {
		if part, ok := strings.CutPrefix(name, prefix); ok {
			into[credential.Part(part)] = id
		}
	}
}

func (s *State) applyIntent(r record.Record) error {
	var in Intent
	if err := json.Unmarshal(r.Body, &in); err != nil {
		return err
	}
	s.change(r.Step, func(f *Facts) {
		// An intent that repeats an unfinished one keeps the first one's view of
		// the world from before: that is what a recovery compares with.
		if !f.Open {
			f.Intent, f.DeployID = in, ""
		}
		if id, ok := r.Blobs[blobValue]; ok && f.OldValue == "" {
			f.OldValue = id
		}
		if f.Began.IsZero() {
			f.Began = r.Wall
		}
		f.Open, f.Status = true, rotate.StepRunning
		f.Attempts++
	})
	if r.Step == "disable" || r.Step == "undo:disable" { // from here on that step says what the key is
		s.lifted = liftNone
	}
	s.status, s.problem = rotate.RunRunning, Failure{}
	return nil
}

func (s *State) applyOutcome(r record.Record) error {
	var o Outcome
	if err := json.Unmarshal(r.Body, &o); err != nil {
		return err
	}
	s.change(r.Step, func(f *Facts) {
		f.Detail = o.Detail
		if o.DeployID != "" {
			f.DeployID = o.DeployID
		}
		if r.Kind != kindDone {
			return
		}
		f.Open, f.Status, f.Ended = false, rotate.StepDone, r.Wall
		if o.Skipped {
			f.Status = rotate.StepSkipped
		}
		f.Level, f.Hash, f.Used, f.By, f.ByHand = o.Level, o.Hash, o.Used, r.Actor, o.ByHand
	})
	if r.Kind != kindDone {
		return nil
	}
	s.notice(o.Probed)
	if o.New != nil {
		s.newRef, s.newMask = *o.New, o.NewMask
		collect(s.newBlobs, blobNew, r.Blobs)
	}
	if o.Proof != nil {
		s.proof, s.alarm = o.Proof, ""
	}
	if len(o.Left) > 0 {
		s.left = o.Left
	}
	return nil
}

func (s *State) applyOrphan(r record.Record) error {
	var o Orphan
	if err := json.Unmarshal(r.Body, &o); err != nil {
		return err
	}
	s.orphans = slices.DeleteFunc(s.orphans, func(x Orphan) bool { return x.Ref == o.Ref })
	s.orphans = append(s.orphans, o)
	return nil
}

func (s *State) applyFailure(r record.Record) error {
	var x Failure
	if err := json.Unmarshal(r.Body, &x); err != nil {
		return err
	}
	s.change(r.Step, func(f *Facts) { f.Status, f.Detail, f.Open = rotate.StepFailed, x.Text, x.Open })
	if _, planned := s.plan.Step(string(rotate.ActSoak)); planned && x.Ill {
		s.change(string(rotate.ActSoak), func(f *Facts) { f.Ill = true })
	}
	s.redo = append(s.redo, x.Redo...)
	s.notice(x.Probed)
	if x.Lifted {
		s.lifted = liftDone
	}
	if x.Alarm != "" {
		s.alarm = x.Alarm
	}
	s.status, s.problem = rotate.RunHeld, x
	return nil
}

// applyHarm notes that the old key may work again from now on: however the call ends,
// the next one looks anew for who uses it, and disables it anew.
func (s *State) applyHarm(r record.Record) error {
	var x Failure
	if err := json.Unmarshal(r.Body, &x); err != nil {
		return err
	}
	s.lifted, s.problem = liftMaybe, x
	s.change(r.Step, func(f *Facts) { f.Ill, f.Detail = true, x.Text })
	for _, st := range s.plan.Steps {
		if st.Action == rotate.ActQuiet || st.Action == rotate.ActDisable {
			s.redo = append(s.redo, st.ID)
		}
	}
	return nil
}

// retry sets held steps, and those that must be done anew for them, back to
// waiting; one whose effect is open is recovered.
func (s *State) retry() {
	for _, id := range s.redo {
		s.change(id, func(f *Facts) {
			f.Redone = f.Redone || f.Open || f.Status == rotate.StepDone
			f.Status, f.Open, f.DeployID = rotate.StepWaiting, false, ""
		})
	}
	for id, f := range s.steps {
		if f.Status == rotate.StepFailed {
			f.Status = rotate.StepWaiting
			s.steps[id] = f
		}
	}
	s.redo, s.problem, s.status = nil, Failure{}, rotate.RunRunning
}

// Closed reports whether the run has ended for good.
func (s *State) Closed() bool {
	switch s.status {
	case rotate.RunDone, rotate.RunRolledBack, rotate.RunContained, rotate.RunAbandoned:
		return true
	case rotate.RunApproved, rotate.RunRunning, rotate.RunHeld, rotate.RunPaused:
	}
	return false
}

// Plan returns the run's plan.
func (s *State) Plan() rotate.Plan { return s.plan }

// Status returns where the run stands; empty before approval.
func (s *State) Status() rotate.RunStatus { return s.status }

// Approved reports whether a person has consented.
func (s *State) Approved() bool { return s.approved }

// ApprovedBy returns who has consented so far; a plan may need several.
func (s *State) ApprovedBy() []string { return slices.Clone(s.by) }

// Undoing reports whether the run goes back.
func (s *State) Undoing() bool { return s.undo }

// New names the new key; a zero id before it is issued.
func (s *State) New() providers.KeyRef { return s.newRef }

// OldBlobs and NewBlobs name the sealed parts of the two keys.
func (s *State) OldBlobs() map[credential.Part]string { return s.oldBlobs }

// OntoBlobs names the sealed parts of the key that takes the old one's place.
func (s *State) OntoBlobs() map[credential.Part]string { return s.onto }

// NewBlobs names the sealed parts of the new key.
func (s *State) NewBlobs() map[credential.Part]string { return s.newBlobs }

// notice takes in when we ourselves used the old key.
func (s *State) notice(probed *rotate.Span) {
	if probed != nil {
		s.probed = append(slices.Clip(s.probed), *probed)
	}
}

// Probed returns when we ourselves used the old key, as far as plan and journal know:
// a call that was killed wrote nothing down.
func (s *State) Probed() []rotate.Span { return slices.Concat(s.plan.Probed, s.probed) }

// Orphans returns the keys that an issue made and whose value was lost.
func (s *State) Orphans() []Orphan { return slices.Clone(s.orphans) }
