// Package effect is what an effect of a rotation is carried out with: the state of
// the run, its keys, the abilities of its issuer, requests that are bounded and
// repeated, and the words in which their ends are told to the machine. The effects
// themselves are in the rooms below, one for each kind.
package effect

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// Secrets opens what the journal sealed, and hashes values as it does.
type Secrets interface {
	Unseal(ctx context.Context, id string) (secret.Text, error)
	HashKey() secret.Key
}

// Env is what lies outside of a run: the services, the sealed values, the time. It
// is used by many goroutines.
type Env struct {
	Registry providers.Registry
	Secrets  Secrets
	// Health asks a consumer's health URL; nil error means well.
	Health func(ctx context.Context, url string) error
	// Echo asks a consumer's echo endpoint.
	Echo func(ctx context.Context, address, variable, nonce string) (string, error)
	// Check runs a check that a person declared, at its address or its preview. It
	// passed, or failed, which the detail says; an error means that neither is known.
	Check func(ctx context.Context, c rotate.Check, address string) (passed bool, detail string, err error)
	// Doctor looks at a declared consumer and returns what is wrong there, each with its
	// remedy. What could not be looked at is not wrong.
	Doctor func(ctx context.Context, declaration json.RawMessage) (wrong []string, err error)
	// Files looks for values in the files of a folder: where they stand, and what could
	// not be read. Nil when this process cannot.
	Files func(ctx context.Context, dir string, values []secret.Text) (found, unread []string, err error)
	// Abort, when closed, cancels the request in flight.
	Abort <-chan struct{}
	Sleep func(context.Context, time.Duration) error
	Now   func() time.Time
	// Naps is told when a wait took much longer than it should.
	Naps *Naps
}

// Worker carries one op of one step out. It reads a state that does not change, and
// is used by one goroutine.
type Worker struct {
	Env
	State  *machine.State
	Step   rotate.Step
	Orphan *machine.Orphan // a key that is to be deleted because its value was lost
	// Say tells of progress that the journal does not need.
	Say func(detail string)

	probed *rotate.Span       // when this worker used the old key
	access providers.Provider // instead of the registry's: our own access was the leaked key
}

// Do is one op of an action: its end is told to the machine.
type Do func(context.Context, *Worker) machine.Event

// Failed turns an error into an event: the op did not work, or was cut short
// because the run is to stop.
func (w *Worker) Failed(ctx context.Context, err error) machine.Event {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return machine.Event{Result: machine.Interrupted}
	}
	return machine.Event{Result: machine.Failed, Failure: w.Failure(err)}
}

// Failure is why a step is held, and the usual way on.
func (w *Worker) Failure(err error) machine.Failure {
	return machine.Failure{Text: err.Error(), Remedy: w.ResumeCommand()}
}

// NotSent turns the error of a request that was sent once into an event.
func (w *Worker) NotSent(ctx context.Context, err error) machine.Event {
	e := machine.Event{Result: machine.Refused, Failure: w.Failure(err)}
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && !errors.Is(err, providers.ErrAmbiguous):
		return machine.Event{Result: machine.Interrupted}
	case errors.Is(err, providers.ErrAmbiguous):
		e.Result = machine.Lost
	case errors.Is(err, providers.ErrQuota):
		e.Result = machine.NoRoom
	}
	return e
}

// Repeatably sends a request that may be repeated, and turns its end into an
// event.
func (w *Worker) Repeatably(ctx context.Context, do func(context.Context) error) machine.Event {
	lost, err := w.Again(ctx, do)
	switch {
	case err == nil:
		return machine.Event{Result: machine.OK}
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && !lost:
		return machine.Event{Result: machine.Interrupted}
	}
	e := w.NotSent(context.WithoutCancel(ctx), err)
	e.Unsure = lost
	return e
}

// Shown says that a step's effect is there.
func Shown(o machine.Outcome) machine.Event { return machine.Event{Result: machine.Shown, Outcome: o} }

// Plan is the plan of the run.
func (w *Worker) Plan() rotate.Plan { return w.State.Plan() }

// Policy is the policy of the plan.
func (w *Worker) Policy() rotate.Policy { return w.State.Plan().Policy }

// Facts is what the journal says of the step.
func (w *Worker) Facts() machine.Facts { return w.State.Of(w.Step.ID) }

// ResumeCommand is what goes on with a run that is held.
func (w *Worker) ResumeCommand() string { return "secretguard rotate resume " + w.Plan().ID }

// Hash is the keyed hash by which the journal and the plan know a value.
func (w *Worker) Hash(v secret.Text) string {
	return w.Secrets.HashKey().HMAC(v)
}

// requestLimit is how long one request to a provider may take.
const requestLimit = 60 * time.Second

// Request runs one request under its own limit.
func (w *Worker) Request(ctx context.Context, do func(context.Context) error) error {
	ectx, cancel := w.bounded(ctx, requestLimit)
	defer cancel()
	return do(ectx)
}

// bounded returns a context for one request: a cancel of ctx does not reach it, so
// that a request in flight is finished; abort and the limit do.
func (w *Worker) bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ectx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	if w.Abort == nil {
		return ectx, cancel
	}
	go func() {
		select {
		case <-w.Abort:
			cancel()
		case <-ectx.Done():
		}
	}()
	return ectx, cancel
}
