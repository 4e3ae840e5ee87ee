package screen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Case is one credential with what the session has learned about it.
type Case struct {
	triage.Case

	Ability Ability
	Asking  bool // a check is under way
	Looking bool // a search for consumers is under way
	Located *Located
	Excerpt map[int]*Excerpt // by finding
	Run     *Run             // the newest run over it

	order int // the place that triage gave it
	text  string
}

func newCase(tc triage.Case, order int, a Ability) *Case {
	return &Case{Case: tc, Ability: a, Excerpt: map[int]*Excerpt{}, order: order}
}

// SetLiveness takes in what the issuer said.
func (c *Case) SetLiveness(l triage.Liveness) {
	c.Asking, c.Liveness = false, l
	c.refresh()
}

// SetLocated takes in where it is deployed.
func (c *Case) SetLocated(l *Located) {
	c.Looking, c.Located = false, l
	c.refresh()
}

// refresh makes what a filter searches in.
func (c *Case) refresh() {
	parts := []string{c.ID, string(c.Kind), string(c.KindName()), string(c.Masked()), string(c.Who()), string(c.Where()), string(c.State().Word)}
	for _, f := range c.Findings {
		parts = append(parts, f.File)
	}
	c.text = strings.ToLower(strings.Join(parts, "\n"))
}

// Holds reports whether a filter finds the case. The text is lower case.
func (c *Case) Holds(text string) bool { return strings.Contains(c.text, text) }

// Order is the place of the case in triage's order: worst first.
func (c *Case) Order() int { return c.order }

// ByRisk orders cases: live first, then those deployed in more places, then those
// that can be rotated here, then as triage did.
func ByRisk(a, b *Case) int {
	return cmp.Or(cmp.Compare(a.State().Rank, b.State().Rank), cmp.Compare(b.radius(), a.radius()), cmp.Compare(a.byHand(), b.byHand()), cmp.Compare(a.order, b.order))
}

// radius is how many places a credential is deployed in.
func (c *Case) radius() int {
	if c.Located == nil {
		return 0
	}
	return len(c.Located.Placements)
}

func (c *Case) byHand() int {
	if c.Ability.NoRotate != "" || len(c.Missing) > 0 {
		return 1
	}
	return 0
}

// State is a liveness as a sign, a word and a role.
type State struct {
	Sign, Word term.Safe
	Role       widget.Role
	Rank       int // live first
}

// State returns the liveness of a case.
func (c *Case) State() State {
	switch c.Liveness.Value {
	case string(providers.Live):
		return State{"!", "LIVE", widget.Bad, 0}
	case string(providers.Unknown):
		return State{"?", "UNKNOWN", widget.Warn, 1}
	case string(providers.Dead):
		return State{".", "DEAD", widget.Good, 3}
	}
	return State{"-", "UNCHECKED", widget.Plain, 2}
}

// KindName names the kind.
func (c *Case) KindName() term.Safe { return term.Clean(c.Title) }

// Masked is the mask as it may be shown.
func (c *Case) Masked() term.Safe { return term.Clean(c.Mask) }

// parts are what a mask shows before and after its stars, and how many of them
// there are.
func (c *Case) parts() (head, tail string, stars int) {
	head, rest, _ := strings.Cut(c.Mask, "*")
	tail = strings.TrimLeft(rest, "*")
	return head, tail, len(c.Mask) - len(head) - len(tail)
}

// Short is the mask without its stars, for a column. The end tells two keys of a
// kind apart, so a long prefix is cut instead.
func (c *Case) Short() term.Safe {
	const most = 8
	head, tail, _ := c.parts()
	if head == "" && tail == "" {
		return "(short value)"
	}
	return term.Clean(head[:min(len(head), most)] + ".." + tail)
}

// Middle is the mask with at most a few stars, for a line that holds more.
func (c *Case) Middle() term.Safe {
	const most = 12
	head, tail, stars := c.parts()
	return term.Clean(head + strings.Repeat("*", min(stars, most)) + tail)
}

// Who says who the credential speaks for, in a few cells: the owner that the
// issuer named, else the short mask.
func (c *Case) Who() term.Safe {
	if c.Located != nil && c.Located.Key != nil && c.Located.Key.Key.Ref.Owner != "" {
		return term.Clean(c.Located.Key.Key.Ref.Owner)
	}
	who := c.Liveness.Verdict.Identity.Who
	if who == "" {
		return c.Short()
	}
	// An ARN's last part is the name that people know.
	if i := strings.LastIndexAny(who, "/"); i >= 0 && i < len(who)-1 {
		who = who[i+1:]
	}
	return term.Clean(who)
}

// Seen says how often and where it was found.
func (c *Case) Seen() term.Safe {
	where := "HEAD"
	switch {
	case !c.InHead() && c.only(scan.WhereUnreachable):
		where = "unreachable"
	case !c.InHead():
		where = "history"
	}
	return term.Clean(plural(c.Files(), "file") + ", " + where)
}

func (c *Case) only(w scan.Where) bool {
	return !slices.ContainsFunc(c.Findings, func(f scan.Finding) bool { return f.Where != w })
}

// Where names the services that hold it.
func (c *Case) Where() term.Safe {
	if c.Run != nil && c.Run.Unfinished() {
		if c.Run.Active {
			return "rotating"
		}
		if c.Run.Alarm != "" {
			return "STILL ALIVE"
		}
		if _, ok := c.Run.Turn(); ok {
			return "your turn"
		}
		return "run " + term.Clean(string(c.Run.Status))
	}
	switch {
	case c.Looking:
		return "searching"
	case c.Located == nil:
		return "not searched"
	}
	var names []string
	for _, p := range c.Located.Placements {
		if !slices.Contains(names, p.Provider) {
			names = append(names, p.Provider)
		}
	}
	s := strings.Join(names, ", ")
	switch {
	case s == "" && len(c.Located.Gaps) > 0:
		s = "? not all searched"
	case s == "":
		s = "-"
	case len(c.Located.Gaps) > 0:
		s += ", ?"
	}
	return term.Clean(s)
}

// WhyNoVerify gives the reason why a case cannot be checked; empty when it can.
func (s *Store) WhyNoVerify(c *Case) term.Safe {
	switch {
	case c == nil:
		return "nothing is chosen"
	case s.Offline:
		return "offline: the issuer cannot be asked"
	case c.Asking:
		return "the issuer is being asked already"
	case len(c.Missing) > 0:
		return missing(c)
	}
	return c.Ability.NoVerify
}

// WhyNoPlan gives the reason why a rotation cannot be planned.
func (s *Store) WhyNoPlan(c *Case) term.Safe {
	switch {
	case c == nil:
		return "nothing is chosen"
	case s.Offline:
		return "offline: a plan needs the issuer and the consumers"
	case c.Run != nil && c.Run.Unfinished():
		return "" // the key opens the run
	case len(c.Missing) > 0:
		return missing(c)
	case c.Liveness.Value == string(providers.Dead):
		return "the key is dead: there is nothing to replace"
	case s.Planning != "":
		return "another plan is being made"
	}
	return c.Ability.NoRotate
}

// WhyNoReveal gives the reason why the secret is not shown.
func (s *Store) WhyNoReveal(c *Case) term.Safe {
	switch {
	case s.ReadOnly:
		return "read-only mode shows no secret"
	case s.NoReveal != "":
		return s.NoReveal
	case c == nil || len(c.Credential.Parts) == 0:
		return "there is no value to show"
	}
	return ""
}

// WhyNoEditor gives the reason why a finding cannot be opened in the editor.
func (s *Store) WhyNoEditor(f *scan.Finding) term.Safe {
	switch {
	case f == nil:
		return "nothing is chosen"
	case !s.Editor:
		return "set $EDITOR to use this"
	case f.File == "":
		return "it is in no file: it stands in a message"
	case f.Where == scan.WhereWorktree, f.Where == scan.WhereIndex, f.Refs.Head:
		return ""
	}
	return "it is only in the history: git show " + ShortHash(f.Commit) + ":" + term.Clean(f.File)
}

func missing(c *Case) term.Safe {
	if c.Pairing != "" {
		return term.Clean("incomplete: " + c.Pairing)
	}
	names := make([]string, len(c.Missing))
	for i, p := range c.Missing {
		names[i] = string(p)
	}
	return term.Clean("incomplete: the " + strings.Join(names, " and the ") + " was not found")
}

// ShortHash is the start of a commit's name.
func ShortHash(hash string) term.Safe { return term.Clean(hash[:min(10, len(hash))]) }

// SecretPart is the part that a reveal shows: the secret half of a pair.
func (c *Case) SecretPart() credential.Part {
	if _, ok := c.Credential.Parts[credential.PartSecret]; ok {
		return credential.PartSecret
	}
	if names := c.Credential.PartNames(); len(names) > 0 {
		return names[0]
	}
	return credential.PartToken
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Count is a number with its noun: "1 file", "3 files".
func Count(n int, what string) term.Safe { return term.Clean(plural(n, what)) }

// Ordinal numbers an entry of a list of things to do: "1. ".
func Ordinal(n int) term.Safe { return term.Clean(fmt.Sprintf("%d. ", n)) }

// Ago says how long ago something was, roughly; "never" for the zero time.
func Ago(now, at time.Time) term.Safe {
	d := now.Sub(at)
	switch {
	case at.IsZero():
		return "never"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return term.Clean(fmt.Sprintf("%d min ago", int(d.Minutes())))
	case d < 48*time.Hour:
		return term.Clean(fmt.Sprintf("%d h ago", int(d.Hours())))
	}
	return term.Clean(fmt.Sprintf("%d days ago", int(d.Hours()/24)))
}

// StaleAfter is the age at which a verdict is called stale.
const StaleAfter = 15 * time.Minute

// Clock is a duration as minutes and seconds.
func Clock(d time.Duration) term.Safe {
	d = max(0, d.Round(time.Second))
	return term.Clean(fmt.Sprintf("%02d:%02d", int(d.Minutes()), int(d.Seconds())%60))
}

// StepRole is how the state of a step is shown.
func StepRole(s rotate.StepStatus) widget.Role {
	switch s {
	case rotate.StepDone:
		return widget.Good
	case rotate.StepFailed:
		return widget.Bad
	case rotate.StepRunning:
		return widget.Strong
	case rotate.StepUndone, rotate.StepSkipped:
		return widget.Warn
	case rotate.StepWaiting:
	}
	return widget.Muted
}
