package executor_test

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// atATime is how many rotations are killed side by side: they mostly wait.
const atATime = 16

// One consumer, and two kills: the first at any boundary, the second at any boundary
// of what comes after, each pair once. "make pairs" walks through all of them, and so does
// CI; "make test" takes each first kill with every eleventh second one, another eleventh
// for each, because all take minutes. (In the pure machine, two kills at any point are
// walked through in every run: TestExplore.) A kill is an error at the boundary that ends the call at once, in this process;
// the program is killed by the system in e2e.
func TestKilledAtEveryPair(t *testing.T) {
	t.Parallel()
	step := 11
	if os.Getenv("SECRETGUARD_SOAK") != "" {
		step = 1
	}
	w := rotatetest.NewSmall(t)
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	points := w.Points
	firsts := make(chan int)
	var pairs atomic.Int64
	var wg sync.WaitGroup
	for range atATime {
		wg.Go(func() {
			for i := range firsts {
				for j := 1 + i%step; ; j += step {
					killed := false
					t.Run(fmt.Sprintf("%s then %d", points[i], j), func(t *testing.T) { killed = killedTwice(t, i+1, j) })
					pairs.Add(1)
					if !killed {
						break
					}
				}
			}
		})
	}
	for i := range points {
		firsts <- i
	}
	close(firsts)
	wg.Wait()
	t.Logf("%d first boundaries, %d pairs", len(points), pairs.Load())
}

// killedTwice kills a run at its boundary i, and what goes on with it at boundary j;
// it reports whether there was a boundary j.
func killedTwice(t *testing.T, i, j int) (killed bool) {
	t.Helper()
	w := rotatetest.NewSmall(t)
	w.CrashAt = func(n int, _ string) bool { return n == i }
	p, err := w.Start(rotatetest.Fast)
	if !errors.Is(err, rotatetest.ErrKilled) {
		t.Fatalf("not killed: %v", err)
	}
	w.CrashAt = func(n int, _ string) bool { return n == j }
	goOn := func() error {
		if w.Snapshot(p.ID).Status != "" {
			return w.Resume(p.ID)
		}
		// Killed before the approval was written: nothing was done, plan again.
		p, err = w.Start(rotatetest.Fast)
		return err
	}
	err = goOn()
	killed = errors.Is(err, rotatetest.ErrKilled)
	w.CrashAt = nil
	if killed {
		err = goOn()
	}
	if err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if n := w.Count("DeleteAccessKey"); n == 0 || w.Snapshot(p.ID).Status != rotate.RunDone {
		t.Errorf("%d deletions", n)
	}
	return killed
}
