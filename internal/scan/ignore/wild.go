package ignore

import "strings"

// verdict is how a comparison ended. The two that abort tell the stars on the way
// that no other length of theirs can help.
type verdict int

const (
	fits verdict = iota
	differs
	abort
	abortToStars // up to the next **
)

// maxSteps bounds the work on one pattern and name: many stars can take for ever. A
// name that takes longer is not ignored.
const maxSteps = 50_000

// wild compares a text with a pattern, as wildmatch.c of git does. With paths, only
// ** stands for a slash.
func wild(pattern, text string, paths bool) bool {
	m := matcher{paths: paths, steps: maxSteps}
	return m.match(pattern, text) == fits && m.steps > 0
}

type matcher struct {
	paths bool
	steps int
}

func (m *matcher) match(pattern, text string) verdict {
	p := 0
	for ; p < len(pattern); p++ {
		if m.steps--; m.steps <= 0 {
			return abort
		}
		c := pattern[p]
		if c == '*' {
			var v verdict
			if p, text, v = m.star(pattern, p, text); v != differs {
				return v
			}
			continue // a slash behind a star
		}
		if text == "" {
			return abort
		}
		t := text[0]
		switch c {
		case '?':
			if m.paths && t == '/' {
				return differs
			}
		case '[':
			var in bool
			if p, in = set(pattern, p+1, t); p < 0 {
				return abort
			}
			if !in || m.paths && t == '/' {
				return differs
			}
		case '\\':
			p++
			if p == len(pattern) || pattern[p] != t {
				return differs
			}
		default:
			if c != t {
				return differs
			}
		}
		text = text[1:]
	}
	if text != "" {
		return differs
	}
	return fits
}

// star compares from one or more stars at p on. With differs, the caller goes on
// behind the place in the pattern that it returns, with the text that it returns.
func (m *matcher) star(pattern string, p int, text string) (int, string, verdict) {
	first := p
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	rest := pattern[p:]
	slashes := !m.paths
	if m.paths && p-first > 1 && (first == 0 || pattern[first-1] == '/') && (rest == "" || rest[0] == '/' || strings.HasPrefix(rest, `\/`)) {
		if rest != "" && rest[0] == '/' && m.match(rest[1:], text) == fits { // no folder at all
			return p, text, fits
		}
		slashes = true
	}
	slash := strings.IndexByte(text, '/')
	switch {
	case rest == "" && !slashes && slash >= 0:
		return p, text, abortToStars
	case rest == "":
		return p, text, fits
	case !slashes && rest[0] == '/':
		if slash < 0 {
			return p, text, abort
		}
		return p, text[slash+1:], differs
	}
	return p, text, m.lengths(rest, text, slashes)
}

// lengths tries what a star may stand for, from the shortest on.
func (m *matcher) lengths(rest, text string, slashes bool) verdict {
	for ; text != ""; text = text[1:] {
		if m.steps--; m.steps <= 0 {
			return abort
		}
		switch v := m.match(rest, text); {
		case v == differs:
			if !slashes && text[0] == '/' {
				return abortToStars
			}
		case !slashes || v != abortToStars:
			return v
		}
	}
	return abort
}

// set compares a character with the set that starts at p, behind the bracket. It
// returns the place of its end, or less than 0 when it has none.
func set(pattern string, p int, t byte) (end int, in bool) {
	at := func(i int) byte {
		if i < len(pattern) {
			return pattern[i]
		}
		return 0
	}
	c := at(p)
	negated := c == '!' || c == '^'
	if negated {
		p++
		c = at(p)
	}
	matched := false
	for before := byte(0); ; {
		switch {
		case c == 0:
			return -1, false
		case c == '\\':
			p++
			if c = at(p); c == 0 {
				return -1, false
			}
			matched = matched || t == c
		case c == '-' && before != 0 && at(p+1) != 0 && at(p+1) != ']':
			p++
			if c = at(p); c == '\\' {
				p++
				if c = at(p); c == 0 {
					return -1, false
				}
			}
			matched = matched || t >= before && t <= c
			c = 0
		case c == '[' && at(p+1) == ':':
			start := p + 2
			stop := strings.IndexByte(pattern[start:], ']')
			if stop < 0 {
				return -1, false
			}
			if stop == 0 || pattern[start+stop-1] != ':' { // a set as any other
				matched = matched || t == '['
				break
			}
			class, known := classes[pattern[start:start+stop-1]]
			if !known {
				return -1, false
			}
			matched = matched || class(t)
			p, c = start+stop, 0
		default:
			matched = matched || t == c
		}
		before = c
		p++
		if c = at(p); c == ']' {
			return p, matched != negated
		}
	}
}

// classes are those of POSIX, in the C locale.
var classes = map[string]func(byte) bool{
	"alnum": func(c byte) bool { return isAlpha(c) || isDigit(c) }, "alpha": isAlpha, "digit": isDigit,
	"blank": func(c byte) bool { return c == ' ' || c == '\t' }, "space": func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
	"cntrl": func(c byte) bool { return c < ' ' || c == 0x7f }, "graph": func(c byte) bool { return c > ' ' && c < 0x7f },
	"print": func(c byte) bool { return c >= ' ' && c < 0x7f }, "punct": func(c byte) bool { return c > ' ' && c < 0x7f && !isAlpha(c) && !isDigit(c) },
	"lower": func(c byte) bool { return c >= 'a' && c <= 'z' }, "upper": func(c byte) bool { return c >= 'A' && c <= 'Z' },
	"xdigit": func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' },
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
