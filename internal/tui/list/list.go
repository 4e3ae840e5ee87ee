// Package list is the first screen: one row for each credential, worst first.
package list

import (
	"cmp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/dialog"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// List is the screen. The cursor stays on its credential, not on its row; until a
// person has moved it, it stays on the worst one.
type List struct {
	store *screen.Store
	g     widget.Glyphs

	rows   []*screen.Case
	chosen string
	moved  bool
	offset int
	height int // of the table when it was last drawn

	filter  widget.Input
	typing  bool
	kind    term.Safe // facet; empty for all
	word    term.Safe // facet on the liveness; empty for all
	sorting int
	reverse bool

	marks      map[string]bool
	done, gone []mark // for undo and redo
}

// mark is one change of a mark.
type mark struct {
	id string
	on bool
}

// New returns the list over a store.
func New(store *screen.Store, g widget.Glyphs) *List {
	l := &List{store: store, g: g, filter: widget.NewInput(80), marks: map[string]bool{}, height: 10}
	l.arrange()
	return l
}

// order is one way to sort.
type order struct {
	name term.Safe
	less func(a, b *screen.Case) int
}

var orders = []order{
	{"risk", screen.ByRisk},
	{"kind", func(a, b *screen.Case) int { return cmp.Compare(a.Title, b.Title) }},
	{"who", func(a, b *screen.Case) int { return cmp.Compare(a.Who(), b.Who()) }},
	{"files", func(a, b *screen.Case) int { return cmp.Compare(b.Files(), a.Files()) }},
	{"age", func(a, b *screen.Case) int { return a.First.Compare(b.First) }},
}

// arrange filters and sorts the rows anew.
func (l *List) arrange() {
	text := strings.ToLower(strings.TrimSpace(l.filter.Value()))
	l.rows = l.rows[:0]
	for _, c := range l.store.Cases {
		if text != "" && !c.Holds(text) || l.kind != "" && c.KindName() != l.kind || l.word != "" && c.State().Word != l.word {
			continue
		}
		l.rows = append(l.rows, c)
	}
	less := orders[l.sorting].less
	slices.SortStableFunc(l.rows, func(a, b *screen.Case) int {
		n := cmp.Or(less(a, b), cmp.Compare(a.Order(), b.Order()))
		if l.reverse {
			n = -n
		}
		return n
	})
	if len(l.rows) > 0 && (l.cursor() < 0 || !l.moved) {
		l.chosen = l.rows[0].ID
	}
}

// cursor is the row of the chosen credential; -1 when it is not listed.
func (l *List) cursor() int {
	return slices.IndexFunc(l.rows, func(c *screen.Case) bool { return c.ID == l.chosen })
}

// current is the chosen case, nil when the list is empty.
func (l *List) current() *screen.Case {
	if i := l.cursor(); i >= 0 {
		return l.rows[i]
	}
	return nil
}

// Typing reports whether the filter has the keys.
func (l *List) Typing() bool { return l.typing }

// Update handles one message.
func (l *List) Update(msg any) screen.Action {
	switch msg := msg.(type) {
	case screen.Changed:
		l.arrange()
	case screen.Typed:
		l.typed(msg)
	case screen.Pasted:
		if l.typing {
			l.filter.Paste(msg.Text)
			l.arrange()
		}
	case screen.Scrolled:
		l.move(l.cursor() + msg.By)
	case screen.Clicked:
		return l.click(msg)
	case facet:
		l.kind, l.word = msg.kind, msg.word
		l.arrange()
	case screen.Press:
		return l.press(msg.ID)
	}
	return nil
}

func (l *List) typed(msg screen.Typed) {
	switch msg.Key.String() {
	case "enter", "down", "up":
		l.typing = false
	case "esc":
		l.typing = false
		l.filter.Set("")
	default:
		l.filter.Press(msg.Key)
	}
	l.arrange()
}

func (l *List) move(to int) {
	l.moved = true
	if len(l.rows) > 0 {
		l.chosen = l.rows[max(0, min(to, len(l.rows)-1))].ID
	}
}

// headLines is how many lines stand above the first row.
const headLines = 4

func (l *List) click(msg screen.Clicked) screen.Action {
	i := msg.Y - headLines + l.offset
	if msg.Y < headLines || msg.Y >= headLines+l.height-1 || i >= len(l.rows) {
		return nil
	}
	if l.rows[i].ID == l.chosen {
		return screen.OpenCase{Case: l.chosen}
	}
	l.move(i)
	return nil
}

func (l *List) press(id screen.ID) screen.Action {
	if i, ok := screen.Step(id, l.cursor(), l.height-1, len(l.rows)); ok {
		l.move(i)
		return nil
	}
	switch id {
	case screen.Open:
		l.moved = true
		return screen.OpenCase{Case: l.chosen}
	case screen.Back:
		return l.back()
	case screen.Filter:
		l.typing = true
	case screen.NextMatch, screen.PrevMatch:
		l.next(id == screen.NextMatch)
	case screen.Sort:
		l.sorting = (l.sorting + 1) % len(orders)
		l.arrange()
	case screen.Reverse:
		l.reverse = !l.reverse
		l.arrange()
	case screen.Facets:
		return screen.Show{Dialog: l.facets()}
	case screen.Mark:
		l.setMark(mark{l.chosen, !l.marks[l.chosen]})
		l.move(l.cursor() + 1)
	case screen.Undo, screen.Redo:
		l.undo(id == screen.Redo)
	default:
		return l.act(id)
	}
	return nil
}

// act is what leaves the list.
func (l *List) act(id screen.ID) screen.Action {
	c := l.current()
	switch id {
	case screen.Verify:
		return screen.AskVerify{Cases: l.toVerify()}
	case screen.Rotate:
		if c.Run != nil && c.Run.Unfinished() {
			return screen.OpenRun{Run: c.Run.Plan.ID}
		}
		return screen.MakePlan{Case: c.ID, Strategy: rotate.KeepRunning}
	case screen.Contain:
		return screen.MakePlan{Case: c.ID, Strategy: rotate.ContainFirst}
	case screen.Ignore:
		return screen.AskIgnore{Case: c.ID}
	case screen.Copy:
		return screen.CopyText{Text: term.Clean(c.ID), What: "case id"}
	case screen.Edit:
		return screen.OpenEditor{Case: c.ID, Finding: 0}
	case screen.Export:
		return screen.WriteReport{}
	case screen.Retry:
		return screen.Reload{}
	default:
	}
	return nil
}

// back undoes one narrowing of the list; there is nowhere else to go.
func (l *List) back() screen.Action {
	switch {
	case l.store.Loading:
		return screen.StopLoading{}
	case l.filter.Value() != "":
		l.filter.Set("")
	case l.kind != "" || l.word != "":
		l.kind, l.word = "", ""
	default:
		return screen.Flash{Text: "this is the first screen; q quits"}
	}
	l.arrange()
	return nil
}

func (l *List) next(forward bool) {
	if len(l.rows) == 0 {
		return
	}
	step := 1
	if !forward {
		step = len(l.rows) - 1
	}
	l.move((l.cursor() + step) % len(l.rows))
}

// toVerify is what is marked, or everything in view that can be asked about.
func (l *List) toVerify() []string {
	var marked, all []string
	for _, c := range l.rows {
		if l.store.WhyNoVerify(c) != "" {
			continue
		}
		all = append(all, c.ID)
		if l.marks[c.ID] {
			marked = append(marked, c.ID)
		}
	}
	if len(l.marks) > 0 {
		return marked
	}
	return all
}

func (l *List) setMark(m mark) {
	if m.id == "" {
		return
	}
	l.apply(m)
	l.done, l.gone = append(l.done, m), nil
}

func (l *List) apply(m mark) {
	if m.on {
		l.marks[m.id] = true
	} else {
		delete(l.marks, m.id)
	}
}

func (l *List) undo(again bool) {
	from, to := &l.done, &l.gone
	if again {
		from, to = to, from
	}
	n := len(*from) - 1
	m := (*from)[n]
	*from, *to = (*from)[:n], append(*to, m)
	if !again {
		m.on = !m.on
	}
	l.apply(m)
	l.chosen = m.id
}

// facet is the answer of the facets menu.
type facet struct{ kind, word term.Safe }

func (l *List) facets() screen.Screen {
	var items []dialog.Item
	add := func(label term.Safe, f facet) {
		n := 0
		for _, c := range l.store.Cases {
			if (f.kind == "" || c.KindName() == f.kind) && (f.word == "" || c.State().Word == f.word) {
				n++
			}
		}
		items = append(items, dialog.Item{Label: label, Hint: screen.Count(n, "credential"), Do: screen.Tell{Msg: f}})
	}
	add("everything", facet{})
	for _, w := range []term.Safe{"LIVE", "UNKNOWN", "UNCHECKED", "DEAD"} {
		add("liveness: "+w, facet{kind: l.kind, word: w})
	}
	seen := map[term.Safe]bool{}
	for _, c := range l.store.Cases {
		if k := c.KindName(); !seen[k] {
			seen[k] = true
			add("kind: "+k, facet{kind: k, word: l.word})
		}
	}
	return dialog.NewMenu("Show only", nil, items, l.g)
}
