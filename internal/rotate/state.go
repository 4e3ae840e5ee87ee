package rotate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/journal"
)

// Kinds of journal records. A run is what these say, and nothing else.
const (
	recPlanned  = "planned"  // the plan; seals the leaked parts
	recApproved = "approved" // a person's consent
	recIntent   = "intent"   // an effect is about to be sent
	recUnknown  = "unknown"  // its answer was lost
	recProgress = "progress" // a deploy's id, a count
	recDone     = "done"     // a step is complete; issue seals the new parts
	recFailed   = "failed"   // a step is held
	recRetry    = "retry"    // a person says: try the held step again
	recWaived   = "waived"   // a person accepts less
	recRollback = "rollback" // a person says: go back
	recPaused   = "paused"   // stopped at a safe point
	recClosed   = "closed"   // terminal
)

// Names of sealed values.
const (
	blobOld   = "old:"  // + part: the leaked credential
	blobNew   = "new:"  // + part: the replacement
	blobValue = "value" // what a variable held before we wrote it
)

// intent is the body of recIntent.
type intent struct {
	Before      []string        `json:"before,omitempty"`        // issue: the owner's key ids
	DeployID    string          `json:"deploy_before,omitempty"` // deploy: the newest deploy
	UsageBefore providers.Usage `json:"usage_before,omitzero"`   // deploy: the new key's last use
}

// outcome is the body of recDone, recProgress and recUnknown.
type outcome struct {
	Detail   string            `json:"detail,omitempty"`
	New      *providers.KeyRef `json:"new,omitempty"`
	NewMask  string            `json:"new_mask,omitempty"`
	DeployID string            `json:"deploy,omitempty"`
	Level    *Level            `json:"level,omitempty"`
	Proof    *DeathProof       `json:"proof,omitempty"`
	Hash     string            `json:"hash,omitempty"` // store: keyed hash of what is there now
	Skipped  bool              `json:"skipped,omitempty"`
}

// failure is the body of recFailed.
type failure struct {
	Text   string `json:"text"`
	Remedy string `json:"remedy,omitempty"`
	// Open says that the effect may have happened: a retry reconciles first.
	Open bool `json:"open,omitempty"`
}

// waiver is the body of recWaived and recRollback.
type waiver struct {
	Level  Level  `json:"level,omitempty"`
	Reason string `json:"reason"`
}

type closing struct {
	Status RunStatus `json:"status"`
}

// stepState is what the journal says about one step.
type stepState struct {
	status   StepStatus
	open     bool // an intent without an outcome
	attempts int
	intent   intent
	deployID string
	began    time.Time
	ended    time.Time
	detail   string
	level    *Level
	waived   *Level
	hash     string
	oldValue string // blob id
}

// State is a run, folded from its records. Fold is the only way to make one.
type State struct {
	plan     Plan
	approved bool
	status   RunStatus
	steps    map[string]*stepState
	undo     bool
	newRef   providers.KeyRef
	newMask  string
	oldBlobs map[credential.Part]string
	newBlobs map[credential.Part]string
	proof    *DeathProof
	problem  failure
	seq      int64
	started  time.Time
	updated  time.Time
	log      []Event
}

// Fold makes the state of a run from its records, oldest first. It is pure: the
// same records give the same state.
func Fold(recs []journal.Record) (*State, error) {
	s := &State{
		steps: map[string]*stepState{}, oldBlobs: map[credential.Part]string{}, newBlobs: map[credential.Part]string{},
	}
	for _, r := range recs {
		if err := s.apply(r); err != nil {
			return nil, fmt.Errorf("journal record %d (%s): %w", r.Seq, r.Kind, err)
		}
	}
	return s, nil
}

func (s *State) step(id string) *stepState {
	if s.steps[id] == nil {
		s.steps[id] = &stepState{status: StepWaiting}
	}
	return s.steps[id]
}

func (s *State) apply(r journal.Record) error {
	s.seq, s.updated = r.Seq, r.Wall
	var err error
	switch r.Kind {
	case recPlanned:
		err = json.Unmarshal(r.Body, &s.plan)
		collect(s.oldBlobs, blobOld, r.Blobs)
	case recApproved:
		s.approved, s.status, s.started = true, RunApproved, r.Wall
	case recIntent:
		err = s.applyIntent(r)
	case recUnknown, recProgress, recDone:
		err = s.applyOutcome(r)
	case recFailed:
		err = s.applyFailure(r)
	case recRetry:
		s.retry()
	case recWaived:
		var w waiver
		err = json.Unmarshal(r.Body, &w)
		s.step(r.Step).waived = &w.Level
	case recRollback:
		s.undo, s.status = true, RunRunning
		s.retry()
	case recPaused:
		s.status = RunPaused
	case recClosed:
		var c closing
		err = json.Unmarshal(r.Body, &c)
		s.status = c.Status
	}
	s.note(r)
	return err
}

func collect(into map[credential.Part]string, prefix string, blobs map[string]string) {
	for name, id := range blobs {
		if part, ok := strings.CutPrefix(name, prefix); ok {
			into[credential.Part(part)] = id
		}
	}
}

func (s *State) applyIntent(r journal.Record) error {
	st := s.step(r.Step)
	// An intent that repeats an unfinished one keeps the first one's view of the
	// world from before: that is what reconciling compares with.
	if !st.open {
		if err := json.Unmarshal(r.Body, &st.intent); err != nil {
			return err
		}
		st.deployID = ""
	}
	if id, ok := r.Blobs[blobValue]; ok && st.oldValue == "" {
		st.oldValue = id
	}
	if st.began.IsZero() {
		st.began = r.Wall
	}
	st.open, st.status = true, StepRunning
	st.attempts++
	s.status, s.problem = RunRunning, failure{}
	return nil
}

func (s *State) applyOutcome(r journal.Record) error {
	var o outcome
	if err := json.Unmarshal(r.Body, &o); err != nil {
		return err
	}
	st := s.step(r.Step)
	st.detail = o.Detail
	if o.DeployID != "" {
		st.deployID = o.DeployID
	}
	if r.Kind != recDone {
		return nil
	}
	st.open, st.status, st.ended = false, StepDone, r.Wall
	if o.Skipped {
		st.status = StepSkipped
	}
	st.level, st.hash = o.Level, o.Hash
	if o.New != nil {
		s.newRef, s.newMask = *o.New, o.NewMask
		collect(s.newBlobs, blobNew, r.Blobs)
	}
	if o.Proof != nil {
		s.proof = o.Proof
	}
	return nil
}

func (s *State) applyFailure(r journal.Record) error {
	var f failure
	if err := json.Unmarshal(r.Body, &f); err != nil {
		return err
	}
	st := s.step(r.Step)
	st.status, st.detail, st.open = StepFailed, f.Text, f.Open
	s.status, s.problem = RunHeld, f
	return nil
}

// retry sets held steps back to waiting; one whose effect is open is recovered.
func (s *State) retry() {
	for _, st := range s.steps {
		if st.status == StepFailed {
			st.status = StepWaiting
		}
	}
	s.problem = failure{}
	s.status = RunRunning
}

// Closed reports whether the run has ended for good.
func (s *State) Closed() bool { return s.status == RunDone || s.status == RunRolledBack }

// Plan returns the run's plan.
func (s *State) Plan() Plan { return s.plan }

// Status returns where the run stands; empty before approval.
func (s *State) Status() RunStatus { return s.status }
