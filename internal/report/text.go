package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// page is how many cells a line of text for people has at most; only a single
// word that is longer goes beyond. Nothing is cut.
const page = 80

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

// fold writes text after a lead, the further lines indented as far as the lead
// is wide. The text is foreign until here.
func (p *printer) fold(lead, text string) {
	indent := term.Width(term.Safe(lead))
	for i, line := range term.Wrap(term.Clean(text), page-indent) {
		if i > 0 {
			lead = strings.Repeat(" ", indent)
		}
		p.f("%s%s", lead, line)
	}
}

// clean is short for term.Clean in format arguments.
func clean(s string) string { return string(term.Clean(s)) }

// count is "1 file", "2 files".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// paint colours a severity; the word itself carries the meaning too.
func paint(s scan.Severity, color bool) string {
	text := fmt.Sprintf("%-8s", s)
	if !color {
		return text
	}
	switch s {
	case scan.Critical, scan.High:
		return "\x1b[31m" + text + "\x1b[0m"
	case scan.Medium:
		return "\x1b[33m" + text + "\x1b[0m"
	case scan.Low, scan.Info:
	}
	return text
}

// WriteScanText writes the masked table for people: the findings, the credentials
// that they belong to, the receipt last.
func WriteScanText(w io.Writer, r scan.Result, o ScanOptions) error {
	p := &printer{w: w}
	active := r.Active()
	type group struct {
		id, file string
		in       scan.Where // when it is in no file
	}
	groupOf := func(f scan.Finding) group {
		if f.File != "" {
			return group{f.ID, f.Shown(), ""}
		}
		return group{f.ID, "", f.Where}
	}
	more := map[group]int{}
	for _, f := range active {
		more[groupOf(f)]++
	}
	shown := map[group]bool{}
	for _, f := range active {
		g := groupOf(f)
		if shown[g] {
			continue
		}
		shown[g] = true
		mask := f.Secret.Mask()
		if o.ShowSecrets {
			mask = f.Secret.Reveal()
		}
		p.f("%s %-28s %s%s", paint(f.Severity, o.Color), f.Rule, place(f), others(more[g]-1, f.File))
		p.f("         %s%s", clean(mask), proven(f.Proof))
		if f.WaiverEnded != "" {
			p.f("         its waiver ended on %s: secretguard baseline review", clean(f.WaiverEnded))
		}
	}
	if len(active) > 0 && p.err == nil {
		cases := triage.Build(r)
		p.f("\n%s:", count(len(cases), "credential"))
		p.err = WriteCases(w, cases)
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

// proven is what was shown about a value, in words.
func proven(pr scan.Proof) string {
	var list []string
	add := func(ok bool, text string) {
		if ok {
			list = append(list, text)
		}
	}
	add(pr.Checksum == "valid", "checksum right")
	add(pr.Account != "", "account "+pr.Account)
	add(pr.Project != "", "project "+pr.Project)
	add(pr.Role != "", "role "+pr.Role)
	add(pr.Note != "", pr.Note)
	if len(list) == 0 {
		return ""
	}
	return "  " + clean(strings.Join(list, ", "))
}

func example(s string) string {
	if s == "" {
		return ""
	}
	return " (" + string(term.Truncate(term.Clean(s), 60)) + ")"
}

func others(n int, file string) string {
	switch {
	case n < 1:
		return ""
	case file == "":
		return fmt.Sprintf("  (+%d more of them)", n)
	}
	return fmt.Sprintf("  (+%d more in this file)", n)
}

func place(f scan.Finding) string {
	s := f.Shown()
	switch f.Where {
	case scan.WherePath:
		s += " (its name)"
	case scan.WhereRefName, scan.WherePerson:
		s = string(f.Where) + " " + f.Name
	default:
		if s == "" {
			s = string(f.Where)
		}
		s = fmt.Sprintf("%s:%d", s, f.Line)
	}
	if f.Commit != "" {
		s += " " + f.Commit[:min(10, len(f.Commit))]
		if !f.Date.IsZero() {
			s += " " + f.Date.Format(time.DateOnly)
		}
		if !f.Refs.Head && f.Where != scan.WhereRefName {
			s += " history only"
		}
	}
	if f.Where == scan.WhereUnreachable && f.Blob != "" {
		s += " unreachable object " + f.Blob[:min(10, len(f.Blob))]
	}
	return clean(s)
}

// Summary says in one line what a scan found and how much it saw.
func Summary(r scan.Result) string {
	c := r.Coverage
	verdict := "no secrets found"
	if c.Bytes == 0 {
		verdict = "nothing was scanned"
	}
	if n := len(r.Active()); n > 0 {
		verdict = count(n, "finding")
	}
	accepted, aside := 0, 0
	for _, f := range r.Findings {
		switch {
		case f.Suppressed.SetAside():
			aside++
		case f.Suppressed != nil:
			accepted++
		}
	}
	if accepted > 0 {
		verdict += fmt.Sprintf(", %d accepted", accepted)
	}
	if aside > 0 {
		verdict += fmt.Sprintf(", %d set aside as no secrets (see --json)", aside)
	}
	var seen []string
	if c.Commits > 0 {
		seen = append(seen, count(c.Commits, "commit"), count(c.Blobs, "blob"), count(c.Refs, "ref"))
	}
	if c.Files > 0 || c.Commits == 0 {
		seen = append(seen, count(c.Files, "file"))
	}
	where := strings.Join(seen, ", ")
	switch c.Entries {
	case 0:
	case 1:
		where += " with 1 archive entry"
	default:
		where += fmt.Sprintf(" with %d archive entries", c.Entries)
	}
	state := "complete"
	if !c.Complete {
		state = "INCOMPLETE"
	}
	return fmt.Sprintf("%s in %s, %s, %s; scan %s", verdict, where, size(c.Bytes), r.Duration.Round(time.Millisecond), state)
}

// size is a number of bytes in a unit that shows it: a small scan is not "0.0 MB".
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// Stopped is what a hook stops when it finds something.
type Stopped string

// What hooks stop.
const (
	Commit Stopped = "commit"
	Push   Stopped = "push"
)

// WriteHook writes what a hook says: under ten lines.
func WriteHook(w io.Writer, r scan.Result, what Stopped) error {
	p := &printer{w: w}
	const most = 5
	found, again, fix := "staged: ", "secretguard scan --staged", "take the value out and stage again; if it was ever pushed, rotate it"
	waive := "add a comment \"secretguard:allow\" with the reason on that line"
	if what == Push {
		found, again = "in what would be pushed: ", "secretguard scan git ."
		fix = "the commits named are not pushed yet: take the value out of each (git rebase -i, or git commit --amend for the last one); if it was ever pushed, rotate it"
		waive += ", in the commit that brings it"
	}
	active := r.Active()
	for i, f := range active {
		if i == most {
			p.f("… and %d more: %s", len(active)-most, again)
			break
		}
		at := ""
		if what == Push && f.Commit != "" {
			at = "  commit " + f.Commit[:min(len(f.Commit), 12)]
		}
		p.f("%s:%d  %s  %s%s", clean(f.Shown()), f.Line, f.Rule, f.Secret.Mask(), at)
	}
	if len(active) > 0 {
		p.f("secretguard: %s%s; the %s is stopped", found, count(len(active), "secret"), what)
		p.f("fix: %s", fix)
		p.f("waive: %s; skip once: git %s --no-verify", waive, what)
	} else if !r.Coverage.Complete {
		p.f("secretguard: not everything could be scanned; see: %s", again)
	}
	return p.err
}
