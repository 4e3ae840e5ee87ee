package rotate

import "time"

// StepStatus is where a step stands.
type StepStatus string

// Step states.
const (
	StepWaiting StepStatus = "waiting"
	StepRunning StepStatus = "running"
	StepDone    StepStatus = "done"
	StepFailed  StepStatus = "failed" // held: retry, waive or roll back
	StepSkipped StepStatus = "skipped"
	StepUndone  StepStatus = "undone"
)

// RunStatus is where a run stands.
type RunStatus string

// Run states.
const (
	RunApproved   RunStatus = "approved"
	RunRunning    RunStatus = "running"
	RunHeld       RunStatus = "held"        // needs a person
	RunPaused     RunStatus = "paused"      // stopped at a safe point
	RunDone       RunStatus = "done"        // old key proven dead
	RunRolledBack RunStatus = "rolled-back" // old key works, new key deleted
	RunContained  RunStatus = "contained"   // old key disabled, nothing replaced yet
	RunAbandoned  RunStatus = "abandoned"   // given up by a person, who knows what is left
)

// EventSchema names the format of an event line.
const EventSchema = "secretguard.event/1"

// Event is something that happened in a run: a line of `rotate --json` and a
// hint for the screen to fetch a newer snapshot. It never holds a secret; Text
// and Detail may hold foreign text.
type Event struct {
	Schema string     `json:"schema"` // "secretguard.event/1"
	Seq    int64      `json:"seq"`
	Time   time.Time  `json:"time"`
	Run    string     `json:"run"`
	Step   string     `json:"step,omitempty"`
	N      int        `json:"n,omitempty"`
	Status StepStatus `json:"status,omitempty"`
	Text   string     `json:"text"`
	Detail string     `json:"detail,omitempty"`
}

// Snapshot is a run as it stands, made from the journal. It is plain data and
// safe to hand to a screen.
type Snapshot struct {
	Seq     int64       `json:"seq"`
	Plan    Plan        `json:"plan"`
	Status  RunStatus   `json:"status"`
	Steps   []StepState `json:"steps"`
	NewKey  string      `json:"new_key,omitempty"` // public id of the new key
	NewMask string      `json:"new_mask,omitempty"`
	Started time.Time   `json:"started"`
	Updated time.Time   `json:"updated"`
	Proof   *DeathProof `json:"proof,omitempty"`
	Problem string      `json:"problem,omitempty"` // why it is held
	// Alarm says that the leaked key still opens something although it was deleted. It
	// stays until the key is proven dead.
	Alarm  string `json:"alarm,omitempty"`
	Remedy string `json:"remedy,omitempty"` // the command to run next
	// Stands says, line by line, what is safe now in a run that has not ended.
	Stands []string `json:"stands,omitempty"`
	// Left says, line by line, what was not brought to its end when the run was
	// abandoned.
	Left []string `json:"left,omitempty"`
	// Waivers are what people accepted less of, oldest first.
	Waivers []Waiver `json:"waivers,omitempty"`
	Log     []Event  `json:"-"`
}

// Waiver is what a person accepted of one step, and why.
type Waiver struct {
	Step  string `json:"step"`
	Level Level  `json:"level"` // attest steps
	// Hostile says that the traffic on the old key is the thief's.
	Hostile bool      `json:"hostile,omitempty"`
	Reason  string    `json:"reason"`
	Who     string    `json:"who"`
	At      time.Time `json:"at"`
}

// StepState is one step of a snapshot.
type StepState struct {
	ID       string        `json:"id"`
	Status   StepStatus    `json:"status"`
	Attempts int           `json:"attempts,omitempty"`
	Took     time.Duration `json:"took,omitempty"`
	Detail   string        `json:"detail,omitempty"`
	Level    *Level        `json:"level,omitempty"` // attest steps
	// By is who ran the program when the step was done; ByHand says that a person did
	// it at the issuer, and the program only checked.
	By     string `json:"by,omitempty"`
	ByHand bool   `json:"by_hand,omitempty"`
}

// DeathProof is the evidence that the old key is dead.
type DeathProof struct {
	Refusals int           `json:"refusals"`
	Window   time.Duration `json:"window"`
	Code     string        `json:"code"`    // what the issuer answered
	Control  string        `json:"control"` // the request that showed network and endpoint work
	// Endpoints are the places that were asked, each as often; empty for an issuer with
	// one. NotAsked are those where not even the new key could be tried, and why.
	Endpoints []string  `json:"endpoints,omitempty"`
	NotAsked  []string  `json:"not_asked,omitempty"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
}
