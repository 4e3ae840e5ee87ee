package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	// CacheDir is where scans of histories keep what they know for the next one;
	// empty for nowhere. Version names the program: another one may find other things.
	CacheDir, Version string
	// Progress is called now and then, from one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a scan is.
type Progress struct {
	Done  int // files or objects
	Total int // objects; 0 when it is not known
	Bytes int64
}

// tellEvery is how often a caller is told of the progress.
const tellEvery = 100 * time.Millisecond

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
	c := &collector{scanner: s, started: time.Now(), places: map[placeKey]int{}, skips: map[skipKey]*Skip{}}
	var err error
	switch src := src.(type) {
	case *source.Repository:
		err = c.repository(ctx, src)
	case *source.Whole:
		err = c.whole(ctx, src)
	case source.Walker:
		err = c.texts(ctx, src)
	default:
		return Result{}, fmt.Errorf("a source of the type %T cannot be scanned", src)
	}
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

// texts scans what a source brings, in the goroutines that bring it.
func (c *collector) texts(ctx context.Context, src source.Walker) error {
	if c.finders == nil {
		c.finders = make(chan *match.Finder, runtime.GOMAXPROCS(0))
	}
	return src.Walk(ctx, c)
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
	finders chan *match.Finder // that nobody uses

	mu       sync.Mutex
	findings []Finding
	context  []Finding        // taken out of findings at the end
	places   map[placeKey]int // index into findings
	cov      Coverage
	skips    map[skipKey]*Skip
	done     int
	told     time.Time
	under    string          // folder of the repository that is read now, in the whole
	indexed  map[string]bool // blobs that were found in an index
	noted    []sighting      // Supabase projects that a file of theirs names

	ids sync.Map // idKey -> string: the id of a short secret is stretched, and a secret stands in many versions of a file
}

// Fragment scans a fragment.
func (c *collector) Fragment(ctx context.Context, f source.Fragment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var finder *match.Finder
	select {
	case finder = <-c.finders:
	default:
		finder = c.scanner.set.Finder()
	}
	c.scan(finder, f)
	select {
	case c.finders <- finder:
	default:
	}
	return nil
}

// Skip counts something that was not scanned.
func (c *collector) Skip(s source.Skip) {
	c.skip(Skip{What: s.What, Why: s.Why, Gap: s.Gap, Example: s.Example, Count: 1})
}

func (c *collector) skip(s Skip) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := skipKey{s.What, s.Why}
	old := c.skips[k]
	if old == nil {
		c.skips[k] = &s
		return
	}
	old.Count += s.Count
	old.Example = min(old.Example, s.Example) // the same one in every run
}

// Files counts files.
func (c *collector) Files(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cov.Files += n
}

// Entries counts entries of archives.
func (c *collector) Entries(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cov.Entries += n
}

// scan runs the rules over a fragment. Rules and allowlists may ask for the path.
func (c *collector) scan(finder *match.Finder, f source.Fragment) {
	sights := finder.Settle(f.Text, finder.Find(f.Text))
	var found []Finding
	for _, p := range f.Places {
		if p.Where == string(WhereIndex) {
			c.index(p.Blob)
		}
		c.note(f.Text, p)
		for _, m := range c.scanner.set.At(sights, p.Name(), p.Commit) {
			found = append(found, c.finding(m, p, false))
		}
	}
	c.add(found, len(f.Text))
}

// index notes a blob that is in an index.
func (c *collector) index(blob string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.indexed == nil {
		c.indexed = map[string]bool{}
	}
	c.indexed[blob] = true
}

func (c *collector) add(found []Finding, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cov.Bytes += int64(bytes)
	c.done++
	for _, f := range found {
		k := placeKey{f.Rule, f.ID, f.Path(), f.Line, f.Column, f.Where}
		if i, ok := c.places[k]; ok { // once more, decoded another way
			if f.Suppressed == nil {
				c.findings[i].Suppressed = nil
			}
			continue
		}
		c.places[k] = len(c.findings)
		c.findings = append(c.findings, f)
	}
	if p := c.scanner.opts.Progress; p != nil && time.Since(c.told) > tellEvery {
		c.told = time.Now()
		p(Progress{Done: c.done, Bytes: c.cov.Bytes})
	}
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
		named = p.Name()
	}
	f := Finding{
		ID: c.id(m.Rule.ID, named), Rule: m.Rule.ID, Kind: m.Rule.Kind, Part: m.Rule.Part,
		Severity: Severity(m.Rule.Severity), Secret: secret.New(m.Secret), Description: m.Rule.Description, Tags: m.Tags,
		File: p.Path, PathInArchive: p.Inner, Where: Where(p.Where), Commit: p.Commit, Author: p.Author, Date: p.Date, Blob: p.Blob,
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
	f.also, f.context, f.generic = m.Also, m.Rule.Context, match.Generic(m.Rule.ID)
	if m.Secret != "" { // gitleaks counts a path as line 0
		f.countedAt = m.MatchLine
	}
	switch {
	case allowed:
		f.Suppressed = &Suppression{By: "allowlist", Reason: "an allowlist names its commit"}
	case m.Allowed && !s.opts.IgnoreAllow:
		f.Suppressed = &Suppression{By: "inline"}
	case m.Noise != "":
		f.Suppressed = &Suppression{By: byNoise, Reason: m.Noise}
	}
	return f
}

func (c *collector) result(info source.Info) Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judge()
	c.maskNames() // a baseline knows files by the names that are shown
	left := c.scanner.accept(c.findings)
	c.cov.Complete = !c.cov.Shallow
	for _, s := range c.skips {
		c.cov.Skipped = append(c.cov.Skipped, *s)
		c.cov.Complete = c.cov.Complete && !s.Gap
	}
	if left > 0 { // no gap: what was not looked up counts as a finding
		c.cov.Skipped = append(c.cov.Skipped, Skip{
			What: "guessable values that a baseline might accept", Why: fmt.Sprintf("only the first %d are looked up, for that is slow on purpose", suppress.MaxSlow), Count: left,
		})
	}
	slices.SortFunc(c.cov.Skipped, func(a, b Skip) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	slices.SortFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.PathInArchive, b.PathInArchive), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Where, b.Where))
	})
	return Result{
		Target: Target{Kind: info.Kind, Path: info.Path, Head: info.Head}, Findings: c.findings, Context: c.context, Coverage: c.cov,
		Started: c.started, Duration: time.Since(c.started),
	}
}
