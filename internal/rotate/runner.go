package rotate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/secret"
)

// runner carries one run out under a lease.
type runner struct {
	x     *Executor
	lease *journal.Lease
	state *State
}

// loop asks Next and obeys until the run ends, is held or is paused.
func (r *runner) loop(ctx context.Context) error {
	for {
		d := Next(r.state)
		switch d.Move {
		case MoveEnd:
			return r.end(d.Status)
		case MoveClose:
			if err := r.close(ctx, d.Status); err != nil {
				return err
			}
			return r.end(d.Status)
		case MoveHold:
			return r.hold(ctx, d)
		case MoveAwait:
			return fmt.Errorf("plan %s is not approved", r.state.plan.ID)
		case MoveDo, MoveRecover:
			if ctx.Err() != nil {
				return r.pause(ctx)
			}
			if err := r.run(ctx, d.Step, d.Move == MoveRecover); err != nil {
				return err
			}
		}
	}
}

func (r *runner) end(status RunStatus) error {
	if status == RunRolledBack {
		return fmt.Errorf("run %s: %w", r.state.plan.ID, ErrRolledBack)
	}
	return nil
}

// hold reports why the run stands still, and writes it down when the safety
// rules, not a failed step, stopped it.
func (r *runner) hold(ctx context.Context, d Decision) error {
	if r.state.peek(d.Step.ID).status != StepFailed {
		f := failure{Text: d.Why, Remedy: r.resumeCommand(), Open: r.state.peek(d.Step.ID).open}
		if err := r.write(ctx, recFailed, d.Step.ID, f, nil); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s: %s", ErrHeld, d.Step.Title, d.Why)
}

func (r *runner) pause(ctx context.Context) error {
	if err := r.write(ctx, recPaused, "", struct{}{}, nil); err != nil {
		return err
	}
	return fmt.Errorf("run %s: %w; continue with: %s", r.state.plan.ID, ErrPaused, r.resumeCommand())
}

// close writes the terminal record and then destroys the sealed values: they
// have no more use, and what is not there cannot leak.
func (r *runner) close(ctx context.Context, status RunStatus) error {
	if err := r.write(ctx, recClosed, "", closing{Status: status}, nil); err != nil {
		return err
	}
	if err := r.at("shred"); err != nil {
		return err
	}
	return r.lease.Shred(context.WithoutCancel(ctx))
}

func (r *runner) resumeCommand() string { return "secretguard rotate resume " + r.state.plan.ID }

// write appends a record, folds it into the state and tells the listener. It
// works on a context that no cancel reaches: what happened must be written down.
func (r *runner) write(ctx context.Context, kind, step string, body any, seal map[string]secret.Text) error {
	point := kind
	if step != "" {
		point = kind + ":" + step
	}
	if err := r.at("before " + point); err != nil {
		return err
	}
	rec, err := r.lease.Append(context.WithoutCancel(ctx), journal.Entry{
		Run: r.state.plan.ID, Actor: r.x.Actor, Kind: kind, Step: step, Body: body, Seal: seal,
	})
	if err != nil {
		return err
	}
	if err := r.state.apply(rec); err != nil {
		return err
	}
	if n := len(r.state.log); n > 0 && r.x.OnEvent != nil {
		r.x.OnEvent(r.state.log[n-1])
	}
	return r.at("after " + point)
}

// at is a boundary where a test may crash the run.
func (r *runner) at(point string) error {
	if r.x.Failpoint == nil {
		return nil
	}
	if err := r.x.Failpoint(point); err != nil {
		return errCrash{err}
	}
	return nil
}

// say tells the listener of progress that the journal does not need.
func (r *runner) say(step Step, detail string) {
	if r.x.OnEvent == nil {
		return
	}
	r.x.OnEvent(Event{
		Schema: EventSchema, Seq: r.state.seq, Time: r.x.Now().UTC(), Run: r.state.plan.ID,
		Step: step.ID, N: step.N, Status: StepRunning, Text: step.Title, Detail: detail,
	})
}

// effect returns a context for one request: a cancel of ctx does not reach it,
// so that a request in flight is finished; Abort and the limit do.
func (r *runner) effect(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	ectx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	if r.x.Abort == nil {
		return ectx, cancel
	}
	go func() {
		select {
		case <-r.x.Abort:
			cancel()
		case <-ectx.Done():
		}
	}()
	return ectx, cancel
}

// requestLimit is how long one request to a provider may take.
const requestLimit = 60 * time.Second

// request runs one request under its own limit.
func (r *runner) request(ctx context.Context, do func(context.Context) error) error {
	ectx, cancel := r.effect(ctx, requestLimit)
	defer cancel()
	return do(ectx)
}

// credentialOf opens the sealed parts of the old or the new key.
func (r *runner) credentialOf(ctx context.Context, blobs map[credential.Part]string, ref providers.KeyRef) (credential.Credential, error) {
	c := credential.Credential{Kind: r.state.plan.Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{}}
	for part, id := range blobs {
		v, err := r.x.Journal.Unseal(ctx, id)
		if err != nil {
			return c, fmt.Errorf("open the sealed %s: %w", part, err)
		}
		c.Parts[part] = v
	}
	return c, nil
}

func (r *runner) oldKey(ctx context.Context) (credential.Credential, error) {
	return r.credentialOf(ctx, r.state.oldBlobs, r.state.plan.Old)
}

func (r *runner) newKey(ctx context.Context) (credential.Credential, error) {
	return r.credentialOf(ctx, r.state.newBlobs, r.state.newRef)
}

// run carries one step out and writes down how it ended.
func (r *runner) run(ctx context.Context, step Step, recovering bool) error {
	out, err := r.act(ctx, step, recovering)
	var crash errCrash
	switch {
	case err == nil:
		return r.write(ctx, recDone, step.ID, out.outcome, out.seal)
	case errors.As(err, &crash), errors.Is(err, journal.ErrFenced), errors.Is(err, journal.ErrCorrupt):
		return err
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return r.pause(ctx)
	}
	f := failure{Text: err.Error(), Remedy: r.resumeCommand(), Open: r.state.peek(step.ID).open && !errors.Is(err, errNothingSent)}
	if err := r.write(ctx, recFailed, step.ID, f, nil); err != nil {
		return err
	}
	return nil
}

// result is what an action hands back for its done record.
type result struct {
	outcome
	seal map[string]secret.Text
}

// errNothingSent marks a failure of a step whose effect certainly did not happen.
var errNothingSent = errors.New("nothing was changed")

func (r *runner) act(ctx context.Context, step Step, recovering bool) (result, error) {
	switch step.Action {
	case ActIssue:
		return r.issue(ctx, step, recovering)
	case ActValidate:
		return r.validate(ctx, step)
	case ActStore:
		return r.store(ctx, step)
	case ActRestore:
		return r.restore(ctx, step)
	case ActDeploy:
		return r.deploy(ctx, step)
	case ActAttest:
		return r.attest(ctx, step)
	case ActDisable:
		return r.disable(ctx, step)
	case ActEnable:
		return r.enable(ctx, step)
	case ActDelete:
		return r.remove(ctx, step, r.state.plan.Old)
	case ActRemoveNew:
		return r.removeNew(ctx, step)
	case ActProve:
		return r.prove(ctx, step)
	}
	return result{}, fmt.Errorf("this version knows no step %q: %w", step.Action, providers.ErrUnsupported)
}
