package providertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
)

// fault is one misbehaviour and the class that a read and a write must give it.
type fault struct {
	name        string
	f           lab.Fault
	read, write error
	// wait is what must be passed on of the service's wish.
	wait time.Duration
	// leave ends the call once the service has it, for answers that never come.
	leave bool
}

// always is how many requests a persistent fault hits: more than any retry sends.
const always = 1000

func faults() []fault {
	const html = "<html><body>Please log in</body></html>"
	list := []fault{
		{name: "401", f: lab.Fault{Status: 401}, read: providers.ErrAuth, write: providers.ErrAuth},
		{name: "403", f: lab.Fault{Status: 403}, read: providers.ErrForbidden, write: providers.ErrForbidden},
		{name: "404", f: lab.Fault{Status: 404}, read: providers.ErrNotFound, write: providers.ErrNotFound},
		{name: "409", f: lab.Fault{Status: 409}, read: providers.ErrConflict, write: providers.ErrConflict},
		{name: "429", f: lab.Fault{Status: 429}, read: providers.ErrRateLimited, write: providers.ErrRateLimited},
		{name: "429 with a wait", f: lab.Fault{Status: 429, RetryAfter: "7"}, read: providers.ErrRateLimited, write: providers.ErrRateLimited, wait: 7 * time.Second},
		{name: "429 with a long wait", f: lab.Fault{Status: 429, RetryAfter: "900"}, read: providers.ErrRateLimited, write: providers.ErrRateLimited, wait: 15 * time.Minute},
		{name: "500 before", f: lab.Fault{Status: 500}},
		{name: "500 after", f: lab.Fault{Status: 500, LieAfter: true}},
		{name: "503 HTML", f: lab.Fault{Status: 503, Body: html}},
		{name: "dropped before", f: lab.Fault{DropBefore: true}},
		{name: "dropped after", f: lab.Fault{DropAfter: true}},
		{name: "never answered", f: lab.Fault{Hang: true}, leave: true},
		{name: "log-in page", f: lab.Fault{Status: 200, Body: html, LieAfter: true}},
		{name: "text", f: lab.Fault{Status: 200, Body: "OK", ContentType: "text/plain", LieAfter: true}},
		{name: "nothing", f: lab.Fault{Status: 200, Body: " ", ContentType: "application/json", LieAfter: true}},
		{name: "null", f: lab.Fault{Status: 200, Body: "null", ContentType: "application/json", LieAfter: true}},
		{name: "empty object", f: lab.Fault{Status: 200, Body: "{}", ContentType: "application/json", LieAfter: true}},
		{name: "empty XML", f: lab.Fault{Status: 200, Body: "<a/>", ContentType: "text/xml", LieAfter: true}},
		{name: "garbage", f: lab.Fault{Status: 200, Body: "\x00\xff{]\x1b[31m", ContentType: "application/json", LieAfter: true}},
		{name: "too large", f: lab.Fault{Status: 200, Body: strings.Repeat(" ", httpx.MaxBody+1), ContentType: "application/json", LieAfter: true}},
		{name: "sent elsewhere", f: lab.Fault{Status: 302, Header: map[string]string{"Location": "https://elsewhere.invalid/"}, Body: html}},
	}
	for _, keep := range []int{0, 1, 9, 20} {
		list = append(list, fault{name: fmt.Sprintf("cut after %d bytes", keep), f: lab.Fault{Cut: true, Keep: keep}})
	}
	for i := range list {
		if list[i].read == nil {
			list[i].read, list[i].write = providers.ErrTransient, providers.ErrAmbiguous
		}
		list[i].f.Times = always
	}
	return list
}

// faults plays every fault on every call.
func (s Suite) faults(t *testing.T) {
	for i, c := range s.Open(t).calls(t) {
		for _, f := range faults() {
			t.Run(c.name+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				w := s.Open(t)
				c := w.calls(t)[i]
				before := w.served(c.op)
				w.Lab.Fault(w.Twin, c.op, f.f)
				var err error
				if f.leave {
					err = w.leave(t, c)
				} else {
					err = c.do(t.Context())
				}
				w.check(t, c.name, err)
				judge(t, w, c, f, err)
				if n := w.served(c.op) - before; c.write && n != 1 {
					t.Errorf("sent %d times: the executor repeats, not the provider", n)
				}
				w.repeat(t, c, err)
			})
		}
	}
}

// judge compares a call's error with what the fault must be called.
func judge(t *testing.T, w *World, c call, f fault, err error) {
	t.Helper()
	want := f.read
	if c.write {
		want = f.write
	}
	if c.verdict != nil {
		judgeVerdict(t, w, c, f, err)
		return
	}
	if c.gone && f.name == "404" {
		if err != nil {
			t.Errorf("gone already is done: %v", err)
		}
		return
	}
	if c.removes && err == nil && w.Issuer.BriefDelete {
		if w.Issuer.Accepts(w.Issuer.Old) {
			t.Errorf("said to be gone, and it works")
		}
		return
	}
	if c.name == "Store" && err == nil && w.Sink.BriefStore && f.f.Cut {
		if !slices.Contains(slices.Collect(maps.Values(w.Sink.Everything())), stored) {
			t.Errorf("said to be stored, and it is not")
		}
		return
	}
	var e *providers.Error
	_, itself := providers.As[providers.Guide](w.Provider)
	switch {
	case itself && f.read == providers.ErrForbidden && err == nil: //nolint:errorlint // a table's own sentinel
		// The key is asked about itself: denied is an answer, alive.
	case f.leave && !c.write:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	case f.name == "too large" || f.name == "sent elsewhere":
		// Asking again brings the same; a read may say so.
		if !errors.Is(err, want) && (c.write || !errors.Is(err, providers.ErrRefused)) {
			t.Errorf("got %v, want %v", err, want)
		}
	case !errors.Is(err, want):
		t.Errorf("got %v, want %v", err, want)
	case f.wait > 0 && (!errors.As(err, &e) || e.RetryAfter != f.wait):
		t.Errorf("the wait of %s is not passed on: %v", f.wait, err)
	}
	if ours := []error{providers.ErrAuth, providers.ErrForbidden}; !slices.Contains(ours, f.read) && (errors.Is(err, ours[0]) || errors.Is(err, ours[1])) {
		t.Errorf("blames our own access: %v", err)
	}
}

// judgeVerdict holds Verify to its three answers: only an answer of the service
// about the key makes it dead, and what is no answer is unknown.
func judgeVerdict(t *testing.T, w *World, c call, f fault, err error) {
	t.Helper()
	dead := w.Issuer.DeadOn
	if len(dead) == 0 {
		dead = []int{401}
	}
	about := f.f.Status >= 400 && f.f.Status < 500 && f.f.Status != 429 && f.f.Body == ""
	switch v := c.verdict.Liveness; {
	case v == providers.Dead && !slices.Contains(dead, f.f.Status):
		t.Errorf("called dead by %s (%v)", f.name, err)
	case v == "":
		t.Errorf("no liveness: say unknown (%v)", err)
	case !about && v != providers.Unknown:
		t.Errorf("called %s by %s", v, f.name)
	case !about && err == nil:
		t.Errorf("no error and no answer: %+v", *c.verdict)
	case f.wait > 0 && waitOf(err) != f.wait:
		t.Errorf("the wait of %s is not passed on: %v", f.wait, err)
	}
}

func waitOf(err error) time.Duration {
	var e *providers.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// repeat does a call again that may be repeated: the same end is reached,
// whatever the failed try did.
func (w *World) repeat(t *testing.T, c call, err error) {
	t.Helper()
	if err == nil || c.once {
		return
	}
	w.Lab.Calm()
	if err := c.do(t.Context()); err != nil {
		t.Errorf("repeated after the fault: %v", err)
	}
}

// cancel checks that a call ends when its caller gives up.
func (s Suite) cancel(t *testing.T) {
	for i, c := range s.Open(t).calls(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := s.Open(t)
			c := w.calls(t)[i]
			w.Lab.Fault(w.Twin, c.op, lab.Fault{Delay: time.Hour, Times: always})
			mutations := w.mutations()
			err := w.leave(t, c)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			w.check(t, c.name, err)
			if c.write && !errors.Is(err, providers.ErrAmbiguous) {
				t.Errorf("a write that was under way may have been done: %v", err)
			}
			if !c.write && w.mutations() != mutations {
				t.Error("a read changed something")
			}
			w.Lab.Calm()
			over, cancel := context.WithCancel(t.Context())
			cancel()
			if err := c.do(over); !errors.Is(err, context.Canceled) || errors.Is(err, providers.ErrAmbiguous) {
				t.Errorf("with a context that is over: %v", err)
			}
		})
	}
}

// leave starts a call and gives up once the twin has the request. That the call
// then ends is left to the test's own time limit: the twin would take an hour.
func (w *World) leave(t *testing.T, c call) error {
	t.Helper()
	before := w.served(c.op)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.do(ctx) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for w.served(c.op) == before {
		select {
		case err := <-done:
			t.Errorf("the operation was never asked for")
			return err
		case <-tick.C:
		}
	}
	cancel()
	return <-done
}

// readOnly checks that planning can read and nothing more.
func (s Suite) readOnly(t *testing.T) {
	for i, c := range s.Open(t).calls(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := s.Open(t)
			c := w.calls(t)[i]
			before := w.mutations()
			err := c.do(httpx.ReadOnly(t.Context()))
			w.check(t, c.name, err)
			if c.write != errors.Is(err, httpx.ErrReadOnly) || !c.write && err != nil {
				t.Errorf("got %v", err)
			}
			if n := w.mutations() - before; n != 0 {
				t.Errorf("%d mutating requests while only reading is allowed", n)
			}
		})
	}
}
