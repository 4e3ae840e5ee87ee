package providers

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Sentinels. A provider wraps one of them in an [Error]; the executor decides.
var (
	ErrAuth        = errors.New("our own access was refused")         // stop
	ErrForbidden   = errors.New("our own access lacks a permission")  // stop; Need names it
	ErrNotFound    = errors.New("not found")                          // done, if the aim was removal
	ErrConflict    = errors.New("something else is running there")    // wait, try again
	ErrRateLimited = errors.New("asked to slow down")                 // wait Error.RetryAfter
	ErrTransient   = errors.New("failed before anything was changed") // retry
	ErrAmbiguous   = errors.New("it may or may not have been done")   // reconcile
	ErrRefused     = errors.New("the request was refused as invalid") // stop, a person
	ErrQuota       = errors.New("no room for another key")            // stop, a person
	ErrUnsupported = errors.New("this provider cannot do that")       // manual step
	ErrUnreadable  = errors.New("the stored value cannot be read back")
)

// Error is a classified provider failure. Its text never holds a response body,
// a query string or a secret.
type Error struct {
	Provider string
	Op       string // what we were doing: "list access keys of deploy-bot"
	Class    error  // one of the sentinels
	Status   int    // HTTP status, 0 when there was none
	Code     string // the provider's error code, cleaned
	Need     string // the missing permission, when known
	// RequestID is the provider's name of the request, for its support.
	RequestID string
	// RetryAfter is the wait that the provider asked for.
	RetryAfter time.Duration
	Err        error // cause, without secrets; may be nil
}

// Error gives one line: provider, operation, class and code.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %v", e.Provider, e.Op, e.Class)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if e.Need != "" {
		fmt.Fprintf(&b, "; needs %s", e.Need)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	return b.String()
}

// Unwrap gives both the class and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Class}
	}
	return []error{e.Class, e.Err}
}
