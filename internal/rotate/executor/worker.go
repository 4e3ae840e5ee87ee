package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/effect"
	"github.com/secretguard/secretguard/internal/rotate/effect/attest"
	"github.com/secretguard/secretguard/internal/rotate/effect/deploy"
	"github.com/secretguard/secretguard/internal/rotate/effect/issue"
	"github.com/secretguard/secretguard/internal/rotate/effect/prove"
	"github.com/secretguard/secretguard/internal/rotate/effect/quiet"
	"github.com/secretguard/secretguard/internal/rotate/effect/revoke"
	"github.com/secretguard/secretguard/internal/rotate/effect/search"
	"github.com/secretguard/secretguard/internal/rotate/effect/soak"
	"github.com/secretguard/secretguard/internal/rotate/effect/store"
	"github.com/secretguard/secretguard/internal/rotate/machine"
)

// worker carries one op of one step out, under the run's lease.
type worker struct {
	effect.Worker
	at   func(point string) error
	held func(context.Context) error // nil while the run is this process's
	seen time.Time                   // when the step was last heard of
}

// ops are what an action does; which of them it has are its traits.
type ops struct{ look, send, settle, confirm, back effect.Do }

func opsOf(a rotate.Action) ops {
	switch a {
	case rotate.ActIssue:
		return ops{look: issue.Look, send: issue.Send, settle: issue.Settle}
	case rotate.ActValidate:
		return ops{confirm: issue.Validate}
	case rotate.ActStore:
		return ops{look: store.Look, send: store.Send, confirm: store.Confirm}
	case rotate.ActRestore:
		return ops{look: store.LookBack, send: store.SendBack, confirm: store.ConfirmBack}
	case rotate.ActDeploy:
		return ops{look: deploy.Look, send: deploy.Send, settle: deploy.Settle, confirm: deploy.Confirm}
	case rotate.ActAttest:
		return ops{confirm: attest.Confirm}
	case rotate.ActQuiet:
		return ops{confirm: quiet.Confirm}
	case rotate.ActDisable:
		return ops{look: revoke.Look, send: revoke.Disable, confirm: revoke.Confirm, back: revoke.Enable}
	case rotate.ActEnable:
		return ops{send: revoke.Enable}
	case rotate.ActSoak:
		return ops{confirm: soak.Confirm, back: revoke.Enable}
	case rotate.ActDelete:
		return ops{send: revoke.Delete}
	case rotate.ActRemoveNew:
		return ops{look: revoke.LookRemoveNew, send: revoke.RemoveNew, settle: issue.Settle}
	case rotate.ActProve:
		return ops{confirm: prove.Confirm}
	case rotate.ActSearch:
		return ops{confirm: search.Confirm}
	}
	return ops{}
}

// errPanic replaces what a provider panicked with: it may be anything.
var errPanic = errors.New("the provider failed in a way that it must not (a panic); this is a mistake in the program: please report it")

// awake reports whether what was seen and approved still counts: before an effect,
// a step is looked at again when the machine slept since it was, and a person is asked
// when it slept longer than an approval holds.
func (w *worker) awake() (machine.Event, bool) {
	if w.Naps.Note(w.seen, w.Now(), 0) {
		w.Say("this machine slept; the step is looked at again")
	}
	slept := w.Naps.Total()
	switch {
	case slept >= rotate.Validity:
		return machine.Event{Result: machine.Refused, Failure: w.Failure(fmt.Errorf(
			"this machine slept for %s in the middle of the run, longer than an approval holds: see whether it still fits (secretguard rotate status %s), then resume",
			slept.Round(time.Minute), w.Plan().ID))}, false
	case effect.Elapsed(w.seen, w.Now()) >= effect.Nap:
		return machine.Event{Result: machine.Interrupted}, false
	}
	return machine.Event{}, true
}

// do carries the op out. After a send comes a boundary: a crash there finds the
// effect done and nothing of it written down.
func (w *worker) do(ctx context.Context, op machine.Op) (c came) {
	defer func() {
		if recover() != nil { // what it says may hold a secret
			c.event = w.Failed(ctx, errPanic)
			if op == machine.OpSend {
				c.event.Result = machine.Lost
			}
		}
		c.event.Kind, c.event.Step = machine.Came, w.Step.ID
	}()
	if err := w.ChangeAccess(ctx); err != nil {
		return came{event: w.Failed(ctx, fmt.Errorf("go on with the new key as our own access: %w", err))}
	}
	o := opsOf(w.Step.Action)
	f := map[machine.Op]effect.Do{
		machine.OpLook: o.look, machine.OpSend: o.send, machine.OpSettle: o.settle, machine.OpConfirm: o.confirm,
		machine.OpBack: o.back, machine.OpClean: revoke.Clean,
	}[op]
	if f == nil {
		return came{event: w.Failed(ctx, fmt.Errorf("this version cannot %s at %s: %w", op, w.Step.ID, providers.ErrUnsupported))}
	}
	if op == machine.OpSend || op == machine.OpClean || op == machine.OpBack {
		// This process may have slept since it wrote the intent down.
		if err := w.held(context.WithoutCancel(ctx)); err != nil {
			return came{err: err}
		}
	}
	if op == machine.OpSend || op == machine.OpClean {
		if e, awake := w.awake(); !awake {
			return came{event: e}
		}
	}
	begin := w.Now()
	c.event = f(ctx, &w.Worker)
	c.event.Probed = w.Probed()
	// Over a request the monotonic clock tells work from sleep, where it is there.
	w.Naps.Note(begin, w.Now(), w.Now().Sub(begin))
	if op == machine.OpSend && c.event.Result == machine.OK {
		c.err = w.at("effect " + w.Step.ID)
	}
	return c
}
