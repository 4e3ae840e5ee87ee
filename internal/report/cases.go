package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/triage"
)

// WriteCases writes one line for each case, its id first: that is what plan,
// verify and consumers take.
func WriteCases(w io.Writer, cases []triage.Case) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	p := &printer{w: t}
	for _, c := range cases {
		p.f("   %s\t%s\t%s\t%s\t%s", c.ID, c.Severity, c.Title, c.Mask, whereabouts(c))
	}
	if p.err != nil {
		return p.err
	}
	return t.Flush()
}

// whereabouts says where a case stands: the first file, and how far it spreads.
func whereabouts(c triage.Case) string {
	s := ""
	for _, f := range c.Findings {
		if shown := f.Shown(); shown != "" {
			s = shown
			break
		}
		if s == "" {
			s = strings.TrimSpace(string(f.Where) + " " + f.Name)
		}
	}
	if n := c.Files() - 1; n > 0 {
		s += " and " + count(n, "more file")
	}
	switch {
	case c.InHead():
		s += ", still there"
	case c.Commits() > 0:
		s += ", history only"
	}
	if len(c.Missing) > 0 {
		s += fmt.Sprintf(", not found: its %v", strings.Trim(fmt.Sprint(c.Missing), "[]"))
	}
	return clean(s)
}

// WriteVerdict writes one line about a case's liveness: whom the key speaks for, what
// it may do, and how well that is proven.
func WriteVerdict(w io.Writer, c triage.Case) error {
	p := &printer{w: w}
	p.f("%-8s %-12s %-24s %s  %s", strings.ToUpper(c.Liveness.Value), c.ID, c.Title, c.Mask, clean(strings.Join(strings.Fields(verdict(c.Liveness.Verdict)), " ")))
	return p.err
}

func verdict(v providers.Verdict) string {
	var said []string
	for _, s := range []string{v.Identity.Words(), v.Detail, v.Code} {
		if s != "" {
			said = append(said, s)
		}
	}
	line := strings.Join(said, ", ")
	if v.Grade != providers.GradeNone {
		line = "proof: " + string(v.Grade) + "; " + line
	}
	return line
}
