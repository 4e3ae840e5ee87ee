package providers

import (
	"context"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// Examiner tells of one consumer what it is given and how it does. It only reads
// and may be repeated.
type Examiner interface {
	// Find returns what has this name or id: none, or several in several accounts.
	// What could not be listed is in gaps.
	Find(ctx context.Context, name string) (found []Target, gaps []Gap, err error)
	// Environment returns the variables that the next production deploy would get.
	Environment(ctx context.Context, t Target) (Environment, error)
	// Condition tells how the deployed thing does.
	Condition(ctx context.Context, t Target) (Condition, error)
}

// Environment is what a consumer is given.
type Environment struct {
	Variables []Variable
	Gaps      []Gap
}

// Variable is one of its values, the one that wins where several have its name.
type Variable struct {
	Key      string
	Value    secret.Text
	Readable bool      // false: the service keeps the value to itself
	From     string    // where it is kept: "site", "team", "service", "env group NAME"
	Changed  time.Time // zero where the service does not tell
	// NotAtRuntime says that the running thing does not see it, only its build.
	NotAtRuntime bool
}

// Condition is how a consumer does.
type Condition struct {
	Deploys DeployState
	Live    time.Time // when the live deploy began: what is stored later, it may not have; zero when not known
	// Crashed is set when it does not stay up: Why says how that shows.
	Crashed bool
	Why     string
	// Log are the last lines of the failed start or build, oldest first. They are
	// foreign text and may hold secrets: show them through a mask.
	Log  []string
	Gaps []Gap
}

// QueueInspector looks at a message queue for a consumer. It sends nothing and
// receives nothing.
type QueueInspector interface {
	InspectQueue(ctx context.Context, req QueueRequest) (QueueState, error)
}

// QueueRequest names a queue and the access that is to work with it.
type QueueRequest struct {
	URL    string
	Region string // empty: the queue's own
	As     credential.Credential
	// Actions are rights by the provider's names: "sqs:SendMessage".
	Actions []string
}

// Answer is what is known about a yes-or-no question.
type Answer string

// Answers. The zero value counts as AnswerUnknown.
const (
	AnswerYes     Answer = "yes"
	AnswerNo      Answer = "no"
	AnswerUnknown Answer = "unknown"
)

// QueueState is what InspectQueue found out.
type QueueState struct {
	Key    Verdict // of the consumer's key
	Exists Answer
	// Detail says why Exists is not known.
	Detail     string
	ARN        string
	DeadLetter string        // ARN of the dead-letter queue, empty without one
	Waiting    int           // messages, about
	May        []QueueAction // in the order asked for
}

// QueueAction is whether the key may do something with the queue.
type QueueAction struct {
	Action string
	Answer Answer
	Detail string // why not, or why it is not known
}
