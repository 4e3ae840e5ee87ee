package cli_test

import (
	"strings"
	"testing"
)

// Somebody who has never seen the run reads what happened, what is safe now and
// which command is next; the state folder alone is enough.
func TestStatusTellsANewcomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, run, digest := w.plan()
	w.lab.Render.Fail(w.estate.Web, true)
	w.must(6, "rotate", plan, "--approve", digest)
	served := w.lab.Served()
	out := w.must(0, "rotate", "status")
	for _, want := range []string{
		"run " + run + ": HELD", // what happened
		"failed   deploy render shop-subscriber",
		"ended as \"build_failed\"",
		"works: whoever uses it runs, and the leak is open", // what is safe
		"its value is sealed on this machine",
		"1 of 2 consumers are shown to work with the new key (L4); 4 values were written",
		"secretguard rotate rollback " + run,
		"next: secretguard rotate resume " + run, // what is next
	} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if n := w.lab.Served(); n != served {
		t.Errorf("looking sent %d requests", n-served)
	}
}

// A report is made from the journal, each time anew and each time the same: a kill
// while it is written costs nothing.
func TestRow15ReportIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan, run, digest := w.plan()
	w.must(0, "rotate", plan, "--approve", digest)
	first := w.must(0, "report", run)
	if again := w.must(0, "report", run); again != first || len(first) < 500 {
		t.Errorf("two reports of one run:\n%s\n%s", first, again)
	}
}
