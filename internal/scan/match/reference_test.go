package match

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect/codec"
	"github.com/zricethezav/gitleaks/v8/logging"

	"github.com/secretguard/secretguard/internal/scan/match/allow"
)

func init() { logging.Logger = zerolog.Nop() } // gitleaks logs what it decodes

// reference finds matches the slow way: every rule over the whole text, gitleaks'
// own decoder, no filter and no windows. It is what the rest of the package must
// agree with.
func reference(rules []Rule, global []Allowlist, text, path string) []string {
	lists := allow.Compile(global)
	if lists.Origin(allow.Origin{Path: path}) {
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

func referenceRule(c *compiled, global allow.Lists, text, now, path string, segs []*codec.EncodedSegment) []string {
	var out []string
	re := regexp.MustCompile(c.Regex)
	own := allow.Compile(c.Allowlists)
	o := allow.Origin{Path: path}
	if c.Path != "" && !regexp.MustCompile(c.Path).MatchString(path) || own.Origin(o) {
		return nil
	}
	c.re = re
	for _, loc := range c.matches([]byte(now)) {
		start, end, from, to, ok := c.secret([]byte(now), loc)
		if !ok {
			continue
		}
		secrets := [][2]int{{from, to}}
		for g := 1; c.Own && c.SecretGroup == 0 && g < len(loc)/2; g++ {
			if s, e := loc[2*g], min(loc[2*g+1], end); s >= to && s < e {
				secrets = append(secrets, [2]int{s, e})
			}
		}
		line := string(lineAt([]byte(text), start, end))
		var decoded []int
		if len(segs) > 0 {
			if len(codec.SegmentsWithDecodedOverlap(segs, loc[0], loc[1])) == 0 {
				continue
			}
			over := codec.SegmentsWithDecodedOverlap(segs, start, end)
			if len(over) == 0 {
				continue
			}
			decoded = codec.AdjustMatchIndex(over, []int{start, end})
			line = strings.Trim(codec.CurrentLine(over, now), "\n")
		}
		for _, at := range secrets {
			k := allow.Candidate{Secret: now[at[0]:at[1]], Whole: now[start:end], Line: line}
			if decoded != nil {
				at = [2]int{max(0, min(decoded[0], len(text))), max(0, min(decoded[1], len(text)))}
			}
			if c.Entropy != 0 && entropy(k.Secret) <= c.Entropy || allowed(global, k, o) || allowed(own, k, o) {
				continue
			}
			out = append(out, describe(c.ID, at[0], at[1], k.Secret))
		}
	}
	return out
}

func allowed(list allow.Lists, k allow.Candidate, o allow.Origin) bool {
	return list.Content(k) || list.Line(k) || list.Together(k, o)
}

func describe(rule string, from, to int, secret string) string {
	return fmt.Sprintf("%s %d-%d %q", rule, from, to, secret)
}

// described are the sights of a record as the reference words them, before it is
// settled which of two rules for one secret is shown.
func described(f *Finder, text []byte, r *Record, path string) []string {
	out := []string{}
	o := allow.Origin{Path: path}
	if f.set.global().Origin(o) {
		return nil
	}
	for _, m := range f.Settle(text, r) {
		if m.stands(f.set.global(), o) {
			out = append(out, describe(m.Rule.ID, m.Start, m.End, m.Secret))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
