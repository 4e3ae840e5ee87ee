package tokens

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
)

// Caller sends requests with our own access to one service. All that leaves goes
// through package httpx, whose limits, read-only mode and errors hold.
type Caller struct {
	Provider string // names the errors
	Base     string
	Client   *httpx.Client
	Auth     func(http.Header)
}

// Bearer returns an Auth that sends a token in the usual way.
func Bearer(token string) func(http.Header) {
	return func(h http.Header) { h.Set("Authorization", "Bearer "+token) }
}

// Do sends a request; body is JSON or nil. out, which may check itself, is filled from
// the answer: an answer that [Checked] refuses leaves open whether a write was done.
func (c Caller) Do(ctx context.Context, op, method, path string, body any, out Checked) error {
	return c.send(ctx, httpx.Request{Op: op, Method: method, Body: body}, path, out)
}

// Search is Do for a POST that only reads.
func (c Caller) Search(ctx context.Context, op, path string, body any, out Checked) error {
	return c.send(ctx, httpx.Request{Op: op, Method: http.MethodPost, Body: body, Reads: true}, path, out)
}

func (c Caller) send(ctx context.Context, r httpx.Request, path string, out Checked) error {
	r.URL, r.Out, r.Header = strings.TrimRight(c.Base, "/")+path, out, http.Header{"Accept": {"application/json"}}
	c.Auth(r.Header)
	res, err := c.Client.Do(ctx, r)
	if err != nil {
		return providers.Classify(c.Provider, err)
	}
	if res.Status == http.StatusNoContent || out.Whole() {
		return nil
	}
	class := providers.ErrAmbiguous
	if r.Reads || r.Method == http.MethodGet {
		class = providers.ErrTransient
	}
	return &providers.Error{Provider: c.Provider, Op: r.Op, Class: class, Status: res.Status, Err: errors.New("the answer is not the one that was expected")}
}

// Checked is an answer that tells whether it is one: JSON that fits a type may still
// be another service's, or nobody's.
type Checked interface{ Whole() bool }
