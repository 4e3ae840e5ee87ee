package gitleaks

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/match"
)

// betterleaks (docs/config.md there) writes allowlists and entropy floors as one
// expression, which skips a finding when it is true. What says the same as our
// allowlists is turned into them; everything else is an error, for an expression
// that is passed over would report what it was to hide, or hide what it was not.

var errFilter = errors.New("not supported here")

// unsupported names what stands in a betterleaks configuration and cannot be
// honoured: what it does is not in the expressions that filters hold.
func (r rule) unsupported() error {
	if r.Validate != "" {
		return fmt.Errorf("rule %s: validate is %w: \"secretguard verify\" asks services itself; remove it", r.ID, errFilter)
	}
	return nil
}

// refusal is a rule that cannot be honoured.
type refusal struct {
	rule string
	err  error
}

// explain makes one error of all rules that cannot be honoured: the first in full, the
// others by name.
func explain(refused []refusal) error {
	if len(refused) <= 1 {
		for _, r := range refused {
			return r.err
		}
		return nil
	}
	const most = 20
	var names []string
	for _, r := range refused[1:min(len(refused), most)] {
		names = append(names, r.rule)
	}
	more := ""
	if n := len(refused) - most; n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Errorf("%w; nor are the rules %s%s", refused[0].err, strings.Join(names, ", "), more)
}

// filters are the allowlists that an expression stands for, and its entropy floor.
type filters struct {
	lists   []match.Allowlist
	entropy float64
}

// parseFilter reads an expression.
func parseFilter(text string) (filters, error) {
	p := &filterParser{rest: text}
	var out filters
	terms, err := p.or()
	if err == nil && p.space() != "" {
		err = p.wrong()
	}
	if err != nil {
		return out, err
	}
	for _, term := range terms {
		if len(term) == 1 && term[0].floor > 0 {
			out.entropy = max(out.entropy, term[0].floor)
			continue
		}
		list, err := together(term)
		if err != nil {
			return out, err
		}
		out.lists = append(out.lists, list)
	}
	return out, nil
}

// condition is one thing that an expression asks for; exactly one field is set.
type condition struct {
	floor float64 // entropy of the secret at most
	list  match.Allowlist
}

// together makes one allowlist of conditions that must all hold.
func together(term []condition) (match.Allowlist, error) {
	out := match.Allowlist{All: len(term) > 1}
	for _, c := range term {
		switch {
		case c.floor > 0:
			return out, fmt.Errorf("entropy together with another condition is %w", errFilter)
		case len(c.list.Paths) > 0 && out.Paths == nil:
			out.Paths = c.list.Paths
		case len(c.list.Regexes) > 0 && out.Regexes == nil:
			out.Regexes, out.RegexTarget = c.list.Regexes, c.list.RegexTarget
		default:
			return out, fmt.Errorf("two conditions of one sort that must both hold are %w", errFilter)
		}
	}
	return out, nil
}

type filterParser struct {
	rest  string
	depth int
}

func (p *filterParser) space() string {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	return p.rest
}

func (p *filterParser) wrong() error {
	at := p.space()
	if at == "" {
		return errors.New("the expression ends too early")
	}
	return fmt.Errorf("%q is %w", at[:min(40, len(at))], errFilter)
}

func (p *filterParser) take(word string) bool {
	if !strings.HasPrefix(p.space(), word) {
		return false
	}
	p.rest = p.rest[len(word):]
	return true
}

// or reads conditions of which one is enough: a list of those that go together.
func (p *filterParser) or() ([][]condition, error) {
	terms, err := p.and()
	for err == nil && p.take("||") {
		var more [][]condition
		more, err = p.and()
		terms = append(terms, more...)
	}
	return terms, err
}

// and reads conditions that must all hold. Each side may be a choice: then every
// choice of one goes with every choice of the other.
func (p *filterParser) and() ([][]condition, error) {
	terms, err := p.atom()
	for err == nil && p.take("&&") {
		var more [][]condition
		if more, err = p.atom(); err != nil {
			break
		}
		var all [][]condition
		for _, a := range terms {
			for _, b := range more {
				all = append(all, append(append([]condition{}, a...), b...))
			}
		}
		const most = 256
		if terms = all; len(terms) > most {
			err = fmt.Errorf("an expression with more than %d cases is %w", most, errFilter)
		}
	}
	return terms, err
}

func (p *filterParser) atom() ([][]condition, error) {
	if p.take("(") {
		const deepest = 32
		if p.depth++; p.depth > deepest {
			return nil, fmt.Errorf("an expression nested so deep is %w", errFilter)
		}
		terms, err := p.or()
		p.depth--
		if err == nil && !p.take(")") {
			err = p.wrong()
		}
		return terms, err
	}
	c, err := p.condition()
	return [][]condition{{c}}, err
}

func (p *filterParser) condition() (condition, error) {
	p.take("filter.")
	switch {
	case p.take("matchesAny("):
		return p.list(false)
	case p.take("containsAny("):
		return p.list(true)
	case p.take("entropy("):
		return p.floor()
	}
	subject, ok := p.subject()
	if !ok || !p.take("==") {
		return condition{}, p.wrong()
	}
	value, ok := p.text()
	if !ok {
		return condition{}, p.wrong()
	}
	return about(subject, []string{"^" + regexp.QuoteMeta(value) + "$"}), nil
}

// about makes a condition of expressions over a subject.
func about(subject string, exprs []string) condition {
	var c condition
	if subject == "path" {
		c.list.Paths = exprs
		return c
	}
	c.list.Regexes, c.list.RegexTarget = exprs, subject
	return c
}

// list reads "subject, [text, …])": expressions, or words that must occur.
func (p *filterParser) list(words bool) (condition, error) {
	subject, ok := p.subject()
	if !ok || !p.take(",") || !p.take("[") {
		return condition{}, p.wrong()
	}
	var texts []string
	for !p.take("]") {
		t, ok := p.text()
		if !ok || !p.take(",") && !strings.HasPrefix(p.space(), "]") {
			return condition{}, p.wrong()
		}
		texts = append(texts, t)
	}
	if !p.take(")") || len(texts) == 0 {
		return condition{}, p.wrong()
	}
	if !words {
		return about(subject, texts), nil
	}
	for i, t := range texts {
		texts[i] = regexp.QuoteMeta(t)
	}
	return about(subject, texts), nil
}

// floor reads "finding["secret"]) <= 2.5", or < 2.5.
func (p *filterParser) floor() (condition, error) {
	subject, ok := p.subject()
	if !ok || subject != "secret" || !p.take(")") {
		return condition{}, p.wrong()
	}
	most := p.take("<=")
	if !most && !p.take("<") {
		return condition{}, p.wrong()
	}
	p.space()
	end := strings.IndexFunc(p.rest, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(p.rest)
	}
	n, err := strconv.ParseFloat(p.rest[:end], 64)
	if err != nil || n <= 0 {
		return condition{}, p.wrong()
	}
	p.rest = p.rest[end:]
	if !most {
		n = math.Nextafter(n, 0) // a rule's floor is the most that is skipped
	}
	return condition{floor: n}, nil
}

// subject reads what a condition looks at.
func (p *filterParser) subject() (string, bool) {
	for _, s := range []string{"secret", "match", "line"} {
		if p.take(`finding["`+s+`"]`) || p.take(`finding.`+s) {
			return s, true
		}
	}
	for _, s := range []string{
		`attributes[?"path"].orValue("")`, `get(attributes, "path", "")`, `(attributes["path"] ?? "")`, `attributes["path"] ?? ""`, `attributes["path"]`,
	} {
		if p.take(s) {
			return "path", true
		}
	}
	return "", false
}

// text reads a string: with escapes, or raw with an r before it, in one or three
// quotes; or raw between backticks.
func (p *filterParser) text() (string, bool) {
	if p.take("`") {
		body, rest, ok := strings.Cut(p.rest, "`")
		if ok {
			p.rest = rest
		}
		return body, ok
	}
	raw := strings.HasPrefix(p.space(), "r")
	rest := strings.TrimPrefix(p.rest, "r")
	for _, quote := range []string{`"""`, `'''`, `"`, `'`} {
		if !strings.HasPrefix(rest, quote) {
			continue
		}
		body := rest[len(quote):]
		for at := 0; at < len(body); at++ {
			switch {
			case !raw && body[at] == '\\':
				at++
			case strings.HasPrefix(body[at:], quote):
				p.rest = body[at+len(quote):]
				if raw {
					return body[:at], true
				}
				s, err := strconv.Unquote(`"` + strings.ReplaceAll(strings.ReplaceAll(body[:at], `\'`, `'`), "\n", `\n`) + `"`)
				return s, err == nil
			}
		}
		return "", false
	}
	return "", false
}
