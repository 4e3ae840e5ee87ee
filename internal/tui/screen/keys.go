package screen

import (
	"slices"

	"github.com/secretguard/secretguard/internal/term"
)

// ID names what a key does. It is the same on every screen and is what a keymap
// changes.
type ID string

// Everything a key can do.
const (
	Up        ID = "up"
	Down      ID = "down"
	PageUp    ID = "page-up"
	PageDown  ID = "page-down"
	HalfUp    ID = "half-up"
	HalfDown  ID = "half-down"
	First     ID = "first"
	Last      ID = "last"
	NextPane  ID = "next-pane"
	PrevPane  ID = "previous-pane"
	Open      ID = "open"
	Back      ID = "back"
	Mark      ID = "mark"
	Undo      ID = "undo"
	Redo      ID = "redo"
	Filter    ID = "filter"
	NextMatch ID = "next-match"
	PrevMatch ID = "previous-match"
	Sort      ID = "sort"
	Reverse   ID = "sort-reverse"
	Facets    ID = "facets"
	Verify    ID = "verify"
	Rotate    ID = "rotate"
	Contain   ID = "contain"
	Ignore    ID = "ignore"
	Edit      ID = "edit"
	Copy      ID = "copy"
	Reveal    ID = "reveal"
	Export    ID = "export"
	Strategy  ID = "strategy"
	SavePlan  ID = "save-plan"
	Approve   ID = "approve"
	HandIn    ID = "hand-in"
	Skip      ID = "skip"
	Retry     ID = "retry"
	Accept    ID = "accept"
	RollBack  ID = "roll-back"
	Pause     ID = "pause"
	Advice    ID = "advice"
	Log       ID = "log"
	Help      ID = "help"
	Palette   ID = "palette"
	Quit      ID = "quit"
)

// Group is a heading of the help page.
type Group int

// Groups, in the order of the help page: what a person came for stands first.
const (
	Changing Group = iota
	Triaging
	Looking
	Program
	Moving
)

// Title names the group.
func (g Group) Title() term.Safe {
	return [...]term.Safe{"Towards change", "Sort out", "Look", "Program", "Move"}[g]
}

// Key is what one ID means to a person: data, from which the help bar, the help
// page and the palette are made.
type Key struct {
	ID    ID
	Keys  []string  // as the terminal library names them; any of them works
	Label term.Safe // what the help bar shows
	Help  term.Safe // one or two words
	More  term.Safe // a sentence for the help page
	Group Group
	// Danger marks what leads towards a change outside this machine. Such a key
	// never acts by itself: a typed approval or a confirmation follows.
	Danger bool
}

// keymap is every key of the responder. A dangerous one is an upper-case letter
// that is not the upper case of a harmless neighbour with a similar meaning.
var keymap = []Key{
	{Up, []string{"up", "k"}, "up", "one line up", "", Moving, false},
	{Down, []string{"down", "j"}, "down", "one line down", "", Moving, false},
	{PageUp, []string{"pgup"}, "pgup", "one page up", "", Moving, false},
	{PageDown, []string{"pgdown"}, "pgdn", "one page down", "", Moving, false},
	{HalfUp, []string{"ctrl+u"}, "ctrl+u", "half a page up", "", Moving, false},
	{HalfDown, []string{"ctrl+d"}, "ctrl+d", "half a page down", "", Moving, false},
	{First, []string{"home", "g"}, "g", "to the first line", "", Moving, false},
	{Last, []string{"end", "G"}, "G", "to the last line", "", Moving, false},
	{NextPane, []string{"tab", "right", "l"}, "tab", "pane", "to the next pane", Moving, false},
	{PrevPane, []string{"shift+tab", "left", "h"}, "shift+tab", "previous pane", "to the previous pane", Moving, false},
	{Open, []string{"enter"}, "enter", "open", "what is chosen", Moving, false},
	{Back, []string{"esc"}, "esc", "back", "one level back", Moving, false},

	{Filter, []string{"/"}, "/", "filter", "show only what holds the typed text; esc clears it", Looking, false},
	{NextMatch, []string{"n"}, "n", "next match", "to the next match of the filter", Looking, false},
	{PrevMatch, []string{"N"}, "N", "previous match", "to the previous match of the filter", Looking, false},
	{Sort, []string{"s"}, "s", "sort", "sort by the next column", Looking, false},
	{Reverse, []string{"S"}, "S", "reverse", "turn the order around", Looking, false},
	{Facets, []string{"f"}, "f", "facets", "show only one kind or one liveness", Looking, false},
	{Edit, []string{"o"}, "o", "editor", "open the file in $EDITOR at the line", Looking, false},
	{Copy, []string{"y"}, "y", "copy", "copy the id or the location, never the secret", Looking, false},
	{Reveal, []string{"V"}, "V", "reveal", "show the secret for 10 seconds; this is written down", Looking, false},
	{Log, []string{"L"}, "L", "log", "what happened so far, and what was not looked at", Looking, false},
	{Advice, []string{"h"}, "h", "history advice", "what to do about the value in the git history", Looking, false},

	{Mark, []string{"space"}, "space", "mark", "for verify", Triaging, false},
	{Undo, []string{"z"}, "z", "undo mark", "take the last mark back", Triaging, false},
	{Redo, []string{"Z"}, "Z", "redo mark", "make the mark again", Triaging, false},
	{Verify, []string{"r"}, "r", "verify", "ask the issuer whether the key works; asks you first", Triaging, false},
	{Ignore, []string{"i"}, "i", "ignore", "accept it, with a reason, in a baseline file", Triaging, false},
	{Export, []string{"e"}, "e", "export report", "write a report, every value masked", Triaging, false},

	{Rotate, []string{"R"}, "R", "rotate", "plan a rotation: reads only", Changing, true},
	{Contain, []string{"X"}, "X", "contain", "plan to disable the key first: an outage, on purpose", Changing, true},
	{Strategy, []string{"tab"}, "tab", "other strategy", "plan again with the other strategy", Changing, false},
	{SavePlan, []string{"w"}, "w", "save plan", "write the plan to a file, without any secret", Changing, false},
	{Approve, []string{"A"}, "A", "approve", "approve this plan by typing its phrase", Changing, true},
	{HandIn, []string{"H"}, "H", "your turn", "what you have to do by hand, and where the new key is handed in", Changing, true},
	// Not a letter: it must work where a key is typed.
	{Skip, []string{"ctrl+k"}, "ctrl+k", "skip for now", "leave what you have to do by hand for later; asks first", Changing, false},
	{Retry, []string{"t"}, "t", "continue", "go on with a run that stands still", Changing, false},
	{Pause, []string{"p"}, "p", "pause", "stop at the next safe point", Changing, false},
	{Accept, []string{"K"}, "K", "accept less", "accept less evidence for the held step; asks why", Changing, true},
	{RollBack, []string{"B"}, "B", "roll back", "undo what was done; the leaked key works again", Changing, true},

	{Help, []string{"?"}, "?", "help", "all keys of this screen", Program, false},
	{Palette, []string{":", "ctrl+p"}, ":", "commands", "find a command by its name", Program, false},
	{Quit, []string{"q"}, "q", "quit", "leave; a run pauses at the next safe point", Program, false},
}

// KeyOf returns the key of an ID; an unknown one is a programmer's mistake.
func KeyOf(id ID) Key {
	i := slices.IndexFunc(keymap, func(k Key) bool { return k.ID == id })
	if i < 0 {
		panic("screen: no such key")
	}
	return keymap[i]
}

// Binding is a key as one screen offers it now.
type Binding struct {
	Key
	// Bar puts it into the help bar at the bottom.
	Bar bool
	// Off gives the reason why it does nothing now; nil or an empty reason means
	// that it works.
	Off func() term.Safe
}

// Why returns the reason why the key does nothing now; empty when it works.
func (b Binding) Why() term.Safe {
	if b.Off == nil {
		return ""
	}
	return b.Off()
}

// Bind offers keys that always work.
func Bind(ids ...ID) []Binding {
	var out []Binding
	for _, id := range ids {
		out = append(out, Binding{Key: KeyOf(id)})
	}
	return out
}

// InBar offers a key that is shown in the help bar. off may be nil.
func InBar(id ID, off func() term.Safe) Binding { return Binding{Key: KeyOf(id), Bar: true, Off: off} }

// Hidden offers a key that only the help page shows. off may be nil.
func Hidden(id ID, off func() term.Safe) Binding { return Binding{Key: KeyOf(id), Off: off} }

// Named returns the binding with other help words.
func (b Binding) Named(help term.Safe) Binding {
	b.Help, b.More = help, ""
	return b
}

// Words is what the help page and the palette say about the binding.
func (b Binding) Words() term.Safe {
	if b.More == "" {
		return b.Help
	}
	return b.Help + ": " + b.More
}

// Lookup returns the binding that a key press means.
func Lookup(bindings []Binding, pressed string) (Binding, bool) {
	for _, b := range bindings {
		if slices.Contains(b.Keys, pressed) {
			return b, true
		}
	}
	return Binding{}, false
}

// Lines is what moves a cursor through lines.
var Lines = []ID{Up, Down, PageUp, PageDown, HalfUp, HalfDown, First, Last}

// Step returns the new cursor after a press that moves it, and whether it did.
func Step(id ID, cursor, page, count int) (int, bool) {
	switch id {
	case Up:
		cursor--
	case Down:
		cursor++
	case PageUp:
		cursor -= page
	case PageDown:
		cursor += page
	case HalfUp:
		cursor -= max(1, page/2)
	case HalfDown:
		cursor += max(1, page/2)
	case First:
		cursor = 0
	case Last:
		cursor = count - 1
	default:
		return cursor, false
	}
	return max(0, min(cursor, count-1)), true
}
