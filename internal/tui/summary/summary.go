// Package summary is the last screen of a rotation: what is proven, what is left
// to do, and where the report is.
package summary

import (
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Summary is the screen.
type Summary struct {
	store  *screen.Store
	id     string
	offset int
	height int
	count  int
	g      widget.Glyphs
}

// New returns the screen of a closed run.
func New(store *screen.Store, id string, g widget.Glyphs) *Summary {
	return &Summary{store: store, id: id, g: g}
}

// RunID is the run that is shown.
func (s *Summary) RunID() string { return s.id }

// Keys are the keys of the screen.
func (s *Summary) Keys() []screen.Binding {
	keys := []screen.Binding{
		screen.InBar(screen.Export, nil), screen.InBar(screen.Advice, nil), screen.InBar(screen.Back, nil).Named("to the list"),
		screen.InBar(screen.Open, nil).Named("all steps"), screen.Hidden(screen.Copy, nil),
	}
	return append(keys, screen.Bind(screen.Lines...)...)
}

// Update handles one message.
func (s *Summary) Update(msg any) screen.Action {
	last := max(0, s.count-s.height)
	switch msg := msg.(type) {
	case screen.Scrolled:
		s.offset = max(0, min(s.offset+msg.By, last))
	case screen.Press:
		if n, ok := screen.Step(msg.ID, s.offset, s.height, last+1); ok {
			s.offset = n
			return nil
		}
		switch msg.ID {
		case screen.Back:
			return screen.GoBack{}
		case screen.Export:
			return screen.WriteReport{Run: s.id}
		case screen.Advice:
			return screen.Show{Dialog: dialog.NewText("History advice", s.advice, s.g)}
		case screen.Open:
			return screen.Show{Dialog: dialog.NewText("All steps", s.steps, s.g)}
		case screen.Copy:
			return screen.CopyText{Text: term.Clean(s.id), What: "run id"}
		default:
		}
	}
	return nil
}

// View draws the summary.
func (s *Summary) View(r screen.Rect) []widget.Line {
	lines := s.lines(r.W)
	s.count, s.height = len(lines), r.H
	last := max(0, s.count-s.height)
	s.offset = min(s.offset, last)
	out := widget.Fill(lines[s.offset:], r.H)
	if s.offset < last { // say that there is more
		more := widget.As(widget.Strong, term.Clean(fmt.Sprintf(" %d more lines: down scrolls ", last-s.offset)))
		out[r.H-1] = widget.Ends(out[r.H-1], more, r.W, s.g)
	}
	return out
}

const labelWidth = 15

func (s *Summary) lines(width int) []widget.Line {
	run := s.store.Runs[s.id]
	if run == nil {
		return []widget.Line{widget.L(" this run is not known any more; esc goes back")}
	}
	out := []widget.Line{s.head(run, width), widget.Rule(width, s.g)}
	add := func(label term.Safe, role widget.Role, text term.Safe) {
		out = append(out, widget.Labelled(" "+label, labelWidth, role, text, width-1)...)
	}
	role, verdict := oldKey(run)
	add("Old key", role, verdict)
	switch run.Status {
	case rotate.RunDone:
		add("New key", widget.Good, term.Clean(run.NewMask+" of "+run.Plan.Old.Owner))
	case rotate.RunAbandoned:
		add("New key", widget.Plain, "see below")
	case rotate.RunContained:
		add("New key", widget.Plain, "none yet: plan the rotation")
	default:
		add("New key", widget.Plain, "deleted again")
	}
	out = append(out, nil)
	for i, line := range consumers(run) {
		name := term.Safe("")
		if i == 0 {
			name = "Consumers"
		}
		add(name, widget.Plain, line)
	}
	out = append(out, nil)
	for i, line := range s.todo(run) {
		name := term.Safe("")
		if i == 0 {
			name = "Still to do"
		}
		add(name, widget.Strong, line)
	}
	out = append(out, nil)
	add("Report", widget.Plain, "e writes Markdown and JSON; the journal keeps run "+term.Clean(run.Plan.ID))
	add("Next", widget.Strong, s.next())
	return out
}

func (s *Summary) head(run *screen.Run, width int) widget.Line {
	word, role := "rotated", widget.Good
	switch run.Status {
	case rotate.RunDone:
	case rotate.RunContained, rotate.RunAbandoned:
		word, role = strings.ToUpper(string(run.Status)), widget.Bad
	default:
		word, role = "ROLLED BACK", widget.Bad
	}
	took := run.Updated.Sub(run.Started)
	left := widget.Line{
		widget.S(widget.Title, " "+term.Clean(run.Plan.Old.Owner)+" "), widget.S(role, term.Clean(word)),
		widget.S(widget.Plain, " in "+screen.Clock(took)),
	}
	return widget.Ends(left, widget.As(widget.Plain, tally(run)+" "), width, s.g)
}

func tally(run *screen.Run) term.Safe {
	n := map[rotate.StepStatus]int{}
	for _, st := range run.Steps {
		n[st.Status]++
	}
	text := fmt.Sprintf("%d done", n[rotate.StepDone])
	for _, st := range []rotate.StepStatus{rotate.StepUndone, rotate.StepSkipped, rotate.StepFailed, rotate.StepWaiting} {
		if n[st] > 0 {
			text += fmt.Sprintf(", %d %s", n[st], st)
		}
	}
	return term.Clean(text)
}

// oldKey is the one thing that this screen is for.
func oldKey(run *screen.Run) (widget.Role, term.Safe) {
	p := run.Proof
	switch {
	case run.Status == rotate.RunRolledBack:
		return widget.Bad, term.Clean(run.Plan.OldMask + " WORKS AGAIN: the leaked key is back in use; rotate it soon")
	case run.Status == rotate.RunContained:
		return widget.Warn, term.Clean(run.Plan.OldMask + " is disabled, and refused; that can be undone")
	case p == nil:
		return widget.Bad, term.Clean(run.Plan.OldMask + ": no proof of death was recorded")
	}
	return widget.Good, term.Clean(fmt.Sprintf("%s deleted and proven dead: refused %d times in a row over %s (%s); %s",
		run.Plan.OldMask, p.Refusals, p.Window.Round(100*time.Millisecond), p.Code, p.Control))
}

// consumers is one line for each service, with its level of attestation.
func consumers(run *screen.Run) []term.Safe {
	var out []term.Safe
	for i, st := range run.Steps {
		step := run.Plan.Steps[i]
		if step.Action != rotate.ActAttest {
			continue
		}
		text := step.Target.Provider + " " + step.Target.Name + ": "
		switch {
		case run.Status == rotate.RunRolledBack:
			text += "on the old value again"
		case st.Level != nil:
			text += "attested " + st.Detail
		default:
			text += "NOT attested (" + string(st.Status) + ")"
		}
		out = append(out, term.Clean(text))
	}
	if len(out) == 0 {
		out = append(out, "none was found")
	}
	return out
}

func (s *Summary) todo(run *screen.Run) []term.Safe {
	if run.Status == rotate.RunAbandoned {
		var out []term.Safe
		for _, line := range run.Left {
			out = append(out, term.Clean(line))
		}
		return out
	}
	if run.Status == rotate.RunContained {
		return []term.Safe{"whoever uses the key is down: plan the rotation now"}
	}
	out := []term.Safe{"the value stays in the git history, where it opens nothing now: h says more"}
	if run.Status == rotate.RunRolledBack {
		out[0] = "the leaked key must still be replaced: mend what stopped the run, then plan again"
	}
	for _, g := range run.Plan.Gaps {
		out = append(out, term.Clean("not searched for consumers: "+g.What+" ("+g.Why+")"))
	}
	return out
}

// next says how many leaks are left, so that nobody stops too early.
func (s *Summary) next() term.Safe {
	live, open := 0, 0
	for _, c := range s.store.Cases {
		switch c.State().Word {
		case "LIVE":
			live++
		case "UNKNOWN", "UNCHECKED":
			open++
		}
	}
	if live+open == 0 {
		return "no other credential is open here; q quits"
	}
	return term.Clean(fmt.Sprintf("%d live and %d not known to be dead are left: esc goes to the list", live, open))
}

func (s *Summary) steps(width int) []widget.Line {
	run := s.store.Runs[s.id]
	if run == nil {
		return nil
	}
	var out []widget.Line
	for i, st := range run.Steps {
		label := widget.Line{widget.S(widget.Muted, term.Clean(fmt.Sprintf("%2d ", i+1))), widget.S(screen.StepRole(st.Status), term.Pad(term.Clean(string(st.Status)), 9))}
		text := run.Plan.Steps[i].Title
		if st.Detail != "" {
			text += ": " + st.Detail
		}
		out = append(out, widget.Wrapped(label, widget.Plain, term.Clean(text), width)...)
	}
	return out
}

// advice is what to do about the value in the history, once it is dead.
func (s *Summary) advice(width int) []widget.Line {
	run := s.store.Runs[s.id]
	dead := run != nil && run.Status == rotate.RunDone && run.Proof != nil
	text := []term.Safe{
		"The value stays in every clone, fork and backup of this repository. Nothing takes it back from those who have it; only its death makes it worthless.",
	}
	if dead {
		text = append(text, "It is proven dead. Rewriting the history is not needed for safety, and it breaks every clone. Most teams leave it.")
	} else {
		text = append(text, "It is NOT proven dead. Do not rewrite the history now: that costs time and protects nobody.")
	}
	text = append(text,
		"If a rule asks for it all the same: git filter-repo --replace-text FILE (github.com/newren/git-filter-repo) on a fresh mirror clone, after a backup; then everybody clones anew, and the host must drop its cached views and pull-request refs.",
		"So that it does not happen again: secretguard hook install",
	)
	var out []widget.Line
	for i, t := range text {
		if i > 0 {
			out = append(out, nil)
		}
		out = append(out, widget.Wrapped(nil, widget.Plain, t, width)...)
	}
	if c := s.cases(run); c != "" {
		out = append(out, nil)
		out = append(out, widget.Wrapped(nil, widget.Muted, c, width)...)
	}
	return out
}

// cases names where the value stands.
func (s *Summary) cases(run *screen.Run) term.Safe {
	if run == nil {
		return ""
	}
	c := s.store.Case(run.Plan.Case)
	if c == nil {
		return ""
	}
	var files []string
	for _, f := range c.Findings {
		place := fmt.Sprintf("%s:%d", f.File, f.Line)
		if f.Commit != "" {
			place += " in " + string(screen.ShortHash(f.Commit))
		}
		files = append(files, place)
	}
	return term.Clean("It stands in " + strings.Join(files, ", "))
}
