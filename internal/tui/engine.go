// Package tui is the interactive incident responder. Start with [Run].
//
// The root model owns the store, the screens and the dialogs; it is the only one
// that talks to the [Engine], and only in commands, never in Update or View. The
// engine runs outside the program with contexts and a journal of its own: ending
// the screen does not end a rotation in the middle of a step. The package knows
// no provider.
package tui

import (
	"context"
	"os/exec"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// Engine is what the responder needs of the rest of the program. Its methods are
// called from several goroutines at once. An error may be a [screen.Problem],
// which says what to do next.
type Engine interface {
	Cases
	Rotations
	Desk

	// Next waits for something new and returns it. Hints may be lost or late: each
	// says only that a newer state can be fetched.
	Next(ctx context.Context) (Hint, error)
}

// Hint says what changed.
type Hint struct {
	// Run names a run with a newer snapshot; empty for none.
	Run string
	// Progress is how far a scan is; nil for none.
	Progress *scan.Progress
}

// Cases finds credentials and what is known about them. All of it only reads.
type Cases interface {
	// Load scans the target. A cancelled one returns what was found until then.
	Load(ctx context.Context) (screen.Board, error)
	// Verify asks the issuer with the credential itself; the issuer sees it.
	Verify(ctx context.Context, caseID string) (triage.Liveness, error)
	// Locate looks for consumers and asks the issuer about the key, with our own
	// access.
	Locate(ctx context.Context, caseID string) (screen.Located, error)
	// Excerpt reads the lines around a finding, every known secret masked.
	Excerpt(ctx context.Context, caseID string, finding int) (screen.Excerpt, error)
}

// Rotations plans and runs. Start, Resume and RollBack return as soon as the run
// goes on by itself; how it fares is told by Snapshot.
type Rotations interface {
	Plan(ctx context.Context, caseID string, s rotate.Strategy) (rotate.Plan, error)
	Start(ctx context.Context, p rotate.Plan, typed string) error
	Resume(ctx context.Context, run string) error
	RollBack(ctx context.Context, run, reason string) error
	// Supply hands in the key that a person made for a run that waits for it. It
	// returns when the key was checked and sealed, or with the reason why it was
	// refused; the run then goes on by itself.
	Supply(ctx context.Context, run string, value secret.Text) error
	// Waive accepts less evidence for a held step.
	Waive(ctx context.Context, run, step, reason string) error
	// Pause stops a run at its next safe point and returns at once.
	Pause(run string)
	Snapshot(ctx context.Context, run string) (screen.Run, error)
	// Unfinished returns the runs of the journal that still need something.
	Unfinished(ctx context.Context) ([]screen.Run, error)
}

// Desk is what happens on this machine.
type Desk interface {
	// Accept writes a case into the baseline file and returns the file.
	Accept(ctx context.Context, caseID, reason, owner, until string) (string, error)
	// Reveal returns a value after it was written down who asked for it.
	Reveal(ctx context.Context, caseID string, part credential.Part) (secret.Text, error)
	SavePlan(ctx context.Context, p rotate.Plan) (string, error)
	// Report writes the report of a run, or of the scan when run is empty, and
	// returns the files.
	Report(ctx context.Context, run string) ([]string, error)
	// Editor returns the command that opens a finding's file.
	Editor(caseID string, finding int) (*exec.Cmd, error)
}
