// Package providertest is the conformance suite that every provider passes. It
// drives a provider through its contract against the twin in package lab: what
// it must do, what it must say when the service misbehaves, and what it must
// never do or tell.
//
// A provider's own test opens a twin, puts something in it, and calls [Run]:
//
//	providertest.Run(t, providertest.Suite{Open: func(t *testing.T) *providertest.World { … }})
//
// Abilities that a provider does not have are not tested; that it has those of
// its roles is.
package providertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
)

// Suite is what Run needs.
type Suite struct {
	// Open starts a twin with something in it and a provider over it. It is
	// called anew for every case, so it should be quick.
	Open func(t *testing.T) *World
}

// World is one twin, what lies in it, and the provider that is tested.
type World struct {
	Lab *lab.Lab
	// Twin is the twin's name in lab.Request.
	Twin     string
	Provider providers.Provider
	// Secrets may stand in no error and in no address: our own token, and every
	// secret value that lies in the twin.
	Secrets []string
	Issuer  *IssuerSide // for a provider with the role issuer
	Sink    *SinkSide   // for a provider with the role sink
	// RightsOps are the operations with which a provider that tells our rights asks
	// for them, and NoRights takes them all away, so that the twin says so.
	RightsOps []string
	NoRights  func()
}

// IssuerSide is what an issuer's tests need to know of the twin. Operations are
// named as in lab.Request; those of abilities that the provider lacks are empty.
type IssuerSide struct {
	// Old is a key that works; its owner has room for another one.
	Old credential.Credential
	// Keys returns the ids of the owner's keys at the twin, and Accepts its
	// judgement of a key.
	Keys    func() []string
	Accepts func(credential.Credential) bool
	// Fill uses up the room for further keys; nil when there is no limit.
	Fill func()
	// Use lets somebody use a key as a consumer would; nil when the twin has no
	// record of use.
	Use func(credential.Credential)
	// DeadOn are the statuses with which the service says that a key is dead; 401
	// when empty.
	DeadOn []int

	// BriefDelete: an answer to a removal has no body, a very short one, or one that
	// says nothing. A success is then held to the twin, whatever was done to the answer.
	BriefDelete bool

	// Beside: a refusal makes a key dead only where its provider is asked as in a proof.
	Beside bool

	// EnableOp is the operation of Enable where it is another than DisableOp: it takes
	// away what Disable put there, and what is gone already is done.
	EnableOp string

	VerifyOp, InspectOp, IssueOp, ListOp, DisableOp, DeleteOp, RetireOp, UsedOp, ClaimOp, UnclaimOp, ClaimsOp string
}

// SinkSide is what a sink's tests need to know of the twin.
type SinkSide struct {
	// Wanted are the values to look for, and Places the ids of every placement
	// that holds one. Some should stand behind the first page of a list.
	Wanted []providers.Wanted
	Places []string
	// Everything returns all that is stored at the twin, by place, so that a test
	// sees what a change touched. Value is what is stored at a placement.
	Everything func() map[string]string
	Value      func(providers.Placement) string
	// BriefStore: the answer to a store has no body, so nothing can be cut off. A success
	// is then held to the twin.
	BriefStore bool
	// PastDeploys gives a target deploys of yesterday that took so long, newest first;
	// nil when the sink tells no times.
	PastDeploys func(target string, took ...time.Duration)
	// FailDeploys lets deploys fail from now on.
	FailDeploys func()

	// LocateOps are all operations that Locate reads with, and GapOps those of
	// them that a missing right may forbid without ending the search.
	LocateOps, GapOps []string
	ReadOp, StoreOp   string
	// StartOp begins a deploy, StatusOp reads one; empty when the sink deploys
	// nothing.
	StartOp, StatusOp string
}

// Client returns an HTTP client for a twin, which does not wait between tries.
func Client(tb testing.TB) *httpx.Client {
	tb.Helper()
	c := httpx.New(httpx.Options{
		AllowPrivate: true, Version: "test", BackOff: time.Nanosecond,
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	tb.Cleanup(c.Close)
	return c
}

// Start starts the twins until the test ends.
func Start(tb testing.TB, o lab.Options) *lab.Lab {
	tb.Helper()
	l, err := lab.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(l.Close)
	return l
}

// Run checks a provider against its contract.
func Run(t *testing.T, s Suite) {
	t.Helper()
	t.Run("describe", func(t *testing.T) { t.Parallel(); describe(t, s.Open(t)) })
	t.Run("faults", func(t *testing.T) { t.Parallel(); s.faults(t) })
	t.Run("cancel", func(t *testing.T) { t.Parallel(); s.cancel(t) })
	t.Run("rights", func(t *testing.T) { t.Parallel(); s.rights(t) })
	t.Run("read-only", func(t *testing.T) { t.Parallel(); s.readOnly(t) })
	w := s.Open(t)
	if w.Issuer != nil {
		t.Run("issuer", func(t *testing.T) { t.Parallel(); s.issuer(t) })
	}
	if w.Sink != nil {
		t.Run("sink", func(t *testing.T) { t.Parallel(); s.sink(t) })
	}
}

// call is one use of an ability.
type call struct {
	name  string
	op    string // the twin's operation that it hangs on
	write bool
	once  bool // must not be repeated: issue, start of a deploy
	// removes: it takes something away. gone: what is not there is done.
	removes, gone bool
	do            func(context.Context) error
	// verdict is what Verify said last.
	verdict *providers.Verdict
}

// calls lists a use of every ability that the provider has.
func (w *World) calls(t *testing.T) []call {
	t.Helper()
	var out []call
	if w.Issuer != nil {
		out = append(out, w.issuerCalls(t)...)
	}
	if w.Sink != nil {
		out = append(out, w.sinkCalls(t)...)
	}
	for _, c := range out {
		if c.op == "" {
			t.Fatalf("%s: the provider has this ability and the suite is not told its operation", c.name)
		}
	}
	return out
}

// check looks at an error of the provider: it is classified, and it and all
// addresses that were called hold no secret.
func (w *World) check(t *testing.T, name string, err error) {
	t.Helper()
	for _, r := range w.Lab.Requests() {
		plain, _ := url.QueryUnescape(r.URL) // what cannot be unescaped is looked at as it is
		w.hidden(t, name+": the address "+r.Op, r.URL+" "+plain)
	}
	if err == nil {
		return
	}
	var e *providers.Error
	switch {
	case errors.As(err, &e):
		if e.Provider != w.Provider.Describe().Name || e.Op == "" || e.Class == nil {
			t.Errorf("%s: an error that does not say who, what and of which class: %+v", name, e)
		}
		b, _ := json.Marshal(e)
		w.hidden(t, name+": the error", fmt.Sprintf("%v %+v %s", err, e, b))
		for _, leak := range []string{"http://", "https://", "127.0.0.1", "<html", "?"} {
			if strings.Contains(err.Error(), leak) {
				t.Errorf("%s: %q in the error %q", name, leak, err)
			}
		}
	case !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded):
		t.Errorf("%s: the error has no class: %v", name, err)
	}
}

func (w *World) hidden(t *testing.T, what, text string) {
	t.Helper()
	for _, s := range w.Secrets {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("%s holds a secret", what)
		}
	}
}

// mutations counts the requests that change something.
func (w *World) mutations() int {
	n := 0
	for _, r := range w.Lab.Requests() {
		if r.Mutates {
			n++
		}
	}
	return n
}

// served counts the requests of one operation.
func (w *World) served(op string) int {
	n := 0
	for _, r := range w.Lab.Requests() {
		if r.Service == w.Twin && r.Op == op {
			n++
		}
	}
	return n
}

func ability[T any](t *testing.T, p providers.Provider) T {
	t.Helper()
	a, ok := providers.As[T](p)
	if !ok {
		t.Fatalf("%s has no ability %T", p.Describe().Name, &a)
	}
	return a
}
