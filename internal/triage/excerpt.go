package triage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
)

// ExcerptLine is one line of an excerpt. Text is foreign, but holds no known
// secret.
type ExcerptLine struct {
	N    int // 1-based
	Text string
}

// hidden is a stretch of text that must not be shown, in bytes.
type hidden struct {
	from, to int
	mask     string
}

// nearby is how many lines around the excerpt are searched for values too: a
// value may begin before the first line that is shown.
const nearby = 60

// Excerpt returns the lines around a line of a text, with every secret masked:
// the values of all known findings wherever they stand, and the place of each
// finding of this text, which may hold its secret in an encoded form. It is pure.
func Excerpt(text string, here, known []scan.Finding, line, around int) []ExcerptLine {
	starts := lineStarts(text)
	line = max(1, min(line, len(starts)))
	first, last := max(1, line-around), min(len(starts), line+around)
	from, to := starts[max(1, first-nearby)-1], end(text, starts, min(len(starts), last+nearby))

	var hide []hidden
	for _, f := range here {
		a, b := offset(text, starts, f.Line, f.Column), offset(text, starts, f.EndLine, f.EndColumn)
		if a < b {
			hide = append(hide, hidden{a, b, ""})
		}
	}
	seen := map[string]bool{}
	for _, f := range known {
		if v := f.Secret.Reveal(); v != "" && !seen[v] {
			seen[v] = true
			hide = append(hide, occurrences(text, from, to, v)...)
		}
	}
	masked := blot(text, from, to, hide)
	var out []ExcerptLine
	n := max(1, first-nearby)
	for s := range strings.SplitSeq(masked, "\n") {
		if n >= first && n <= last {
			out = append(out, ExcerptLine{N: n, Text: strings.TrimSuffix(s, "\r")})
		}
		n++
	}
	return out
}

// lineStarts are the offsets at which lines begin.
func lineStarts(text string) []int {
	starts := []int{0}
	for i := range len(text) {
		if text[i] == '\n' && i+1 < len(text) {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// end is the offset behind a line, without its line feed.
func end(text string, starts []int, line int) int {
	if line < len(starts) {
		return starts[line] - 1
	}
	return len(strings.TrimSuffix(text, "\n"))
}

// offset turns a line and a column, both 1-based, into a place in the text.
func offset(text string, starts []int, line, column int) int {
	if line < 1 || line > len(starts) {
		return len(text)
	}
	return min(starts[line-1]+max(0, column-1), len(text))
}

func occurrences(text string, from, to int, v string) []hidden {
	var out []hidden
	for i := from; i < to; {
		at := strings.Index(text[i:], v)
		if at < 0 || i+at >= to {
			break
		}
		out = append(out, hidden{i + at, i + at + len(v), shortMask(v)})
		i += at + 1
	}
	return out
}

// shortMask is the mask of a value with few stars and the length in words, so
// that a line still fits a pane.
func shortMask(v string) string {
	const most = 12
	mask := secret.Mask(v)
	head, rest, _ := strings.Cut(mask, "*")
	tail := strings.TrimLeft(rest, "*")
	n := len(mask) - len(head) - len(tail)
	return head + strings.Repeat("*", min(n, most)) + tail + fmt.Sprintf(" (%d chars)", len(v))
}

// blot replaces the hidden stretches of text[from:to]. Where several overlap, all
// of them become stars; line feeds stay, so that lines keep their numbers.
func blot(text string, from, to int, hide []hidden) string {
	slices.SortFunc(hide, func(a, b hidden) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) })
	var b strings.Builder
	at := from
	for i := 0; i < len(hide); {
		h := hide[i]
		for i++; i < len(hide) && hide[i].from < h.to; i++ {
			if hide[i].from != h.from || hide[i].to != h.to {
				h.mask = ""
			} else if h.mask == "" {
				h.mask = hide[i].mask
			}
			h.to = max(h.to, hide[i].to)
		}
		if h.to <= at || h.from >= to {
			continue
		}
		b.WriteString(text[at:max(at, h.from)])
		stretch := text[max(at, h.from):min(h.to, to)]
		switch {
		case h.mask != "" && len(stretch) == h.to-h.from && !strings.Contains(stretch, "\n"):
			b.WriteString(h.mask)
		default:
			b.WriteString(stars(stretch))
		}
		at = min(h.to, to)
	}
	return b.String() + text[at:to]
}

// stars hides a stretch and keeps its line feeds.
func stars(s string) string {
	const most = 40
	parts := strings.Split(s, "\n")
	for i, p := range parts {
		parts[i] = strings.Repeat("*", min(len(p), most))
	}
	return strings.Join(parts, "\n")
}
