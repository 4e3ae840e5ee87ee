package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

// small are limits that a test reaches quickly.
func small() archive.Limits {
	l := archive.DefaultLimits(3, 1<<20)
	l.RatioFree = 4 << 20
	return l
}

const tooLarge = "larger than 1 MB"

// zeros returns n megabytes of them.
func zeros(n int) string { return strings.Repeat("\x00", n<<20) }

func TestEntryOverTheLimit(t *testing.T) {
	t.Parallel()
	large, rest := archivetest.File{Name: "large", Text: zeros(2)}, archivetest.File{Name: "rest", Text: "R"}
	for kind, pack := range archivetest.Containers() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := walk(t, "x", pack(t, large, rest), small())
			s.expectGap(t, `archive entry "large": `+tooLarge)
			if s.texts["rest"] != "R" || len(s.texts) != 1 {
				t.Errorf("visited %d texts, the rest %q", len(s.texts), s.texts["rest"])
			}
		})
	}
	for kind, squeeze := range archivetest.Compressors() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			walk(t, "x."+kind, squeeze(t, []byte(zeros(2))), small()).expectGap(t, `archive entry "x": `+tooLarge)
		})
	}
}

// TestTotalOverTheLimit: many entries, each within its limit.
func TestTotalOverTheLimit(t *testing.T) {
	t.Parallel()
	var files []archivetest.File
	for i := range 12 {
		files = append(files, archivetest.File{Name: fmt.Sprint(i), Text: zeros(1)})
	}
	l := small()
	l.Ratio = 1 << 30
	for kind, data := range map[string][]byte{
		"zip": archivetest.Zip(t, files...), "7z": archivetest.SevenZip(t, files...), "tgz": archivetest.Gzip(t, archivetest.Tar(t, files...)),
	} {
		s := walk(t, "x", data, l)
		s.expectGap(t, `archive "": unpacks to more than 10 MB; the rest was not read`)
		if n := len(s.texts); n < 9 || n > 10 {
			t.Errorf("%s: %d entries were visited", kind, n)
		}
		s = walk(t, "x", data, small())
		s.expectGap(t, `archive "": unpacks to more than 200 times its size; the rest was not read`)
	}
}

// TestBombBesideText: a nested bomb takes at most half of what is left.
func TestBombBesideText(t *testing.T) {
	t.Parallel()
	var files []archivetest.File
	for i := range 12 {
		files = append(files, archivetest.File{Name: fmt.Sprint(i), Text: zeros(1)})
	}
	bomb := string(archivetest.Gzip(t, archivetest.Tar(t, files...)))
	data := archivetest.Zip(t, archivetest.File{Name: "1.tgz", Text: bomb}, archivetest.File{Name: "2.tgz", Text: bomb}, archivetest.File{Name: "key", Text: "K"})
	s := walk(t, "x", data, small())
	if s.texts["key"] != "K" {
		t.Error("the text behind the bombs was not visited")
	}
	if g := s.gaps(); len(g) != 2 || !strings.Contains(g[0], `"1.tgz": unpacks to more than`) {
		t.Errorf("gaps %q", g)
	}
}

// endless is a compressed stream of one block many times, made without holding it.
func endless(t *testing.T, block []byte, times int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGigabytesOfZeros take neither time nor memory.
func TestGigabytesOfZeros(t *testing.T) {
	data := endless(t, make([]byte, 1<<20), 2000)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	walk(t, "x.zst", data, small()).expectGap(t, `archive entry "x": `+tooLarge)
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc - before.TotalAlloc); grown > 64<<20 {
		t.Errorf("%d MB were allocated", grown>>20)
	}
}

func TestTooManyEntries(t *testing.T) {
	t.Parallel()
	var files []archivetest.File
	for i := range 300 {
		files = append(files, archivetest.File{Name: fmt.Sprint("empty", i)})
	}
	l := small()
	l.Entries = 200
	for kind, pack := range archivetest.Containers() {
		walk(t, "x."+kind, pack(t, files...), l).expectGap(t, `archive "": more than 200 entries; the rest was not read`)
		inner := archivetest.Zip(t, archivetest.File{Name: "a", Text: string(pack(t, files[:150]...))}, archivetest.File{Name: "b", Text: string(pack(t, files[:150]...))})
		if g := walk(t, "x", inner, l).gaps(); len(g) == 0 || !strings.Contains(g[0], "more than 200 entries") {
			t.Errorf("%s: nested: %q", kind, g)
		}
	}
}

// TestMillionEmptyFiles in a tar end at the limit of entries.
func TestMillionEmptyFiles(t *testing.T) {
	t.Parallel()
	var one bytes.Buffer
	w := tar.NewWriter(&one)
	if err := w.WriteHeader(&tar.Header{Name: "e", Typeflag: tar.TypeReg}); err != nil {
		t.Fatal(err)
	}
	header := one.Bytes()[:512]
	data := endless(t, bytes.Repeat(header, 1000), 1000)
	n := 0
	var skips []archive.Skip
	l := limits()
	l.Ratio = 1 << 30
	err := archive.Walk(t.Context(), "x.tar.zst", data, l, func(string, []byte) error { n++; return nil }, func(s archive.Skip) { skips = append(skips, s) })
	if err != nil || n != l.Entries || len(skips) != 1 || skips[0].Why != "more than 200000 entries; the rest was not read" {
		t.Errorf("%d entries, %v, %+v", n, err, skips)
	}
}

func TestLongName(t *testing.T) {
	t.Parallel()
	l := small()
	l.Name = 100
	for kind, pack := range archivetest.Containers() {
		s := walk(t, "x", pack(t, archivetest.File{Name: strings.Repeat("n", 1000), Text: "T"}), l)
		s.expect(t, map[string]string{strings.Repeat("n", 100) + "…": "T"})
		if len(s.skips) != 1 || s.skips[0].Why != "longer than 100 bytes; cut" {
			t.Errorf("%s: %+v", kind, s.skips)
		}
	}
}

// quine makes a gzip file that unpacks to itself is the hardest; one in which
// itself is nested many times is as deep.
func TestNestedWithoutEnd(t *testing.T) {
	t.Parallel()
	data := []byte("core")
	for i := range 50 {
		data = archivetest.Zip(t, archivetest.File{Name: fmt.Sprint(i), Text: string(data)})
	}
	walk(t, "r.zip", data, limits()).expectGap(t, `archive "49!48!47": nested deeper than 3`)
	for range 50 {
		data = archivetest.Gzip(t, data)
	}
	walk(t, "r.gz", data, limits()).expectGap(t, `archive "r!r!r": nested deeper than 3`)
}

// TestDictionaries: a file that asks for gigabytes of memory gets none.
func TestDictionaries(t *testing.T) {
	t.Parallel()
	const want = "needs too much memory to be unpacked"
	xz := archivetest.XZ(t, []byte("text"))
	// The dictionary of the only block: its size, one byte behind the filter's id, then
	// the sum over the block's header (xz-file-format.txt, 3.1 and 5.3.1).
	header := xz[12 : 12+int(xz[12]+1)*4]
	at := bytes.Index(header, []byte{0x21, 0x01})
	header[at+2] = 40 // 4 GiB
	binary.LittleEndian.PutUint32(header[len(header)-4:], crc32.ChecksumIEEE(header[:len(header)-4]))
	walk(t, "x.xz", xz, limits()).expectGap(t, `archive "": `+want)

	// A window of 1 << 41 bytes (RFC 8878, 3.1.1.1.2).
	zst := append([]byte("\x28\xb5\x2f\xfd\x00\xf8"), "\x01\x00\x00"...)
	walk(t, "x.zst", zst, limits()).expectGap(t, `archive entry "x": `+want)

	for _, packed := range []bool{false, true} {
		data := archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, PackHeader: packed, Dictionary: 1<<32 - 1}.Bytes(t)
		walk(t, "x.7z", data, limits()).expectGap(t, `archive entry "a": `+want)
	}
	for method, props := range map[string][]byte{"\x21": {40}, "\x03\x04\x01": {6, 0, 0, 0, 0xff}} {
		data := archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, Method: []byte(method), Props: props}.Bytes(t)
		walk(t, "x.7z", data, limits()).expectGap(t, `archive entry "a": `+want)
	}
}

// TestSevenZipHeaderThatLies: 100 bytes that ask for a terabyte.
func TestSevenZipHeaderThatLies(t *testing.T) {
	t.Parallel()
	for _, count := range []uint64{201_000, 1 << 31, 1<<32 - 1, 1 << 62} {
		for _, packed := range []bool{false, true} {
			data := archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, PackHeader: packed, FileCount: count}.Bytes(t)
			walk(t, "x.7z", data, limits()).expectGap(t, `archive "": more than 200000 entries; the rest was not read`)
		}
	}
}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	data := archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"}, archivetest.File{Name: "b", Text: "B"})
	// The flag in the local header and in the directory (APPNOTE.TXT 4.4.4).
	data[6] |= 1
	data[bytes.Index(data, []byte("PK\x01\x02"))+8] |= 1
	s := walk(t, "x.zip", data, limits())
	s.expectGap(t, `archive entry "a": encrypted`)
	if s.texts["b"] != "B" {
		t.Errorf("visited %q", s.texts)
	}
	aes := []byte{6, 0xf1, 7, 1}
	data = archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, Method: aes, Props: []byte{0x13, 0}}.Bytes(t)
	walk(t, "x.7z", data, limits()).expectGap(t, `archive entry "a": encrypted`)
	data = archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, PackHeader: true}.Bytes(t)
	at := bytes.LastIndex(data, []byte{0x23, 3, 1, 1, 5})
	data = append(append(append([]byte{}, data[:at]...), 0x24, 6, 0xf1, 7, 1, 5), data[at+5:]...) // the header's method
	binary.LittleEndian.PutUint64(data[20:], binary.LittleEndian.Uint64(data[20:])+1)
	walk(t, "x.7z", data, limits()).expectGap(t, `archive "": encrypted`)
}

func TestUnknownMethod(t *testing.T) {
	t.Parallel()
	data := archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"}, archivetest.File{Name: "b", Text: "B"})
	data[8], data[bytes.Index(data, []byte("PK\x01\x02"))+10] = 98, 98 // PPMd
	s := walk(t, "x.zip", data, limits())
	s.expectGap(t, `archive entry "a": compressed in a way that is not known (method 98)`)
	if s.texts["b"] != "B" {
		t.Errorf("visited %q", s.texts)
	}
	data = archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, Method: []byte{4, 0xf7, 0x11, 1}}.Bytes(t)
	walk(t, "x.7z", data, limits()).expectGap(t, `archive entry "a": compressed in a way that is not known (method 04f71101)`)
}

// TestOverlap: entries whose bytes are those of others, as in a bomb that has no
// nesting (David Fifield, "A better zip bomb").
func TestOverlap(t *testing.T) {
	t.Parallel()
	const count = 50
	var deflated bytes.Buffer
	f, err := flate.NewWriter(&deflated, 9)
	if err != nil {
		t.Fatal(err)
	}
	kernel := zeros(1)
	_, _ = io.WriteString(f, kernel)
	_ = f.Close()
	sum := crc32.ChecksumIEEE([]byte(kernel))
	fields := func(b []byte, name string) []byte {
		b = append(b, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, sum)
		b = binary.LittleEndian.AppendUint32(b, uint32(deflated.Len()))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(kernel)))
		return append(b, byte(len(name)), 0, 0, 0)
	}
	data := append(fields([]byte("PK\x03\x04"), "k"), 'k')
	data = append(data, deflated.Bytes()...)
	start := len(data)
	for i := range count {
		name := fmt.Sprintf("%02d", i)
		data = append(data, "PK\x01\x02\x14\x00"...)
		data = append(fields(data, name), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		data = append(data, name...)
	}
	size := len(data) - start
	data = append(data, "PK\x05\x06\x00\x00\x00\x00"...)
	data = append(data, count, 0, count, 0)
	data = binary.LittleEndian.AppendUint32(data, uint32(size))
	data = append(binary.LittleEndian.AppendUint32(data, uint32(start)), 0, 0)
	if r, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil || len(r.File) != count {
		t.Fatal("the test's own zip is wrong: ", err)
	}
	s := walk(t, "x.zip", data, limits())
	if g := s.gaps(); len(g) != count-1 || !strings.Contains(g[0], "overlaps another entry") || len(s.texts) != 1 {
		t.Errorf("%d gaps, %d texts", len(g), len(s.texts))
	}
}

// TestZipThatLiesOfSizes: what is claimed is neither allocated nor believed.
func TestZipThatLiesOfSizes(t *testing.T) {
	t.Parallel()
	whole := archivetest.Zip(t, archivetest.File{Name: "a", Text: strings.Repeat("A", 100)}, archivetest.File{Name: "b", Text: "B"})
	at := bytes.Index(whole, []byte("PK\x01\x02")) + 24
	for claim, gap := range map[uint32]bool{10: false, 1 << 30: true, 1 << 20: false} {
		data := bytes.Clone(whole)
		binary.LittleEndian.PutUint32(data[at:], claim)
		s := walk(t, "x.zip", data, limits())
		if gap {
			s.expectGap(t, `archive entry "a": larger than 100 MB`)
		} else {
			s.expect(t, map[string]string{"a": strings.Repeat("A", 100), "b": "B"})
		}
		if s.texts["b"] != "B" {
			t.Errorf("claim %d: the rest was not visited", claim)
		}
	}
}

// TestSparseTar: holes cost nothing in the file.
func TestSparseTar(t *testing.T) {
	t.Parallel()
	// GNU.sparse.* with one byte of data and a hole behind it (gnu.org, tar, "PAX 0.1").
	records := ""
	for _, kv := range [][2]string{{"GNU.sparse.numblocks", "1"}, {"GNU.sparse.map", "0,1"}, {"GNU.sparse.size", fmt.Sprint(900 << 10)}, {"GNU.sparse.name", "s"}} {
		line := fmt.Sprintf(" %s=%s\n", kv[0], kv[1])
		n := len(line) + 2
		records += fmt.Sprintf("%d%s", n, line)
	}
	block := func(name string, kind byte, text string) []byte {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000600\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00        ", len(text)))
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, c := range h {
			sum += int(c)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		return append(h, append([]byte(text), make([]byte, (512-len(text)%512)%512)...)...)
	}
	one := append(block("pax", 'x', records), block("s", '0', "T")...)
	if h, err := tar.NewReader(bytes.NewReader(one)).Next(); err != nil || h.Size != 900<<10 {
		t.Fatalf("the test's own tar is wrong: %v, %+v", err, h)
	}
	n := 0
	var skips []archive.Skip
	err := archive.Walk(t.Context(), "x.tar", bytes.Repeat(one, 20), small(), func(string, []byte) error { n++; return nil }, func(s archive.Skip) { skips = append(skips, s) })
	if err != nil || n != 8 || // 200 times 40 KB
		len(skips) != 1 || !strings.Contains(skips[0].Why, "200 times") {
		t.Errorf("%d entries, %v, %+v", n, err, skips)
	}
}

// TestDamage: whatever is cut off or changed, nothing panics or hangs, and either
// all was visited or a gap is counted.
func TestDamage(t *testing.T) {
	t.Parallel()
	files := []archivetest.File{{Name: "a", Text: strings.Repeat("A line\n", 300)}, {Name: "b", Text: "B"}}
	samples := map[string][]byte{"docx": archivetest.Zip(t, archivetest.File{Name: "[Content_Types].xml", Text: "<Types/>"}, files[0])}
	for kind, pack := range archivetest.Containers() {
		samples[kind] = pack(t, files...)
	}
	for kind, squeeze := range archivetest.Compressors() {
		samples[kind] = squeeze(t, []byte(files[0].Text))
		samples["t"+kind] = squeeze(t, samples["tar"])
	}
	for kind, whole := range samples {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			want := walk(t, "x", whole, limits())
			step := max(1, len(whole)/150)
			for n := 0; n < len(whole); n += step {
				cut := walk(t, "x", whole[:n], limits())
				if len(cut.gaps()) == 0 && n > 20 && archive.Detect(whole[:n]) != archive.None && (kind != "tar" || n < 4000) { // a tar ends before its last block
					t.Errorf("cut at %d of %d: no gap, visited %d of %d", n, len(whole), len(cut.texts), len(want.texts))
				}
				changed := bytes.Clone(whole)
				changed[n] ^= 0x55
				walk(t, "x", changed, limits())
			}
		})
	}
}

// TestWhatWasReadOfADamagedFile is scanned all the same.
func TestWhatWasReadOfADamagedFile(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("KEY=1\n", 100_000)
	for kind, squeeze := range archivetest.Compressors() {
		if kind == "bz2" || kind == "zst" { // whole blocks, of which this is one
			continue
		}
		data := squeeze(t, []byte(text))
		s := walk(t, "x."+kind, data[:len(data)-20], limits())
		s.expectGap(t, `archive entry "x": damaged`)
		if len(s.texts["x"]) < 1000 || !strings.HasPrefix(text, s.texts["x"]) {
			t.Errorf("%s: %d bytes were visited", kind, len(s.texts["x"]))
		}
	}
}

// TestZipThatWasCutOff: the files in front of the cut are read by their own headers.
func TestZipThatWasCutOff(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("KEY=1 and more\n", 2000)
	whole := archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"}, archivetest.File{Name: "dir/"}, archivetest.File{Name: "b", Text: long}, archivetest.File{Name: "c", Text: "C"})
	directory := bytes.Index(whole, []byte("PK\x01\x02"))
	s := walk(t, "x.zip", whole[:directory], limits())
	s.expectGap(t, `archive "": damaged`)
	if s.texts["a"] != "A" || s.texts["b"] != long || s.texts["c"] != "C" {
		t.Errorf("visited %d texts", len(s.texts))
	}
	b := bytes.Index(whole, []byte("b"))
	s = walk(t, "x.zip", whole[:b+60], limits())
	if s.texts["a"] != "A" || !strings.HasPrefix(long, s.texts["b"]) || len(s.gaps()) != 2 {
		t.Errorf("visited %q, gaps %q", s.texts, s.gaps())
	}
	for n := range directory {
		walk(t, "x.zip", whole[:n], limits())
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	for kind, pack := range archivetest.Containers() {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		data := pack(t, archivetest.File{Name: "a", Text: "A"}, archivetest.File{Name: "b", Text: "B"})
		err := archive.Walk(ctx, "x", data, limits(), func(string, []byte) error { n++; cancel(); return nil }, func(k archive.Skip) { t.Errorf("%s: %+v", kind, k) })
		if !errors.Is(err, context.Canceled) || n != 1 {
			t.Errorf("%s: %v after %d visits", kind, err, n)
		}
	}
}
