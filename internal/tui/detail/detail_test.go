package detail

import (
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

func TestReachNamesWhatStillLeadsThere(t *testing.T) {
	t.Parallel()
	on, off := scan.Reach{Branch: true}, scan.Reach{}
	for want, f := range map[string]scan.Finding{
		"worktree":    {Where: scan.WhereWorktree},
		"HEAD":        {Where: scan.WhereCommit, Refs: scan.Reach{Head: true, Branch: true}, ReachedBy: []string{"head", "branch"}},
		"history":     {Where: scan.WhereCommit, Refs: on, ReachedBy: []string{"head", "branch", "remote"}},
		"branch":      {Where: scan.WhereCommit, Refs: on, ReachedBy: []string{"branch", "reflog"}},
		"tag":         {Where: scan.WhereCommit, Refs: on, ReachedBy: []string{"tag"}},
		"reflog":      {Where: scan.WhereCommit, Refs: off, ReachedBy: []string{"reflog"}},
		"stash":       {Where: scan.WhereStash, Refs: off, ReachedBy: []string{"stash"}},
		"unreachable": {Where: scan.WhereUnreachable, Refs: off},
		"no branch":   {Where: scan.WhereCommitMessage, Refs: off},
	} {
		if got := reach(&f); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

func TestSpanIsOneCommitOrTwo(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	day := func(n int) time.Time { return time.Date(2026, 5, n, 12, 0, 0, 0, time.UTC) }
	for want, f := range map[string]scan.Finding{
		"":                    {Where: scan.WhereWorktree},
		"2026-05-01 aaaaaaaa": {Commit: a, Date: day(1), LastCommit: a, LastDate: day(1)},
		"2026-05-01 aaaaaaaa to 2026-05-09 bbbbbbbb": {Commit: a, Date: day(1), LastCommit: b, LastDate: day(9)},
	} {
		if got := span(&f); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestExposureTellsWhatWasPushed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	finding := func(last int, ways ...string) scan.Finding {
		return scan.Finding{
			File: "f", Commit: "c", Author: "Jo", Date: at, LastCommit: "d", LastDate: at.AddDate(0, 0, last), Where: scan.WhereCommit, ReachedBy: ways,
		}
	}
	for want, findings := range map[string][]scan.Finding{
		"1 file, 1 commit, no longer in HEAD; reached by branch, remote, tag; 2026-05-01 to 2026-05-09 by Jo": {
			finding(2, "head", "branch"), finding(8, "remote", "tag"), finding(0),
		},
		"1 file, 1 commit, no longer in HEAD; reached by head; on 2026-05-01 by Jo": {finding(0, "head")}, // a detached HEAD
		"1 file, 1 commit, no longer in HEAD; on 2026-05-01 by Jo":                  {finding(0)},
	} {
		if got := exposure(&screen.Case{Case: triage.Case{Findings: findings, First: at}}); string(got) != want {
			t.Errorf("%q\nwant %q", got, want)
		}
	}
}

// What our own access hears about a key that is gone is no news to act on.
func TestUseOfADeadKey(t *testing.T) {
	t.Parallel()
	d := &Detail{store: &screen.Store{}}
	c := &screen.Case{Located: &screen.Located{Problem: "our own access lacks a permission"}}
	if role, text := d.use(c); role != widget.Warn || !strings.Contains(string(text), "not known: our own access") {
		t.Errorf("%v %q", role, text)
	}
	c.Liveness.Value = "dead"
	if role, text := d.use(c); role != widget.Plain || !strings.HasPrefix(string(text), "the key is dead") {
		t.Errorf("%v %q", role, text)
	}
}
