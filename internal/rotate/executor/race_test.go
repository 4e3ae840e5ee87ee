package executor_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// Two responders plan the same rotation and begin it at the same moment: over one
// journal, as two processes of a machine do, or over two. Exactly one rotation is
// done, and the other one deletes nothing. "make soak" does 1,000 races.
func TestRow25TwoRespondersRace(t *testing.T) {
	t.Parallel()
	races := 20
	if s := os.Getenv("SECRETGUARD_RACES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		races = n
	}
	for i := range races {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			race(t, i%2 == 1)
		})
	}
}

func race(t *testing.T, twoMachines bool) {
	t.Helper()
	w := rotatetest.New(t)
	dir := w.Dir
	if twoMachines {
		dir = filepath.Join(t.TempDir(), "state")
	}
	worlds := []*rotatetest.World{w, w.Beside(dir)}
	type end struct {
		run string
		err error
	}
	ends := make([]end, 2)
	var over sync.WaitGroup
	begin := make(chan struct{})
	for i, r := range worlds {
		j := r.Open()
		defer j.Close()
		p, err := r.Plan(j, rotatetest.Fast)
		if err != nil {
			t.Fatal(err)
		}
		over.Go(func() {
			<-begin
			time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond) //nolint:forbidigo // who is first is drawn
			ends[i] = end{p.ID, r.Executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "tester"})}
		})
	}
	close(begin)
	over.Wait()
	winner := -1
	for i, e := range ends {
		switch {
		case e.err == nil && winner >= 0:
			t.Fatal("both say that they have rotated the key")
		case e.err == nil:
			winner = i
		case errors.Is(e.err, journal.ErrLocked), errors.Is(e.err, rotate.ErrBusy), errors.Is(e.err, rotate.ErrHeld):
		default:
			t.Errorf("responder %d: %v", i, e.err)
		}
	}
	if winner < 0 {
		t.Fatalf("nobody rotated the key: %v; %v", ends[0].err, ends[1].err)
	}
	worlds[winner].AssertRotated(ends[winner].run)
	if n := w.Count("DeleteAccessKey"); n != 1 {
		t.Errorf("%d deletions, want that of the old key", n)
	}
}
