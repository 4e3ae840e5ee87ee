// Package detail is the screen of one credential: who it is, where it was found,
// where it is deployed, and the lines around it.
package detail

import (
	"fmt"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// pane is one part of the screen that takes the cursor.
type pane int

const (
	evidence pane = iota
	deployed
	source
	panes
)

// Detail is the screen.
type Detail struct {
	store  *screen.Store
	id     string
	pane   pane
	cursor [panes]int
	offset [panes]int
	height int
	g      widget.Glyphs

	shown secret.Text
	until time.Time
}

// New returns the screen of a case.
func New(store *screen.Store, id string, g widget.Glyphs) *Detail {
	return &Detail{store: store, id: id, g: g, height: 4}
}

func (d *Detail) current() *screen.Case { return d.store.Case(d.id) }

// finding is the chosen place, nil when there is none.
func (d *Detail) finding() *scan.Finding {
	c := d.current()
	if c == nil || len(c.Findings) == 0 {
		return nil
	}
	return &c.Findings[d.at()]
}

func (d *Detail) at() int { return min(d.cursor[evidence], max(0, len(d.current().Findings)-1)) }

// Keys are the keys of the screen as it is now.
func (d *Detail) Keys() []screen.Binding {
	c := d.current()
	plan := func() term.Safe { return d.store.WhyNoPlan(c) }
	rotateKey, contain := screen.InBar(screen.Rotate, plan), screen.InBar(screen.Contain, plan)
	if c != nil && c.Run != nil && c.Run.Unfinished() {
		rotateKey = rotateKey.Named("open run")
		contain = screen.InBar(screen.Contain, func() term.Safe { return "a run over this key is not finished: R opens it" })
	}
	keys := []screen.Binding{
		rotateKey, contain,
		screen.InBar(screen.Verify, func() term.Safe { return d.store.WhyNoVerify(c) }),
		screen.InBar(screen.Reveal, func() term.Safe { return d.store.WhyNoReveal(c) }),
		screen.InBar(screen.Edit, func() term.Safe { return d.store.WhyNoEditor(d.finding()) }),
		screen.InBar(screen.Copy, nil), screen.InBar(screen.NextPane, nil), screen.InBar(screen.Back, nil),
		screen.Hidden(screen.PrevPane, nil), screen.Hidden(screen.Ignore, nil), screen.Hidden(screen.Export, nil),
		screen.Hidden(screen.Retry, d.whyNoSearch).Named("search again"),
	}
	return append(keys, screen.Bind(screen.Lines...)...)
}

func (d *Detail) whyNoSearch() term.Safe {
	switch c := d.current(); {
	case d.store.Offline:
		return "offline: the consumers cannot be searched"
	case c != nil && c.Looking:
		return "the search is under way"
	}
	return ""
}

// Update handles one message.
func (d *Detail) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Revealed:
		d.shown, d.until = msg.Value, msg.Until
	case screen.Disturbed:
		d.shown = secret.Text{}
	case screen.Scrolled:
		return d.move(d.cursor[d.pane] + msg.By)
	case screen.Press:
		return d.press(msg.ID)
	}
	return nil
}

func (d *Detail) press(id screen.ID) screen.Action {
	if n, ok := screen.Step(id, d.cursor[d.pane], d.height, d.count(d.pane)); ok {
		return d.move(n)
	}
	switch id {
	case screen.Back:
		return screen.GoBack{}
	case screen.NextPane:
		d.pane = (d.pane + 1) % panes
	case screen.PrevPane:
		d.pane = (d.pane + panes - 1) % panes
	default:
		return d.act(id)
	}
	return nil
}

func (d *Detail) act(id screen.ID) screen.Action {
	c := d.current()
	if c == nil {
		return nil
	}
	switch id {
	case screen.Rotate:
		if c.Run != nil && c.Run.Unfinished() {
			return screen.OpenRun{Run: c.Run.Plan.ID}
		}
		return screen.MakePlan{Case: d.id, Strategy: rotate.KeepRunning}
	case screen.Contain:
		return screen.MakePlan{Case: d.id, Strategy: rotate.ContainFirst}
	case screen.Verify:
		return screen.AskVerify{Cases: []string{d.id}}
	case screen.Retry:
		return screen.Look{Case: d.id}
	case screen.Reveal:
		return screen.AskReveal{Case: d.id, Part: c.SecretPart()}
	case screen.Edit:
		return screen.OpenEditor{Case: d.id, Finding: d.at()}
	case screen.Copy:
		return d.copy()
	case screen.Ignore:
		return screen.AskIgnore{Case: d.id}
	case screen.Export:
		return screen.WriteReport{}
	default:
	}
	return nil
}

// copy takes the place in the evidence pane, the case's id elsewhere.
func (d *Detail) copy() screen.Action {
	if f := d.finding(); d.pane == evidence && f != nil {
		return screen.CopyText{Text: term.Clean(place(f)), What: "location"}
	}
	return screen.CopyText{Text: term.Clean(d.id), What: "case id"}
}

// count is how many lines a pane has to move through.
func (d *Detail) count(p pane) int {
	c := d.current()
	if c == nil {
		return 0
	}
	switch p {
	case evidence:
		return len(c.Findings)
	case deployed:
		if c.Located == nil {
			return 0
		}
		return len(placements(c))
	default:
	}
	if e := c.Excerpt[d.at()]; e != nil {
		return len(e.Lines)
	}
	return 0
}

// move puts the cursor of the pane somewhere and asks for the lines of a finding
// that were not read yet.
func (d *Detail) move(to int) screen.Action {
	d.cursor[d.pane] = max(0, min(to, d.count(d.pane)-1))
	if c := d.current(); d.pane == evidence && c != nil && c.Excerpt[d.at()] == nil {
		d.cursor[source], d.offset[source] = 0, 0
		return screen.LookAt{Case: d.id, Finding: d.at()}
	}
	return nil
}

// place is where a finding lies, without saying how it is reached.
func place(f *scan.Finding) string {
	if f.File == "" {
		return string(f.Where)
	}
	return fmt.Sprintf("%s:%d", f.File, f.Line)
}

// reach says in a word what still leads to a place.
func reach(f *scan.Finding) string {
	switch {
	case f.Where == scan.WhereWorktree, f.Where == scan.WhereIndex, f.Where == scan.WhereStdin:
		return string(f.Where)
	case f.Refs.Head:
		return "HEAD"
	case f.Where == scan.WhereUnreachable:
		return "unreachable"
	case f.Where == scan.WhereStash:
		return "stash"
	case slices.Contains(f.ReachedBy, "head"):
		return "history"
	case len(f.ReachedBy) > 0: // another branch, a tag, or only a reflog
		return f.ReachedBy[0]
	case !f.Refs.Branch:
		return "no branch"
	}
	return "history"
}

// span says between which commits a place held it; empty outside history.
func span(f *scan.Finding) string {
	if f.Commit == "" {
		return ""
	}
	text := f.Date.Format(time.DateOnly) + " " + short(f.Commit)
	if f.LastCommit != "" && f.LastCommit != f.Commit {
		text += " to " + f.LastDate.Format(time.DateOnly) + " " + short(f.LastCommit)
	}
	return text
}

// short is as much of a commit's name as two of them leave room for in a pane.
func short(hash string) string { return hash[:min(8, len(hash))] }
