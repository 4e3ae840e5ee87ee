package executor_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// Killed when the first consumer is attested: it is not written or deployed again.
func TestRow11FirstConsumerIsNotTouchedAgain(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.CrashAt = func(_ int, point string) bool { return strings.HasPrefix(point, "after done:attest:netlify/") }
	p, _ := w.Start(rotatetest.Fast)
	writes, builds := w.Count("PATCH env"), w.Count("POST builds")
	if writes == 0 || builds == 0 {
		t.Fatalf("%d writes, %d builds: not killed where it should be", writes, builds)
	}
	w.CrashAt = nil
	if err := w.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	w.AssertRotated(p.ID)
	if w.Count("PATCH env") != writes || w.Count("POST builds") != builds {
		t.Error("the first consumer was touched again")
	}
}

// One consumer cannot be written: there is no cutover, and the person may retry.
func TestRow47OneConsumerCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.Fault("render", "PUT env-vars one", lab.Fault{Status: 403, Times: 1000})
	p, err := w.Start(rotatetest.Fast)
	w.AssertHeld(p.ID, err, "our own access lacks a permission")
	w.AssertNeverDown()
	w.Finish(p.ID)
}
