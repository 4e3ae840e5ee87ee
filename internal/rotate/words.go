package rotate

import (
	"fmt"
	"strconv"

	"github.com/secretguard/secretguard/internal/providers"
)

// RightWords says whether our access may do a step, and what that rests on. It may
// hold foreign text.
func RightWords(r providers.Right) string {
	words := map[providers.May]string{providers.MayYes: "yes", providers.MayNo: "NO"}
	s := words[r.May]
	if s == "" {
		s = "cannot be known"
	}
	if r.Permission != "" {
		s += ", " + r.Permission
	}
	return s + " (" + r.Why + ")"
}

// Words says how long the consumer is down, and what the estimate rests on.
func (o Outage) Words() string {
	s := "0 min: "
	if o.Down > 0 {
		s = "about " + tenths(o.Down) + " min: "
	}
	s += fmt.Sprintf("%s; a deploy takes %s min (%s)", o.Note, tenths(o.Deploy), o.Basis)
	if o.Open {
		s += "; the time that you need to make the new key comes on top"
	}
	return s
}

func tenths(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// OutageWords sums up the whole plan's estimate in a line; empty when it has none.
func (p Plan) OutageWords() string {
	down, longest, assumed := 0, 0.0, 0
	for _, o := range p.Outage {
		if o.Down > 0 {
			down++
		}
		longest = max(longest, o.Down)
		if o.Assumed {
			assumed++
		}
	}
	if len(p.Outage) == 0 {
		return ""
	}
	s := fmt.Sprintf("none expected: %d keep running", len(p.Outage))
	if down > 0 {
		s = fmt.Sprintf("%d of %d are down, up to about %s min", down, len(p.Outage), tenths(longest))
	}
	if assumed > 0 {
		s += fmt.Sprintf(" (%d deploy times are assumed)", assumed)
	}
	return s
}
