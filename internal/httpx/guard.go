package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Errors of the rules that hold for every request, an SDK's too.
var (
	// ErrReadOnly is returned for a mutating request under ReadOnly.
	ErrReadOnly = errors.New("this would change something, and only reading is allowed here")
	// ErrPrivate means that an address is loopback, private, link-local or a
	// cloud's metadata service.
	ErrPrivate = errors.New("the address is private; allow it with --allow-private or allow_private in your own configuration")
	// ErrPlain means that a token would have gone over plain http.
	ErrPlain = errors.New("plain http shows the token to everyone on the way; use https")
	// ErrTooLarge means that an answer is larger than MaxBody.
	ErrTooLarge = errors.New("the answer is too large")
	// ErrNotSent marks a failed request of which not a byte was written to a
	// connection: it has certainly not been carried out.
	ErrNotSent = errors.New("nothing was sent")

	errAddress  = errors.New("the address is not valid")
	errRedirect = errors.New("redirect to another host, to plain http or away from the method refused")
)

// guard holds the rules that need the request: what may be sent, and where to.
// The rules that need the resolved address are in dial.go.
type guard struct {
	private bool
	timeout time.Duration // of one attempt, with reading the answer
	base    *http.Transport
}

func newGuard(private bool, timeout time.Duration) *guard {
	return &guard{private: private, timeout: timeout, base: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer(private).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConnsPerHost: 4,
		ForceAttemptHTTP2:   true,
	}}
}

// CloseIdleConnections lets http.Client close the connections.
func (g *guard) CloseIdleConnections() { g.base.CloseIdleConnections() }

// RoundTrip sends the request if the rules allow it, and caps the answer.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, err := g.check(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must; nothing was read from it
		}
		return nil, errors.Join(ErrNotSent, err)
	}
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	res, err := g.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		if !sent.Load() {
			err = errors.Join(ErrNotSent, err)
		}
		return nil, err
	}
	res.Body = &capped{ReadCloser: res.Body, left: MaxBody, done: cancel}
	return res, nil
}

func (g *guard) check(req *http.Request) (context.Context, error) {
	ctx := req.Context()
	read := req.Method == http.MethodGet || req.Method == http.MethodHead || ctx.Value(readingKey{}) != nil
	if IsReadOnly(ctx) && !read {
		return ctx, ErrReadOnly
	}
	if scheme := req.URL.Scheme; scheme != "https" && scheme != "http" {
		return ctx, errAddress
	}
	if !g.private && literallyPrivate(req.URL.Hostname()) {
		return ctx, ErrPrivate
	}
	via, err := g.proxy(req)
	if err != nil {
		return ctx, err
	}
	plain := req.URL.Scheme == "http" && ctx.Value(plainKey{}) == nil
	if plain && (!g.private || via != nil) {
		return ctx, ErrPlain
	}
	return context.WithValue(ctx, routeKey{}, route{plain: plain, proxied: via != nil}), nil
}

func (g *guard) proxy(req *http.Request) (*url.URL, error) {
	if g.base.Proxy == nil {
		return nil, nil
	}
	return g.base.Proxy(req)
}

// sameHost follows a redirect only within the host, never down to plain http and
// never with another method: Go drops Authorization on a change of host, but not
// headers such as x-api-key, and turns a redirected POST into a GET.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > 5 || req.URL.Host != first.URL.Host || req.Method != first.Method ||
		(first.URL.Scheme == "https" && req.URL.Scheme != "https") {
		return errRedirect
	}
	return nil
}

// capped ends an answer that is too large with an error, also one that was small
// before it was decompressed.
type capped struct {
	io.ReadCloser

	left int
	done context.CancelFunc
}

// Close ends the attempt's time limit too.
func (c *capped) Close() error {
	defer c.done()
	return c.ReadCloser.Close()
}

// Read reads up to the cap.
func (c *capped) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if n > c.left {
		return c.left, ErrTooLarge
	}
	c.left -= n
	return n, err
}

type (
	readOnlyKey struct{}
	readingKey  struct{}
	plainKey    struct{}
	routeKey    struct{}
)

// route is what the dialer must know of a request.
type route struct{ plain, proxied bool }

// ReadOnly returns a context under which mutating requests are refused before
// anything is sent.
func ReadOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, readOnlyKey{}, true)
}

// IsReadOnly reports whether ctx allows reading only.
func IsReadOnly(ctx context.Context) bool { return ctx.Value(readOnlyKey{}) != nil }

// Reading marks a request that changes nothing although its method is POST: some
// protocols, such as AWS's, read that way. Only the code that knows the
// operation may say so.
func Reading(ctx context.Context) context.Context {
	return context.WithValue(ctx, readingKey{}, true)
}

func allowPlain(ctx context.Context) context.Context {
	return context.WithValue(ctx, plainKey{}, true)
}
