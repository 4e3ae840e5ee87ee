package scan

import (
	"strings"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// refNames looks at the names of refs as at texts.
func (c *collector) refNames(refs []gitdir.Ref) {
	finder := c.scanner.set.Finder()
	for _, r := range refs {
		name := []byte(r.Name)
		if !finder.Possible(name) {
			continue
		}
		for _, m := range c.scanner.set.At(finder.Settle(name, finder.Find(name)), "", "") {
			f := c.finding(m, source.Place{Where: string(WhereRefName), Path: c.under, Commit: r.ID, Branch: true}, false)
			f.Name = r.Name
			c.findings = append(c.findings, f)
		}
	}
}

// maskNames takes secrets out of names: a file, a ref or a person that is a finding
// is shown as where other findings stand, and must not give it away there.
func (c *collector) maskNames() {
	var known []string
	for _, f := range c.findings {
		if f.Where == WherePath || f.Where == WherePerson || f.Where == WhereRefName {
			known = append(known, f.Secret.Reveal(), f.Secret.Mask())
		}
	}
	if known == nil {
		return
	}
	mask := strings.NewReplacer(known...)
	for i := range c.findings {
		f := &c.findings[i]
		f.path = f.Path()
		f.File, f.PathInArchive, f.Name, f.Author = mask.Replace(f.File), mask.Replace(f.PathInArchive), mask.Replace(f.Name), mask.Replace(f.Author)
	}
	for _, s := range c.skips {
		s.Example = mask.Replace(s.Example)
	}
}
