package history_test

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/askgit"
	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
)

func load(tb testing.TB) *match.Set {
	tb.Helper()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

// open opens a repository's objects.
func open(t *testing.T, dir string) *pack.DB {
	t.Helper()
	d, err := gitdir.Find(dir)
	if err != nil {
		t.Fatal(err)
	}
	traits, err := d.Traits()
	if err != nil {
		t.Fatal(err)
	}
	db, err := pack.Open(d.Objects(), traits.Width())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// scan scans a repository; ways are its refs.
func scan(t *testing.T, dir string, db history.Objects, set *match.Set, ways map[string]graph.Reach) history.Result {
	t.Helper()
	return scanWith(t, dir, db, history.Options{Set: set}, ways)
}

func scanWith(t *testing.T, dir string, db history.Objects, o history.Options, ways map[string]graph.Reach) history.Result {
	t.Helper()
	o.Workers, o.MaxSize = 3, 1<<20
	for ref, way := range ways {
		id, err := pack.ParseID(git(t, dir, "", "rev-parse", ref))
		if err != nil {
			t.Fatal(err)
		}
		o.Roots = append(o.Roots, graph.Root{Name: ref, ID: id, Way: way})
	}
	res, err := history.Scan(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	if p := db.Problems(); len(p) > 0 || res.MissingBlobs.Count+res.MissingCommits.Count+res.MissingTrees.Count+res.BrokenTrees.Count+res.Damaged.Count > 0 {
		t.Fatalf("problems: %v, %+v", p, res)
	}
	return res
}

var ways = map[string]graph.Reach{
	"HEAD": graph.FromHead, "refs/heads/main": graph.FromBranch, "refs/heads/side": graph.FromBranch, "refs/heads/gone": graph.FromBranch,
	"refs/remotes/origin/main": graph.FromRemote, "refs/tags/light": graph.FromTag, "refs/tags/noted": graph.FromTag,
	"refs/stash": graph.FromStash, "refs/notes/commits": graph.FromNote, "refs/pull/1/head": graph.FromRef,
}

// show is a hit as one line.
func show(h places.Hit) string {
	id := func(c places.Commit) string {
		if c.ID == (pack.ID{}) {
			return "-"
		}
		return c.ID.String()[:10]
	}
	return fmt.Sprintf("%s %q%s:%d:%d %s %s head=%v reach=%v first=%s last=%s", h.Where, h.Path, h.Inner, h.Line, h.Column, h.Rule.ID, h.Secret, h.InHead, h.Reach.Names(), id(h.First), id(h.Last))
}

// TestPlacesAreGits: a scan finds what looking at every file of every commit
// finds, at the same places, with the same first and last commits.
func TestPlacesAreGits(t *testing.T) {
	t.Parallel()
	set := load(t)
	seeds := uint64(6)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			dir := newPast(seed).repository(t, 30, []string{"sha1", "sha256"}[seed%2])
			var got []string
			for _, h := range scan(t, dir, open(t, dir), set, ways).Hits {
				got = append(got, show(h))
			}
			want := newTruth(t, dir, set).hits()
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				for _, x := range got {
					if !slices.Contains(want, x) {
						t.Errorf("too much: %s", x)
					}
				}
				for _, x := range want {
					if !slices.Contains(got, x) {
						t.Errorf("missing:  %s", x)
					}
				}
			}
			if len(want) < 10 {
				t.Errorf("only %d hits: the history says little", len(want))
			}
		})
	}
}

// TestGitReadsTheSame: what git hands out and what we read ourselves give the same.
func TestGitReadsTheSame(t *testing.T) {
	t.Parallel()
	set := load(t)
	for seed := range uint64(2) {
		dir := newPast(100+seed).repository(t, 30, []string{"sha1", "sha256"}[seed])
		ours := open(t, dir)
		asked, err := askgit.Open(t.Context(), filepath.Join(dir, ".git"), ours.Width())
		if err != nil {
			t.Fatal(err)
		}
		got, want := scan(t, dir, asked, set, ways), scan(t, dir, ours, set, ways)
		if len(got.Hits) != len(want.Hits) || got.Blobs != want.Blobs || got.Commits != want.Commits || got.Trees != want.Trees || got.Tags != want.Tags || got.Bytes != want.Bytes {
			t.Fatalf("%d hits, want %d; %+v\n%+v", len(got.Hits), len(want.Hits), got.Bytes, want.Bytes)
		}
		for i := range got.Hits {
			if show(got.Hits[i]) != show(want.Hits[i]) {
				t.Errorf("%s\nwant %s", show(got.Hits[i]), show(want.Hits[i]))
			}
		}
	}
}

// truth works out the same with git alone, commit by commit.
type truth struct {
	t       *testing.T
	dir     string
	set     *match.Set
	commits map[string]*truthCommit
	placed  map[string]bool // blobs
}

type truthCommit struct {
	id      string
	parents []string
	time    int
	ways    graph.Reach
	header  string
	text    string
}

func newTruth(t *testing.T, dir string, set *match.Set) *truth {
	t.Helper()
	x := &truth{t: t, dir: dir, set: set, commits: map[string]*truthCommit{}, placed: map[string]bool{}}
	for _, id := range x.objects("commit") {
		c := &truthCommit{id: id}
		header, text, _ := strings.Cut(rawGit(t, dir, "", "cat-file", "commit", id), "\n\n")
		c.header, c.text = header, text
		for line := range strings.Lines(header) {
			f := strings.Fields(line)
			switch f[0] {
			case "parent":
				c.parents = append(c.parents, f[1])
			case "committer":
				c.time, _ = strconv.Atoi(f[len(f)-2])
			}
		}
		x.commits[id] = c
	}
	for ref, way := range ways {
		for id := range strings.FieldsSeq(git(t, dir, "", "rev-list", ref)) {
			x.commits[id].ways |= way
		}
	}
	for range len(x.commits) { // a child is younger than its parents, whatever its clock says
		for _, c := range x.commits {
			for _, p := range c.parents {
				c.time = max(c.time, x.commits[p].time+1)
			}
		}
	}
	return x
}

func (x *truth) objects(kind string) []string {
	var out []string
	for line := range strings.Lines(git(x.t, x.dir, "", "cat-file", "--batch-all-objects", "--batch-check")) {
		if f := strings.Fields(line); f[1] == kind {
			out = append(out, f[0])
		}
	}
	return out
}

// kept is how firmly a commit is held.
func (c *truthCommit) kept() int {
	switch {
	case c.ways&^(graph.FromStash|graph.FromNote|graph.FromReflog) != 0:
		return 0
	case c.ways != 0:
		return 1
	}
	return 2
}

func (x *truth) hits() []string {
	head := git(x.t, x.dir, "", "rev-parse", "HEAD")
	type place struct {
		path         string
		line, column int
		rule, secret string
	}
	holds := map[place][]*truthCommit{}
	inHead := map[place]bool{}
	where := map[place]string{}
	hold := func(k place, c *truthCommit) {
		if !slices.Contains(holds[k], c) {
			holds[k] = append(holds[k], c)
		}
		inHead[k] = inHead[k] || c.id == head
	}
	for _, c := range slices.SortedFunc(maps.Values(x.commits), func(a, b *truthCommit) int { return cmp.Compare(a.id, b.id) }) {
		for line := range strings.SplitSeq(git(x.t, x.dir, "", "ls-tree", "-r", "-z", c.id), "\x00") {
			meta, path, ok := strings.Cut(line, "\t")
			if !ok {
				continue
			}
			blob := strings.Fields(meta)[2]
			x.placed[blob] = true
			for _, m := range x.look(blob, path) {
				hold(place{path, m.Line, m.Column, m.Rule.ID, m.Secret}, c)
			}
			for dir, rest := "", path; rest != ""; { // every folder's and the file's own name
				name, after, _ := strings.Cut(rest, "/")
				for _, m := range x.set.Scan(match.Fragment{Text: name}) {
					k := place{dir + name, 1, m.Column + len(dir), m.Rule.ID, m.Secret}
					where[k] = "path-name"
					hold(k, c)
				}
				dir, rest = dir+name+"/", after
			}
		}
		for _, line := range strings.Split(c.header, "\n") {
			if who, ok := strings.CutPrefix(line, "author "); ok {
				for _, m := range x.set.Scan(match.Fragment{Text: who[:strings.Index(who, ">")+1]}) {
					k := place{"", 1, m.Column, m.Rule.ID, m.Secret}
					where[k] = "author"
					hold(k, c)
				}
			}
		}
	}
	var out []string
	for k, list := range holds {
		reach := graph.Reach(0)
		for _, c := range list {
			reach |= c.ways
		}
		first := slices.MinFunc(list, func(a, b *truthCommit) int {
			return cmp.Or(cmp.Compare(a.kept(), b.kept()), cmp.Compare(a.time, b.time), cmp.Compare(a.id, b.id))
		})
		last := slices.MaxFunc(list, func(a, b *truthCommit) int {
			return cmp.Or(cmp.Compare(b.kept(), a.kept()), cmp.Compare(a.time, b.time), cmp.Compare(a.id, b.id))
		})
		in := []string{"commit", "stash", "unreachable"}[first.kept()]
		if in == "stash" && reach&graph.FromStash == 0 {
			in = "note"
		}
		in = cmp.Or(where[k], in)
		out = append(out, fmt.Sprintf("%s %q:%d:%d %s %s head=%v reach=%v first=%s last=%s", in, k.path, k.line, k.column, k.rule, k.secret, inHead[k], reach.Names(), first.id[:10], last.id[:10]))
	}
	return append(out, x.texts(head)...)
}

func (x *truth) look(blob, path string) []match.Match {
	text := rawGit(x.t, x.dir, "", "cat-file", "blob", blob)
	if strings.Contains(text, "\x00") {
		text = ""
	}
	return x.set.Scan(match.Fragment{Text: text, Path: path})
}

// texts are hits in messages, in a tag, and in a blob that stands nowhere.
func (x *truth) texts(head string) []string {
	var out []string
	for _, c := range x.commits {
		for _, m := range x.set.Scan(match.Fragment{Text: c.text}) {
			out = append(out, fmt.Sprintf("commit-message \"\":%d:%d %s %s head=%v reach=%v first=%s last=%s", m.Line, m.Column, m.Rule.ID, m.Secret, c.id == head, c.ways.Names(), c.id[:10], c.id[:10]))
		}
	}
	for _, tag := range x.objects("tag") {
		header, text, _ := strings.Cut(rawGit(x.t, x.dir, "", "cat-file", "tag", tag), "\n\n")
		for _, m := range x.set.Scan(match.Fragment{Text: text}) {
			out = append(out, fmt.Sprintf("tag \"\":%d:%d %s %s head=false reach=[tag] first=%s last=-", m.Line, m.Column, m.Rule.ID, m.Secret, strings.Fields(header)[1][:10]))
		}
	}
	for _, blob := range x.objects("blob") {
		if !x.placed[blob] {
			for _, m := range x.look(blob, "") {
				out = append(out, fmt.Sprintf("unreachable \"\":%d:%d %s %s head=false reach=[] first=- last=-", m.Line, m.Column, m.Rule.ID, m.Secret))
			}
		}
	}
	return out
}
