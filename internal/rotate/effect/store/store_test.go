package store_test

import (
	"errors"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func TestSomebodyChangedTheVariable(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	j := w.Open()
	defer j.Close()
	p, err := w.Plan(j, rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	w.Lab.Netlify.SetVar(w.Estate.Site, "AWS_ACCESS_KEY_ID", "production", "changed-by-a-person", false)
	err = w.Executor(j).Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "t"})
	if !errors.Is(err, rotate.ErrHeld) {
		t.Fatalf("got %v", err)
	}
	if got := w.Lab.Netlify.Value(w.Estate.Site, "AWS_ACCESS_KEY_ID", "production"); got != "changed-by-a-person" {
		t.Errorf("a person's change was overwritten with %q", got)
	}
}
