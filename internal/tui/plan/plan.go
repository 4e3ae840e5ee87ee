// Package plan is the screen on which a person reads what a rotation would do,
// before anything is done.
package plan

import (
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/guided"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// Plan is the screen.
type Plan struct {
	store  *screen.Store
	plan   rotate.Plan
	cursor int
	offset int
	height int
	g      widget.Glyphs
}

// New returns the screen of a plan.
func New(store *screen.Store, p rotate.Plan, g widget.Glyphs) *Plan {
	return &Plan{store: store, plan: p, g: g, height: 5}
}

// Keys are the keys of the plan as it is now.
func (p *Plan) Keys() []screen.Binding {
	keys := []screen.Binding{
		screen.InBar(screen.Approve, p.whyNot),
		screen.InBar(screen.Strategy, p.whyNoPlan).Named(p.other()),
		screen.InBar(screen.SavePlan, nil), screen.InBar(screen.Open, nil).Named("step detail"), screen.InBar(screen.Back, nil),
		screen.Hidden(screen.Rotate, p.whyNoPlan).Named("plan again"),
		screen.Hidden(screen.Copy, nil),
	}
	return append(keys, screen.Bind(screen.Lines...)...)
}

func (p *Plan) whyNoPlan() term.Safe { return p.store.WhyNoPlan(p.store.Case(p.plan.Case)) }

// whyNot gives the reason why the plan cannot be approved.
func (p *Plan) whyNot() term.Safe {
	switch {
	case p.store.ReadOnly:
		return "read-only mode approves nothing"
	case p.store.Runs[p.plan.ID] != nil:
		return "this plan was approved before"
	case p.expired():
		return "the plan has expired: R plans again"
	case len(p.plan.Missing()) > 0:
		return term.Clean(fmt.Sprintf("our access may not do step %d: save the plan, then: secretguard rotate PLAN --despite-missing-rights REASON", p.plan.Missing()[0].N))
	}
	return ""
}

func (p *Plan) expired() bool { return p.store.Now.After(p.plan.Expires) }

func (p *Plan) other() term.Safe {
	if p.plan.Strategy == rotate.ContainFirst {
		return "keep running"
	}
	return "contain first"
}

// Update handles one message.
func (p *Plan) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Scrolled:
		p.cursor = max(0, min(p.cursor+msg.By, len(p.plan.Steps)-1))
	case screen.Press:
		if n, ok := screen.Step(msg.ID, p.cursor, p.height, len(p.plan.Steps)); ok {
			p.cursor = n
			return nil
		}
		return p.act(msg.ID)
	}
	return nil
}

func (p *Plan) act(id screen.ID) screen.Action {
	switch id {
	case screen.Back:
		return screen.GoBack{}
	case screen.Approve:
		return screen.AskApproval{Plan: p.plan}
	case screen.Strategy:
		s := rotate.ContainFirst
		if p.plan.Strategy == rotate.ContainFirst {
			s = rotate.KeepRunning
		}
		return screen.MakePlan{Case: p.plan.Case, Strategy: s}
	case screen.Rotate:
		return screen.MakePlan{Case: p.plan.Case, Strategy: p.plan.Strategy}
	case screen.SavePlan:
		return screen.WritePlan{Plan: p.plan}
	case screen.Copy:
		return screen.CopyText{Text: term.Clean(p.plan.ID + " " + p.plan.ShortDigest()), What: "plan id and digest"}
	case screen.Open:
		st := p.plan.Steps[p.cursor]
		return screen.Show{Dialog: dialog.NewText(term.Clean(fmt.Sprintf("Step %d of %d", st.N, len(p.plan.Steps))), func(w int) []widget.Line { return append(append(stepLines(st, w), p.outage(st, w)...), p.risks(w)...) }, p.g)}
	default:
	}
	return nil
}

// stepLines is everything about one step.
func stepLines(s rotate.Step, width int) []widget.Line {
	var out []widget.Line
	add := func(label term.Safe, role widget.Role, text string) {
		if text != "" {
			out = append(out, widget.Labelled(label, 10, role, term.Clean(text), width)...)
		}
	}
	add("step", widget.Strong, s.Title)
	add("undo", undoRole(s), s.Undo)
	add("risk", widget.Plain, s.Risk)
	if s.Right != nil {
		role := widget.Plain
		if s.Right.May == providers.MayNo {
			role = widget.Bad
		}
		add("our right", role, rotate.RightWords(*s.Right))
	}
	if pl := s.Placement; pl != nil {
		add("where", widget.Plain, strings.Join(nonEmpty(pl.Provider, pl.AccountName, pl.Level, pl.ResourceName), " > "))
		add("variable", widget.Plain, strings.Join(nonEmpty(pl.Key, pl.Context, pl.ContextParam), " "))
		add("found", widget.Plain, string(pl.Match))
		for _, n := range pl.Notes {
			add("note", widget.Warn, n)
		}
	}
	if t := s.Target; t != nil {
		add("service", widget.Plain, t.Provider+" "+t.Name+" ("+t.ID+")")
		add("health", widget.Plain, orElse(t.HealthURL, "no health URL is known"))
	}
	if s.Guide != nil {
		add("by hand", widget.Key, s.Guide.Link)
		out = append(out, guided.Numbered(s.Guide.Do, width)...)
	}
	if s.Action == rotate.ActAttest {
		add("evidence", widget.Plain, fmt.Sprintf("at least L%d: %s", s.Required, levels[s.Required]))
	}
	return out
}

// outage is how long the consumer of a step is down.
func (p *Plan) outage(s rotate.Step, width int) []widget.Line {
	var out []widget.Line
	for _, o := range p.plan.Outage {
		if s.Target != nil && o.Target == s.Target.Provider+"/"+s.Target.ID {
			out = append(out, widget.Labelled("outage", 10, widget.Plain, term.Clean(o.Words()), width)...)
		}
	}
	return out
}

// risks is every risk of the whole plan.
func (p *Plan) risks(width int) []widget.Line {
	out := []widget.Line{nil, widget.As(widget.Muted, "Risks of the whole plan")}
	for _, r := range p.plan.Risks {
		out = append(out, widget.Wrapped(widget.L("- "), widget.Warn, term.Clean(r), width)...)
	}
	if len(p.plan.Risks) == 0 {
		out = append(out, widget.L("none known besides those of the steps"))
	}
	return out
}

// levels says what each level of attestation means.
var levels = map[rotate.Level]string{
	rotate.L0: "the stored value reads back equal",
	rotate.L1: "a new deploy is live",
	rotate.L2: "the service's health URL answers well",
	rotate.L3: "a path that needs the key works",
	rotate.L4: "the issuer saw the new key used",
}

func nonEmpty(list ...string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func undoRole(s rotate.Step) widget.Role {
	if s.Undo == rotate.UndoNone {
		return widget.Bad
	}
	return widget.Plain
}
