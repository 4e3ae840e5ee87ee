package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

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

const exitHelp = `

Exit codes: 0 complete and clean · 1 findings · 2 usage or configuration · 3 incomplete ·
4 our own access refused · 5 rotation failed and rolled back · 6 rotation needs a person · 130 interrupted`

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
		errors.Is(err, journal.ErrFenced), errors.Is(err, rotate.ErrNoRoom):
		return ExitNeedsPerson
	case errors.Is(err, providers.ErrAuth), errors.Is(err, providers.ErrForbidden):
		return ExitAccess
	}
	return ExitUsage
}

// explain writes an error for a person to stderr: one line that says what
// happened, and one with the command to run next. Foreign text is made safe.
func (a *app) explain(err error) {
	for i, line := range strings.Split(err.Error(), "\n") {
		prefix := "secretguard: "
		if i > 0 {
			prefix = "             "
		}
		_, _ = fmt.Fprintf(a.Err, "%s%s\n", prefix, term.Clean(line))
	}
	if try := remedy(err); try != "" {
		_, _ = fmt.Fprintf(a.Err, "try: %s\n", term.Clean(try))
	}
}

// remedy names the next command for the errors that have one.
func remedy(err error) string {
	var p problem
	if errors.As(err, &p) && p.try != "" {
		return p.try
	}
	switch {
	case errors.Is(err, rotate.ErrIncomplete):
		return "secretguard scan git . (the other half may be in another repository), or rotate by hand"
	case errors.Is(err, rotate.ErrNoIssuer):
		return "secretguard providers list"
	case errors.Is(err, rotate.ErrExpired), errors.Is(err, rotate.ErrDigest):
		return "secretguard plan CASE -o plan.json"
	case errors.Is(err, journal.ErrLocked):
		return "wait for the other process, or end it; then: secretguard rotate list"
	case errors.Is(err, providers.ErrAuth), errors.Is(err, providers.ErrForbidden):
		return "secretguard providers show NAME (lists the settings and the rights that are needed)"
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
