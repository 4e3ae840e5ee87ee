package scan

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/proof"
)

// judge says of every finding what can be shown of it without a network, and sets
// those aside that are no secret. What only gives context leaves the list.
func (c *collector) judge() {
	hints, near := c.hints()
	known := map[idKey]proof.Proof{}
	now := time.Now()
	for i := range c.findings {
		f := &c.findings[i]
		k := idKey{string(f.Kind) + string(f.Part), f.Secret.Reveal()}
		p, ok := known[k]
		if !ok {
			p = proof.Of(f.Kind, f.Part, f.Secret, hints, now)
			known[k] = p
		}
		if p.Project == "" && p.Public == "" && (f.Kind == credential.SupabaseSecretKey || f.Kind == credential.SupabasePublicKey) {
			p.Near = near.to(*f)
		}
		f.prove(p)
	}
	setVectorsAside(c.findings)
	lowerHalves(c.findings, c.context)
	lowerInTests(c.findings)
}

// lowerInTests lowers private keys, and what a rule without a form found, in the files
// of tests: most are made for them, and a responder should see them last. They count:
// keys in use do end up in tests.
func lowerInTests(list []Finding) {
	for i := range list {
		f := &list[i]
		if (f.generic || strings.HasSuffix(f.Rule, "private-key")) && testPath.MatchString(f.File) {
			f.Severity = Low
			f.Tags = append(slices.Clone(f.Tags), "in-tests")
		}
	}
}

// mostContext is how many public names are kept; of more, nobody could say which goes
// with a key.
const mostContext = 10_000

// lowerHalves lowers what is one half of a pair when nothing in the scan could be the
// other one: it opens nothing by itself. Where there is a candidate, a thief would
// try it, so the severity stays.
func lowerHalves(findings, context []Finding) {
	type half struct {
		kind credential.Kind
		part credential.Part
	}
	there := map[half]bool{}
	for _, list := range [][]Finding{findings, context} {
		for _, f := range list {
			if f.Suppressed == nil || !f.Suppressed.SetAside() { // one that was accepted is known to whoever has the repository
				there[half{f.Kind, f.Part}] = true
			}
		}
	}
	other := map[credential.Part]credential.Part{credential.PartID: credential.PartSecret, credential.PartSecret: credential.PartID}
	lower := map[Severity]Severity{Critical: High, High: Medium, Medium: Low}
	for i := range findings {
		f := &findings[i]
		if o, ok := other[f.Part]; ok && f.Kind.Paired() && !there[half{f.Kind, o}] && lower[f.Severity] != "" {
			f.Severity = lower[f.Severity]
		}
	}
}

// Prove judges a finding that was saved earlier, as a scan does: what the value itself
// shows replaces what was said of it. projects are Supabase projects that it may open.
func (f *Finding) Prove(projects []string, now time.Time) {
	near := f.Proof.Near
	f.prove(proof.Of(f.Kind, f.Part, f.Secret, proof.Hints{Projects: projects}, now))
	if f.Proof.Project == "" {
		f.Proof.Near = near
	}
}

// prove writes down what was shown, and what follows from it.
func (f *Finding) prove(p proof.Proof) {
	f.Proof = p
	if p.Kind != "" {
		f.Kind = p.Kind
	}
	if p.Severity != "" {
		f.Severity = Severity(p.Severity)
	}
	if p.Canary {
		f.Tags = append(slices.Clone(f.Tags), "canary")
	}
	switch {
	case f.Suppressed != nil && !f.Suppressed.SetAside():
	case p.Public != "":
		f.Suppressed = &Suppression{By: byPublic, Reason: p.Public}
	case p.Checksum == proof.Invalid:
		f.Suppressed = &Suppression{By: byProof, Reason: "its checksum is wrong: the issuer made no such key"}
	case p.Checksum == proof.Valid: // proven, whatever it looks like
		f.Suppressed = nil
	}
}

var (
	testPath = regexp.MustCompile(`(?i)(?:^|/)(?:tests?|test_?data|fixtures?|__tests__|spec|vectors?)/|[_.-]tests?(?:_?data)?\.[a-z]+$|vectors?[\w.-]*\.[a-z]+$|test[\w-]*\.(?:json|txt|rsp)$`)
	hexOnly  = regexp.MustCompile(`^(?:[A-Fa-f0-9]{2}){8,}$`)
	// lockFiles hold checksums of packages under names such as "integrity".
	lockFiles = []string{
		"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "cargo.lock", "poetry.lock", "uv.lock", "pdm.lock", "pipfile.lock",
		"gemfile.lock", "composer.lock", "go.sum", "flake.lock", "mix.lock", "podfile.lock", "pubspec.lock", "packages.lock.json", "deno.lock", ".terraform.lock.hcl",
	}
)

// fewestVectors is how many hexadecimal values make a file of test vectors.
const fewestVectors = 4

// setVectorsAside sets what a generic rule found aside in files that are full of
// such values by their nature: test vectors, and lock files.
func setVectorsAside(list []Finding) {
	values := map[string]map[secretKey]bool{}
	vector := func(f *Finding) bool {
		return f.generic && f.path == "" && testPath.MatchString(f.File) && hexOnly.MatchString(f.Secret.Reveal())
	}
	for i := range list {
		if f := &list[i]; vector(f) {
			if values[f.File] == nil {
				values[f.File] = map[secretKey]bool{}
			}
			values[f.File][f.ID] = true
		}
	}
	for i := range list {
		f := &list[i]
		if f.Suppressed != nil || !f.generic {
			continue
		}
		switch n := len(values[f.File]); {
		case slices.Contains(lockFiles, strings.ToLower(path.Base(f.File))):
			f.Suppressed = &Suppression{By: byNoise, Reason: "a checksum in a lock file"}
		case n >= fewestVectors && vector(f):
			f.Suppressed = &Suppression{By: byNoise, Reason: fmt.Sprintf("one of %d hexadecimal values in a file of test vectors", n)}
		}
	}
}

// secretKey names a secret: its finding id.
type secretKey = string
