package probe

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/providers"
)

// sign is a way in which a service refuses a key, and how it reads in the
// documentation: the words are made from the test, so that both say the same.
type sign struct {
	fits func(status int, v any) bool
	whom whom
	text string
}

func (s sign) seen(status int, v any) bool { return s.fits != nil && s.fits(status, v) }

// good is the answer that a service gives to a key that works.
type good struct {
	fits func(v any) bool
	whom whom
	text string
}

// whom says where an answer names whom the key speaks for: paths into its body, or
// names of headers behind "header ".
type whom struct{ account, who, project, scopes string }

// at walks into a JSON value: a string is a field, "0" of a list its first element.
func at(v any, path ...string) any {
	for _, p := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[p]
		case []any:
			if p != "0" || len(x) == 0 {
				return nil
			}
			v = x[0]
		default:
			return nil
		}
	}
	return v
}

func split(path string) []string { return strings.Split(path, ".") }

func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// read takes whom the key speaks for from an answer. A number is an id too.
func (w whom) read(v any, h http.Header) providers.Identity {
	one := func(path string) string {
		if path == "" {
			return ""
		}
		if name, ok := strings.CutPrefix(path, "header "); ok {
			return h.Get(name)
		}
		switch x := at(v, split(path)...).(type) {
		case string:
			return x
		case float64:
			return fmt.Sprintf("%.0f", x)
		case []any:
			return joined(x)
		}
		return ""
	}
	return providers.Identity{Account: one(w.account), Who: one(w.who), Project: one(w.project), Scopes: strings.ReplaceAll(one(w.scopes), " ", "")}
}

func joined(list []any) string {
	var out []string
	for _, x := range list {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return strings.Join(out, ",")
}

// is: the answer has this status and one of the words at a place in its body, in any
// case.
func is(status int, path string, words ...string) sign {
	return signed(status, path, "says", words, strings.Contains)
}

// unauthorized: the answer is a 401 and says nothing but one of the words there. Short
// words such as "Unauthorized" stand in longer answers of gateways too.
func unauthorized(path string, words ...string) sign {
	return signed(http.StatusUnauthorized, path, "is", words, func(value, w string) bool { return value == w })
}

func signed(status int, path, verb string, words []string, fits func(value, word string) bool) sign {
	return sign{
		text: fmt.Sprintf("%d, `%s` %s “%s”", status, path, verb, strings.Join(words, "”, “")),
		fits: func(got int, v any) bool {
			value := strings.ToLower(text(v, split(path)...))
			return got == status && slices.ContainsFunc(words, func(w string) bool { return fits(value, w) })
		},
	}
}

// and narrows a sign to answers in which a place holds a value: words such as
// "unauthorized" are those of many services.
func (s sign) and(path string, value any) sign {
	return sign{
		text: fmt.Sprintf("%s, with `%s` %v", s.text, path, value), whom: s.whom,
		fits: func(status int, v any) bool { return s.fits(status, v) && at(v, split(path)...) == value },
	}
}

// with narrows a sign to answers in which a place holds a text.
func (s sign) with(path string) sign {
	return sign{
		text: fmt.Sprintf("%s, with `%s`", s.text, path), whom: s.whom,
		fits: func(status int, v any) bool { return s.fits(status, v) && text(v, split(path)...) != "" },
	}
}

// either is one of several signs; whom the key speaks for stands where the first of
// them says.
func either(list ...sign) sign {
	var texts []string
	for _, s := range list {
		texts = append(texts, s.text)
	}
	return sign{text: strings.Join(texts, "; or "), whom: list[0].whom, fits: func(status int, v any) bool {
		for _, s := range list {
			if s.fits(status, v) {
				return true
			}
		}
		return false
	}}
}

// has: all of these places in the answer, parted by spaces, hold something.
func has(paths string, w whom) good {
	fields := strings.Fields(paths)
	return good{text: "2xx with `" + strings.Join(fields, "`, `") + "`", whom: w, fits: func(v any) bool {
		return !slices.ContainsFunc(fields, func(p string) bool { return at(v, split(p)...) == nil })
	}}
}

// equal narrows a good answer to those in which a place holds one of the values.
func (g good) equal(path string, values ...any) good {
	var texts []string
	for _, v := range values {
		texts = append(texts, fmt.Sprint(v))
	}
	return good{
		text: fmt.Sprintf("%s, and `%s` is %s", g.text, path, strings.Join(texts, " or ")), whom: g.whom,
		fits: func(v any) bool { return g.fits(v) && slices.Contains(values, at(v, split(path)...)) },
	}
}

// not narrows a good answer to those in which no such place is true: a key that was
// blocked may still read about itself.
func (g good) not(paths ...string) good {
	return good{
		text: g.text + ", not `" + strings.Join(paths, "`, `") + "`", whom: g.whom,
		fits: func(v any) bool {
			for _, p := range paths {
				if at(v, split(p)...) == true {
					return false
				}
			}
			return g.fits(v)
		},
	}
}

// list: the answer is a list, and its first element has the field. An empty list
// could be anybody's.
func list(field string, w whom) good {
	return good{text: "2xx with a list whose elements have `" + field + "`", whom: w, fits: func(v any) bool { return at(v, "0", field) != nil }}
}

// says: a 2xx answer in which one of these places has the value.
func says(value any, paths ...string) sign {
	return sign{
		text: fmt.Sprintf("2xx, `%s` is %v", strings.Join(paths, "` or `"), value),
		fits: func(status int, v any) bool {
			return status/100 == 2 && slices.ContainsFunc(paths, func(p string) bool { return at(v, split(p)...) == value })
		},
	}
}
