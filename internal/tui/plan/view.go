package plan

import (
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// View draws the plan: the steps, then what a person must know before approving.
func (p *Plan) View(r screen.Rect) []widget.Line {
	out := []widget.Line{p.head(r.W), widget.Rule(r.W, p.g)}
	foot := p.foot(r.W, max(4, (r.H-2)/2))
	width, height := r.W, r.H-len(out)-len(foot)
	wide := r.Class() == screen.Wide
	if wide {
		width = r.W * 2 / 3
	}
	body := p.table(width, height)
	if wide {
		side := r.W - width - widget.PaneGap
		body = widget.Panes(body, width, stepLines(p.plan.Steps[p.cursor], side), side, height, p.g)
	}
	out = append(out, widget.Fill(body, height)...)
	return append(out, foot...)
}

func (p *Plan) head(width int) widget.Line {
	name := "keep running"
	if p.plan.Strategy == rotate.ContainFirst {
		name = "contain first: an outage"
	}
	right := widget.Line{widget.S(widget.Muted, "strategy: "), widget.S(widget.Strong, term.Clean(name)), widget.S(widget.Plain, " ")}
	left := widget.As(widget.Title, " credentials > "+term.Clean(p.plan.Old.Owner)+" > plan "+short(p.plan.ID))
	return widget.Ends(left, right, width, p.g)
}

func short(run string) term.Safe { return term.Clean(strings.TrimPrefix(run, "r-")) }

func (p *Plan) table(width, height int) []widget.Line {
	p.height = max(1, height-1)
	p.offset = widget.Window(p.cursor, p.offset, p.height, len(p.plan.Steps))
	t := widget.Table{
		Columns: []widget.Column{{Title: "#", Width: 2}, {Title: "STEP", Width: 48, Grow: 2}, {Title: "UNDO", Width: 24}, {Title: "RISK", Width: 16, Grow: 1}},
		Count:   len(p.plan.Steps), Cursor: p.cursor, Offset: p.offset,
		Row: func(i int) []widget.Span {
			s := p.plan.Steps[i]
			return []widget.Span{
				widget.S(widget.Plain, term.Clean(fmt.Sprintf("%2d", s.N))), widget.S(widget.Plain, term.Clean(s.Title)),
				widget.S(undoRole(s), term.Clean(s.Undo)), widget.S(widget.Plain, term.Clean(s.Risk)),
			}
		},
	}
	if width < roomy {
		t.Columns = []widget.Column{{Title: "#", Width: 2}, {Title: "STEP", Width: 40, Grow: 1}, {Title: "UNDO", Width: 4}}
		whole := t.Row
		t.Row = func(i int) []widget.Span {
			cells := whole(i)
			cells[2].Text = inShort(p.plan.Steps[i])
			return cells
		}
	}
	return t.Lines(width, height, p.g)
}

// roomy is the width from which undo and risk have columns of their own; below,
// the line of the chosen step has them.
const roomy = 100

// inShort says in four cells whether a step can be undone.
func inShort(s rotate.Step) term.Safe {
	switch s.Undo {
	case rotate.UndoNone:
		return "NONE"
	case "-", "":
		return "-"
	}
	return "yes"
}

// foot holds risks, needs and the digest, in at most limit lines; what is cut
// is counted.
func (p *Plan) foot(width, limit int) []widget.Line {
	const label = 9
	var risks []widget.Line
	for i, r := range p.plan.Risks {
		name := term.Safe("Risks")
		if i > 0 {
			name = ""
		}
		risks = append(risks, widget.Labelled(" "+name, label, widget.Warn, term.Clean(r), width-1)...)
	}
	if len(p.plan.Risks) == 0 {
		risks = widget.Labelled(" Risks", label, widget.Plain, "none known besides those of the steps", width-1)
	}
	rest := append(p.down(label, width), append(p.needs(label, width), p.digest(label, width))...)
	if width < roomy {
		rest = append(p.chosen(label, width), rest...)
	}
	if room := limit - len(rest) - 1; len(risks) > room {
		risks = risks[:max(0, room-1)]
		risks = append(risks, widget.Line{widget.S(widget.Muted, term.Pad(" Risks", label)), widget.S(widget.Warn, screen.Count(len(p.plan.Risks), "risk")+" in all: enter lists them")})
	}
	out := append([]widget.Line{widget.Rule(width, p.g)}, risks...)
	return append(out, rest...)
}

// chosen is undo and risk of the step under the cursor.
func (p *Plan) chosen(label, width int) []widget.Line {
	s := p.plan.Steps[p.cursor]
	line := widget.Line{
		widget.S(widget.Muted, term.Pad(term.Clean(fmt.Sprintf(" Step %d", s.N)), label)), widget.S(widget.Muted, "risk: "), widget.S(widget.Plain, term.Clean(s.Risk)),
		widget.S(widget.Muted, "; undo: "), widget.S(undoRole(s), term.Clean(s.Undo)),
	}
	return []widget.Line{line.Fit(width, p.g)}
}

// down is how long production is down, by the plan's estimate.
func (p *Plan) down(label, width int) []widget.Line {
	text := p.plan.OutageWords()
	if text == "" {
		return nil
	}
	return []widget.Line{{widget.S(widget.Muted, term.Pad(" Outage", label)), widget.S(widget.Plain, term.Cut(term.Clean(text), width-label-1, p.g.More))}}
}

// needs lists our own rights; whether we have them is rarely known before use.
func (p *Plan) needs(label, width int) []widget.Line {
	if len(p.plan.Needs) == 0 {
		return nil
	}
	byStatus := map[string][]string{}
	var order []string
	for _, n := range p.plan.Needs {
		if byStatus[n.Status] == nil {
			order = append(order, n.Status)
		}
		byStatus[n.Status] = append(byStatus[n.Status], n.Permission)
	}
	var parts []string
	for _, st := range order {
		word := st
		if st == "unknown" {
			word = "not known"
		}
		parts = append(parts, fmt.Sprintf("%s: %s", word, strings.Join(byStatus[st], ", ")))
	}
	text := term.Clean(strings.Join(parts, "; "))
	return []widget.Line{{widget.S(widget.Muted, term.Pad(" Needs", label)), widget.S(widget.Plain, term.Cut(text, width-label-1, p.g.More))}}
}

func (p *Plan) digest(label, width int) widget.Line {
	left := widget.Line{widget.S(widget.Muted, term.Pad(" Digest", label)), widget.S(widget.Strong, term.Clean(p.plan.ShortDigest()))}
	if width >= screen.MediumWidth {
		left = left.Add(widget.Plain, "   nothing is changed until it is approved")
	}
	right := widget.As(widget.Plain, "expires in "+screen.Clock(p.plan.Expires.Sub(p.store.Now))+" ")
	if p.expired() {
		right = widget.As(widget.Bad, "EXPIRED: R plans again ")
	}
	return widget.Ends(left, right, width, p.g)
}
