package widget

import (
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/term"
)

// Column is one column of a table.
type Column struct {
	Title term.Safe
	Width int // cells that it needs
	Grow  int // share of the cells that are left over
	// Drop is the order in which columns go when there is no room: the highest
	// first; 0 stays always.
	Drop int
}

// Table draws rows under a heading. Only the rows that are visible are asked for.
type Table struct {
	Columns []Column
	Count   int
	Cursor  int // -1: no row is chosen
	Offset  int // first visible row, see Window
	// Row gives the cells of one row.
	Row func(i int) []Span
	// Marker gives the two cells before a row; ">" for the chosen one when nil.
	Marker func(i int) term.Safe
}

// fitted is a column with its final width.
type fitted struct {
	index, width int
}

// layout chooses the columns that fit, and their widths.
func (t Table) layout(width int) []fitted {
	keep := make([]fitted, len(t.Columns))
	for i, c := range t.Columns {
		keep[i] = fitted{i, c.Width}
	}
	need := func() int {
		n := 0
		for _, f := range keep {
			n += f.width + 1
		}
		return n
	}
	for need() > width {
		worst := -1
		for i, f := range keep {
			if d := t.Columns[f.index].Drop; d > 0 && (worst < 0 || d > t.Columns[keep[worst].index].Drop) {
				worst = i
			}
		}
		if worst < 0 {
			break
		}
		keep = slices.Delete(keep, worst, worst+1)
	}
	t.grow(keep, width-need())
	return keep
}

// grow gives what is left over to the columns that want it.
func (t Table) grow(keep []fitted, left int) {
	if left < 0 && len(keep) > 0 { // nothing more to drop: the last one is cut
		keep[len(keep)-1].width = max(1, keep[len(keep)-1].width+left)
		return
	}
	shares := 0
	for _, f := range keep {
		shares += t.Columns[f.index].Grow
	}
	rest := left
	for i, f := range keep {
		if shares == 0 {
			return
		}
		add := left * t.Columns[f.index].Grow / shares
		keep[i].width += add
		rest -= add
	}
	for i := len(keep) - 1; i >= 0 && rest > 0; i-- {
		if t.Columns[keep[i].index].Grow > 0 {
			keep[i].width += rest
			return
		}
	}
}

// gutter is the width of the marker before each row.
const gutter = 3

// Lines draws the heading and the visible rows.
func (t Table) Lines(width, height int, g Glyphs) []Line {
	cols := t.layout(width - gutter)
	more := term.Safe("")
	if t.Count > height-1 && height > 1 { // say that there is more
		more = term.Clean(fmt.Sprintf("  (%d-%d of %d)", t.Offset+1, min(t.Offset+height-1, t.Count), t.Count))
	}
	head := Line{{spaces(gutter), Plain}}
	for _, c := range cols {
		title := t.Columns[c.index].Title
		if t.Columns[c.index].Grow > 0 { // the first one that has room
			title, more = title+more, ""
		}
		head = head.Add(Muted, term.Pad(title, c.width)+" ")
	}
	out := []Line{head.Fit(width, g)}
	for i := t.Offset; i < t.Count && len(out) < height; i++ {
		out = append(out, t.row(i, cols, width, g))
	}
	return out
}

func (t Table) row(i int, cols []fitted, width int, g Glyphs) Line {
	mark := term.Safe("   ")
	switch {
	case t.Marker != nil:
		mark = t.Marker(i)
	case i == t.Cursor:
		mark = " > "
	}
	row := Line{{mark, Plain}}
	cells := t.Row(i)
	for _, c := range cols {
		var cell Span
		if c.index < len(cells) {
			cell = cells[c.index]
		}
		row = append(row, Line{cell}.Fit(c.width, g)...)
		row = row.Add(Plain, " ")
	}
	if i == t.Cursor {
		row = row.Painted(Chosen)
	}
	return row.Fit(width, g)
}

// Window moves the first visible row so that the cursor is in sight, as little
// as it can.
func Window(cursor, offset, height, count int) int {
	if height <= 0 {
		return 0
	}
	switch {
	case cursor < offset:
		offset = cursor
	case cursor >= offset+height:
		offset = cursor - height + 1
	}
	return max(0, min(offset, count-height))
}
