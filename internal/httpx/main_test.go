package httpx

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// naps records what a client waited instead of waiting.
type naps struct {
	mu   sync.Mutex
	list []time.Duration
}

func (n *naps) sleep(ctx context.Context, d time.Duration) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, d)
	return ctx.Err()
}

func (n *naps) all() []time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]time.Duration(nil), n.list...)
}

// serve starts a server and a client that may reach it.
func serve(t *testing.T, h http.HandlerFunc) (*Client, *naps, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	n := &naps{}
	return newClient(t, Options{AllowPrivate: true, Sleep: n.sleep}), n, s.URL
}

func newClient(t *testing.T, o Options) *Client {
	t.Helper()
	c := New(o)
	t.Cleanup(c.Close)
	return c
}

// answers serves one answer after the other, the last one for ever, and counts.
type answers struct {
	mu    sync.Mutex
	list  []http.HandlerFunc
	count int
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	h := a.list[min(a.count, len(a.list)-1)]
	a.count++
	a.mu.Unlock()
	h(w, r)
}

func (a *answers) served() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.count
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

func body(kind, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write([]byte(text))
	}
}

// cut announces a body and breaks the connection in it.
func cut(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "100")
	_, _ = w.Write([]byte(`{"key":`))
	panic(http.ErrAbortHandler)
}

func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
