package scan

import (
	"strings"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/secret"
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

// maskNames takes secrets out of names: a file, an entry of an archive, a ref or a
// person is shown as where findings stand, and must not give a secret away there.
func (c *collector) maskNames() {
	known := c.secretNames()
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

// secretNames lists the secrets in names that are shown, each with its mask: those that
// a rule knows there, and those that were found anywhere.
func (c *collector) secretNames() []string {
	var known []string
	finder := c.scanner.set.Finder()
	seen := map[string]bool{}
	look := func(name string) {
		if seen[name] || !finder.Possible([]byte(name)) {
			return
		}
		seen[name] = true
		for _, m := range c.scanner.set.At(finder.Settle([]byte(name), finder.Find([]byte(name))), "", "") {
			if m.Noise == "" {
				known = append(known, m.Secret, secret.Mask(m.Secret))
			}
		}
	}
	for _, f := range c.findings {
		if f.Where == WherePath || f.Where == WherePerson || f.Where == WhereRefName {
			known = append(known, f.Secret.Reveal(), f.Secret.Mask())
		}
		if f.Suppressed == nil {
			for _, piece := range match.Telling(f.Secret.Reveal()) {
				known = append(known, piece, secret.Mask(piece))
			}
		}
		for _, name := range []string{f.File, f.PathInArchive, f.Author} {
			look(name)
		}
	}
	for _, s := range c.skips {
		look(s.Example)
	}
	return known
}
