//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// atOnce is how many demos run side by side: they wait more than they work.
const atOnce = 12

// sideBySide runs named subtests, each with a demo of its own, atOnce at a time
// whatever -parallel says.
func sideBySide(t *testing.T, bin string, n int, name func(int) string, test func(*demo, int)) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			t.Run(name(i), func(t *testing.T) { test(newDemo(t, bin), i) })
		})
	}
	wg.Wait()
}

// failpointBinary builds the program with the boundaries that a test can kill it
// at.
func failpointBinary(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "secretguard")
	out, err := exec.Command("go", "build", "-tags", "failpoint", "-o", bin, "../cmd/secretguard").CombinedOutput()
	if err != nil {
		t.Fatalf("build with failpoints: %v\n%s", err, out)
	}
	return bin
}

// normalBinary is the program as it is shipped.
func normalBinary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_E2E_BINARY")
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("SECRETGUARD_E2E_BINARY: %v; run: make e2e", err)
	}
	return bin
}

// boundaries runs a demo to its end and returns the boundaries it went through.
func boundaries(t *testing.T, bin string) []string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "points")
	d := newDemo(t, bin)
	if code, out := d.run("SECRETGUARD_FAILPOINT_LOG="+log, "demo", "--headless"); code != 0 {
		t.Fatalf("the demo that nobody kills ends with %d:\n%s", code, out)
	}
	d.assertNothingLeft()
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	points := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(points) < 60 {
		t.Fatalf("only %d boundaries: %q", len(points), points)
	}
	return points
}

// position returns the 1-based place of a boundary.
func position(t *testing.T, points []string, name string) int {
	t.Helper()
	for i, p := range points {
		if p == name {
			return i + 1
		}
	}
	t.Fatalf("there is no boundary %q", name)
	return 0
}

// A demo that is killed with SIGKILL at any boundary and resumed ends like one
// that was not killed; one that was killed before the approval changes nothing.
func TestDemoKilledAtEveryBoundary(t *testing.T) {
	bin := failpointBinary(t)
	points := boundaries(t, bin)
	approved := position(t, points, "after approved")
	ready, ended := position(t, points, "demo: lab ready"), position(t, points, "shred")
	name := func(i int) string { return fmt.Sprintf("%02d %s", i+1, label(points[i])) }
	sideBySide(t, bin, len(points), name, func(d *demo, i int) {
		d.killedAt("#"+strconv.Itoa(i+1), "demo", "--headless")
		d.look()
		if i+1 >= ready && i+1 <= ended && d.done == nil {
			d.t.Fatal("the lab does not outlive the demo that was killed")
		}
		code, out := d.run("", "rotate", "resume")
		d.judge(code, out, i+1 >= approved)
	})
}

// And once more: the resume is killed too, at a boundary of its own.
func TestDemoKilledTwice(t *testing.T) {
	bin := failpointBinary(t)
	points := boundaries(t, bin)
	approved := position(t, points, "after approved")
	var n []int
	for i := approved; i <= position(t, points, "shred"); i += 2 {
		n = append(n, i)
	}
	name := func(i int) string { return fmt.Sprintf("%02d %s", n[i], label(points[n[i]-1])) }
	sideBySide(t, bin, len(n), name, func(d *demo, i int) {
		d.killedAt("#"+strconv.Itoa(n[i]), "demo", "--headless")
		d.look()
		code, out := d.run("SECRETGUARD_FAILPOINT=#"+strconv.Itoa(1+i%11), "rotate", "resume")
		if code < 0 { // killed, not through before
			code, out = d.run("", "rotate", "resume")
		}
		d.judge(code, out, true)
	})
}

// The shipped program, killed by the clock at random moments, some of them twice.
// The seed is printed; SECRETGUARD_E2E_SEED repeats a run.
func TestDemoKilledAtRandomMoments(t *testing.T) {
	bin := normalBinary(t)
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SECRETGUARD_E2E_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SECRETGUARD_E2E_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	type moment struct {
		first, second time.Duration
	}
	moments := make([]moment, 24)
	for i := range moments {
		moments[i].first = time.Duration(rnd.Int64N(int64(8 * time.Second)))
		if i%3 == 0 {
			moments[i].second = time.Duration(rnd.Int64N(int64(4 * time.Second)))
		}
	}
	name := func(i int) string { return fmt.Sprintf("%s then %s", moments[i].first, moments[i].second) }
	sideBySide(t, bin, len(moments), name, func(d *demo, i int) {
		if code, _ := d.killedAfter(moments[i].first, "demo", "--headless"); code == 0 {
			d.assertNothingLeft() // it was through before the kill
			return
		}
		d.look()
		approved := d.approved()
		code, out := -1, ""
		if moments[i].second > 0 {
			code, out = d.killedAfter(moments[i].second, "rotate", "resume")
		}
		if code < 0 {
			code, out = d.run("", "rotate", "resume")
		}
		d.judge(code, out, approved)
	})
}

// label shortens a boundary's name for a test's.
func label(point string) string {
	parts := strings.Split(point, "/")
	if len(parts) < 3 {
		return parts[0]
	}
	return parts[0] + " " + strings.Trim(strings.Join(parts[max(1, len(parts)-3):], " "), " ")
}
