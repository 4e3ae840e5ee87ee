package rotate

import "errors"

// Errors of planning.
var (
	ErrIncomplete = errors.New("a part of the credential was not found")
	ErrNoIssuer   = errors.New("no configured provider issues this kind of key")
	ErrNoRoom     = errors.New("there is no room for a second key")
)

// Errors that end a call to the executor.
var (
	// ErrNoRun means that the journal knows no such run.
	ErrNoRun = errors.New("no such run in this machine's journal")
	// ErrHeld means that a person must decide; the run can be resumed.
	ErrHeld = errors.New("the rotation needs a person")
	// ErrPaused means that the run stopped at a safe point, as asked.
	ErrPaused = errors.New("the rotation is paused at a safe point")
	// ErrRolledBack means that the run went back: the old key works.
	ErrRolledBack = errors.New("the rotation was rolled back")
	// ErrBusy means that another unfinished run works on the same key.
	ErrBusy = errors.New("another run over this key is not finished")
	// ErrWaits means that the plan needs the approval of another person.
	ErrWaits = errors.New("the plan needs another person's approval")
	// ErrStale means that the world is no longer as it was planned.
	ErrStale = errors.New("the plan is stale")
)
