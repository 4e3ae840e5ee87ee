package history_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// wide is text as UTF-16 with a byte order mark.
func wide(text string) string {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return string(out)
}

var onMain = map[string]graph.Reach{"HEAD": graph.FromHead, "refs/heads/main": graph.FromBranch}

// packed makes a repository of files that hide a secret, in its history only.
func packed(t *testing.T) (dir, secret string) {
	t.Helper()
	dir = t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main", ".")
	secret = lab.MadeUp("sk_live_", 40)
	entry := archivetest.File{Name: "conf/prod.env", Text: "one\nkey = \"" + secret + "\"\n"}
	jar := archivetest.Zip(t, archivetest.File{Name: "lib/a.tgz", Text: string(archivetest.Gzip(t, archivetest.Tar(t, entry)))})
	files := map[string]string{
		"a.zip": string(archivetest.Zip(t, entry)), "b/prod.env.gz": string(archivetest.Gzip(t, []byte(entry.Text))), "c.jar": string(jar),
		"wide.txt": wide(entry.Text), "store.zip": string(archivetest.Zip(t, archivetest.File{Name: "x/shop.pfx", Text: "\x00\x01"})),
		"book.ipynb": string(archivetest.Notebook([2]string{"code", "k = 1"}, [2]string{"code", "one\nkey = \"" + secret + "\"\n"})),
		"plain.zip":  string(archivetest.Zip(t, archivetest.File{Name: "x", Text: "nothing\n"}, archivetest.File{Name: "y", Text: "\x00\x01"})),
		"image.png":  "\x89PNG\r\n\x1a\n\x00\x00", "blob.bin": "\x00\x01\x02", "cut.zip": string(archivetest.Zip(t, entry))[:40],
	}
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "", "add", "-A")
	git(t, dir, "", "commit", "-qm", "all of it")
	git(t, dir, "", "rm", "-rq", ".")
	git(t, dir, "", "commit", "-qm", "gone", "--allow-empty")
	return dir, secret
}

func TestContentOfBlobs(t *testing.T) {
	t.Parallel()
	dir, secret := packed(t)
	set := load(t)
	o := history.Options{Set: set, ArchiveDepth: 3}
	want := scanWith(t, dir, open(t, dir), o, onMain)
	var got []string
	for _, h := range want.Hits {
		if h.Rule.ID == "pkcs12-file" || h.Secret == secret {
			got = append(got, fmt.Sprintf("%s %s|%s:%d %s", h.Where, h.Path, h.Inner, h.Line, h.Rule.ID))
		}
	}
	slices.Sort(got)
	list := []string{
		"commit a.zip|conf/prod.env:2", "commit b/prod.env.gz|prod.env:2", "commit book.ipynb|:",
		"commit c.jar|lib/a.tgz!conf/prod.env:2", "commit store.zip|x/shop.pfx:1", "commit wide.txt|:2",
	}
	if len(got) != len(list) {
		t.Fatalf("got %q", got)
	}
	for i, w := range list {
		if !strings.HasPrefix(got[i], w) {
			t.Errorf("got %q, want %q", got[i], w)
		}
	}
	unread := map[string]int{}
	for _, u := range want.Unread {
		unread[fmt.Sprintf("%s: %s, gap %v", u.What, u.Why, u.Gap)] = u.Count
	}
	for what, n := range map[string]int{"blob: image: text in it is not read, gap false": 1, "archive entry: binary, gap false": 2} {
		if unread[what] != n {
			t.Errorf("%d × %s; of %v", unread[what], what, unread)
		}
	}
	if !slices.ContainsFunc(want.Unread, func(u tally.Unread) bool { return u.Gap && strings.HasPrefix(u.What, "archive") }) {
		t.Errorf("an archive that was cut off is no gap: %v", want.Unread)
	}
	if want.Binary.Count != 1 || want.Entries < 6 {
		t.Errorf("%d binary blobs, %d entries", want.Binary.Count, want.Entries)
	}
	none := scanWith(t, dir, open(t, dir), history.Options{Set: set}, onMain)
	for _, h := range none.Hits {
		if h.Inner != "" || strings.HasSuffix(h.Path, ".zip") {
			t.Errorf("opened at depth 0: %s|%s", h.Path, h.Inner)
		}
	}
}

// TestContentIsRemembered: what an earlier scan knows of archives and other blobs
// changes nothing, whether all of it is recalled, or new commits came.
func TestContentIsRemembered(t *testing.T) {
	t.Parallel()
	dir, _ := packed(t)
	set := load(t)
	note := notebook{}
	for step := range 5 {
		want := scanWith(t, dir, open(t, dir), history.Options{Set: set, ArchiveDepth: 3}, onMain)
		got := scanWith(t, dir, open(t, dir), history.Options{Set: set, ArchiveDepth: 3, Memory: note}, onMain)
		if g, w := everything(got), everything(want); g != w {
			t.Fatalf("step %d: got\n%s\nwant\n%s", step, g, w)
		}
		if recalled := step == 1 || step == 3; got.Recalled != recalled || step > 0 && !recalled && got.Known == 0 {
			t.Errorf("step %d: recalled %v, %d known", step, got.Recalled, got.Known)
		}
		if step%2 == 1 {
			git(t, dir, "", "commit", "-qm", "more", "--allow-empty")
			note.forget("result")
		}
	}
	// Not opened, nothing of it is known.
	if got := scanWith(t, dir, open(t, dir), history.Options{Set: set, Memory: note}, onMain); got.Recalled || got.Known != 0 {
		t.Errorf("recalled %v, %d known, at another depth", got.Recalled, got.Known)
	}
}

// TestContentOfASelection: the same in what some commits brought.
func TestContentOfASelection(t *testing.T) {
	t.Parallel()
	dir, secret := packed(t)
	set := load(t)
	first, err := pack.ParseID(git(t, dir, "", "rev-parse", "HEAD~1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{true, false} {
		o := history.Options{Set: set, ArchiveDepth: 3}.Whole(whole)
		o.Commits = append(o.Commits, first)
		n := 0
		for _, h := range scanWith(t, dir, open(t, dir), o, onMain).Hits {
			if h.Secret == secret {
				n++
			}
		}
		if n != 5 {
			t.Errorf("whole %v: %d places of 5", whole, n)
		}
	}
}

// TestMemoryHoldsNoNamesOfEntries: the name of an entry may be a secret itself, of
// one that holds something and of one that was not read.
func TestMemoryHoldsNoNamesOfEntries(t *testing.T) {
	t.Parallel()
	set := load(t)
	for what, text := range map[string]string{"found": "key = \"" + lab.MadeUp("sk_live_", 40) + "\"\n", "unread": "\x00\x01"} {
		name := lab.MadeUp("sk_live_", 40)
		dir := t.TempDir()
		git(t, dir, "", "init", "-q", "-b", "main", ".")
		jar := archivetest.Zip(t, archivetest.File{Name: "x/" + name + ".env", Text: text})
		if err := os.WriteFile(filepath.Join(dir, "a.jar"), jar, 0o600); err != nil {
			t.Fatal(err)
		}
		git(t, dir, "", "add", "-A")
		git(t, dir, "", "commit", "-qm", "all of it")
		note := notebook{}
		scanWith(t, dir, open(t, dir), history.Options{Set: set, ArchiveDepth: 3, Memory: note}, onMain)
		for file, b := range note {
			if strings.Contains(string(b), name) {
				t.Errorf("%s: the name is in %q", what, file)
			}
		}
	}
}
