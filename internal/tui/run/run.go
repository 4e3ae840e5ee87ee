// Package run is the screen of a rotation that goes on: what is done, what is
// being done, why it stands still, and what a person can do about it.
package run

import (
	"fmt"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/guided"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Run is the screen.
type Run struct {
	store   *screen.Store
	id      string
	cursor  int
	offset  int
	height  int
	free    bool // the cursor was moved by hand and does not follow the run
	pausing bool
	g       widget.Glyphs
}

// New returns the screen of a run.
func New(store *screen.Store, id string, g widget.Glyphs) *Run {
	return &Run{store: store, id: id, g: g, height: 6}
}

// RunID is the run that is shown.
func (r *Run) RunID() string { return r.id }

func (r *Run) current() *screen.Run { return r.store.Runs[r.id] }

// Keys are the keys of the run as it is now.
func (r *Run) Keys() []screen.Binding {
	yours, retry := screen.Hidden(screen.HandIn, r.whyNoHandIn), screen.InBar(screen.Retry, r.whyNoContinue)
	if t, ok := r.turn(); ok {
		yours.Bar = true
		if !t.Key {
			retry = retry.Named("check")
		}
	}
	keys := []screen.Binding{
		yours, retry, screen.InBar(screen.Accept, r.whyNoAccept), screen.InBar(screen.RollBack, r.whyNoRollBack),
		screen.InBar(screen.Pause, r.whyNoPause), screen.InBar(screen.Open, nil).Named("step"), screen.InBar(screen.Back, nil),
		screen.Hidden(screen.Export, nil), screen.Hidden(screen.Copy, nil),
	}
	return append(keys, screen.Bind(screen.Lines...)...)
}

func (r *Run) whyNoRetry() term.Safe    { return r.store.WhyNoResume(r.current()) }
func (r *Run) whyNoHandIn() term.Safe   { return r.store.WhyNoHandIn(r.current()) }
func (r *Run) whyNoRollBack() term.Safe { return r.store.WhyNoRollBack(r.current()) }
func (r *Run) whyNoAccept() term.Safe   { return r.store.WhyNoAccept(r.current()) }

// turn is what the run waits for a person to do.
func (r *Run) turn() (screen.Turn, bool) {
	if s := r.current(); s != nil {
		return s.Turn()
	}
	return screen.Turn{}, false
}

func (r *Run) whyNoContinue() term.Safe {
	if t, ok := r.turn(); ok && t.Key && r.whyNoRetry() == "" {
		return "it waits for the new key (H)"
	}
	return r.whyNoRetry()
}

func (r *Run) whyNoPause() term.Safe {
	s := r.current()
	switch {
	case s == nil || !s.Active:
		return "it is not running here"
	case r.pausing:
		return "it pauses after this step"
	}
	return ""
}

// Update handles one message.
func (r *Run) Update(msg any) screen.Action {
	s := r.current()
	if s == nil {
		if p, ok := msg.(screen.Press); ok && p.ID == screen.Back {
			return screen.GoBack{}
		}
		return nil
	}
	switch msg := msg.(type) {
	case screen.Changed:
		r.pausing = r.pausing && s.Active
	case screen.Scrolled:
		r.free, r.cursor = true, max(0, min(r.cursor+msg.By, len(s.Steps)-1))
	case screen.Press:
		return r.press(msg.ID, s)
	}
	return nil
}

func (r *Run) press(id screen.ID, s *screen.Run) screen.Action {
	if n, ok := screen.Step(id, r.at(s), r.height, len(s.Steps)); ok {
		r.free, r.cursor = true, n
		return nil
	}
	switch id {
	case screen.Back:
		return screen.GoBack{}
	case screen.Retry:
		r.free = false
		return screen.Resume{Run: r.id}
	case screen.HandIn:
		return screen.AskSupply{Run: r.id}
	case screen.Pause:
		r.pausing = true
		return screen.Stop{Run: r.id}
	case screen.RollBack:
		return screen.AskRollBack{Run: r.id}
	case screen.Accept:
		if st, ok := s.Held(); ok {
			return screen.AskAccept{Run: r.id, Step: st.ID}
		}
	case screen.Export:
		return screen.WriteReport{Run: r.id}
	case screen.Copy:
		return screen.CopyText{Text: term.Clean(r.id), What: "run id"}
	case screen.Open:
		i := r.at(s)
		return screen.Show{Dialog: dialog.NewText(term.Clean(fmt.Sprintf("Step %d of %d", i+1, len(s.Steps))), func(w int) []widget.Line { return r.stepLines(i, w) }, r.g)}
	default:
	}
	return nil
}

// at is the step under the cursor: the one in flight, unless a person moved it.
func (r *Run) at(s *screen.Run) int {
	if r.free {
		return min(r.cursor, len(s.Steps)-1)
	}
	return s.Frontier()
}

// stepLines is everything about one step.
func (r *Run) stepLines(i, width int) []widget.Line {
	s := r.current()
	if s == nil || i >= len(s.Steps) {
		return nil
	}
	st, step := s.Steps[i], s.Plan.Steps[i]
	var out []widget.Line
	add := func(label term.Safe, role widget.Role, text string) {
		if text != "" {
			out = append(out, widget.Labelled(label, 10, role, term.Clean(text), width)...)
		}
	}
	add("step", widget.Strong, step.Title)
	add("state", screen.StepRole(st.Status), string(st.Status))
	if st.Attempts > 1 {
		add("tried", widget.Plain, fmt.Sprintf("%d times", st.Attempts))
	}
	if st.Took > 0 {
		add("took", widget.Plain, st.Took.Round(time.Millisecond).String())
	}
	if st.Level != nil {
		add("level", widget.Plain, fmt.Sprintf("L%d", *st.Level))
	}
	add("said", widget.Plain, r.said(s, i))
	add("undo", widget.Plain, step.Undo)
	if step.Guide != nil {
		add("by hand", widget.Key, step.Guide.Link)
		out = append(out, guided.Numbered(step.Guide.Do, width)...)
	}
	return out
}

// said is the newest word about a step: what it says while it runs, else what
// the journal holds.
func (r *Run) said(s *screen.Run, i int) string {
	st := s.Steps[i]
	if st.Status == rotate.StepRunning && s.Said.Step == st.ID && s.Said.Detail != "" {
		return s.Said.Detail
	}
	return st.Detail
}
