package cli_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/cli"
	"github.com/secretguard/secretguard/internal/term"
)

// A long search for consumers shows where it is on a terminal, takes the line away at its
// end, and says nothing of it elsewhere.
func TestSearchForConsumersShowsProgress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 30 {
		w.lab.Netlify.AddSite("another")
	}
	id := w.leakedCase()
	find := func(facts term.Facts, more ...string) (out, errs string) {
		var mu sync.Mutex
		clock := time.Now()
		var o, e bytes.Buffer
		code := cli.Main(append([]string{"consumers", "find", id, "-t", w.repo}, more...), cli.Streams{
			In: strings.NewReader(""), Out: &o, Err: &e, Env: func(n string) string { return w.env[n] }, Facts: facts,
			Now: func() time.Time { // every look at the clock takes half a second
				mu.Lock()
				defer mu.Unlock()
				clock = clock.Add(500 * time.Millisecond)
				return clock
			},
		})
		if code != 0 {
			t.Fatalf("exit code %d: %s%s", code, o.String(), e.String())
		}
		return o.String(), e.String()
	}
	out, errs := find(term.Facts{ErrTTY: true})
	if !strings.Contains(errs, "\r\x1b[Klooking for consumers: netlify, 20 of 3") || !strings.HasSuffix(errs, "\r\x1b[K") || strings.Contains(out, "looking for") {
		t.Errorf("on a terminal: %q", errs)
	}
	for _, quiet := range []func() (string, string){
		func() (string, string) { return find(term.Facts{}) },
		func() (string, string) { return find(term.Facts{ErrTTY: true}, "--json") },
		func() (string, string) { return find(term.Facts{ErrTTY: true}, "--quiet") },
	} {
		if out, errs := quiet(); strings.Contains(out+errs, "looking for") {
			t.Errorf("%q", errs)
		}
	}
}
