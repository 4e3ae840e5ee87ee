package cli_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
)

// Containment disables the key and touches nothing else; it can be undone, and a
// rotation can follow it.
func TestContain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.leakedCase()
	phrase := "contain " + w.estate.User
	code, _, errs := w.run("contain", id, "-t", w.repo)
	if code != 2 || !strings.Contains(errs, `--type "`+phrase+`"`) && !strings.Contains(errs, "--type '"+phrase+"'") {
		t.Fatalf("exit code %d and %q", code, errs)
	}
	w.must(2, "contain", id, "-t", w.repo, "--type", "contain deploy-bo", "--reason", "x")
	w.must(2, "contain", id, "-t", w.repo, "--type", phrase)
	if !w.lab.AWS.Accepts(w.estate.LeakedID, w.estate.LeakedSecret) {
		t.Fatal("the key was stopped without a phrase and a reason")
	}
	out := w.must(0, "contain", id, "-t", w.repo, "--type", phrase, "--reason", "it is used from abroad")
	if !strings.Contains(out, ": CONTAINED") || !strings.Contains(out, "next: secretguard plan "+id) {
		t.Errorf("it must say what is next:\n%s", out)
	}
	if keys := w.lab.AWS.Keys(w.estate.User); len(keys) != 1 || keys[0].Active {
		t.Fatalf("keys: %+v", keys)
	}
	mutations := 0
	for _, r := range w.lab.Requests() {
		if r.Mutates {
			mutations++
		}
	}
	if mutations != 1 {
		t.Errorf("%d requests that change something, want 1", mutations)
	}
	run := newestRun(w)
	w.must(5, "rotate", "rollback", run, "--reason", "a false alarm")
	if !w.lab.AWS.Accepts(w.estate.LeakedID, w.estate.LeakedSecret) {
		t.Error("rolled back, and the key does not work")
	}
	w.must(0, "contain", id, "-t", w.repo, "--type", phrase, "--reason", "none after all")
	plan, _, digest := w.plan()
	w.must(0, "rotate", plan, "--approve", digest)
}

func newestRun(w *world) string {
	w.t.Helper()
	first, _, _ := strings.Cut(w.must(0, "rotate", "list", "--json"), "\n")
	var line struct{ Run string }
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		w.t.Fatal(err)
	}
	return line.Run
}

// slow lets each answer of the twins take that long.
func slow(d time.Duration) lab.Options {
	return lab.Options{Wrap: func(service string, twin http.Handler) http.Handler {
		if service == "app" {
			return twin
		}
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
				return
			}
			twin.ServeHTTP(rw, r)
		})
	}}
}

// Containment without a person at the screen, from the scan to the refused key,
// when each answer takes two seconds. It shall take no more than ten.
func BenchmarkContain(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorldOn(b, slow(2*time.Second))
		id := w.leakedCase()
		b.StartTimer()
		w.must(0, "contain", id, "-t", w.repo, "--type", "contain "+w.estate.User, "--reason", "a benchmark")
	}
}

// What a half-done run is at, from a cold start. It shall take no more than one
// second.
func BenchmarkStatus(b *testing.B) {
	w := newWorldOn(b, lab.Options{})
	plan, run, digest := w.plan()
	w.lab.Render.Fail(w.estate.Web, true)
	w.must(6, "rotate", plan, "--approve", digest)
	for b.Loop() {
		w.must(0, "rotate", "status", run)
	}
}
