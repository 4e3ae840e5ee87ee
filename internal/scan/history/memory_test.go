package history_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// notebook is a memory in memory.
type notebook map[string][]byte

func (n notebook) Load(name string) []byte       { return slices.Clone(n[name]) }
func (n notebook) Save(name string, data []byte) { n[name] = data }
func (n notebook) forget(name string)            { delete(n, name) }
func (n notebook) damage(r *rand.Rand, name string) {
	if b := n[name]; len(b) > 0 {
		b[r.IntN(len(b))] ^= 1
	}
}

// everything is what a scan says, apart from what it says of its memory.
func everything(r history.Result) string {
	r.Recalled, r.Known = false, 0
	var hits []string
	for _, h := range r.Hits {
		hits = append(hits, show(h)+fmt.Sprint(h.Denied, h.Order, h.First, h.Last, h.Blob, h.Start, h.End, h.MatchLine, h.Allowed, h.Tags))
	}
	r.Hits = nil
	slices.Sort(hits)
	return fmt.Sprintf("%+v\n%q", r, hits)
}

// TestMemoryChangesNothing: with a memory of an earlier scan, whatever has happened
// to the repository or to the memory since, a scan says what it says without.
func TestMemoryChangesNothing(t *testing.T) {
	t.Parallel()
	set := load(t)
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p := newPast(300 + seed)
			if seed%2 == 0 { // without secrets in names an outcome can be kept whole
				p.names = []string{"folder", "file", "person"}
			}
			dir := p.repository(t, 25, "sha1")
			r := rand.New(rand.NewPCG(seed, 3))
			note := notebook{}
			recalled := 0
			for step := range 16 {
				want := scanWith(t, dir, open(t, dir), history.Options{Set: set}, ways)
				got := scanWith(t, dir, open(t, dir), history.Options{Set: set, Memory: note}, ways)
				if g, w := everything(got), everything(want); g != w {
					t.Fatalf("step %d: got\n%s\nwant\n%s", step, g, w)
				}
				if got.Recalled {
					recalled++
				}
				p.giveNothingAway(t, note)
				switch step % 7 {
				case 0: // nothing has changed
				case 1:
					note.forget("result")
				case 2:
					p.more(t, dir, 1+r.IntN(3))
				case 3:
					git(t, dir, "", "repack", "-adq", "--keep-unreachable")
				case 4:
					note.damage(r, slices.Sorted(maps.Keys(note))[r.IntN(len(note))])
				case 5:
					git(t, dir, "", "update-ref", "refs/heads/side", "HEAD~"+fmt.Sprint(r.IntN(3)))
				case 6:
					git(t, dir, "", "gc", "-q")
					if step == 13 { // nothing is built on what goes away here
						git(t, dir, "", "-c", "gc.reflogExpire=now", "-c", "gc.pruneExpire=now", "gc", "-q", "--prune=now")
					}
				}
			}
			if keeps := seed%2 == 0; keeps != (recalled >= 2) {
				t.Errorf("an outcome was recalled %d times", recalled)
			}
		})
	}
}

// giveNothingAway: no secret is in a memory.
func (p *past) giveNothingAway(t *testing.T, note notebook) {
	t.Helper()
	for name, b := range note {
		for _, s := range append(slices.Clone(p.names[:3]), p.secrets...) {
			if len(s) > 40 && bytes.Contains(b, []byte(s[len(s)-30:len(s)-1])) {
				t.Fatalf("%s holds a secret", name)
			}
		}
	}
}

// TestMemoryOfOtherRules is of no use.
func TestMemoryOfOtherRules(t *testing.T) {
	t.Parallel()
	dir := newPast(400).repository(t, 10, "sha1")
	note := notebook{}
	few, err := match.Compile([]match.Rule{{ID: "none", Regex: "nowhere-at-all-[0-9]{9}", Keywords: []string{"nowhere"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(scanWith(t, dir, open(t, dir), history.Options{Set: few, Memory: note}, ways).Hits); n != 0 {
		t.Fatalf("%d hits", n)
	}
	set := load(t)
	res := scanWith(t, dir, open(t, dir), history.Options{Set: set, Memory: note}, ways)
	if res.Recalled || res.Known != 0 || len(res.Hits) == 0 {
		t.Errorf("recalled %v, %d known, %d hits", res.Recalled, res.Known, len(res.Hits))
	}
	if res := scanWith(t, dir, open(t, dir), history.Options{Set: set, Memory: note, Version: "2"}, ways); res.Recalled || res.Known != 0 {
		t.Error("another version of the program trusts it")
	}
}

// TestMissingObjectThatComes: what was not there is looked for when it comes, also
// below folders that are known.
func TestMissingObjectThatComes(t *testing.T) {
	t.Parallel()
	set := load(t)
	p := newPast(500)
	p.names = []string{"folder", "file", "person"}
	dir := p.repository(t, 15, "sha1")
	for _, f := range glob(t, filepath.Join(dir, ".git/objects/pack/*")) { // all loose
		if filepath.Ext(f) == ".pack" {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			moved := filepath.Join(t.TempDir(), "x")
			if err := os.Rename(filepath.Dir(f), moved); err != nil {
				t.Fatal(err)
			}
			git(t, dir, string(data), "unpack-objects", "-q")
			break
		}
	}
	var blobs []string
	for name := range newTruth(t, dir, set).files("HEAD") {
		blobs = append(blobs, git(t, dir, "", "rev-parse", "HEAD:"+name))
	}
	note := notebook{}
	look := func(memory history.Memory) history.Result {
		db := open(t, dir)
		res, err := history.Scan(t.Context(), db, history.Options{Set: set, Workers: 2, MaxSize: 1 << 20, Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	for _, b := range blobs {
		path := filepath.Join(dir, ".git/objects", b[:2], b[2:])
		away := filepath.Join(t.TempDir(), "away")
		if err := os.Rename(path, away); err != nil {
			continue // two files with one content
		}
		if got, want := everything(look(note)), everything(look(nil)); got != want {
			t.Fatalf("without %s: got\n%s\nwant\n%s", b, got, want)
		}
		if err := os.Rename(away, path); err != nil {
			t.Fatal(err)
		}
		if got, want := everything(look(note)), everything(look(nil)); got != want {
			t.Fatalf("with %s again: got\n%s\nwant\n%s", b, got, want)
		}
	}
}
