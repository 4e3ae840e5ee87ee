package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Class is what a failure means for what to do next.
type Class string

// Classes.
const (
	Auth        Class = "auth"
	Forbidden   Class = "forbidden"
	NotFound    Class = "not found"
	Conflict    Class = "conflict"
	RateLimited Class = "rate limited"
	Transient   Class = "transient" // nothing was changed
	Ambiguous   Class = "ambiguous" // a write may have been done
	Refused     Class = "refused"
)

// ErrReadOnly is returned for a mutating request under ReadOnly.
var ErrReadOnly = errors.New("this would change something, and only reading is allowed here")

// Error is a failed request. Its text has no address, no query and no body.
type Error struct {
	Op         string
	Class      Class
	Status     int
	Code       string // the service's own short code, cleaned
	RetryAfter time.Duration
	Err        error
}

// Error gives one line.
func (e *Error) Error() string {
	s := e.Op + ": " + string(e.Class)
	if e.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", e.Status)
	}
	if e.Code != "" {
		s += ": " + e.Code
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func unclear(read bool) Class {
	if read {
		return Transient
	}
	return Ambiguous
}

// lost classifies a request without an answer. Only a connection that never came
// up shows that nothing was sent.
func lost(err error, read bool) Class {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, errRedirect), errors.Is(err, ErrPrivate):
		return Refused
	case errors.As(err, &dns), errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &op) && op.Op == "dial":
		return Transient
	}
	return unclear(read)
}

func statusError(op string, r Response, read bool) error {
	e := &Error{Op: op, Status: r.Status, Code: code(r), Class: Refused}
	switch {
	case r.Status == http.StatusUnauthorized:
		e.Class = Auth
	case r.Status == http.StatusForbidden:
		e.Class = Forbidden
	case r.Status == http.StatusNotFound, r.Status == http.StatusGone:
		e.Class = NotFound
	case r.Status == http.StatusConflict, r.Status == http.StatusTooEarly:
		e.Class = Conflict
	case r.Status == http.StatusTooManyRequests:
		e.Class, e.RetryAfter = RateLimited, Wait(r.Header, time.Now())
	case r.Status == http.StatusRequestTimeout, r.Status >= 500:
		e.Class, e.RetryAfter = unclear(read), Wait(r.Header, time.Now())
	}
	return e
}

// Wait reads how long a service asks us to wait: Retry-After in seconds or as a
// date, else X-RateLimit-Reset or Ratelimit-Reset, which some send as seconds
// left and some as Unix time (a value below 10^9 can only be the former). Zero
// when nothing is said; an hour at most.
func Wait(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset", "Ratelimit-Reset"} {
		v := strings.TrimSpace(h.Get(name))
		if v == "" {
			continue
		}
		d := time.Duration(0)
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
			if n >= 1_000_000_000 {
				d = time.Unix(n, 0).Sub(now)
			} else {
				d = time.Duration(n) * time.Second
			}
		} else if t, err := http.ParseTime(v); err == nil {
			d = t.Sub(now)
		}
		if d > 0 {
			return min(d, time.Hour)
		}
	}
	return 0
}

// code takes a short error code out of a JSON error body. Free text is left out:
// some services quote a part of the key in it.
func code(r Response) string {
	var body struct {
		Code any    `json:"code"`
		ID   string `json:"id"`
	}
	if json.Unmarshal(r.Body, &body) != nil {
		return ""
	}
	s, _ := body.Code.(string)
	if len(s) > 40 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return ""
	}
	return s
}

type readOnlyKey struct{}

// ReadOnly returns a context under which mutating requests are refused before
// anything is sent.
func ReadOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, readOnlyKey{}, true)
}

// IsReadOnly reports whether ctx allows reading only.
func IsReadOnly(ctx context.Context) bool {
	v, _ := ctx.Value(readOnlyKey{}).(bool)
	return v
}
