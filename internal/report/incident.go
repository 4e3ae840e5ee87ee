package report

import (
	"io"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
)

// md makes foreign text safe inside a Markdown table: cleaned, and without the
// characters that Markdown or HTML would read.
func md(s string) string {
	s = string(term.Clean(s))
	return strings.NewReplacer("|", "\\|", "<", "&lt;", ">", "&gt;", "`", "'", "[", "\\[", "]", "\\]", "*", "\\*", "_", "\\_").Replace(s)
}

// WriteIncident writes the Markdown report of a run. It holds masks only.
func WriteIncident(w io.Writer, s rotate.Snapshot) error {
	p := &printer{w: w}
	pl := s.Plan
	p.f("# Incident report: %s of %s\n", md(pl.OldMask), md(pl.Old.Owner))
	p.f("| | |\n|---|---|")
	p.f("| Run | %s |\n| State | %s |\n| Case | %s |\n| Issuer | %s, account %s |", pl.ID, s.Status, md(pl.Case), md(pl.Issuer), md(pl.Account))
	p.f("| Old key | %s |\n| New key | %s |\n| Strategy | %s |", md(pl.OldMask), md(orDash(s.NewMask)), pl.Strategy)
	p.f("| Approved plan | %s |\n| Started | %s |\n| Last change | %s |\n", pl.ShortDigest(), stamp(s.Started), stamp(s.Updated))
	p.f("## Steps\n\n| # | Step | State | By | Took | Evidence |\n|---|---|---|---|---|---|")
	for i, st := range s.Steps {
		p.f("| %d | %s | %s | %s | %s | %s |", i+1, md(pl.Steps[i].Title), st.Status, md(by(st)), st.Took.Round(time.Millisecond), md(st.Detail))
	}
	p.f("\n## Proof of death\n")
	if s.Proof == nil {
		p.f("None yet: the old key is not proven dead.")
		if s.Alarm != "" {
			p.f("\n**ALARM: %s**", md(s.Alarm))
		}
	} else {
		p.f("The old key was refused %d times in a row over %s (%s), from %s to %s. Control: %s.", s.Proof.Refusals,
			s.Proof.Window.Round(time.Millisecond), md(s.Proof.Code+atEach(*s.Proof)), stamp(s.Proof.From), stamp(s.Proof.To), md(s.Proof.Control))
		for _, why := range s.Proof.NotAsked {
			p.f("\nNot asked at %s.", md(why))
		}
	}
	if len(pl.Risks) > 0 {
		p.f("\n## Known limits when the plan was approved\n")
		for _, r := range pl.Risks {
			p.f("- %s", md(r))
		}
	}
	p.f("\n## Timeline\n\n| Time | What | Evidence |\n|---|---|---|")
	for _, e := range s.Log {
		p.f("| %s | %s | %s |", stamp(e.Time), md(e.Text), md(e.Detail))
	}
	p.f("\n## Still to do\n")
	switch {
	case s.Status == rotate.RunRolledBack:
		p.f("- The old key works: the run was rolled back. Plan again.")
	case s.Status == rotate.RunContained:
		p.f("- The old key is disabled and nothing replaces it: whoever uses it is down. Next: %s", md(s.Remedy))
	case s.Status == rotate.RunAbandoned:
		for _, line := range s.Left {
			p.f("- %s", md(line))
		}
	case s.Proof == nil:
		p.f("- The old key is not proven dead. Next: %s", md(orDash(s.Remedy)))
	}
	p.f("- The value stays in the git history of every clone and fork.%s", harmless(s))
	return p.err
}

// by says who did a step: a person at the issuer, or the program in a person's name.
func by(st rotate.StepState) string {
	switch {
	case st.By == "":
		return "-"
	case st.ByHand:
		return st.By + ", by hand"
	}
	return "secretguard for " + st.By
}

func harmless(s rotate.Snapshot) string {
	if s.Proof == nil {
		return ""
	}
	return " It opens nothing any more."
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
