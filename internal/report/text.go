package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// printer keeps the first error, so that a page of lines needs one check.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// clean is short for term.Clean in format arguments.
func clean(s string) string { return string(term.Clean(s)) }

// WriteScanText writes the masked table for people, the receipt last.
func WriteScanText(w io.Writer, r scan.Result, o ScanOptions) error {
	p := &printer{w: w}
	active := r.Active()
	type group struct{ id, file string }
	more := map[group]int{}
	for _, f := range active {
		more[group{f.ID, f.File}]++
	}
	shown := map[group]bool{}
	for _, f := range active {
		g := group{f.ID, f.File}
		if shown[g] {
			continue
		}
		shown[g] = true
		mask := f.Secret.Mask()
		if o.ShowSecrets {
			mask = f.Secret.Reveal()
		}
		p.f("%-8s %-28s %s%s", f.Severity, f.Rule, place(f), plural(more[g]-1))
		p.f("         %s", clean(mask))
	}
	if len(active) > 0 {
		p.f("")
	}
	p.f("%s", Summary(r))
	for _, s := range r.Coverage.Skipped {
		word := "skipped"
		if s.Gap {
			word = "NOT SCANNED"
		}
		p.f("%s: %d × %s: %s%s", word, s.Count, clean(s.What), clean(s.Why), example(s.Example))
	}
	return p.err
}

func example(s string) string {
	if s == "" {
		return ""
	}
	return " (" + string(term.Truncate(term.Clean(s), 60)) + ")"
}

func plural(n int) string {
	if n < 1 {
		return ""
	}
	return fmt.Sprintf("  (+%d more in this file)", n)
}

func place(f scan.Finding) string {
	s := f.File
	if s == "" {
		s = string(f.Where)
	}
	s = fmt.Sprintf("%s:%d", s, f.Line)
	if f.Commit != "" {
		s += " " + f.Commit[:min(10, len(f.Commit))] + " " + f.Date.Format(time.DateOnly)
		if !f.Refs.Head {
			s += " history only"
		}
	}
	if f.Where == scan.WhereUnreachable {
		s += " unreachable object " + f.Blob[:min(10, len(f.Blob))]
	}
	return clean(s)
}

// Summary says in one line what a scan found and how much it saw.
func Summary(r scan.Result) string {
	c := r.Coverage
	verdict := "no secrets found"
	if n := len(r.Active()); n > 0 {
		verdict = fmt.Sprintf("%d findings", n)
	}
	if n := len(r.Findings) - len(r.Active()); n > 0 {
		verdict += fmt.Sprintf(", %d accepted", n)
	}
	seen := fmt.Sprintf("%d files", c.Files)
	if c.Commits > 0 {
		seen = fmt.Sprintf("%d commits, %d blobs, %d refs", c.Commits, c.Blobs, c.Refs)
	}
	state := "complete"
	if !c.Complete {
		state = "INCOMPLETE"
	}
	return fmt.Sprintf("%s in %s, %.1f MB, %s; scan %s", verdict, seen, float64(c.Bytes)/1e6, r.Duration.Round(time.Millisecond), state)
}

// WriteHook writes what a pre-commit hook says: under ten lines.
func WriteHook(w io.Writer, r scan.Result) error {
	p := &printer{w: w}
	const most = 5
	active := r.Active()
	for i, f := range active {
		if i == most {
			p.f("… and %d more: secretguard scan --staged", len(active)-most)
			break
		}
		p.f("%s:%d  %s  %s", clean(f.File), f.Line, f.Rule, f.Secret.Mask())
	}
	if len(active) > 0 {
		p.f("secretguard: %d secrets are staged; the commit is stopped", len(active))
		p.f("fix: take the value out and stage again; if it was ever pushed, rotate it")
		p.f("waive: add a comment \"secretguard:allow\" with the reason on that line; skip once: git commit --no-verify")
	} else if !r.Coverage.Complete {
		p.f("secretguard: not everything could be scanned; see: secretguard scan --staged")
	}
	return p.err
}

// WriteCases writes one line for each case.
func WriteCases(w io.Writer, cases []triage.Case) error {
	p := &printer{w: w}
	for _, c := range cases {
		where := "history only"
		if c.InHead() {
			where = "in HEAD"
		}
		missing := ""
		if len(c.Missing) > 0 {
			missing = fmt.Sprintf("  missing: %v", c.Missing)
		}
		p.f("   %-12s %-9s %-26s %-46s %d files, %d commits, %s%s", c.ID, c.Severity, c.Title, c.Mask, c.Files(), c.Commits(), where, missing)
	}
	return p.err
}

// WriteVerdict writes one line about a case's liveness.
func WriteVerdict(w io.Writer, c triage.Case) error {
	p := &printer{w: w}
	v := c.Liveness.Verdict
	p.f("%-8s %-12s %-24s %s  %s", strings.ToUpper(c.Liveness.Value), c.ID, c.Title, c.Mask,
		clean(strings.TrimSpace(v.Identity.Who+" "+v.Detail+" "+v.Code)))
	return p.err
}

// WritePlan writes a plan for review.
func WritePlan(w io.Writer, pl rotate.Plan) error {
	p := &printer{w: w}
	p.f("   plan %s  strategy: %s  old key %s of %s", pl.ID, pl.Strategy, pl.OldMask, clean(pl.Old.Owner))
	p.f("   %2s  %-66s %-24s %s", "#", "STEP", "UNDO", "RISK")
	for _, s := range pl.Steps {
		p.f("   %2d  %s %s %s", s.N, term.Pad(term.Clean(s.Title), 66), term.Pad(term.Clean(s.Undo), 24), clean(s.Risk))
	}
	for _, r := range pl.Risks {
		p.f("   risk: %s", clean(r))
	}
	p.f("   digest %s  reads only until approved  expires %s", pl.ShortDigest(), pl.Expires.Local().Format(time.TimeOnly))
	return p.err
}

// WriteRun writes where a run stands and what is next.
func WriteRun(w io.Writer, s rotate.Snapshot) error {
	p := &printer{w: w}
	p.f("   run %s: %s  old key %s, new key %s", s.Plan.ID, strings.ToUpper(string(s.Status)), s.Plan.OldMask, orDash(s.NewMask))
	for i, st := range s.Steps {
		p.f("   %2d  %-8s %s  %s", i+1, st.Status, clean(s.Plan.Steps[i].Title), clean(st.Detail))
	}
	if s.Proof != nil {
		p.f("   proof of death: refused %d times in a row over %s (%s), %s to %s; control: %s", s.Proof.Refusals, s.Proof.Window.Round(time.Millisecond),
			clean(s.Proof.Code), s.Proof.From.Format(time.TimeOnly), s.Proof.To.Format(time.TimeOnly), s.Proof.Control)
	}
	if s.Problem != "" {
		p.f("   held: %s", clean(s.Problem))
	}
	if s.Remedy != "" {
		p.f("   next: %s", clean(s.Remedy))
	}
	return p.err
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
