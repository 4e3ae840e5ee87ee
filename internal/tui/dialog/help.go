package dialog

import (
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
	"github.com/secretguard/secretguard/internal/tui/widget"
)

// NewHelp returns the page of all keys, made from the bindings themselves.
func NewHelp(bindings []screen.Binding, g widget.Glyphs) *Text {
	return NewText("Keys", func(width int) []widget.Line { return helpLines(bindings, width) }, g)
}

func helpLines(bindings []screen.Binding, width int) []widget.Line {
	var out []widget.Line
	for group := screen.Changing; group <= screen.Moving; group++ {
		seen := map[screen.ID]bool{}
		var part []widget.Line
		for _, b := range bindings {
			if b.Group != group || seen[b.ID] {
				continue
			}
			seen[b.ID] = true
			part = append(part, helpLine(b, width)...)
		}
		if len(part) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, nil)
		}
		out = append(out, widget.As(widget.Title, group.Title()))
		out = append(out, part...)
	}
	return out
}

const keyWidth = 11

func helpLine(b screen.Binding, width int) []widget.Line {
	why := b.Why()
	role := widget.Key
	if why != "" {
		role = widget.Off
	}
	label := widget.Line{widget.S(widget.Plain, "  "), widget.S(role, term.Pad(b.Label, keyWidth))}
	out := widget.Wrapped(label, widget.Plain, b.Words(), width)
	if why != "" {
		indent := widget.Line{widget.S(widget.Plain, term.Pad("", keyWidth+2))}
		out = append(out, widget.Wrapped(indent, widget.Warn, "off now: "+why, width)...)
	}
	return out
}
