package run

import (
	"fmt"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// View draws the steps above and what was said below.
func (r *Run) View(rect screen.Rect) []widget.Line {
	s := r.current()
	if s == nil {
		return []widget.Line{widget.As(widget.Title, " run "+short(r.id)), nil, widget.L("   reading the journal")}
	}
	out := []widget.Line{r.head(s, rect.W)}
	trouble := r.trouble(s, rect.W)
	if room := rect.H/2 - 1; len(trouble) > room { // what helps stays in sight
		keep := min(len(trouble), 2)
		trouble = append(trouble[:max(1, room-keep):max(1, room-keep)], trouble[len(trouble)-keep:]...)
	}
	left := rect.H - len(out) - len(trouble) - 2
	steps := max(3, min(len(s.Steps)+1, left-3))
	width := rect.W
	body := r.table(s, width, steps)
	if rect.Class() == screen.Wide {
		width = rect.W * 2 / 3
		side := rect.W - width - widget.PaneGap
		body = widget.Panes(r.table(s, width, steps), width, r.stepLines(r.at(s), side), side, steps, r.g)
	}
	out = append(out, widget.Rule(rect.W, r.g))
	out = append(out, body...)
	out = append(out, widget.Rule(rect.W, r.g))
	out = append(out, trouble...)
	return append(out, r.feed(s, rect.W, rect.H-len(out))...)
}

func short(run string) term.Safe { return term.Clean(strings.TrimPrefix(run, "r-")) }

func (r *Run) head(s *screen.Run, width int) widget.Line {
	state, role := state(s, r.pausing)
	took := s.Updated.Sub(s.Started)
	if s.Active {
		took = r.store.Now.Sub(s.Started)
	}
	right := widget.Line{
		widget.S(role, state), widget.S(widget.Plain, term.Clean(fmt.Sprintf("   step %d of %d   ", min(s.Frontier()+1, len(s.Steps)), len(s.Steps)))),
		widget.S(widget.Muted, screen.Clock(took)+" "),
	}
	left := widget.As(widget.Title, " "+term.Clean(s.Plan.Old.Owner)+" > run "+short(r.id))
	return widget.Ends(left, right, width, r.g)
}

// state is the run in a word.
func state(s *screen.Run, pausing bool) (term.Safe, widget.Role) {
	_, yours := s.Turn()
	switch {
	case pausing && s.Active:
		return "PAUSING", widget.Warn
	case s.Active && s.GoingBack():
		return "GOING BACK", widget.Warn
	case s.Active:
		return "RUNNING", widget.Strong
	case s.Alarm != "":
		return "STILL ALIVE", widget.Bad
	case yours:
		return "YOUR TURN", widget.Warn
	case s.Status == rotate.RunHeld:
		return "HELD", widget.Bad
	case s.Status == rotate.RunDone, s.Status == rotate.RunRolledBack:
		return term.Clean(strings.ToUpper(string(s.Status))), widget.Good
	case s.Status == rotate.RunContained, s.Status == rotate.RunAbandoned:
		return term.Clean(strings.ToUpper(string(s.Status))), widget.Bad
	}
	return "STOPPED", widget.Warn // paused, or left by a process that ended
}

// trouble says why the run stands still and which key helps; nothing while it
// goes on.
func (r *Run) trouble(s *screen.Run, width int) []widget.Line {
	var out []widget.Line
	say := func(label term.Safe, role widget.Role, text term.Safe) {
		out = append(out, widget.Labelled(" "+label, 9, role, text, width-1)...)
	}
	turn, yours := s.Turn()
	switch {
	case s.Active:
		return r.doing(s, width)
	case yours:
		say("YOU", widget.Warn, term.Clean(turn.Step.Title))
		say("at", widget.Key, term.Clean(turn.Guide.Link))
		for i, do := range turn.Guide.Do {
			say("   "+screen.Ordinal(i+1), widget.Plain, term.Clean(do))
		}
	case s.Alarm != "":
		say("ALARM", widget.Bad, term.Clean(s.Alarm))
	case s.Problem != "":
		say("HELD", widget.Bad, term.Clean(s.Problem))
	case s.Ended != nil:
		say("ENDED", widget.Bad, s.Ended.Text)
	case s.Status == rotate.RunRunning:
		say("STOPPED", widget.Warn, "here; another process ended in the middle of it, or still works on it and is followed here")
	case s.Unfinished():
		say("STOPPED", widget.Warn, "at a safe point: no request is in flight")
	}
	if s.Ended != nil && s.Ended.Try != "" && s.Problem == "" {
		say("try", widget.Plain, s.Ended.Try)
	}
	if next := r.next(); next != "" {
		say("next", widget.Strong, next)
	}
	return append(out, widget.Rule(width, r.g))
}

// doing is what the step in flight says: the row above has no room for it.
func (r *Run) doing(s *screen.Run, width int) []widget.Line {
	said := r.said(s, s.Frontier())
	if said == "" {
		said = "working"
	}
	line := widget.Line{widget.S(widget.Muted, term.Pad(" now", 9)), widget.S(widget.Strong, term.Clean(said))}
	return []widget.Line{line.Fit(width, r.g), widget.Rule(width, r.g)}
}

// next names the keys that work, in the order in which they are worth trying.
func (r *Run) next() term.Safe {
	if why := r.whyNoRetry(); why != "" {
		return ""
	}
	turn, yours := r.turn()
	text := term.Safe("t tries again")
	switch {
	case yours && turn.Key:
		text = "H takes the new key"
	case yours:
		text = "t checks that it is gone"
	case r.current().Problem == "":
		text = "t goes on"
	}
	if r.current().GoingBack() {
		text += " with the roll back"
	}
	if r.whyNoAccept() == "" {
		text += "   K accepts what was shown"
	}
	if r.whyNoRollBack() == "" {
		text += "   B undoes all"
	}
	return text
}

func (r *Run) table(s *screen.Run, width, height int) []widget.Line {
	r.height = max(1, height-1)
	at := r.at(s)
	r.offset = widget.Window(at, r.offset, r.height, len(s.Steps))
	t := widget.Table{
		Columns: []widget.Column{
			{Title: "#", Width: 2}, {Title: "STEP", Width: 44, Grow: 3}, {Title: "STATE", Width: 8}, {Title: "TIME", Width: 7, Drop: 1}, {Title: "WHAT IT SAID", Width: 20, Grow: 3, Drop: 2},
		},
		Count: len(s.Steps), Cursor: at, Offset: r.offset,
		Row: func(i int) []widget.Span {
			st := s.Steps[i]
			return []widget.Span{
				widget.S(widget.Plain, term.Clean(fmt.Sprintf("%2d", i+1))), widget.S(widget.Plain, term.Clean(s.Plan.Steps[i].Title)),
				widget.S(screen.StepRole(st.Status), word(s, st.Status)), widget.S(widget.Muted, took(st.Took)), widget.S(widget.Plain, term.Clean(r.said(s, i))),
			}
		},
	}
	return t.Lines(width, height, r.g)
}

// word makes what needs a person stand out without colour. A step that was begun
// in a run that stands still is not running.
func word(s *screen.Run, st rotate.StepStatus) term.Safe {
	_, yours := s.Turn()
	switch {
	case st == rotate.StepFailed && yours:
		return "YOU"
	case st == rotate.StepFailed:
		return "HELD"
	case st == rotate.StepRunning && !s.Active:
		return "begun"
	}
	return term.Clean(string(st))
}

func took(d time.Duration) term.Safe {
	if d <= 0 {
		return ""
	}
	return term.Clean(fmt.Sprintf("%.1f s", d.Seconds()))
}

// feed is what was said, newest first.
func (r *Run) feed(s *screen.Run, width, height int) []widget.Line {
	var out []widget.Line
	for i := len(s.Feed) - 1; i >= 0 && len(out) < height; i-- {
		out = append(out, FeedLine(s.Feed[i]).Fit(width, r.g))
	}
	return out
}

// FeedLine is one event in one line.
func FeedLine(e rotate.Event) widget.Line {
	text := term.Clean(e.Text)
	if e.Detail != "" {
		text += ": " + term.Clean(e.Detail)
	}
	role := widget.Plain
	if e.Status == rotate.StepFailed {
		role = widget.Bad
	}
	return widget.Line{widget.S(widget.Muted, " "+term.Clean(e.Time.Local().Format(time.TimeOnly))+" "), widget.S(role, text)}
}
