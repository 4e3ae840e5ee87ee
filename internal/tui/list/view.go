package list

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// previewWidth is the width of the right pane when there is room for one.
const previewWidth = 46

// View draws the list.
func (l *List) View(r screen.Rect) []widget.Line {
	out := []widget.Line{l.head(r.W), l.bar(r.W), widget.Rule(r.W, l.g)}
	foot := l.foot(r.W)
	height := r.H - len(out) - len(foot)
	width := r.W
	wide := r.Class() == screen.Wide && len(l.rows) > 0
	if wide {
		width = r.W - previewWidth - widget.PaneGap
	}
	body := l.body(width, height)
	if wide {
		body = widget.Panes(body, width, l.preview(previewWidth), previewWidth, height, l.g)
	}
	out = append(out, widget.Fill(body, height)...)
	return append(out, foot...)
}

// head is the breadcrumb and the tally.
func (l *List) head(width int) widget.Line {
	b := l.store.Board
	left := widget.As(widget.Title, " secretguard")
	if b.Target.Path != "" {
		left = left.Add(widget.Title, " > "+term.Clean(filepath.Base(b.Target.Path)))
		switch {
		case b.Coverage.Commits > 0:
			left = left.Add(widget.Muted, " ("+screen.Count(b.Coverage.Commits, "commit")+")")
		case b.Coverage.Files > 0:
			left = left.Add(widget.Muted, " ("+screen.Count(b.Coverage.Files, "file")+")")
		}
	}
	return widget.Ends(left, l.tally(), width, l.g)
}

func (l *List) tally() widget.Line {
	if len(l.store.Cases) == 0 {
		return append(l.modes(), widget.S(widget.Plain, " "))
	}
	n := map[term.Safe]int{}
	for _, c := range l.store.Cases {
		n[c.State().Word]++
	}
	right := append(l.modes(), widget.S(widget.Plain, "  "+screen.Count(len(l.store.Cases), "credential")))
	for _, s := range []struct {
		word term.Safe
		name string
		role widget.Role
	}{{"LIVE", "live", widget.Bad}, {"UNKNOWN", "unknown", widget.Warn}, {"UNCHECKED", "unchecked", widget.Plain}, {"DEAD", "dead", widget.Good}} {
		if n[s.word] > 0 {
			right = right.Add(s.role, term.Clean(fmt.Sprintf("  %d %s", n[s.word], s.name)))
		}
	}
	return right.Add(widget.Plain, " ")
}

func (l *List) modes() widget.Line {
	var m widget.Line
	if l.store.ReadOnly {
		m = m.Add(widget.Warn, " [read-only]")
	}
	if l.store.Offline {
		m = m.Add(widget.Warn, " [offline]")
	}
	return m
}

// bar is the filter, the facets and the age of what is shown.
func (l *List) bar(width int) widget.Line {
	all := func(s term.Safe) term.Safe {
		if s == "" {
			return "all"
		}
		return s
	}
	by := orders[l.sorting].name
	if l.reverse {
		by += " reversed"
	}
	right := widget.Line{
		widget.S(narrowed(l.kind), "[kind: "+all(l.kind)+"] "),
		widget.S(narrowed(l.word), "[liveness: "+all(l.word)+"] "),
		widget.S(widget.Muted, "[by "+by+"] "),
	}
	if width >= screen.MediumWidth {
		right = append(right, l.verified()...)
	}
	room := max(6, width-right.Width()-4)
	left := widget.As(widget.Key, " / ")
	switch {
	case l.typing:
		left = append(left, l.filter.Line(room, true, l.g)...)
	case l.filter.Value() != "":
		n := len([]rune(l.filter.Value())) + 1
		left = append(left, l.filter.Line(min(room, n), false, l.g)...)
		if room > n+13 {
			left = left.Add(widget.Muted, " (esc clears)")
		}
	default:
		left = left.Add(widget.Muted, "filter")
	}
	return widget.Ends(left, right, width, l.g)
}

func narrowed(s term.Safe) widget.Role {
	if s == "" {
		return widget.Muted
	}
	return widget.Strong
}

// verified says how old the newest verdict is.
func (l *List) verified() widget.Line {
	var newest time.Time
	for _, c := range l.store.Cases {
		if at := c.Liveness.Verdict.At; at.After(newest) {
			newest = at
		}
	}
	switch {
	case newest.IsZero():
		return widget.As(widget.Muted, "[not verified] ")
	case l.store.Now.Sub(newest) > screen.StaleAfter:
		return widget.As(widget.Warn, "[stale: verified "+screen.Ago(l.store.Now, newest)+"] ")
	}
	return widget.As(widget.Muted, "[verified "+screen.Ago(l.store.Now, newest)+"] ")
}

// body is the table, or what stands in its place.
func (l *List) body(width, height int) []widget.Line {
	if len(l.rows) == 0 {
		return l.nothing(width)
	}
	l.height = height
	l.offset = widget.Window(l.cursor(), l.offset, height-1, len(l.rows))
	t := widget.Table{
		Columns: []widget.Column{
			{Title: "STATE", Width: 11},
			{Title: "KIND", Width: 20, Grow: 1},
			{Title: "WHO / WHAT", Width: 17, Grow: 1},
			{Title: "SEEN", Width: 16, Drop: 1},
			{Title: "DEPLOYED", Width: 17, Grow: 1, Drop: 2},
		},
		Count: len(l.rows), Cursor: l.cursor(), Offset: l.offset, Row: l.row, Marker: l.marker,
	}
	if width < screen.MediumWidth+8 { // the last column shows at 80 cells too
		t.Columns[1].Width, t.Columns[2].Width, t.Columns[3].Width, t.Columns[4].Width = 18, 14, 15, 13
	}
	return t.Lines(width, height, l.g)
}

func (l *List) marker(i int) term.Safe {
	m, c := term.Safe(" "), term.Safe(" ")
	if l.marks[l.rows[i].ID] {
		m = "*"
	}
	if l.rows[i].ID == l.chosen {
		c = ">"
	}
	return m + c + " "
}

func (l *List) row(i int) []widget.Span {
	c := l.rows[i]
	s := c.State()
	word := s.Word
	if c.Asking {
		word = "asking"
	}
	return []widget.Span{
		widget.S(s.Role, s.Sign+" "+word), widget.S(widget.Plain, c.KindName()), widget.S(widget.Plain, c.Who()),
		widget.S(widget.Plain, c.Seen()), widget.S(widget.Plain, c.Where()),
	}
}

// nothing says why no row is shown, and what to do next.
func (l *List) nothing(width int) []widget.Line {
	cov := l.store.Board.Coverage
	seen := screen.Count(cov.Files, "file")
	if cov.Commits > 0 {
		seen = screen.Count(cov.Commits, "commit")
	}
	var lines []widget.Line
	say := func(role widget.Role, text term.Safe) {
		lines = append(lines, nil)
		lines = append(lines, widget.Wrapped(widget.L("   "), role, text, width-3)...)
	}
	switch {
	case l.store.Loading:
		say(widget.Strong, "scanning: "+l.far())
		say(widget.Muted, "esc stops the scan; what was found until then is shown")
	case l.store.LoadErr != nil:
		say(widget.Bad, "could not scan: "+l.store.LoadErr.Text)
		say(widget.Plain, "try: "+l.store.LoadErr.Try)
		say(widget.Muted, "t tries again   q quits")
	case len(l.store.Cases) > 0:
		say(widget.Strong, "nothing fits the filter; "+screen.Count(len(l.store.Cases), "credential")+" without it")
		say(widget.Muted, "esc clears the filter, f changes the facets")
	case !cov.Complete:
		say(widget.Warn, "no credentials found in "+seen+", but not everything was read: press L")
		say(widget.Muted, "this is not a clean result")
	default:
		say(widget.Good, "no credentials found in "+seen+", everything was read")
		say(widget.Muted, "t scans again   q quits")
	}
	return lines
}

// far says how far the scan is.
func (l *List) far() term.Safe {
	p := l.store.Progress
	if p.Done == 0 {
		return "the first objects are being read"
	}
	done := fmt.Sprintf("%d files", p.Done)
	if p.Total > 0 {
		done = fmt.Sprintf("%d of %d objects", min(p.Done, p.Total), p.Total)
	}
	return term.Clean(fmt.Sprintf("%s, %.1f MB", done, float64(p.Bytes)/1e6))
}

// foot is the chosen credential in one line, and what is missing from the list.
func (l *List) foot(width int) []widget.Line {
	out := []widget.Line{widget.Rule(width, l.g)}
	if c := l.current(); c != nil {
		line := widget.Line{widget.S(widget.Plain, " "), widget.S(widget.Strong, c.Middle()), widget.S(widget.Plain, "  "+firstSeen(c))}
		out = append(out, line)
	}
	if n := l.alarm(); n != "" {
		out = append(out, widget.As(widget.Bad, " "+n).Fit(width, l.g))
	} else if n := l.notice(); n != "" {
		out = append(out, widget.As(widget.Warn, " "+n))
	}
	return out
}

// alarm names a run whose leaked key still opens something, or that waits for a
// person: it stays until that is over, whatever is in the list.
func (l *List) alarm() term.Safe {
	var yours term.Safe
	for _, r := range l.store.Unfinished() {
		if r.Alarm != "" {
			return "! " + term.Clean(r.Plan.OldMask) + " WAS DELETED AND IS STILL ACCEPTED: run " + term.Clean(r.Plan.ID)
		}
	}
	for _, r := range l.store.Unfinished() {
		if _, ok := r.Turn(); ok && !r.Active && yours == "" {
			yours = "run " + term.Clean(r.Plan.ID) + " waits for you: R opens it"
		}
	}
	return yours
}

// firstSeen tells when, by whom and where a credential came in.
func firstSeen(c *screen.Case) term.Safe {
	f := oldest(c)
	if f == nil {
		return ""
	}
	where := f.File
	if where == "" {
		where = string(f.Where)
	}
	s := fmt.Sprintf("in %s:%d", where, f.Line)
	if !f.Date.IsZero() {
		s = "first seen " + f.Date.Format(time.DateOnly) + " " + s
	}
	return term.Clean(s)
}

func oldest(c *screen.Case) *scan.Finding {
	var best *scan.Finding
	for i := range c.Findings {
		f := &c.Findings[i]
		if best == nil || !f.Date.IsZero() && (best.Date.IsZero() || f.Date.Before(best.Date)) {
			best = f
		}
	}
	return best
}

// notice names what a person must not overlook about this list.
func (l *List) notice() term.Safe {
	b := l.store.Board
	gaps := 0
	for _, s := range b.Coverage.Skipped {
		if s.Gap {
			gaps += s.Count
		}
	}
	switch {
	case len(l.store.Cases) == 0: // the middle of the screen says it
		return ""
	case l.store.Loading && len(l.rows) > 0:
		return "scanning again: " + l.far() + "; esc stops"
	case b.Stopped:
		return "partial: the scan was stopped; t scans again"
	case gaps > 0:
		return "partial: " + screen.Count(gaps, "thing") + " could not be read; L lists them"
	case b.Coverage.Shallow:
		return "partial: the clone is shallow, older commits are missing; L says more"
	case len(l.marks) > 0:
		return screen.Count(len(l.marks), "mark") + "; r verifies the marked ones, z takes the last mark back"
	case l.unasked():
		return "nobody has been asked yet: r asks the issuers which of these still work"
	case b.Accepted > 0:
		return screen.Count(b.Accepted, "finding") + " accepted before and not shown" + from(b.Baseline)
	}
	return ""
}

// unasked reports whether something can be verified and nothing was.
func (l *List) unasked() bool {
	some := false
	for _, c := range l.store.Cases {
		if c.State().Word != "UNCHECKED" || c.Asking {
			return false
		}
		some = some || l.store.WhyNoVerify(c) == ""
	}
	return some
}

func from(file string) term.Safe {
	if file == "" {
		return ""
	}
	return " (" + term.Clean(filepath.Base(file)) + ")"
}

// preview is the right pane of a wide screen.
func (l *List) preview(width int) []widget.Line {
	c := l.current()
	if c == nil {
		return nil
	}
	s := c.State()
	out := []widget.Line{{widget.S(widget.Title, c.KindName())}, {widget.S(widget.Strong, c.Masked())}, nil}
	label := func(name term.Safe, role widget.Role, text term.Safe) {
		out = append(out, widget.Labelled(name, 10, role, text, width)...)
	}
	label("state", s.Role, s.Sign+" "+s.Word)
	label("who", widget.Plain, c.Who())
	if d := c.Liveness.Verdict.Detail; d != "" {
		label("answer", widget.Plain, term.Clean(d))
	}
	label("seen", widget.Plain, c.Seen()+", "+screen.Count(c.Commits(), "commit"))
	label("first", widget.Plain, firstSeen(c))
	label("deployed", widget.Plain, c.Where())
	if why := l.store.WhyNoPlan(c); why != "" {
		label("rotate", widget.Warn, why)
	}
	out = append(out, nil, widget.As(widget.Muted, "Evidence"))
	for _, f := range c.Findings {
		out = append(out, widget.Line{widget.S(widget.Plain, term.Clean(fmt.Sprintf("  %s:%d", f.File, f.Line)))})
	}
	return out
}
