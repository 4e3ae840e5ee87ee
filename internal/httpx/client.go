// Package httpx is the one HTTP client: time limits, body cap, no redirect to
// another host, no private address unless allowed, a read-only mode, retries of
// reads, and errors that hold no query string and no body.
//
// It is a leaf and knows no provider: it gives a neutral [Class], which package
// providers turns into its sentinels.
package httpx

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// MaxBody is the most that is read of an answer, in bytes.
const MaxBody = 4 << 20

// readTries is how often a read is tried; backOff and maxBackOff bound the waits.
const (
	readTries  = 6
	backOff    = 500 * time.Millisecond
	maxBackOff = 30 * time.Second
)

// Options configure a client. The zero value is safe for public services.
type Options struct {
	// AllowPrivate permits loopback and private addresses, and plain http there.
	AllowPrivate bool
	Version      string
	// Timeout bounds one attempt; zero means 30 s.
	Timeout time.Duration
	// Sleep replaces waiting in tests.
	Sleep func(context.Context, time.Duration) error
}

// Client is safe for use from many goroutines.
type Client struct {
	http  *http.Client
	agent string
	sleep func(context.Context, time.Duration) error
}

// New returns a client. It does no I/O.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	c := &Client{agent: "secretguard/" + o.Version, sleep: o.Sleep}
	if c.sleep == nil {
		c.sleep = Sleep
	}
	c.http = &http.Client{Timeout: o.Timeout, Transport: transport(o.AllowPrivate), CheckRedirect: sameHost}
	return c
}

func transport(private bool) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer(private).DialContext,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	}
}

// HTTP returns the underlying client for SDKs that take one: the same dialer,
// limits and read-only mode hold there.
func (c *Client) HTTP() *http.Client { return c.http }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

var errRedirect = errors.New("redirect to another host refused")

// sameHost follows a redirect only within the host and never down to plain http:
// Go drops Authorization on a change of host, but not headers such as x-api-key.
func sameHost(req *http.Request, via []*http.Request) error {
	if len(via) > 5 || req.URL.Host != via[0].URL.Host || (via[0].URL.Scheme == "https" && req.URL.Scheme != "https") {
		return errRedirect
	}
	return nil
}

// Request is one call. Body is sent as JSON when it is not nil.
type Request struct {
	Op     string // for errors: "list sites"
	Method string
	URL    string
	Header http.Header
	Body   any
}

// Response is an answer with its whole body.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends the request and returns a 2xx answer; everything else is an *Error.
// Reads are retried; a write is sent once.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !read && IsReadOnly(ctx) {
		return Response{}, &Error{Op: r.Op, Class: Refused, Err: ErrReadOnly}
	}
	wait := backOff
	for try := 1; ; try++ {
		res, err := c.once(ctx, r, read)
		var e *Error
		if err == nil || !read || try == readTries || !errors.As(err, &e) || (e.Class != Transient && e.Class != RateLimited) {
			return res, err
		}
		pause := max(e.RetryAfter, rand.N(wait)) //nolint:gosec // jitter needs no strong randomness
		if err := c.sleep(ctx, min(pause, maxBackOff)); err != nil {
			return Response{}, err
		}
		wait = min(wait*2, maxBackOff)
	}
}

func (c *Client) once(ctx context.Context, r Request, read bool) (Response, error) {
	var body io.Reader
	if r.Body != nil {
		b, err := json.Marshal(r.Body)
		if err != nil {
			return Response{}, &Error{Op: r.Op, Class: Refused, Err: errors.New("the request cannot be encoded")}
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return Response{}, &Error{Op: r.Op, Class: Refused, Err: errors.New("the address is not valid")}
	}
	for k, v := range r.Header {
		req.Header[k] = v
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", c.agent)
	res, err := c.http.Do(req)
	if err != nil {
		return Response{}, &Error{Op: r.Op, Class: lost(err, read), Err: scrub(err)}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	out := Response{Status: res.StatusCode, Header: res.Header, Body: data}
	if err != nil || len(data) > MaxBody {
		return out, &Error{Op: r.Op, Class: unclear(read), Status: res.StatusCode, Err: errors.New("the answer was cut off or is too large")}
	}
	if res.StatusCode/100 != 2 {
		return out, statusError(r.Op, out, read)
	}
	return out, nil
}

// JSON decodes an answer into v. An answer of another type, such as a login page
// with status 200, leaves open whether a write happened.
func (r Response) JSON(op string, read bool, v any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return &Error{Op: op, Class: unclear(read), Status: r.Status, Err: errors.New("the answer is not JSON")}
	}
	if json.Unmarshal(r.Body, v) != nil { // its error may quote the body
		return &Error{Op: op, Class: unclear(read), Status: r.Status, Err: errors.New("the answer is not the JSON that was expected")}
	}
	return nil
}

// Healthy asks a health URL once: nil for a 2xx answer.
func (c *Client) Healthy(ctx context.Context, address string) error {
	_, err := c.once(ctx, Request{Op: "health", Method: http.MethodGet, URL: address}, true)
	return err
}

// scrub removes the address from an error: its query may hold a secret.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("%s: %w", u.Op, u.Err)
	}
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
