package scan

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/source"
	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/secret"
)

// ErrNothingScanned means that not one byte was scanned: a clean answer would
// say nothing. An index in which nothing is staged is no such case.
var ErrNothingScanned = errors.New("nothing was scanned")

// Options of a scan.
type Options struct {
	// IgnoreAllow reports findings with an inline allow comment too.
	IgnoreAllow bool
	// Accepted names findings that were accepted before; may be nil.
	Accepted *suppress.List
	// Progress is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a scan is.
type Progress struct {
	Fragments int
	Bytes     int64
	Findings  int
}

// Scanner scans sources with a set of rules. It may be used from many
// goroutines.
type Scanner struct {
	set  *match.Set
	opts Options
}

// New returns a scanner.
func New(set *match.Set, opts Options) *Scanner { return &Scanner{set: set, opts: opts} }

// Scan reads a source to its end. Findings come in a stable order. With an error,
// the result holds what was found until then and is marked incomplete.
func (s *Scanner) Scan(ctx context.Context, src source.Source) (Result, error) {
	c := &collector{scanner: s, started: time.Now(), work: make(chan source.Fragment, 2*runtime.NumCPU()), places: map[placeKey]int{}}
	c.skips = map[skipKey]*Skip{}
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for f := range c.work {
				c.scan(f)
			}
		})
	}
	err := src.Walk(ctx, c)
	close(c.work)
	wg.Wait()
	res := c.result(src.Info())
	res.Coverage.Rules = s.set.Hash()
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil && res.Coverage.Bytes == 0 && len(res.Findings) == 0 && !src.Info().MayBeEmpty { // a name alone can be a finding
		err = ErrNothingScanned
	}
	if err != nil {
		res.Coverage.Complete = false
	}
	return res, err
}

type placeKey struct {
	rule, secret, file string
	line, column       int
	where              Where
}

type skipKey struct{ what, why string }

type idKey struct{ rule, secret string }

// collector gathers what the workers find.
type collector struct {
	scanner *Scanner
	started time.Time
	work    chan source.Fragment

	mu       sync.Mutex
	findings []Finding
	places   map[placeKey]int // index into findings
	cov      Coverage
	skips    map[skipKey]*Skip
	done     int
	told     time.Time

	ids sync.Map // idKey -> string: the id of a short secret is stretched, and a secret stands in many versions of a file
}

// Fragment hands a fragment to the workers.
func (c *collector) Fragment(ctx context.Context, f source.Fragment) error {
	select {
	case c.work <- f:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Skip counts something that was not scanned.
func (c *collector) Skip(s source.Skip) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := skipKey{s.What, s.Why}
	if c.skips[k] == nil {
		c.skips[k] = &Skip{What: s.What, Why: s.Why, Gap: s.Gap, Example: s.Example}
	}
	c.skips[k].Count++
	c.skips[k].Example = min(c.skips[k].Example, s.Example) // the same one in every run
}

// Count adds to the coverage.
func (c *collector) Count(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch what {
	case "refs":
		c.cov.Refs += n
	case "commits":
		c.cov.Commits += n
	case "blobs":
		c.cov.Blobs += n
	case "files":
		c.cov.Files += n
	}
}

// Shallow marks the history as cut off.
func (c *collector) Shallow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cov.Shallow = true
}

// scan runs the rules over a fragment, once for each distinct path: rules and
// allowlists may ask for the path.
func (c *collector) scan(f source.Fragment) {
	var found []Finding
	byPath := map[string][]source.Place{}
	var order []string
	for _, p := range f.Places {
		if byPath[p.Path] == nil {
			order = append(order, p.Path)
		}
		byPath[p.Path] = append(byPath[p.Path], p)
	}
	for _, path := range order {
		for _, m := range c.matches(f.Text, path, byPath[path][0].Commit) {
			for _, p := range byPath[path] {
				found = append(found, c.finding(m.Match, p, m.allowed))
			}
		}
	}
	c.add(found, len(f.Text))
}

// judged is a match, and whether an allowlist that names the commit takes it out.
type judged struct {
	match.Match

	allowed bool
}

// matches runs the rules over a text at a path. What an allowlist takes out only
// because of the commit stays in, marked: later versions of the file hold it too.
func (c *collector) matches(text, path, commit string) []judged {
	set := c.scanner.set
	list := set.Scan(match.Fragment{Text: text, Path: path, Commit: commit})
	out := make([]judged, 0, len(list))
	type key struct {
		rule       string
		start, end int
	}
	counts := map[key]bool{}
	for _, m := range list {
		out = append(out, judged{m, false})
		counts[key{m.Rule.ID, m.Start, m.End}] = true
	}
	if !set.NamesCommit(commit) {
		return out
	}
	for _, m := range set.Scan(match.Fragment{Text: text, Path: path}) {
		if !counts[key{m.Rule.ID, m.Start, m.End}] {
			out = append(out, judged{m, true})
		}
	}
	return out
}

func (c *collector) add(found []Finding, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cov.Bytes += int64(bytes)
	c.done++
	for _, f := range found {
		k := placeKey{f.Rule, f.ID, f.File, f.Line, f.Column, f.Where}
		if f.Commit != "" && (f.Where == WhereStash || f.Where == WhereUnreachable) {
			k.where = WhereCommit // one line of one file, whatever leads there
		}
		i, ok := c.places[k]
		if !ok {
			c.places[k] = len(c.findings)
			c.findings = append(c.findings, f)
			continue
		}
		c.findings[i] = earlier(c.findings[i], f)
	}
	if p := c.scanner.opts.Progress; p != nil && time.Since(c.told) > 100*time.Millisecond {
		c.told = time.Now()
		p(Progress{c.done, c.cov.Bytes, len(c.findings)})
	}
}

// earlier merges two findings of one place: the first commit, one that a branch
// reaches before any other, and what either reaches. A comment counts only when
// both have it.
func earlier(a, b Finding) Finding {
	first, other := a, b
	if before(b, a) {
		first, other = b, a
	}
	first.Refs.Head = first.Refs.Head || other.Refs.Head
	first.Refs.Branch = first.Refs.Branch || other.Refs.Branch
	if first.Suppressed != nil && first.Suppressed.By == "inline" && other.Suppressed == nil {
		first.Suppressed = nil
	}
	return first
}

func before(a, b Finding) bool {
	if a.Refs.Branch != b.Refs.Branch {
		return a.Refs.Branch
	}
	if stash := a.Where == WhereStash; stash != (b.Where == WhereStash) {
		return stash
	}
	return cmp.Or(cmp.Compare(a.order, b.order), a.Date.Compare(b.Date), cmp.Compare(a.Commit, b.Commit), cmp.Compare(a.Blob, b.Blob)) < 0
}

// id returns the finding id of a secret under a rule.
func (c *collector) id(rule, value string) string {
	k := idKey{rule, value}
	if id, ok := c.ids.Load(k); ok {
		return id.(string)
	}
	id := secret.FindingID(rule, secret.New(value))
	c.ids.Store(k, id)
	return id
}

func (c *collector) finding(m match.Match, p source.Place, allowed bool) Finding {
	s, named := c.scanner, m.Secret
	if named == "" { // the path is the finding
		named = p.Path
	}
	f := Finding{
		ID: c.id(m.Rule.ID, named), Rule: m.Rule.ID, Kind: m.Rule.Kind, Part: m.Rule.Part,
		Severity: Severity(m.Rule.Severity), Secret: secret.New(m.Secret), Description: m.Rule.Description, Tags: m.Tags,
		File: p.Path, Where: Where(p.Where), Commit: p.Commit, Author: p.Author, Date: p.Date, Blob: p.Blob,
		Refs: Reach{Head: p.Head, Branch: p.Branch},
	}
	f.Line, f.Column, f.EndLine, f.EndColumn = m.Line, m.Column, m.EndLine, m.EndColumn
	if f.Kind == "" {
		f.Kind = credential.Kind("generic." + m.Rule.ID)
	}
	if f.Part == "" {
		f.Part = credential.PartToken
	}
	if f.Severity == "" {
		f.Severity = Medium
	}
	f.also, f.order = m.Also, p.Order
	if m.Secret != "" { // gitleaks counts a path as line 0
		f.countedAt = m.MatchLine
	}
	switch {
	case allowed:
		f.Suppressed = &Suppression{By: "allowlist", Reason: "an allowlist names its commit"}
	case m.Allowed && !s.opts.IgnoreAllow:
		f.Suppressed = &Suppression{By: "inline"}
	}
	return f
}

func (c *collector) result(info source.Info) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.scanner.accept(c.findings)
	c.cov.Complete = !c.cov.Shallow
	for _, s := range c.skips {
		c.cov.Skipped = append(c.cov.Skipped, *s)
		c.cov.Complete = c.cov.Complete && !s.Gap
	}
	slices.SortFunc(c.cov.Skipped, func(a, b Skip) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	slices.SortFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Where, b.Where))
	})
	return Result{
		Target: Target{Kind: info.Kind, Path: info.Path, Head: info.Head}, Findings: c.findings, Coverage: c.cov,
		Started: c.started, Duration: time.Since(c.started),
	}
}
