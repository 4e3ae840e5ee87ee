package match

import (
	"errors"
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/match/filter"
	"github.com/secretguard/secretguard/internal/scan/match/wire"
)

// snapshotMagic names the format; it changes with everything that Compile works
// out.
const snapshotMagic = "secretguard.rules/2\n"

// ErrSnapshot is a snapshot that is damaged or of another format.
var ErrSnapshot = errors.New("not a snapshot of rules of this version")

// Snapshot returns all that Compile has worked out. Restoring it takes a tenth of
// the time: a hook over ten lines must not pay for the analysis of two hundred
// expressions. Equal rules give equal bytes on every machine.
func (s *Set) Snapshot() []byte {
	return append([]byte(snapshotMagic), wire.Write(s.code)...)
}

// Restore returns the set of a snapshot. Its strings are pieces of data. The
// snapshot is part of the program: its expressions are not checked again.
func Restore(data string) (*Set, error) {
	if len(data) < len(snapshotMagic) || data[:len(snapshotMagic)] != snapshotMagic {
		return nil, ErrSnapshot
	}
	s := &Set{commits: map[string]bool{}}
	if !wire.Read(data[len(snapshotMagic):], s.code) {
		return nil, fmt.Errorf("%w: it is damaged", ErrSnapshot)
	}
	s.named(s.globalList)
	for _, r := range s.rules {
		s.named(r.Allowlists)
	}
	return s, nil
}

// code writes or reads the set.
func (s *Set) code(c *wire.Coder) {
	c.Text(&s.hash)
	wire.Number(c, &s.depth)
	wire.Number(c, &s.around)
	c.Flag(&s.anyName)
	wire.List(c, &s.globalList, func(a *Allowlist) { codeAllowlist(c, a) })
	wire.List(c, &s.rules, func(r **compiled) {
		if c.Reading() {
			*r = &compiled{}
		}
		(*r).code(c)
	})
	for _, l := range []*[]int32{&s.whole, &s.pathOnly} {
		wire.List(c, l, func(n *int32) { wire.Number(c, n) })
	}
	wire.List(c, &s.gates, func(g *gate) { wire.Number(c, &g.rule) })
	filter.Code(c, &s.filter)
	filter.Code(c, &s.names)
}

func (r *compiled) code(c *wire.Coder) {
	for _, t := range []*string{&r.ID, &r.Description, &r.Regex, &r.Path, (*string)(&r.Kind), (*string)(&r.Part), &r.Severity, &r.Link} {
		c.Text(t)
	}
	wire.Number(c, &r.SecretGroup)
	c.Float(&r.Entropy)
	c.Texts(&r.Keywords)
	wire.List(c, &r.Allowlists, func(a *Allowlist) { codeAllowlist(c, a) })
	c.Texts(&r.Tags)
	wire.List(c, &r.Required, func(q *Required) {
		c.Text(&q.Rule)
		wire.Number(c, &q.WithinLines)
		wire.Number(c, &q.WithinColumns)
	})
	c.Flag(&r.SkipReport)
	c.Flag(&r.Own)
	c.Flag(&r.Context)
	c.Flag(&r.anchored)
	wire.Number(c, &r.plan.Back)
	c.Class(&r.plan.BackClass)
	c.Flag(&r.inRuns)
	c.Class(&r.runs.Class)
	wire.Number(c, &r.runs.Shortest)
	wire.Number(c, &r.runs.Around)
	wire.List(c, &r.required, func(n *int32) { wire.Number(c, n) })
	c.Texts(&r.ungated)
}

func codeAllowlist(c *wire.Coder, a *Allowlist) {
	c.Flag(&a.All)
	c.Texts(&a.Commits)
	c.Texts(&a.Paths)
	c.Texts(&a.Regexes)
	c.Text(&a.RegexTarget)
	c.Texts(&a.StopWords)
}
