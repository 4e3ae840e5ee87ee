package places_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// shelf is an object database of headers.
type shelf []string

func (shelf) ID(r pack.Ref) (id pack.ID) {
	binary.BigEndian.PutUint32(id[:], uint32(r)+1)
	return id
}

func (s shelf) Lookup(id pack.ID) (pack.Ref, bool) {
	r := binary.BigEndian.Uint32(id[:]) - 1
	return pack.Ref(r), int(r) < len(s)
}

func (s shelf) Read(r pack.Ref, _ int64) (pack.Kind, []byte, error) {
	return pack.Commit, []byte(s[r]), nil
}

// world is three commits in a row, held by a branch, a stash and nothing, two versions
// of a file, and what looks at texts.
type world struct {
	*places.Placer

	found  places.Found
	look   *content.Looker
	secret string
}

const (
	oneVersion = pack.Ref(10)
	another    = pack.Ref(11)
)

func newWorld(t *testing.T) *world {
	t.Helper()
	set, err := match.Compile([]match.Rule{{ID: "key", Regex: `sk_live_\w{40}`, Keywords: []string{"sk_live_"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	db := make(shelf, 12)
	w := &world{look: content.NewLooker(set, 0, 1<<20), secret: lab.MadeUp("sk_live_", 48)}
	w.found = places.Found{Set: set, Graph: graph.New(db), Blobs: map[pack.Ref][]content.Part{}, Names: map[string][]match.Sight{}, Folders: map[pack.Ref]bool{}, Wanted: map[pack.Ref]bool{oneVersion: true}}
	for i, reach := range []graph.Reach{graph.FromBranch, graph.FromStash, 0} {
		db[i] = fmt.Sprintf("author A%d <a@x> %d +0100\n\n", i, 1000+i)
		w.found.Graph.Commits = append(w.found.Graph.Commits, graph.Commit{Ref: pack.Ref(i), Time: int64(10 - i), Reach: reach})
	}
	w.found.Graph.Link(nil)
	w.Placer = places.New(db, 1<<20, w.found)
	return w
}

func (w *world) blob(t *testing.T, ref pack.Ref, text string) {
	t.Helper()
	w.found.Blobs[ref] = w.look.Look(t.Context(), []byte(text))
}

func (w *world) leaf(path string, blob pack.Ref, commit int32) {
	w.Leaf(folders.Leaf{Path: path, Blob: blob, Stretch: w.found.Graph.Stretch(commit)}, nil)
}

func (w *world) shown() []string {
	var out []string
	for _, h := range w.Hits() {
		out = append(out, fmt.Sprintf("%s %s:%d %s to %s, allowed %v, head %v", h.Where, h.Path, h.Line, h.First.Author, h.Last.Author, h.Allowed, h.InHead))
	}
	return out
}

func (w *world) want(t *testing.T, want ...string) {
	t.Helper()
	if got := w.shown(); !slices.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// TestVersionsAtOnePlaceAreOneHit, from the commit that is held most firmly, and
// allowed only where every version says so.
func TestVersionsAtOnePlaceAreOneHit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blob(t, oneVersion, "k="+w.secret+" # gitleaks:allow\n")
	w.blob(t, another, "k="+w.secret+"\n")
	w.leaf("a", oneVersion, 1)
	w.want(t, "stash a:1 A1 <a@x> to A1 <a@x>, allowed true, head false")
	w.leaf("a", another, 0)
	w.leaf("b", another, 2)
	w.Heads(func(k places.Key) bool { return k.Path == "b" })
	w.want(t, "commit a:1 A0 <a@x> to A0 <a@x>, allowed false, head false", "unreachable b:1 A2 <a@x> to A2 <a@x>, allowed false, head true")
	if w.Paths[shelf{}.ID(oneVersion)] != "a" || len(w.Paths) != 1 {
		t.Errorf("wanted paths: %v", w.Paths)
	}
}

// TestWhatNobodyHolds is a hit for each blob, and says what is known.
func TestWhatNobodyHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.blob(t, oneVersion, "k="+w.secret+"\n")
	w.blob(t, another, "k="+w.secret+" \n")
	w.Lost(oneVersion, places.WhereUnreachable)
	w.Lost(another, places.WhereUnknown)
	w.want(t, "unknown :1  to , allowed false, head false", "unreachable :1  to , allowed false, head false")
}

// TestAPersonIsOneHit, however many commits there are; a message is one for each.
func TestAPersonIsOneHit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sights := w.look.Find([]byte(w.secret))
	for at := range pack.Ref(2) {
		w.Message(places.Message{Ref: at, Where: places.WherePerson, Sights: sights})
		w.Message(places.Message{Ref: at, Where: places.WhereMessage, Sights: sights})
	}
	w.want(t, "author :1 A0 <a@x> to A0 <a@x>, allowed false, head false",
		"commit-message :1 A0 <a@x> to A0 <a@x>, allowed false, head false", "commit-message :1 A1 <a@x> to A1 <a@x>, allowed false, head false")
}

// TestNamesOfFolders are found at their column of the path, and the folder's content is
// none of theirs.
func TestNamesOfFolders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.found.Names[w.secret] = w.look.Find([]byte(w.secret))
	w.found.Folders[another] = true
	l := folders.Leaf{Path: "a/" + w.secret, Blob: another, Stretch: w.found.Graph.Stretch(0)}
	w.PathName(l)
	w.Leaf(l, nil)
	hits := w.Hits()
	if len(hits) != 1 || hits[0].Column != 3 || hits[0].Where != places.WherePath {
		t.Errorf("%+v", hits)
	}
}
