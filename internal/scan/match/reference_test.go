package match

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect/codec"
	"github.com/zricethezav/gitleaks/v8/logging"
)

func init() { logging.Logger = zerolog.Nop() } // gitleaks logs what it decodes

// reference finds matches the slow way: every rule over the whole text, gitleaks'
// own decoder, no filter and no windows. It is what the rest of the package must
// agree with.
func reference(rules []Rule, global []Allowlist, text, path string) []string {
	lists := compileAllow(global)
	if allowedOrigin(lists, origin{path: path}) {
		return nil
	}
	var out []string
	now := text
	var segs []*codec.EncodedSegment
	d := codec.NewDecoder()
	for depth := 0; ; depth++ {
		for i := range rules {
			c := &compiled{Rule: rules[i]}
			if c.Regex != "" && hasKeyword(c.Keywords, strings.ToLower(now)) {
				out = append(out, referenceRule(c, lists, text, now, path, segs)...)
			}
		}
		if depth == DecodeDepth {
			break
		}
		if now, segs = d.Decode(now, segs); len(segs) == 0 {
			break
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func referenceRule(c *compiled, global []allow, text, now, path string, segs []*codec.EncodedSegment) []string {
	var out []string
	re := regexp.MustCompile(c.Regex)
	own := compileAllow(c.Allowlists)
	o := origin{path: path}
	if c.Path != "" && !regexp.MustCompile(c.Path).MatchString(path) || allowedOrigin(own, o) {
		return nil
	}
	for _, loc := range re.FindAllStringSubmatchIndex(now, -1) {
		start, end, from, to, ok := c.secret([]byte(now), loc)
		if !ok {
			continue
		}
		k := candidate{secret: now[from:to], whole: now[start:end]}
		tags := []string{}
		if len(segs) > 0 {
			over := codec.SegmentsWithDecodedOverlap(segs, loc[0], loc[1])
			if len(over) == 0 {
				continue
			}
			over = codec.SegmentsWithDecodedOverlap(segs, start, end)
			if len(over) == 0 {
				continue
			}
			m := codec.AdjustMatchIndex(over, []int{start, end})
			tags = codec.Tags(over)
			from, to = max(0, min(m[0], len(text))), max(0, min(m[1], len(text)))
			start, end = from, to
			k.line = strings.Trim(codec.CurrentLine(over, now), "\n")
		} else {
			k.line = lineAt([]byte(text), start, end)
		}
		if c.Entropy != 0 && entropy(k.secret) <= c.Entropy {
			continue
		}
		if allowedContent(global, k) || allowedContent(own, k) || allowedHere(global, k, o) || allowedHere(own, k, o) {
			continue
		}
		out = append(out, describe(c.ID, from, to, k.secret, tags))
	}
	return out
}

func describe(rule string, from, to int, secret string, tags []string) string {
	return fmt.Sprintf("%s %d-%d %q %v", rule, from, to, secret, tags)
}

// described are the hits of a record as the reference words them, before it is
// settled which of two rules for one secret is shown.
func described(s *Set, text []byte, r *Record, path string) []string {
	out := []string{}
	if r == nil || allowedOrigin(s.global(), origin{path: path}) {
		return nil
	}
	for i := range r.hits {
		m, ok := s.judge(text, &r.hits[i], origin{path: path})
		if !ok {
			continue
		}
		var tags []string
		if d := r.hits[i].decoded; d != nil {
			tags = d.tags
		}
		out = append(out, describe(m.Rule.ID, m.Start, m.End, m.Secret, append([]string{}, tags...)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
