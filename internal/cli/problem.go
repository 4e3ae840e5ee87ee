package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/term"
)

// Exit codes (docs/json.md).
const (
	ExitOK          = 0
	ExitFindings    = 1
	ExitUsage       = 2
	ExitIncomplete  = 3
	ExitAccess      = 4
	ExitRolledBack  = 5
	ExitNeedsPerson = 6
	ExitInterrupted = 130
)

// exitHelp ends the help of every command.
const exitHelp = `
Exit codes:
  0 complete and clean          4 our own access refused
  1 findings                    5 rotation failed and rolled back
  2 usage or configuration      6 rotation needs a person
  3 incomplete                130 interrupted
`

// exitError carries an exit code; without err it says nothing.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exitError) Unwrap() error { return e.err }

// problem is an error for a person: what happened, and the command to run next.
type problem struct {
	code int
	err  error
	try  string
}

func (p problem) Error() string { return p.err.Error() }
func (p problem) Unwrap() error { return p.err }

// usage marks a mistake in the call or the configuration.
func usage(err error) error { return exitError{code: ExitUsage, err: err} }

func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	var p problem
	if errors.As(err, &p) && p.code != 0 {
		return p.code
	}
	var e exitError
	if errors.As(err, &e) {
		return e.code
	}
	switch {
	case errors.Is(err, rotate.ErrRolledBack):
		return ExitRolledBack
	case errors.Is(err, rotate.ErrPaused), errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.Is(err, rotate.ErrHeld), errors.Is(err, rotate.ErrBusy), errors.Is(err, journal.ErrLocked),
		errors.Is(err, journal.ErrFenced), errors.Is(err, journal.ErrCorrupt), errors.Is(err, journal.ErrUnwritable),
		errors.Is(err, journal.ErrNoIdentity), errors.Is(err, rotate.ErrNoRoom), errors.Is(err, rotate.ErrWaits):
		return ExitNeedsPerson
	case errors.Is(err, providers.ErrAuth), errors.Is(err, providers.ErrForbidden), errors.Is(err, rotate.ErrRights):
		return ExitAccess
	case errors.Is(err, providers.ErrTransient), errors.Is(err, providers.ErrRateLimited), errors.Is(err, context.DeadlineExceeded):
		return ExitIncomplete
	}
	return ExitUsage
}

// longest is how much of a line of an error is shown, in cells: what a person or
// a script hands in may be a megabyte.
const longest = 500

// explain writes an error for a person to stderr: what happened, and one line
// with the command to run next. Foreign text is made safe.
func (a *app) explain(err error) {
	prefix := "secretguard: "
	for line := range strings.SplitSeq(strings.TrimRight(err.Error(), "\n"), "\n") {
		_, _ = fmt.Fprintf(a.Err, "%s%s\n", prefix, term.Truncate(term.Clean(line), longest)) // there is nowhere else to say it
		prefix = strings.Repeat(" ", len(prefix))
	}
	if try := remedy(err); try != "" {
		_, _ = fmt.Fprintf(a.Err, "try: %s\n", term.Truncate(term.Clean(try), longest)) // as above
	}
}

// remedy names the next command for the errors that have one.
func remedy(err error) string {
	var p problem
	if errors.As(err, &p) && p.try != "" {
		return p.try
	}
	var pe *providers.Error
	name := "NAME"
	if errors.As(err, &pe) {
		name = pe.Provider
	}
	switch {
	case errors.Is(err, rotate.ErrIncomplete):
		return "look for the other half: secretguard scan git DIR in the other repositories; or replace the key by hand"
	case errors.Is(err, rotate.ErrExpired), errors.Is(err, rotate.ErrDigest), errors.Is(err, rotate.ErrStale):
		return "secretguard plan CASE -o plan.json"
	case errors.Is(err, rotate.ErrRights):
		return "set up an access that may, and plan again; or: secretguard rotate PLAN --approve DIGEST --despite-missing-rights REASON"
	case errors.Is(err, rotate.ErrNoRun):
		return "secretguard rotate list"
	case errors.Is(err, rotate.ErrWaits):
		return "another person runs: secretguard rotate PLAN --approve DIGEST --approver NAME"
	case errors.Is(err, journal.ErrLocked):
		return "wait for the other process, or end it; then: secretguard rotate list"
	case errors.Is(err, journal.ErrUnwritable):
		return "make room on the disk of the state folder (2 MB are enough) and the folder writable (secretguard config show names it), or: export SECRETGUARD_HOME=/a/private/folder"
	case errors.Is(err, journal.ErrNoIdentity):
		return "put the key file back into the state folder (secretguard config show names it); what happened so far: secretguard rotate status"
	case errors.Is(err, config.ErrNoState), errors.Is(err, config.ErrState):
		return "export SECRETGUARD_HOME=/a/private/folder"
	case errors.Is(err, journal.ErrCorrupt):
		return "put back a copy of the state folder from before, or move it away and plan again: secretguard config show names it"
	case errors.Is(err, providers.ErrAuth), errors.Is(err, providers.ErrForbidden):
		return "secretguard providers show " + name + " (lists the settings and the rights that are needed)"
	case errors.Is(err, providers.ErrTransient), errors.Is(err, providers.ErrRateLimited):
		return "check the network, then run it again"
	}
	return ""
}

// line writes one line of results.
func (a *app) line(s string) error {
	_, err := io.WriteString(a.Out, s+"\n")
	return err
}

// talk writes a line for people to stderr, unless --quiet.
func (a *app) talk(format string, args ...any) {
	if !a.quiet {
		_, _ = fmt.Fprintf(a.Err, format+"\n", args...)
	}
}
