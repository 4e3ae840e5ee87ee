package pack_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// sizes notes what is visited.
type sizes struct {
	mu   *sync.Mutex
	seen map[pack.ID]int
}

func (s sizes) Visit(o *pack.Object, _ any) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[o.ID] = len(o.Data)
	return nil
}

// walk opens a folder and visits blobs of up to 1 MB.
func walk(tb testing.TB, objects string) (map[pack.ID]int, []pack.Problem) {
	tb.Helper()
	db, err := pack.Open(objects, pack.SHA1)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	s := sizes{&sync.Mutex{}, map[pack.ID]int{}}
	err = db.Walk(context.Background(), pack.WalkOptions{Kinds: pack.Of(pack.Blob), Workers: 2, MaxSize: 1 << 20, Visitor: func() pack.Visitor { return s }})
	if err != nil {
		tb.Fatal(err)
	}
	for r := range pack.Ref(db.Len()) { // reading alone must end too
		_, _, _ = db.Read(r, 1<<20)
	}
	return s.seen, db.Problems()
}

// Damage is a problem that counts what is lost by it; what is whole is visited.
func TestDamagedObjectsAreCounted(t *testing.T) {
	t.Parallel()
	whole := raw{kind: 3, data: []byte("whole")}
	text := []byte("a base text")
	for name, c := range map[string]struct {
		list []raw
		seen int // of them
		why  string
	}{
		"cut stream":         {[]raw{whole, {kind: 3, size: 9, stream: deflate(t, text)[:8]}}, 1, "damaged"},
		"wrong size":         {[]raw{whole, {kind: 3, size: 5, stream: deflate(t, text)}}, 1, "damaged"},
		"wrong checksum":     {[]raw{whole, {kind: 3, size: len(text), stream: append(deflate(t, text)[:len(deflate(t, text))-1], 'x')}}, 1, "damaged"},
		"too large":          {[]raw{whole, {kind: 3, size: 1 << 40, stream: deflate(t, text)}}, 1, "larger than 1 MB"},
		"unknown kind":       {[]raw{whole, {kind: 5, data: text}}, 1, "header"},
		"delta of too large": {[]raw{whole, {kind: 3, data: bytes.Repeat(text, 200_000)}, {kind: 6, base: 1, data: delta(len(text)*200_000, "x")}}, 1, "larger than 1 MB"},
		"delta that grows":   {[]raw{whole, {kind: 6, base: 0, data: append(append(varint(5), varint(1<<30)...), 0x90, 5)}}, 1, "larger than 1 MB"},
		"wrong base size":    {[]raw{whole, {kind: 6, base: 0, data: delta(6, "x")}}, 1, "damaged"},
		"copy out of base":   {[]raw{whole, {kind: 6, base: 0, data: append(append(varint(5), varint(3)...), 0x91, 4, 3)}}, 1, "damaged"},
		"more than said":     {[]raw{whole, {kind: 6, base: 0, data: append(append(varint(5), varint(2)...), 3, 'a', 'b', 'c')}}, 1, "damaged"},
		"less than said":     {[]raw{whole, {kind: 6, base: 0, data: append(append(varint(5), varint(9)...), 3, 'a', 'b', 'c')}}, 1, "damaged"},
		"zero instruction":   {[]raw{whole, {kind: 6, base: 0, data: append(append(varint(5), varint(1)...), 0)}}, 1, "damaged"},
		"missing base":       {[]raw{whole, {kind: 7, base: idOf(999), data: delta(5, "x")}}, 1, "missing"},
		"circle":             {[]raw{whole, {kind: 7, base: idOf(2), data: delta(5, "x")}, {kind: 7, base: idOf(1), data: delta(6, "x")}}, 1, "no base"},
		"own base":           {[]raw{whole, {kind: 7, base: idOf(1), data: delta(5, "x")}}, 1, "no base"},
		"damaged base":       {[]raw{whole, {kind: 3, size: 11, stream: []byte("no zlib stream")}, {kind: 6, base: 1, data: delta(11, "x")}}, 1, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects, _ := build(t, c.list)
			seen, problems := walk(t, objects)
			if len(seen) != c.seen {
				t.Errorf("%d objects were visited, want %d", len(seen), c.seen)
			}
			lost, said := 0, false
			for _, p := range problems {
				lost += p.Objects
				said = said || strings.Contains(p.Why, c.why)
			}
			if lost != len(c.list)-c.seen || !said {
				t.Errorf("%d of %d lost objects are counted, %q is said: %v", lost, len(c.list)-c.seen, c.why, problems)
			}
		})
	}
}

// A chain of any depth is walked; reading one object alone has a limit.
func TestDeepChain(t *testing.T) {
	t.Parallel()
	const deep = 20_000
	list := []raw{{kind: 3, data: []byte("x")}}
	for i := range deep {
		list = append(list, raw{kind: 6, base: i, data: append(append(varint(1), varint(1)...), 1, byte(i))})
	}
	objects, ids := build(t, list)
	db, err := pack.Open(objects, pack.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s := sizes{&sync.Mutex{}, map[pack.ID]int{}}
	if err := db.Walk(t.Context(), pack.WalkOptions{Kinds: pack.Of(pack.Blob), Workers: 1, MaxSize: 1 << 20, Visitor: func() pack.Visitor { return s }}); err != nil {
		t.Fatal(err)
	}
	if len(s.seen) != len(list) || len(db.Problems()) != 0 {
		t.Errorf("%d of %d visited: %v", len(s.seen), len(list), db.Problems())
	}
	if _, _, err := db.ReadID(ids[deep], 1<<20); !errors.Is(err, pack.ErrDamaged) {
		t.Errorf("a chain of %d: %v", deep, err)
	}
	if _, data, err := db.ReadID(ids[9000], 1<<20); err != nil || len(data) != 1 {
		t.Errorf("a chain of 9000: %v", err)
	}
}

func TestFoldersThatAreNone(t *testing.T) {
	t.Parallel()
	if _, err := pack.Open(filepath.Join(t.TempDir(), "gone"), pack.SHA1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	objects, _ := build(t, []raw{{kind: 3, data: []byte("whole")}})
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(objects, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("info/alternates", "../nowhere\n# a comment\n"+objects+"\n")
	write("pack/other.pack", "PACK")
	write("pack/bad.pack", strings.Repeat("no pack ", 20))
	write("pack/bad.idx", strings.Repeat("no index ", 200))
	write("ab/"+strings.Repeat("c", 38), "no object")
	write("ab/tmp_obj_x", "being written")
	if err := os.Symlink("/dev/zero", filepath.Join(objects, "ab", strings.Repeat("d", 38))); err != nil {
		t.Fatal(err)
	}
	seen, problems := walk(t, objects)
	if len(seen) != 1 || len(problems) != 5 {
		t.Errorf("%d objects, problems %v", len(seen), problems)
	}
}

// A pack that is cut while it is mapped must not kill the program.
func TestPackCutWhileReading(t *testing.T) {
	t.Parallel()
	var list []raw
	r := rand.New(rand.NewPCG(5, 5))
	for range 300 {
		b := make([]byte, 2000)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		list = append(list, raw{kind: 3, data: b})
	}
	objects, _ := build(t, list)
	db, err := pack.Open(objects, pack.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := os.Truncate(filepath.Join(objects, "pack", "p.pack"), 4096); err != nil {
		t.Fatal(err)
	}
	s := sizes{&sync.Mutex{}, map[pack.ID]int{}}
	if err := db.Walk(t.Context(), pack.WalkOptions{Kinds: pack.Of(pack.Blob), Workers: 1, MaxSize: 1 << 20, Visitor: func() pack.Visitor { return s }}); err != nil {
		t.Fatal(err)
	}
	if len(db.Problems()) == 0 {
		t.Errorf("%d of %d objects were read from a pack of one page, and nothing is said", len(s.seen), len(list))
	}
	if _, _, err := db.Read(pack.Ref(200), 1<<20); err == nil {
		if _, _, err := db.Read(pack.Ref(10), 1<<20); err == nil {
			t.Error("objects behind the cut were read")
		}
	}
}

// FuzzPack changes bytes of a pack, of its index or of a loose object's file: it
// must end, without a panic, and never give more than the limit.
func FuzzPack(f *testing.F) {
	list := []raw{
		{kind: 3, data: []byte(strings.Repeat("some text to stand on\n", 20))},
		{kind: 6, base: 0, data: delta(440, "and more")},
		{kind: 7, base: idOf(0), data: delta(440, "and other")},
		{kind: 2, data: []byte("100644 a\x00" + strings.Repeat("i", 20))},
		{kind: 1, data: []byte("tree x\n\nmessage")},
	}
	objects, _ := build(f, list)
	var files [2][]byte
	for i, name := range []string{"p.pack", "p.idx"} {
		b, err := os.ReadFile(filepath.Join(objects, "pack", name))
		if err != nil {
			f.Fatal(err)
		}
		files[i] = b
	}
	f.Add(uint8(0), uint16(20), []byte{1, 2, 3})
	f.Add(uint8(1), uint16(1100), []byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, which uint8, at uint16, with []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "pack"), 0o755); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"p.pack", "p.idx"} {
			b := bytes.Clone(files[i])
			if int(which)%2 == i {
				copy(b[min(int(at), len(b)):], with)
			}
			if err := os.WriteFile(filepath.Join(dir, "pack", name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		seen, problems := walk(t, dir)
		for id, n := range seen {
			if n > 1<<20 {
				t.Fatalf("%s has %d bytes", id, n)
			}
		}
		if len(seen) < 3 && len(problems) == 0 && int(which)%2 == 1 && at < 1024 && len(with) == 0 {
			t.Fatal("objects are lost and nothing is said")
		}
	})
}
