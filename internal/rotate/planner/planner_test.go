package planner_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

func TestRow37NoRoomIsSaidBeforeApproval(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	id, sec := w.Lab.AWS.CreateKey(w.Estate.User)
	j := w.Open()
	defer j.Close()
	_, err := w.Plan(j, rotatetest.Fast)
	if !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "no use on record") {
		t.Errorf("never used: %v", err)
	}
	w.Lab.AWS.Use(id, sec, "s3")
	_, err = w.Plan(j, rotatetest.Fast)
	if !errors.Is(err, rotate.ErrNoRoom) || !strings.Contains(err.Error(), "for s3") {
		t.Errorf("used: %v", err)
	}
	w.AssertNoMutation(0)
}

func TestRow46Quarantine(t *testing.T) {
	t.Parallel()
	w := rotatetest.New(t)
	w.Lab.AWS.Attach(w.Estate.User, "AWSCompromisedKeyQuarantineV3")
	p, err := w.Start(rotatetest.Fast)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(p.Risks, func(s string) bool { return strings.Contains(s, "AWSCompromisedKeyQuarantineV3") }) {
		t.Errorf("risks %q", p.Risks)
	}
	w.AssertRotated(p.ID)
}
