package httpx

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
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

// Error is a failed request. Its text has no path, no query and no body.
type Error struct {
	Op         string
	Class      Class
	Status     int
	Code       string // the service's own short code, cleaned
	RequestID  string // the service's name of the request, for its support
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
	if e.RequestID != "" {
		s += " [request " + e.RequestID + "]"
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// passes reports whether the failure of a read may pass by itself.
func (e *Error) passes() bool { return e.Class == Transient || e.Class == RateLimited }

// unclear is the class of a failure that leaves open what was done.
func unclear(r Request) Class {
	if r.read() {
		return Transient
	}
	return Ambiguous
}

// Causes that are told apart. The texts of package net and url are not passed
// on: they hold addresses, and at times what the other side sent.
var (
	errTimeout     = errors.New("no answer in time")
	errNoHost      = errors.New("the name of the host cannot be resolved")
	errNoConn      = errors.New("the host accepts no connection")
	errCertificate = errors.New("the host's certificate is not to be trusted: a proxy or a log-in page of the network may stand in between")
	errNoTLS       = errors.New("the host does not speak TLS")
	errBroken      = errors.New("the connection broke")
)

// lost classifies a request without an answer.
func lost(ctx context.Context, r Request, err error) *Error { return Lost(ctx, r.Op, r.read(), err) }

// Lost classifies a request that got no answer, for code that sends through
// Client.HTTP: what was never written to a connection has certainly not been
// done, and of a write that was, nobody knows.
func Lost(ctx context.Context, op string, read bool, err error) *Error {
	e := &Error{Op: op, Class: Ambiguous, Err: Cause(ctx, err)}
	if read || errors.Is(err, ErrNotSent) {
		e.Class = Transient
	}
	for _, rule := range []error{ErrReadOnly, ErrPrivate, ErrPlain, errAddress, errCertificate, errNoTLS} {
		if errors.Is(e.Err, rule) {
			e.Class = Refused // it will not pass by itself, and nothing was sent
		}
	}
	if errors.Is(e.Err, errRedirect) && read {
		e.Class = Refused
	}
	return e
}

// Cause returns why a request failed, in words that hold no address and nothing
// that the other side sent.
func Cause(ctx context.Context, err error) error {
	for _, own := range []error{ErrReadOnly, ErrPrivate, ErrPlain, ErrTooLarge, errAddress, errRedirect} {
		if errors.Is(err, own) {
			return own
		}
	}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var timeout net.Error
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &dns):
		return errNoHost
	case errors.As(err, &cert):
		return errCertificate
	case errors.As(err, &record):
		return errNoTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return errTimeout
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &op) && op.Op == "dial":
		return errNoConn
	}
	return errBroken
}

// cutOff classifies an answer whose body did not arrive whole.
func cutOff(ctx context.Context, r Request, res *http.Response, err error) *Error {
	e := &Error{Op: r.Op, Class: unclear(r), Status: res.StatusCode, Err: Cause(ctx, err)}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e.Err = errors.New("the answer was cut off")
	}
	if errors.Is(err, ErrTooLarge) && r.read() {
		e.Class = Refused // asking again brings the same
	}
	return e
}

func statusError(r Request, res Response, sent []byte) *Error {
	e := &Error{Op: r.Op, Status: res.Status, Class: Refused, Code: clean(code(res), r, sent), RequestID: clean(requestID(res.Header), r, sent)}
	switch {
	case res.Status/100 == 3, res.Status == http.StatusRequestTimeout, res.Status >= 500:
		e.Class = unclear(r)
		// Not the rate-limit headers: some services send those with every answer.
		e.RetryAfter, _ = retryAfter(res.Header, time.Now())
	case res.Status == http.StatusUnauthorized:
		e.Class = Auth
	case res.Status == http.StatusForbidden:
		e.Class = Forbidden
	case res.Status == http.StatusNotFound, res.Status == http.StatusGone:
		e.Class = NotFound
	case res.Status == http.StatusConflict, res.Status == http.StatusLocked, res.Status == http.StatusTooEarly:
		e.Class = Conflict
	case res.Status == http.StatusTooManyRequests:
		e.Class, e.RetryAfter = RateLimited, Wait(res.Header, time.Now())
	}
	return e
}

// code takes a short error code out of a JSON error body. Free text is left out:
// some services quote a part of the key in it.
func code(res Response) string {
	var body struct {
		Code any `json:"code"`
	}
	if json.Unmarshal(res.Body, &body) != nil {
		return ""
	}
	s, _ := body.Code.(string)
	return s
}

func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "Request-Id", "X-Nf-Request-Id", "Render-Request-Id"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}

// word is what a code or a request id looks like.
var word = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// clean drops a word that is none, or that repeats what we sent: an echo of a
// token or of a stored value must not end in an error text.
func clean(s string, r Request, sent []byte) string {
	if !word.MatchString(s) || bytes.Contains(sent, []byte(s)) {
		return ""
	}
	for _, values := range r.Header {
		for _, v := range values {
			if strings.Contains(v, s) {
				return ""
			}
		}
	}
	return s
}
