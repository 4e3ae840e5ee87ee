// Package doctor says whether the credentials of consumers are in place and work:
// [Diagnose] is a pure function from what was declared and found out to findings,
// each with its remedy. Facts are gathered next door, in package examine.
//
// What could not be looked at is a finding of its own, unknown, never a pass: the
// failure that this was made for was green everywhere.
package doctor

import (
	"errors"
	"time"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Status is what a check came to.
type Status string

// Statuses.
const (
	OK      Status = "ok"
	Bad     Status = "bad"
	Unknown Status = "unknown" // it could not be looked at
)

// Finding is one check of one consumer. Text and Remedy hold no secret; they may
// hold foreign words and are cleaned by who shows them.
type Finding struct {
	Check   string // "variable.missing", stable
	Subject string // the variable, queue or deployment
	Status  Status
	Text    string
	Remedy  string   // what to do, empty for OK
	Log     []string // the end of a log, foreign text
}

// Report is what is known about one consumer.
type Report struct {
	Name, Where string
	Findings    []Finding
}

// Status is the worst of the findings; a report without any is unknown.
func (r Report) Status() Status {
	worst := Unknown
	for i, f := range r.Findings {
		if i == 0 || f.Status == Bad || f.Status == Unknown && worst == OK {
			worst = f.Status
		}
		if worst == Bad {
			break
		}
	}
	return worst
}

// Facts are what was found out about one consumer. A nil pointer means that this was
// not declared or not asked; why is then in Gaps.
type Facts struct {
	Consumer config.Consumer
	// Trouble says why the consumer could not be looked at at all; Setting is what to
	// set for it, where that is known. Absent: its provider has nothing of that name.
	Trouble, Setting string
	Absent           bool
	Suspended        bool
	// Variables are all that it is given, by name; nil when they could not be read.
	Variables map[string]Value
	Condition *providers.Condition
	Queue     *providers.QueueState
	Prefect   *Prefect
	Supabase  *Service
	Endpoint  *Endpoint
	Gaps      []providers.Gap
}

// Value is one variable of a consumer.
type Value struct {
	Text     secret.Text
	Readable bool
	From     string
	Changed  time.Time
	// Retired is the run that replaced this very value, empty when none did.
	Retired      string
	NotAtRuntime bool
}

// Prefect is what a Prefect API said.
type Prefect struct {
	API        providers.Answer // it answers as one
	Key        providers.Answer // it takes the key
	Deployment providers.Answer
	Paused     bool
	Pool       string
	PoolThere  providers.Answer
	PoolPaused bool
	Online     int // workers of the pool that are online
	Workers    providers.Answer
	Detail     string // why something is not known
}

// Service is what another service said about a key.
type Service struct {
	Key    providers.Answer
	Detail string
}

// Endpoint is what an endpoint of the consumer answered, by variable.
type Endpoint struct {
	Proofs map[string]Proof
}

// Why an echo endpoint's answer does not show the value that was expected.
var (
	// ErrNoProof means that the answer is no echo: whatever its status, it says nothing
	// about the key.
	ErrNoProof = errors.New("the answer holds no proof that the service has the key")
	// ErrOtherKey means an echo made with another value.
	ErrOtherKey = errors.New("the service works with another value of this variable")
	// ErrNotSet means a 404, which an endpoint gives for both, and a wrong address too.
	ErrNotSet = errors.New("the service has no value of this variable, does not list it, or has no echo endpoint there")
)

// Proof is the answer about one variable.
type Proof struct {
	Status int   // HTTP status, zero without an answer
	Err    error // of package echo, or why there was no answer; nil: shown
	// NoAnswer says that Err is about the network.
	NoAnswer bool
}
