package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/machine"
	"github.com/secretguard/secretguard/internal/secret"
)

// worker carries one op of one step out. It reads a state that does not change.
type worker struct {
	x      *Executor
	s      *machine.State
	step   rotate.Step
	issuer providers.Provider // instead of the registry's: our own access was the leaked key
	orphan *machine.Orphan
	at     func(point string) error
	held   func(context.Context) error // nil while the run is this process's
	say    func(detail string)
}

// ops are what an action does; which of them it has are its traits.
type ops struct {
	look, send, settle, confirm, back func(*worker, context.Context) machine.Event
}

func opsOf(a rotate.Action) ops {
	switch a {
	case rotate.ActIssue:
		return ops{look: (*worker).lookIssue, send: (*worker).sendIssue, settle: (*worker).settleIssue}
	case rotate.ActValidate:
		return ops{confirm: (*worker).validate}
	case rotate.ActStore:
		return ops{look: (*worker).lookStore, send: (*worker).sendStore, confirm: (*worker).confirmStore}
	case rotate.ActRestore:
		return ops{look: (*worker).lookRestore, send: (*worker).sendRestore, confirm: (*worker).confirmRestore}
	case rotate.ActDeploy:
		return ops{look: (*worker).lookDeploy, send: (*worker).sendDeploy, settle: (*worker).settleDeploy, confirm: (*worker).confirmDeploy}
	case rotate.ActAttest:
		return ops{confirm: (*worker).attest}
	case rotate.ActDisable:
		return ops{look: (*worker).lookDisable, send: (*worker).sendDisable, confirm: (*worker).confirmDisable, back: (*worker).enable}
	case rotate.ActEnable:
		return ops{send: (*worker).enable}
	case rotate.ActDelete:
		return ops{send: (*worker).deleteOld}
	case rotate.ActRemoveNew:
		return ops{look: (*worker).lookRemoveNew, send: (*worker).removeNew, settle: (*worker).settleIssue}
	case rotate.ActProve:
		return ops{confirm: (*worker).prove}
	}
	return ops{}
}

// errPanic replaces what a provider panicked with: it may be anything.
var errPanic = errors.New("the provider failed in a way that it must not (a panic); this is a mistake in the program: please report it")

// do carries the op out. After a send comes a boundary: a crash there finds the
// effect done and nothing of it written down.
func (w *worker) do(ctx context.Context, op machine.Op) (c came) {
	defer func() {
		if recover() != nil { // what it says may hold a secret
			c.event = w.failed(ctx, errPanic)
			if op == machine.OpSend {
				c.event.Result = machine.Lost
			}
		}
		c.event.Kind, c.event.Step = machine.Came, w.step.ID
	}()
	if err := w.changeAccess(ctx); err != nil {
		return came{event: w.failed(ctx, fmt.Errorf("go on with the new key as our own access: %w", err))}
	}
	o := opsOf(w.step.Action)
	f := map[machine.Op]func(*worker, context.Context) machine.Event{
		machine.OpLook: o.look, machine.OpSend: o.send, machine.OpSettle: o.settle, machine.OpConfirm: o.confirm,
		machine.OpBack: o.back, machine.OpClean: (*worker).clean,
	}[op]
	if f == nil {
		return came{event: w.failed(ctx, fmt.Errorf("this version cannot %s at %s: %w", op, w.step.ID, providers.ErrUnsupported))}
	}
	if op == machine.OpSend || op == machine.OpClean || op == machine.OpBack {
		// This process may have slept since it wrote the intent down.
		if err := w.held(context.WithoutCancel(ctx)); err != nil {
			return came{err: err}
		}
	}
	c.event = f(w, ctx)
	if op == machine.OpSend && c.event.Result == machine.OK {
		c.err = w.at("effect " + w.step.ID)
	}
	return c
}

// failed turns an error into an event: the op did not work, or was cut short
// because the run is to stop.
func (w *worker) failed(ctx context.Context, err error) machine.Event {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return machine.Event{Result: machine.Interrupted}
	}
	return machine.Event{Result: machine.Failed, Failure: w.failure(err)}
}

func (w *worker) failure(err error) machine.Failure {
	return machine.Failure{Text: err.Error(), Remedy: w.resumeCommand()}
}

// notSent turns the error of a request that was sent once into an event.
func (w *worker) notSent(ctx context.Context, err error) machine.Event {
	e := machine.Event{Result: machine.Refused, Failure: w.failure(err)}
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

// repeatably sends a request that may be repeated, and turns its end into an
// event.
func (w *worker) repeatably(ctx context.Context, do func(context.Context) error) machine.Event {
	lost, err := w.again(ctx, do)
	switch {
	case err == nil:
		return machine.Event{Result: machine.OK}
	case ctx.Err() != nil && errors.Is(err, context.Canceled) && !lost:
		return machine.Event{Result: machine.Interrupted}
	}
	e := w.notSent(context.WithoutCancel(ctx), err)
	e.Unsure = lost
	return e
}

func (w *worker) plan() rotate.Plan     { return w.s.Plan() }
func (w *worker) policy() rotate.Policy { return w.s.Plan().Policy }
func (w *worker) facts() machine.Facts  { return w.s.Of(w.step.ID) }
func (w *worker) resumeCommand() string { return "secretguard rotate resume " + w.plan().ID }
func (w *worker) hash(v secret.Text) string {
	return w.x.Journal.HashKey().HMAC(v)
}

// requestLimit is how long one request to a provider may take.
const requestLimit = 60 * time.Second

// request runs one request under its own limit.
func (w *worker) request(ctx context.Context, do func(context.Context) error) error {
	ectx, cancel := w.x.effect(ctx, requestLimit)
	defer cancel()
	return do(ectx)
}

// ability returns an ability of the run's issuer.
func ability[T any](w *worker) (T, error) {
	var zero T
	p, ok := w.x.Registry.Get(w.plan().Issuer)
	if w.issuer != nil {
		p, ok = w.issuer, true
	}
	if !ok {
		return zero, fmt.Errorf("provider %s is not configured: %w", w.plan().Issuer, providers.ErrUnsupported)
	}
	a, ok := providers.As[T](p)
	if !ok {
		return zero, fmt.Errorf("%s: %w", w.plan().Issuer, providers.ErrUnsupported)
	}
	return a, nil
}

// changeAccess goes on with the new key where our own access is the old one: from
// the moment on that the new one was checked. Only the new key itself is deleted,
// in a roll back, with the old one.
func (w *worker) changeAccess(ctx context.Context) error {
	if !w.plan().Self || w.s.Of("validate").Status != rotate.StepDone || w.step.Action == rotate.ActRemoveNew {
		return nil
	}
	p, err := ability[providers.Rekeyer](w)
	if err != nil {
		return err
	}
	c, err := w.newKey(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	w.issuer, err = p.WithAccess(c)
	return err
}

// credentialOf opens the sealed parts of the old or the new key, also when the run
// is to stop: an answer that is there must still be compared and written down.
func (w *worker) credentialOf(ctx context.Context, blobs map[credential.Part]string, ref providers.KeyRef) (credential.Credential, error) {
	c := credential.Credential{Kind: w.plan().Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{}}
	for part, id := range blobs {
		v, err := w.x.Journal.Unseal(context.WithoutCancel(ctx), id)
		if err != nil {
			return c, fmt.Errorf("open the sealed %s: %w", part, err)
		}
		c.Parts[part] = v
	}
	return c, nil
}

func (w *worker) oldKey(ctx context.Context) (credential.Credential, error) {
	return w.credentialOf(ctx, w.s.OldBlobs(), w.plan().Old)
}

func (w *worker) newKey(ctx context.Context) (credential.Credential, error) {
	return w.credentialOf(ctx, w.s.NewBlobs(), w.s.New())
}
