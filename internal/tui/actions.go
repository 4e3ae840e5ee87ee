package tui

import (
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/approve"
	"github.com/secretguard/secretguard/internal/tui/detail"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/guided"
	"github.com/secretguard/secretguard/internal/tui/run"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/summary"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// perform carries out what a screen asked for.
func (m *Root) perform(a screen.Action) tea.Cmd {
	switch a := a.(type) {
	case nil:
		return nil
	case screen.GoBack:
		m.back()
	case screen.Flash:
		m.flash, m.flashBad = a.Text, a.Bad
	case screen.Show:
		m.show(a.Dialog, false)
	case screen.Then:
		m.back()
		return m.perform(a.Do)
	case screen.Tell:
		return m.perform(m.top().Update(a.Msg))
	case screen.PressBelow:
		for _, b := range m.bindings() {
			if b.ID == a.ID {
				return m.press(b)
			}
		}
	case screen.OpenCase:
		return m.openCase(a.Case)
	case screen.OpenRun:
		m.openRun(a.Run)
		return m.fetch(a.Run)
	case screen.Leave:
		return m.askLeave()
	case screen.LeaveNow:
		return m.leave()
	default:
		return m.question(a)
	}
	return nil
}

// question handles the actions that ask something first.
func (m *Root) question(a screen.Action) tea.Cmd {
	switch a := a.(type) {
	case screen.AskVerify:
		return m.askVerify(a)
	case screen.AskReveal:
		return m.askReveal(a)
	case screen.AskIgnore:
		m.askIgnore(a.Case)
	case screen.AskApproval:
		m.askApproval(a.Plan)
	case screen.AskRollBack:
		m.askRollBack(a.Run)
	case screen.AskAccept:
		m.askAccept(a.Run, a.Step)
	case screen.AskSupply:
		if r := m.store.Runs[a.Run]; r != nil {
			m.show(guided.New(m.store, a.Run, m.g), false)
		}
	case screen.AskSkip:
		m.askSkip(a.Run)
	case screen.SkipTurn:
		m.skipTurn(a.Run)
	default:
		return m.work(a)
	}
	return nil
}

func (m *Root) openCase(id string) tea.Cmd {
	c := m.store.Case(id)
	if c == nil {
		return nil
	}
	m.push(detail.New(m.store, id, m.g), false)
	var cmds []tea.Cmd
	if c.Located == nil && !c.Looking && !m.store.Offline {
		cmds = append(cmds, m.look(id))
	}
	if c.Excerpt[0] == nil {
		cmds = append(cmds, m.lookAt(id, 0))
	}
	return tea.Batch(cmds...)
}

// runScreen is a screen that shows a run.
type runScreen interface{ RunID() string }

// openRun shows a run: its summary when it is closed.
func (m *Root) openRun(id string) {
	for i, s := range m.screens {
		if shown, ok := s.(runScreen); ok && shown.RunID() == id {
			m.screens = m.screens[:i+1]
			return
		}
	}
	if r := m.store.Runs[id]; r != nil && !r.Unfinished() {
		m.push(summary.New(m.store, id, m.g), false)
		return
	}
	m.push(run.New(m.store, id, m.g), false)
}

// askLeave asks only when something would stop.
func (m *Root) askLeave() tea.Cmd {
	if m.store.ActiveRuns() == 0 {
		return m.leave()
	}
	body := []term.Safe{"A rotation is running. Leaving lets the step in flight finish, then pauses; the journal keeps everything."}
	for _, r := range m.store.Unfinished() {
		if r.Active {
			body = append(body, term.Clean("Go on later with: secretguard rotate resume "+r.Plan.ID))
		}
	}
	m.show(dialog.NewConfirm("Leave?", body, "Stay", "Pause after this step and leave", screen.LeaveNow{}, m.g), false)
	return nil
}

// leave ends the screen. What runs is paused by whoever started the program.
func (m *Root) leave() tea.Cmd {
	m.quit = true
	return tea.Quit
}

// askVerify asks once for each issuer, since the issuer sees the call.
func (m *Root) askVerify(a screen.AskVerify) tea.Cmd {
	var issuers []string
	var body []term.Safe
	cases := map[string]int{}
	for _, id := range a.Cases {
		if c := m.store.Case(id); c != nil && m.store.WhyNoVerify(c) == "" {
			if p := c.Ability.Provider; !m.store.Asked[p] && cases[p] == 0 {
				issuers = append(issuers, p)
			}
			cases[c.Ability.Provider]++
		}
	}
	do := screen.Consent{Issuers: issuers, Cases: a.Cases}
	if len(issuers) == 0 {
		return m.work(do)
	}
	for _, p := range issuers {
		for _, id := range a.Cases {
			if c := m.store.Case(id); c != nil && c.Ability.Provider == p {
				body = append(body, c.Ability.Issuer+": "+screen.Count(cases[p], "key")+", one call each: "+c.Ability.Call)
				break
			}
		}
	}
	body = append(body, "The call only reads. It is made with the leaked key itself, so the issuer sees it and may log it. Asked once for each issuer in a session.")
	m.show(dialog.NewConfirm("Ask the issuer?", body, "Cancel", "Ask", do, m.g), false)
	return nil
}

func (m *Root) askReveal(a screen.AskReveal) tea.Cmd {
	do := screen.ShowSecret{Case: a.Case, Part: a.Part}
	if m.store.RevealAgreed {
		return m.work(do)
	}
	body := []term.Safe{
		"The value is shown on this screen for 10 seconds, until a key is pressed or the window changes.",
		"Who looked, when and at which key is written to the journal; the value is not.",
		"Is anybody looking, or is the screen being shared or recorded?",
	}
	m.show(dialog.NewConfirm("Show the secret?", body, "Cancel", "Show it", do, m.g), false)
	return nil
}

func (m *Root) askIgnore(id string) {
	c := m.store.Case(id)
	if c == nil {
		return
	}
	body := []term.Safe{
		c.KindName() + " " + c.Short(),
		"Accepting hides it here and in scans that use the baseline file. The file holds ids, never the value.",
	}
	if c.State().Word == "LIVE" {
		body = append(body, "This key is LIVE: whoever has it can use it.")
	}
	fields := []dialog.Field{
		{Label: "Reason", Check: dialog.Needed("say why it is accepted")},
		{Label: "Owner", Value: m.store.Actor, Check: dialog.Needed("say who answers for it")},
		{Label: "Until", Hint: "YYYY-MM-DD, empty for no end", Check: date(m.store.Now)},
	}
	m.show(dialog.NewForm("Accept this credential", body, fields, func(v []string) screen.Action {
		return screen.AcceptCase{Case: id, Reason: v[0], Owner: v[1], Until: v[2]}
	}, m.g), false)
}

// date accepts nothing, or a day that is not over.
func date(now time.Time) func(string) term.Safe {
	return func(s string) term.Safe {
		if s == "" {
			return ""
		}
		t, err := time.Parse(time.DateOnly, s)
		switch {
		case err != nil:
			return "write the day as YYYY-MM-DD, or leave it empty"
		case !t.AddDate(0, 0, 1).After(now):
			return "that day is over"
		}
		return ""
	}
}

// askApproval opens the approval of a plan, never in read-only mode.
func (m *Root) askApproval(p rotate.Plan) {
	if m.store.ReadOnly {
		m.say("read-only mode approves nothing")
		return
	}
	services := map[string]bool{p.Issuer: true}
	for _, s := range p.Steps {
		if s.Placement != nil {
			services[s.Placement.Provider] = true
		}
		if s.Target != nil {
			services[s.Target.Provider] = true
		}
	}
	text := fmt.Sprintf("%d steps in %d services.", len(p.Steps), len(services))
	for _, s := range p.Irreversible() {
		text += fmt.Sprintf(" Step %d cannot be undone: %s.", s.N, s.Title)
	}
	body := []term.Safe{term.Clean(text)}
	if p.Strategy == rotate.ContainFirst {
		body = append(body, "CONTAIN FIRST: the old key stops working at once. Every service on it fails until it has the new one.")
	}
	if n := len(p.Risks); n > 0 {
		body = append(body, screen.Count(n, "risk")+" named in the plan; approving accepts them.")
	}
	m.show(approve.New("Approve plan "+term.Clean(p.ShortDigest()), body, "Approve", p.Phrase,
		func(typed string) screen.Action { return screen.Start{Plan: p, Typed: typed} }, m.config.Now, m.g), false)
}

// askRollBack asks for a typed phrase: going back puts a leaked key to use again.
func (m *Root) askRollBack(id string) {
	r := m.store.Runs[id]
	if r == nil || m.store.ReadOnly {
		return
	}
	stored := 0
	for i, st := range r.Steps {
		if r.Plan.Steps[i].Action == rotate.ActStore && st.Status != rotate.StepWaiting {
			stored++
		}
	}
	body := []term.Safe{
		"THE LEAKED KEY " + term.Clean(r.Plan.OldMask) + " IS PUT BACK TO USE. Whoever found it can use it too.",
		"The old value goes back to " + screen.Count(stored, "variable") + ", its services are deployed again, and the new key is deleted last.",
	}
	phrase := "roll back " + r.Plan.Old.Owner
	m.show(approve.New("Roll back run "+term.Clean(id), body, "Roll back", phrase,
		func(string) screen.Action { return screen.UndoRun{Run: id, Reason: "decided in the responder"} }, m.config.Now, m.g), false)
}

func (m *Root) askAccept(id, step string) {
	r := m.store.Runs[id]
	if r == nil {
		return
	}
	s, ok := r.Plan.Step(step)
	if !ok {
		return
	}
	body := []term.Safe{term.Clean(s.Title), term.Clean("It says: " + r.Problem), "Accepting goes on with the evidence there is. The reason is written to the journal and the report."}
	m.show(dialog.NewForm("Accept less for this step", body, []dialog.Field{{Label: "Reason", Check: dialog.Needed("a reason is needed")}},
		func(v []string) screen.Action { return screen.AcceptLess{Run: id, Step: step, Reason: v[0]} }, m.g), false)
}

// offer shows the runs that an earlier session left.
func (m *Root) offer(runs []*screen.Run) {
	items := make([]dialog.Item, 0, len(runs)+1)
	items = append(items, dialog.Item{Label: "later", Hint: "look at the credentials first", Do: nil})
	for _, r := range runs {
		hint := fmt.Sprintf("%s, %s, %s", r.Plan.Old.Owner, r.Status, screen.Ago(m.store.Now, r.Updated))
		items = append(items, dialog.Item{Label: "open run " + term.Clean(r.Plan.ID), Hint: term.Clean(hint), Do: screen.OpenRun{Run: r.Plan.ID}})
	}
	body := []term.Safe{"An earlier session left work behind: a leaked key may be half replaced. Opening a run changes nothing yet."}
	m.show(dialog.NewMenu("Unfinished rotations", body, items, m.g), true)
}

// logLines is the session's log: what was not scanned, then what happened.
func (m *Root) logLines(width int) []widget.Line {
	var out []widget.Line
	for _, s := range m.store.Board.Coverage.Skipped {
		word, role := "skipped", widget.Muted
		if s.Gap {
			word, role = "NOT READ", widget.Warn
		}
		text := fmt.Sprintf("%s: %d x %s: %s", word, s.Count, s.What, s.Why)
		if s.Example != "" {
			text += " (" + s.Example + ")"
		}
		out = append(out, widget.Wrapped(nil, role, term.Clean(text), width)...)
	}
	for _, n := range m.store.Board.Notices {
		out = append(out, widget.Wrapped(nil, widget.Warn, term.Clean(n), width)...)
	}
	for _, n := range m.store.Notes {
		role := widget.Plain
		if n.Bad {
			role = widget.Bad
		}
		out = append(out, widget.Wrapped(widget.As(widget.Muted, term.Clean(n.At.Local().Format(time.TimeOnly))+"  "), role, n.Text, width)...)
	}
	if r, ok := m.screens[len(m.screens)-1].(runScreen); ok {
		if shown := m.store.Runs[r.RunID()]; shown != nil {
			out = append(out, nil, widget.As(widget.Title, "Run "+term.Clean(r.RunID())))
			for _, e := range shown.Feed {
				line := run.FeedLine(e)
				out = append(out, widget.Wrapped(line[:1], line[1].Role, line[1].Text, width)...)
			}
		}
	}
	if len(out) == 0 {
		out = append(out, widget.As(widget.Muted, "nothing yet"))
	}
	return out
}
