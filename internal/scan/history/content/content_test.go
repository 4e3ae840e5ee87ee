package content_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/match"
)

func compiled(t *testing.T) *match.Set {
	t.Helper()
	set, err := match.Compile([]match.Rule{
		{ID: "key", Regex: `sk_live_\w{40}`, Keywords: []string{"sk_live_"}},
		{ID: "store", Path: `\.pfx$`},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestPartsOfABlob: each text of a blob that holds something is a part, and a path
// says more than the text.
func TestPartsOfABlob(t *testing.T) {
	t.Parallel()
	set := compiled(t)
	secret := lab.MadeUp("sk_live_", 48)
	text := "one\nkey = " + secret + "\n"
	for _, c := range []struct {
		name, path string
		data       []byte
		want       []string
	}{
		{"text", "a.env", []byte(text), []string{"key ||2"}},
		{"zip", "a.zip", archivetest.Zip(t, archivetest.File{Name: "x/b.env", Text: text}, archivetest.File{Name: "y", Text: "no"}), []string{"key |x/b.env|2"}},
		{"compressed", "d/b.env.gz", archivetest.Gzip(t, []byte(text)), []string{"key |b.env|2"}},
		{"compressed, moved", "d/c.gz", archivetest.Gzip(t, []byte(text)), []string{"key |c|2"}},
		{"name of an entry", "a.zip", archivetest.Zip(t, archivetest.File{Name: "b.pfx", Text: "\x00"}), []string{"store |b.pfx|1"}},
		{"name of the blob", "shop.pfx", []byte("\x00\x01"), []string{"store ||1"}},
		{"nothing", "a.txt", []byte("one\n"), nil},
	} {
		parts := content.NewLooker(set, 3, 1<<20).Look(t.Context(), c.data)
		var got []string
		for _, m := range content.Matches(set, parts, c.path, "") {
			got = append(got, fmt.Sprintf("%s |%s|%d", m.Rule.ID, m.Inner, m.Line))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// TestNothingIsOpenedAtDepthZero: then an archive is bytes like others.
func TestNothingIsOpenedAtDepthZero(t *testing.T) {
	t.Parallel()
	l := content.NewLooker(compiled(t), 0, 1<<20)
	data := archivetest.Zip(t, archivetest.File{Name: "b", Text: "key = " + lab.MadeUp("sk_live_", 48)})
	if parts, f := l.Inside(t.Context(), data, false, nil, func(archive.Skip) {}); len(parts) > 0 || f.Entries > 0 {
		t.Errorf("%d parts, %d entries", len(parts), f.Entries)
	}
}

// TestWhatIsNotReadIsTold, each time.
func TestWhatIsNotReadIsTold(t *testing.T) {
	t.Parallel()
	l := content.NewLooker(compiled(t), 3, 1<<20)
	data := archivetest.Zip(t, archivetest.File{Name: "b", Text: "\x00\x01"}, archivetest.File{Name: "c", Text: "\x89PNG\r\n\x1a\n\x00"})
	var told []string
	_, f := l.Inside(t.Context(), data, false, nil, func(s archive.Skip) { told = append(told, s.Path+" "+s.Why) })
	if len(told) != 2 || f.Entries != 2 || f.Size != len(data) {
		t.Errorf("told %q, %+v", told, f)
	}
}

// TestInnerNames: what is compressed is called after the file, wherever that moves.
func TestInnerNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, inner, want string }{
		{"a/b.env.gz", "\x00", "b.env"},
		{"a/b.tgz", "\x00!x/y", "b.tar!x/y"},
		{"a.zip", "x/y", "x/y"},
		{"a.txt", "", ""},
	} {
		if got := content.Inner(c.path, c.inner); got != c.want {
			t.Errorf("%s, %q: got %q, want %q", c.path, c.inner, got, c.want)
		}
	}
}

// TestNamesAreLookedAtOnce: asking again gives the same, for names with and without
// a secret.
func TestNamesAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	n := content.NewNames(compiled(t))
	secret := lab.MadeUp("sk_live_", 48)
	for range 2 {
		for name, want := range map[string]int{secret: 1, "x" + secret + ".pem": 1, "main.go": 0, "sk_live_": 0, strings.Repeat("a", 300): 0} {
			if got := n.Look([]byte(name)); len(got) != want {
				t.Errorf("%q: %d sights, want %d", name, len(got), want)
			}
		}
	}
}
