// Package httpx is the one HTTP client: time limits, body cap, no redirect to
// another host, no private address unless allowed, a read-only mode, retries of
// reads, and errors that hold no path, no query and no body.
//
// Start with [New]. A provider with plain HTTP uses [Client.Do]; an SDK gets
// [Client.HTTP], where the same limits, address checks and read-only mode hold.
// The package is a leaf and knows no provider: it gives a neutral [Class], which
// package providers turns into its sentinels.
package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// MaxBody is the most that is read of an answer, in bytes, after decompression.
const MaxBody = 4 << 20

// ReadTries is how often a read is tried. firstBackOff and maxBackOff bound the
// waits that nobody asked for; maxWait is the longest wait that a service may
// ask for here: a longer one is the caller's decision.
const (
	ReadTries    = 6
	firstBackOff = 500 * time.Millisecond
	maxBackOff   = 30 * time.Second
	maxWait      = 2 * time.Minute
)

// Options configure a client. The zero value is safe for public services.
type Options struct {
	// AllowPrivate permits loopback and private addresses, and plain http there.
	AllowPrivate bool
	Version      string
	// Timeout bounds one attempt; zero means 30 s.
	Timeout time.Duration
	// BackOff is the first wait between tries; zero means 500 ms.
	BackOff time.Duration
	// Tries is how often a read is tried; zero means ReadTries.
	Tries int
	// Sleep replaces waiting in tests.
	Sleep func(context.Context, time.Duration) error
}

// Client is safe for use from many goroutines.
type Client struct {
	http    *http.Client
	private bool
	agent   string
	backOff time.Duration
	tries   int
	sleep   func(context.Context, time.Duration) error
}

// New returns a client. It does no I/O.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.BackOff == 0 {
		o.BackOff = firstBackOff
	}
	if o.Sleep == nil {
		o.Sleep = Sleep
	}
	if o.Tries == 0 {
		o.Tries = ReadTries
	}
	return &Client{
		http:    &http.Client{Transport: newGuard(o.AllowPrivate, o.Timeout), CheckRedirect: sameHost},
		private: o.AllowPrivate, agent: "secretguard/" + o.Version, backOff: o.BackOff, tries: o.Tries, sleep: o.Sleep,
	}
}

// HTTP returns the underlying client for SDKs that take one: the same dialer,
// body cap, redirect rule and read-only mode hold there.
func (c *Client) HTTP() *http.Client { return c.http }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Wait returns how long to wait before try number n+1, the first being 1: full
// jitter below a bound that doubles up to 30 s.
func (c *Client) Wait(n int) time.Duration {
	bound := c.backOff
	for range min(n, 16) - 1 {
		bound *= 2
	}
	return rand.N(min(bound, maxBackOff)) //nolint:gosec // jitter needs no strong randomness
}

// Request is one call. Body is sent as JSON when it is not nil.
type Request struct {
	Op     string // for errors: "list sites"
	Method string
	URL    string
	Header http.Header
	// Body is sent as JSON; url.Values are sent as a form.
	Body any
	// Out, when not nil, is decoded from the answer, which must then be JSON;
	// 204 and an empty 202 leave it as it is. A write should always have one: a
	// login page with status 200 is no success.
	Out any
	// Reads marks a POST that changes nothing, such as a search: it is retried
	// like a GET and allowed under ReadOnly.
	Reads bool
}

func (r Request) read() bool {
	return r.Reads || r.Method == http.MethodGet || r.Method == http.MethodHead
}

// Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends the request and returns a 2xx answer; everything else is an *Error,
// or the error of ctx. Reads are retried, waiting as long as the service asks
// for up to two minutes; a write is sent once.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	if !r.read() && IsReadOnly(ctx) {
		return Response{}, &Error{Op: r.Op, Class: Refused, Err: ErrReadOnly}
	}
	for try := 1; ; try++ {
		res, err := c.once(ctx, r)
		var e *Error
		if err == nil || !r.read() || try >= c.tries || !errors.As(err, &e) || !e.passes() {
			return res, err
		}
		pause := max(e.RetryAfter, c.Wait(try))
		if pause > maxWait || beyond(ctx, pause) {
			return res, err
		}
		if err := c.sleep(ctx, pause); err != nil {
			return Response{}, err
		}
	}
}

// beyond reports whether ctx ends before the wait does.
func beyond(ctx context.Context, wait time.Duration) bool {
	end, ok := ctx.Deadline()
	return ok && time.Until(end) < wait
}

func (c *Client) once(ctx context.Context, r Request) (Response, error) {
	payload, err := encode(r)
	if err != nil {
		return Response{}, err
	}
	marked := ctx
	if r.Reads {
		marked = Reading(ctx)
	}
	req, err := http.NewRequestWithContext(marked, r.Method, r.URL, bytes.NewReader(payload))
	if err != nil {
		return Response{}, &Error{Op: r.Op, Class: Refused, Err: errAddress}
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", contentType(r.Body))
	}
	req.Header.Set("User-Agent", c.agent)
	res, err := c.http.Do(req)
	if err != nil {
		return Response{}, lost(ctx, r, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	out := Response{Status: res.StatusCode, Header: res.Header, Body: data}
	if err != nil {
		return out, cutOff(ctx, r, res, err)
	}
	if res.StatusCode/100 != 2 {
		return out, statusError(r, out, payload)
	}
	return out, decode(r, out)
}

func encode(r Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if form, ok := r.Body.(url.Values); ok {
		return []byte(form.Encode()), nil
	}
	b, err := json.Marshal(r.Body)
	if err != nil {
		return nil, &Error{Op: r.Op, Class: Refused, Err: errors.New("the request cannot be encoded")}
	}
	return b, nil
}

func contentType(body any) string {
	if _, ok := body.(url.Values); ok {
		return "application/x-www-form-urlencoded"
	}
	return "application/json"
}

// decode fills Out. An answer of another type, such as a login page with status
// 200, and a bare null leave open whether a write happened.
func decode(r Request, res Response) error {
	if r.Out == nil || res.Status == http.StatusNoContent || res.Status == http.StatusAccepted && len(res.Body) == 0 {
		return nil
	}
	e := &Error{Op: r.Op, Class: unclear(r), Status: res.Status}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		e.Err = errors.New("the answer is not JSON")
		return e
	}
	// The decoder's own error may quote the body.
	if bytes.Equal(bytes.TrimSpace(res.Body), []byte("null")) || json.Unmarshal(res.Body, r.Out) != nil {
		e.Err = errors.New("the answer is not the JSON that was expected")
		return e
	}
	return nil
}

// Healthy asks a health URL once: nil for a 2xx answer. It sends no token, so
// that plain http is allowed to public addresses too.
func (c *Client) Healthy(ctx context.Context, address string) error {
	_, err := c.once(allowPlain(ctx), Request{Op: "health", Method: http.MethodGet, URL: address})
	return err
}

// Sleep waits for d or until ctx ends, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
