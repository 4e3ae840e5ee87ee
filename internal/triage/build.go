package triage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
)

// Build joins the findings that count (suppressed ones do not) into cases. The
// result depends only on the set of findings, not on their order: worst severity
// first, then what still stands in HEAD, then the oldest, then by ID. Every active
// finding is in exactly one case. Build asks nobody and may be repeated.
func Build(result scan.Result) []Case {
	values := groupByValue(result.Active())
	context := groupByValue(result.Context)
	for _, v := range context {
		v.public = true
	}
	var cases []Case
	halves := map[credential.Kind][]*value{}
	for _, v := range values {
		if v.kind.Paired() && v.part != credential.PartToken {
			halves[v.kind] = append(halves[v.kind], v)
			continue
		}
		cases = append(cases, opened(v, context))
	}
	for kind, list := range halves {
		cases = append(cases, joined(list, publicIDs(context, kind))...)
	}
	slices.SortFunc(cases, compareCases)
	return cases
}

// joined makes cases of the halves of one kind. Public ids are no findings: they have
// no case of their own, and give a secret its id.
func joined(halves, public []*value) []Case {
	parts := map[credential.Part][]*value{}
	for _, v := range halves {
		parts[v.part] = append(parts[v.part], v)
	}
	ids := parts[credential.PartID]
	both := append(slices.Clone(ids), public...)
	secrets, sessions := pair(both, parts[credential.PartSecret]), pair(both, parts[credential.PartSessionToken])
	cases := make([]Case, 0, len(halves))
	for _, v := range ids {
		cases = append(cases, idCase(v, secrets, sessions))
	}
	for _, v := range parts[credential.PartSecret] {
		switch id := secrets.byOther[v]; {
		case id == nil:
			cases = append(cases, lonePart(v, secrets))
		case id.public:
			cases = append(cases, secretCase(v, id, secrets))
		}
	}
	for _, v := range parts[credential.PartSessionToken] {
		if !sessions.taken(v) {
			cases = append(cases, lonePart(v, sessions))
		}
	}
	return cases
}

// publicIDs are the public names of one kind.
func publicIDs(context []*value, kind credential.Kind) []*value {
	return slices.DeleteFunc(slices.Clone(context), func(v *value) bool { return v.kind != kind || v.part != credential.PartID })
}

// value is one distinct secret value with every place it was found at.
type value struct {
	text     secret.Text
	kind     credential.Kind
	part     credential.Part
	main     scan.Finding // names the kind and gives the case its ID
	findings []scan.Finding
	public   bool // no finding: it tells what a key opens
}

// groupByValue collects findings of the same value, also when several rules
// matched it: a key is one key, whatever number of patterns know it.
func groupByValue(findings []scan.Finding) []*value {
	byText := map[string]*value{}
	for _, f := range findings {
		k := f.Secret.Reveal()
		v := byText[k]
		if v == nil {
			v = &value{text: f.Secret, main: f}
			byText[k] = v
		}
		v.findings = append(v.findings, f)
		if compareMain(f, v.main) < 0 {
			v.main = f
		}
	}
	out := make([]*value, 0, len(byText))
	for _, v := range byText {
		v.kind, v.part = credential.Narrow(v.main.Kind, v.text), v.main.Part
		if v.part == "" || !v.kind.Paired() {
			v.part = credential.PartToken
		}
		slices.SortFunc(v.findings, compareFindings)
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *value) int { return compareMain(a.main, b.main) })
	return out
}

// compareMain orders findings by how much they tell about the credential: a kind
// that we can rotate before a generic one, then the worse severity.
func compareMain(a, b scan.Finding) int {
	return cmp.Or(
		cmp.Compare(generic(a.Kind), generic(b.Kind)),
		cmp.Compare(rank(a.Severity), rank(b.Severity)),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.ID, b.ID),
		cmp.Compare(a.Part, b.Part),
		compareFindings(a, b),
	)
}

func generic(k credential.Kind) int {
	if k == "" || strings.HasPrefix(string(k), "generic.") {
		return 1
	}
	return 0
}

func compareFindings(a, b scan.Finding) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.PathInArchive, b.PathInArchive),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		a.Date.Compare(b.Date),
		cmp.Compare(a.Commit, b.Commit),
		cmp.Compare(a.Where, b.Where),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.ID, b.ID),
	)
}

// rank gives the worst severity the lowest number; an unknown one comes last.
func rank(s scan.Severity) int {
	order := []scan.Severity{scan.Critical, scan.High, scan.Medium, scan.Low, scan.Info}
	if i := slices.Index(order, s); i >= 0 {
		return i
	}
	return len(order)
}

// idLength is how much of a finding's id a case ID shows: 60 bits, typed easily.
const idLength = 10

func newCase(v *value) Case {
	id := strings.TrimPrefix(v.main.ID, "sg1:")
	c := Case{
		ID:       "c-" + id[:min(len(id), idLength)],
		Kind:     v.kind,
		Title:    Title(v.kind),
		Mask:     v.text.Mask(),
		Severity: v.main.Severity,
		Liveness: Liveness{Value: Unchecked},
		Credential: credential.Credential{
			Kind:  v.kind,
			Parts: map[credential.Part]secret.Text{v.part: v.text},
		},
	}
	c.Credential.Project, c.Credential.Bound = projectOf(v.findings)
	c.add(v.findings)
	return c
}

// projectOf returns what a key opens: the project that the key itself proves, else the
// one that stood near wherever it was found. Two that stood near are none.
func projectOf(findings []scan.Finding) (project string, bound bool) {
	var near []string
	for _, f := range findings {
		if f.Proof.Project != "" {
			return f.Proof.Project, true
		}
		if n := f.Proof.Near; n != "" && !slices.Contains(near, n) {
			near = append(near, n)
		}
	}
	if len(near) != 1 {
		return "", false
	}
	return near[0], false
}

// add takes findings in and keeps severity and first date true.
func (c *Case) add(findings []scan.Finding) {
	c.Findings = append(c.Findings, findings...)
	slices.SortFunc(c.Findings, compareFindings)
	for _, f := range findings {
		if rank(f.Severity) < rank(c.Severity) {
			c.Severity = f.Severity
		}
		if !f.Date.IsZero() && (c.First.IsZero() || f.Date.Before(c.First)) {
			c.First = f.Date
		}
	}
}

// idCase is a key whose id was found, with the secret that goes with it if that is
// known.
func idCase(id *value, secrets, sessions pairing) Case {
	c := newCase(id)
	// The id is public: it is what the issuer calls the key.
	c.Credential.ID = id.text.Reveal()
	if s, how := secrets.of(id); s != nil {
		c.Credential.Parts[credential.PartSecret] = s.text
		c.add(s.findings)
		c.Pairing = how
	} else {
		c.Missing = []credential.Part{credential.PartSecret}
		c.Pairing = secrets.candidates(credential.PartSecret, secrets.free)
	}
	if s, _ := sessions.of(id); s != nil {
		c.Credential.Parts[credential.PartSessionToken] = s.text
		c.add(s.findings)
	}
	if temporary(id) {
		c.Kind = credential.AWSSession
		c.Credential.Kind, c.Title = c.Kind, Title(c.Kind)
		if c.Credential.Part(credential.PartSessionToken).Empty() {
			c.Missing = append(c.Missing, credential.PartSessionToken)
		}
	}
	return c
}

// temporary reports whether an id is that of a session: AWS's ids of temporary keys
// begin so (IAM User Guide, "Unique identifiers").
func temporary(id *value) bool {
	return id.kind == credential.AWSAccessKey && strings.HasPrefix(id.text.Reveal(), "ASIA")
}

// secretCase is a secret whose public id stands somewhere.
func secretCase(v, id *value, p pairing) Case {
	c := newCase(v)
	c.Credential.ID = id.text.Reveal()
	c.Credential.Parts[credential.PartID] = id.text
	_, c.Pairing = p.of(id)
	return c
}

// lonePart is a secret or session token whose key id was not found for certain.
func lonePart(v *value, p pairing) Case {
	c := newCase(v)
	c.Missing = []credential.Part{credential.PartID}
	if v.part == credential.PartSessionToken {
		c.Missing = append(c.Missing, credential.PartSecret)
	}
	c.Pairing = p.candidates(credential.PartID, p.freeIDs)
	return c
}

func compareCases(a, b Case) int {
	return cmp.Or(
		cmp.Compare(rank(a.Severity), rank(b.Severity)),
		boolFirst(a.InHead(), b.InHead()),
		compareDates(a.First, b.First),
		cmp.Compare(a.ID, b.ID),
	)
}

func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// compareDates puts the oldest first and the undated last.
func compareDates(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		return boolFirst(b.IsZero(), a.IsZero())
	}
	return a.Compare(b)
}
