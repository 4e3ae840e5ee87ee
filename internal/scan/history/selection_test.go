package history_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// TestSelectionIsWhatItsCommitsBrought: some commits alone give what comparing each
// file of each of them with its parents gives, whether objects are read one by one
// or all together.
func TestSelectionIsWhatItsCommitsBrought(t *testing.T) {
	t.Parallel()
	set := load(t)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			dir := newPast(200+seed).repository(t, 30, "sha1")
			x := newTruth(t, dir, set)
			r := rand.New(rand.NewPCG(seed, 1))
			for _, share := range []int{12, 2, 1} {
				var o history.Options
				chosen := map[string]bool{}
				for _, c := range slices.SortedFunc(maps.Values(x.commits), inTime) {
					if id := c.id; r.IntN(share) == 0 {
						chosen[id] = true
						name, err := pack.ParseID(id)
						if err != nil {
							t.Fatal(err)
						}
						o.Commits = append(o.Commits, name)
					}
				}
				if len(chosen) == 0 {
					continue
				}
				o.Set = set
				want := x.brought(chosen)
				for _, whole := range []bool{false, true} {
					var got []string
					for _, h := range scanWith(t, dir, open(t, dir), o.Whole(whole), ways).Hits {
						got = append(got, strings.Replace(show(h), " reach=[ref]", "", 1))
					}
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Errorf("%d commits, whole %v: got %d, want %d", len(chosen), whole, len(got), len(want))
						for _, g := range got {
							if !slices.Contains(want, g) {
								t.Errorf("too much: %s", g)
							}
						}
						for _, w := range want {
							if !slices.Contains(got, w) {
								t.Errorf("missing:  %s", w)
							}
						}
					}
				}
			}
		})
	}
}

func inTime(a, b *truthCommit) int {
	return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.id, b.id))
}

// files are the blobs of a commit by path.
func (x *truth) files(commit string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(git(x.t, x.dir, "", "ls-tree", "-r", "-z", commit), "\x00") {
		if meta, path, ok := strings.Cut(line, "\t"); ok {
			out[path] = strings.Fields(meta)[2]
		}
	}
	return out
}

func (x *truth) brought(chosen map[string]bool) []string {
	type place struct {
		where, path  string
		line, column int
		rule, secret string
	}
	by := map[place][]*truthCommit{}
	add := func(k place, c *truthCommit) {
		if !slices.Contains(by[k], c) {
			by[k] = append(by[k], c)
		}
	}
	atHead := x.files(git(x.t, x.dir, "", "rev-parse", "HEAD"))
	for id := range chosen {
		c := x.commits[id]
		var before []map[string]string
		for _, p := range c.parents {
			before = append(before, x.files(p))
		}
		for path, blob := range x.files(id) {
			if slices.ContainsFunc(before, func(f map[string]string) bool { return f[path] == blob }) {
				continue
			}
			had := map[string]int{}
			for _, f := range before {
				times := map[string]int{}
				if f[path] == "" {
					continue
				}
				for _, m := range x.look(f[path], path) {
					k := m.Rule.ID + m.Secret
					times[k]++
					had[k] = max(had[k], times[k])
				}
			}
			for _, m := range x.look(blob, path) {
				k := m.Rule.ID + m.Secret
				if had[k]--; had[k] < 0 {
					add(place{"commit", path, m.Line, m.Column, m.Rule.ID, m.Secret}, c)
				}
			}
			x.newNames(path, before, func(name, dir string) {
				for _, m := range x.set.Scan(match.Fragment{Text: name}) {
					add(place{"path-name", dir + name, 1, m.Column + len(dir), m.Rule.ID, m.Secret}, c)
				}
			})
		}
		for _, m := range x.set.Scan(match.Fragment{Text: c.text}) {
			add(place{"commit-message", id, m.Line, m.Column, m.Rule.ID, m.Secret}, c)
		}
		if tag := git(x.t, x.dir, "", "rev-parse", "noted"); id == git(x.t, x.dir, "", "rev-parse", "noted^{}") {
			for _, m := range x.set.Scan(match.Fragment{Text: rawGit(x.t, x.dir, "", "for-each-ref", "--format=%(contents)", "refs/tags/noted")}) {
				add(place{"tag", tag, m.Line, m.Column, m.Rule.ID, m.Secret}, c)
			}
		}
		for line := range strings.Lines(c.header) {
			if who, ok := strings.CutPrefix(line, "author "); ok {
				for _, m := range x.set.Scan(match.Fragment{Text: who[:strings.Index(who, ">")+1]}) {
					add(place{"author", "", 1, m.Column, m.Rule.ID, m.Secret}, c)
				}
			}
		}
	}
	var out []string
	for k, list := range by {
		head := false
		if blob := atHead[k.path]; k.where == "commit" && blob != "" {
			head = slices.ContainsFunc(x.look(blob, k.path), func(m match.Match) bool {
				return m.Rule.ID == k.rule && m.Secret == k.secret && m.Line == k.line && m.Column == k.column
			})
		}
		if k.where == "commit-message" {
			k.path = ""
		}
		if k.where == "tag" {
			out = append(out, fmt.Sprintf("tag \"\":%d:%d %s %s head=false reach=[tag] first=%s last=-", k.line, k.column, k.rule, k.secret, list[0].id[:10]))
			continue
		}
		out = append(out, fmt.Sprintf("%s %q:%d:%d %s %s head=%v first=%s last=%s", k.where, k.path, k.line, k.column, k.rule, k.secret, head,
			slices.MinFunc(list, inTime).id[:10], slices.MaxFunc(list, inTime).id[:10]))
	}
	slices.Sort(out)
	return out
}

// newNames calls visit with the names on a path that no parent has there.
func (x *truth) newNames(path string, before []map[string]string, visit func(name, dir string)) {
	dir := ""
	for rest := path; rest != ""; {
		name, after, folder := strings.Cut(rest, "/")
		known := slices.ContainsFunc(before, func(f map[string]string) bool {
			for p := range f {
				if folder && strings.HasPrefix(p, dir+name+"/") || p == dir+name && !folder {
					return true
				}
			}
			return false
		})
		if !known {
			visit(name, dir)
		}
		dir, rest = dir+name+"/", after
	}
}
