package scan

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/proof"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// sighting is a Supabase project and where it was seen.
type sighting struct{ ref, file, commit string }

// refFile is where Supabase's command line keeps the project that a folder belongs to:
// its reference and nothing else, so that no rule could find it by a word.
const refFile = "supabase/.temp/project-ref"

var projectRef = regexp.MustCompile(`^[a-z]{20}$`)

// note takes the project out of such a file.
func (c *collector) note(text []byte, p source.Place) {
	if !strings.HasSuffix(p.Path, refFile) || len(text) > 64 {
		return
	}
	if ref := string(bytes.TrimSpace(text)); projectRef.MatchString(ref) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.noted = append(c.noted, sighting{ref, p.Path, p.Commit})
	}
}

// hints takes what only gives context out of the list of findings: what the keys may
// open, and which Supabase project stood near which place.
func (c *collector) hints() (proof.Hints, nearby) {
	var hints proof.Hints
	seen := c.noted
	for _, f := range c.findings {
		switch v := f.Secret.Reveal(); {
		case f.context && f.Kind == credential.SupabaseProject:
			seen = append(seen, sighting{v, f.Path(), f.Commit})
		case f.context && f.Kind == credential.SQSURL: // sqs.region.amazonaws.com/account/name
			if parts := strings.Split(v, "/"); len(parts) > 1 {
				hints.Accounts = append(hints.Accounts, parts[1])
			}
		case strings.HasPrefix(v, "eyJ"): // a token may name its project
			if p := proof.Of(f.Kind, f.Part, f.Secret, proof.Hints{}, time.Time{}); projectRef.MatchString(p.Project) {
				seen = append(seen, sighting{p.Project, f.Path(), f.Commit})
			}
		}
	}
	c.findings = slices.DeleteFunc(c.findings, func(f Finding) bool {
		if f.context && len(c.context) < mostContext {
			c.context = append(c.context, f)
		}
		return f.context
	})
	for _, s := range seen {
		hints.Projects = append(hints.Projects, s.ref)
	}
	hints.Projects, hints.Accounts = distinct(hints.Projects), distinct(hints.Accounts)
	return hints, newNearby(seen)
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// nearby holds, for each circle around a place, the one project in it; empty when there
// are several.
type nearby map[string]string

func newNearby(seen []sighting) nearby {
	n := nearby{}
	for _, s := range seen {
		for _, circle := range circles(s.file, s.commit) {
			if only, ok := n[circle]; ok && only != s.ref {
				n[circle] = ""
				continue
			}
			n[circle] = s.ref
		}
	}
	return n
}

// circles are what is around a place, from the nearest to all that was scanned: the
// file, the commit, the folder. A file below supabase/ stands for the folder above it.
func circles(file, commit string) []string {
	dir := path.Dir(file)
	if before, _, ok := strings.Cut("/"+file, "/supabase/"); ok {
		dir = path.Clean(strings.TrimPrefix(before+"/", "/"))
	}
	list := []string{"file " + file}
	if commit != "" {
		list = append(list, "commit "+commit)
	}
	return append(list, "folder "+dir, "all")
}

// to returns the project in the nearest circle that has one, if it is the only one there.
func (n nearby) to(f Finding) string {
	for _, circle := range circles(f.Path(), f.Commit) {
		if ref, ok := n[circle]; ok {
			return ref
		}
	}
	return ""
}
