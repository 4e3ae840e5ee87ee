package detail

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// labelWidth is the width of the names in the upper part.
const labelWidth = 11

// enough is how many lines of a pane are too few for anything but the file's own.
const enough = 4

// View draws the screen: facts above, panes below.
func (d *Detail) View(r screen.Rect) []widget.Line {
	c := d.current()
	if c == nil {
		return []widget.Line{widget.As(widget.Title, " credentials"), nil, widget.L("   this credential is not in the list any more; esc goes back")}
	}
	out := []widget.Line{d.head(c, r.W), nil}
	out = append(out, d.facts(c, r.W)...)
	out = append(out, widget.Rule(r.W, d.g))
	height := max(2, r.H-len(out))
	switch r.Class() {
	case screen.Wide:
		left := r.W * 26 / 100
		mid := r.W * 30 / 100
		right := r.W - left - mid - 2*widget.PaneGap
		two := widget.Panes(d.draw(c, evidence, left, height), left, d.draw(c, deployed, mid, height), mid, height, d.g)
		out = append(out, widget.Panes(two, left+mid+widget.PaneGap, d.draw(c, source, right, height), right, height, d.g)...)
	case screen.Medium:
		// The list panes share the upper half, the lines stand below.
		top := max(3, min(height/2, 1+max(d.count(evidence), d.count(deployed), 2)))
		left := (r.W - widget.PaneGap) / 2
		right := r.W - widget.PaneGap - left
		out = append(out, widget.Panes(d.draw(c, evidence, left, top), left, d.draw(c, deployed, right, top), right, top, d.g)...)
		out = append(out, widget.Rule(r.W, d.g))
		out = append(out, d.draw(c, source, r.W, height-top-1)...)
	default:
		out = append(out, d.draw(c, d.pane, r.W, height)...)
	}
	return widget.Fill(out, r.H)
}

func (d *Detail) head(c *screen.Case, width int) widget.Line {
	s := c.State()
	left := widget.Line{widget.S(widget.Title, " credentials > "+c.KindName()+" "), widget.S(widget.Strong, c.Short())}
	return widget.Ends(left, widget.As(s.Role, s.Sign+" "+s.Word+" "), width, d.g)
}

// facts are identity, use, exposure and what is being done.
func (d *Detail) facts(c *screen.Case, width int) []widget.Line {
	var out []widget.Line
	most := 2
	if width < screen.MediumWidth {
		most = 1
	}
	add := func(label term.Safe, role widget.Role, text term.Safe) {
		lines := widget.Labelled(" "+label, labelWidth, role, text, width-1)
		if len(lines) > most {
			lines = append(lines[:most-1], widget.Line{lines[most-1][0], widget.S(role, rest(lines[most-1:]))}.Fit(width, d.g))
		}
		out = append(out, lines...)
	}
	role, text := d.identity(c)
	add("Identity", role, text)
	if c.Ability.NoVerify == "" {
		role, text = d.use(c)
		add("Use", role, text)
	}
	add("Exposure", widget.Plain, exposure(c))
	switch {
	case !d.shown.Empty() && d.store.Now.Before(d.until):
		// The value goes to the screen only here, cleaned like any foreign text.
		add("SECRET", widget.Bad, term.Clean(d.shown.Reveal()))
		add("", widget.Warn, "hides in "+screen.Clock(d.until.Sub(d.store.Now))+", on any key and when the window changes")
	default:
		add("Value", widget.Plain, value(c))
	}
	if c.Run != nil {
		add("Run", widget.Strong, term.Clean(c.Run.Plan.ID+": "+string(c.Run.Status))+runHint(c.Run))
	} else if why := d.store.WhyNoPlan(c); why != "" {
		add("Rotate", widget.Warn, why)
	}
	return out
}

// rest is the text of several lines in one, to be cut.
func rest(lines []widget.Line) term.Safe {
	text := lines[0][1].Text
	for _, l := range lines[1:] {
		text += " " + l[1].Text
	}
	return text
}

func runHint(r *screen.Run) term.Safe {
	if r.Unfinished() {
		return "; R opens it"
	}
	return ""
}

// identity says who the key speaks for and how old that answer is.
func (d *Detail) identity(c *screen.Case) (widget.Role, term.Safe) {
	v := c.Liveness.Verdict
	switch {
	case c.Asking:
		return widget.Plain, "asking " + c.Ability.Issuer
	case d.store.Offline && v.At.IsZero():
		return widget.Warn, "unknown (offline)"
	case c.Liveness.Value == "" || c.Liveness.Value == "unchecked":
		if why := d.store.WhyNoVerify(c); why != "" {
			return widget.Warn, "unchecked: " + why
		}
		return widget.Plain, "unchecked: r asks the issuer"
	}
	who := cmp.Or(v.Identity.Who, v.Identity.Words())
	if who == "" {
		who = v.Detail
	} else if v.Detail != "" {
		who += "; " + v.Detail
	}
	if v.Code != "" {
		who += " (" + v.Code + ")"
	}
	text := term.Clean(strings.TrimPrefix(who, "; "))
	if !v.At.IsZero() {
		text += "   asked " + screen.Ago(d.store.Now, v.At)
		if d.store.Now.Sub(v.At) > screen.StaleAfter {
			text += ", stale: r asks again"
		}
	}
	return widget.Plain, text
}

// use is what the issuer tells our own access about the key.
func (d *Detail) use(c *screen.Case) (widget.Role, term.Safe) {
	l := c.Located
	switch {
	case d.store.Offline && l == nil:
		return widget.Warn, "unknown (offline)"
	case c.Looking:
		return widget.Plain, "asking"
	case l == nil:
		return widget.Plain, "not asked yet"
	case l.Key == nil && c.Liveness.Value == string(providers.Dead):
		return widget.Plain, "the key is dead: its issuer tells nothing about it any more"
	case l.Key == nil:
		return widget.Warn, "not known: " + term.Clean(l.Problem)
	}
	k := l.Key
	text := "last use not recorded"
	if !k.Usage.At.IsZero() {
		text = fmt.Sprintf("last used %s, %s", k.Usage.At.Format(time.DateTime), strings.TrimSpace(k.Usage.Service+" "+k.Usage.Region))
	}
	if n := len(k.Siblings); n > 0 {
		text += "; " + string(screen.Count(n, "more key")) + " of " + k.Key.Ref.Owner
	}
	if !k.Room() {
		text += "; NO ROOM for a second key"
	}
	return widget.Plain, term.Clean(text)
}

// exposure says how far it spreads, what leads to it, for what a remote reaches was
// pushed, and from when to when it was there. The author, who may be cut, comes last.
func exposure(c *screen.Case) term.Safe {
	where := "no longer in HEAD"
	if c.InHead() {
		where = "still in HEAD"
	}
	text := fmt.Sprintf("%s, %s, %s", screen.Count(c.Files(), "file"), screen.Count(c.Commits(), "commit"), where)
	if by := reachedBy(c.Findings); by != "" {
		text += "; reached by " + by
	}
	if c.First.IsZero() {
		return term.Clean(text)
	}
	first, last := c.First.Format(time.DateOnly), ""
	for _, f := range c.Findings {
		if !f.LastDate.IsZero() {
			last = max(last, f.LastDate.Format(time.DateOnly))
		}
	}
	if last <= first {
		text += "; on " + first
	} else {
		text += "; " + first + " to " + last
	}
	for _, f := range c.Findings {
		if f.Author != "" && f.Date.Equal(c.First) {
			text += " by " + f.Author
			break
		}
	}
	return term.Clean(text)
}

// reachedBy joins the ways to all findings. HEAD is most often on a branch, and
// beside "no longer in HEAD" its name would puzzle.
func reachedBy(findings []scan.Finding) string {
	var ways []string
	for _, f := range findings {
		for _, w := range f.ReachedBy {
			if !slices.Contains(ways, w) {
				ways = append(ways, w)
			}
		}
	}
	if slices.Contains(ways, "branch") {
		ways = slices.DeleteFunc(ways, func(w string) bool { return w == "head" })
	}
	return strings.Join(ways, ", ")
}

func value(c *screen.Case) term.Safe {
	text := string(c.Middle())
	if v := c.Credential.Part(c.SecretPart()); !v.Empty() {
		text += fmt.Sprintf("  (%s: %d chars)", c.SecretPart(), v.Len())
	}
	if c.Pairing != "" {
		text += "  " + c.Pairing
	}
	return term.Clean(text)
}

// draw draws one pane with its title; the one with the cursor is marked.
func (d *Detail) draw(c *screen.Case, p pane, width, height int) []widget.Line {
	if height <= 0 {
		return nil
	}
	title, lines := d.content(c, p, width)
	role := widget.Muted
	mark := term.Safe("   ")
	if p == d.pane {
		role, mark = widget.Title, " * "
	}
	out := []widget.Line{widget.As(role, mark+title)}
	if f := d.finding(); p == source && f != nil && height > enough {
		if at := span(f); at != "" {
			out = append(out, widget.As(widget.Muted, term.Clean("   "+at)).Fit(width, d.g))
		}
	}
	room := height - len(out)
	if p == d.pane {
		d.height = max(1, room)
	}
	if p == source && p != d.pane { // until a person scrolls, the finding's own line is in the middle
		d.cursor[p] = d.hit(c)
		d.offset[p] = max(0, min(d.cursor[p]-room/2, len(lines)-room))
	}
	d.offset[p] = widget.Window(min(d.cursor[p], len(lines)-1), d.offset[p], room, len(lines))
	for i := d.offset[p]; i < len(lines) && len(out) < height; i++ {
		line := lines[i]
		if p == d.pane && i == d.cursor[p] && d.count(p) > 0 {
			line = line.Fit(width, d.g).Painted(widget.Chosen)
		}
		out = append(out, line)
	}
	return out
}

// hit is the place of the finding's own line among the lines that are shown.
func (d *Detail) hit(c *screen.Case) int {
	if e := c.Excerpt[d.at()]; e != nil {
		for i, l := range e.Lines {
			if l.Hit {
				return i
			}
		}
	}
	return 0
}

func (d *Detail) content(c *screen.Case, p pane, width int) (term.Safe, []widget.Line) {
	switch p {
	case evidence:
		return term.Clean(fmt.Sprintf("Evidence (%d)", len(c.Findings))), d.evidence(c, width)
	case deployed:
		return d.deployed(c, width)
	default:
	}
	f := d.finding()
	if f == nil {
		return "Lines", nil
	}
	return "Lines of " + term.Clean(place(f)), d.source(c, width)
}

func (d *Detail) evidence(c *screen.Case, width int) []widget.Line {
	var out []widget.Line
	for i := range c.Findings {
		f := &c.Findings[i]
		mark := term.Safe("   ")
		if i == d.cursor[evidence] {
			mark = " > "
		}
		right := term.Clean(reach(f)) + " "
		room := width - term.Width(mark) - term.Width(right) - 2 // a space, and the one between the ends
		at := widget.Line{widget.S(widget.Plain, mark), widget.S(widget.Plain, term.CutLeft(term.Clean(place(f)), room, d.g.More))}
		out = append(out, widget.Ends(at, widget.As(widget.Muted, " "+right), width, d.g))
	}
	return out
}

func (d *Detail) deployed(c *screen.Case, width int) (term.Safe, []widget.Line) {
	switch {
	case c.Looking:
		return "Deployed in", []widget.Line{widget.L("   searching every variable")}
	case c.Located == nil && d.store.Offline:
		return "Deployed in", []widget.Line{widget.As(widget.Warn, "   unknown (offline)")}
	case c.Located == nil:
		return "Deployed in", []widget.Line{widget.L("   not searched; t searches")}
	}
	var out []widget.Line
	for _, l := range placements(c) {
		out = append(out, l.Fit(width, d.g))
	}
	if len(out) == 0 {
		out = append(out, widget.L("   nowhere that was searched"))
	}
	title := fmt.Sprintf("Deployed in (%d)", len(c.Located.Placements))
	if n := len(c.Located.Gaps); n > 0 {
		title += fmt.Sprintf(", %d not searched", n)
	}
	return term.Clean(title), out
}

// placements is one line for each resource, its variables below, and what was not
// searched.
func placements(c *screen.Case) []widget.Line {
	var out []widget.Line
	last := ""
	for _, p := range c.Located.Placements {
		if at := p.Provider + " " + p.ResourceName; at != last {
			last = at
			out = append(out, widget.L(term.Clean("   "+at)))
		}
		text := strings.TrimSpace(p.Key + " " + p.Context + " " + p.ContextParam)
		switch p.Match {
		case providers.MatchByName:
			text += " (by its name: cannot be read)"
		case providers.MatchRecorded:
			text += " (stored by an earlier run: cannot be read)"
		case providers.MatchInside:
			text += " (inside a larger value)"
		case providers.MatchExact:
		}
		out = append(out, widget.L(term.Clean("     "+text)))
	}
	for _, g := range c.Located.Gaps {
		out = append(out, widget.As(widget.Warn, term.Clean("   ? "+g.What+": "+g.Why)))
	}
	return out
}

func (d *Detail) source(c *screen.Case, width int) []widget.Line {
	e := c.Excerpt[d.at()]
	switch {
	case e == nil:
		return []widget.Line{widget.L("   reading")}
	case e.Why != "":
		return widget.Wrapped(widget.L("   "), widget.Warn, term.Clean(e.Why), width)
	}
	var out []widget.Line
	for _, l := range e.Lines {
		role := widget.Plain
		if l.Hit {
			role = widget.Strong
		}
		out = append(out, widget.Line{widget.S(widget.Muted, term.Clean(fmt.Sprintf(" %5d  ", l.N))), widget.S(role, term.Clean(l.Text))})
	}
	return out
}
