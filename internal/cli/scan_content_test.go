package cli_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestScanOfBinaryAndLargeFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "picture.bin", "\x89PNG\x00\x01\x02"+leak())
	run("scan", "dir", dir).expect(t, 3, "nothing was scanned", "skipped: 1 × file: binary (picture.bin)")
	write(t, dir, "a.txt", "nothing\n")
	run("scan", "dir", dir).expect(t, 0, "skipped: 1 × file: binary (picture.bin)", "complete")

	late := t.TempDir()
	write(t, late, "late.txt", strings.Repeat("text\n", 1600)+"\x00\n"+leak()) // git looks at the first 8000 bytes
	run("scan", "dir", late).expect(t, 1, "late.txt:1602")
	write(t, late, "late.txt", strings.Repeat("text\n", 1599)+"\x00\n"+leak())
	run("scan", "dir", late).expect(t, 3, "binary")

	large := t.TempDir()
	write(t, large, "large.txt", strings.Repeat("text\n", 220_000)+leak())
	write(t, large, "small.txt", "nothing\n")
	run("scan", "dir", large).expect(t, 1, "large.txt:220001")
	run("scan", "dir", large, "--max-target-megabytes", "1").expect(t, 3, "NOT SCANNED: 1 × file: larger than 1 MB (large.txt)")
	git(t, large, "init", "-q", "-b", "main")
	git(t, large, "add", "-A")
	git(t, large, "commit", "-q", "-m", "large")
	for _, packed := range []bool{false, true} {
		if packed {
			git(t, large, "gc", "-q")
		}
		run("scan", "git", large, "--max-target-megabytes", "1").expect(t, 3, "NOT SCANNED: 1 × blob: larger than 1 MB (large.txt)")
		run("scan", "git", large).expect(t, 1, "large.txt:220001")
	}
}

// hugeLine is a line of n bytes of minified code, with a key near its end.
func hugeLine(n int) string {
	const unit = "function a(b,c){return b.key||c.token[0]=='x'};var d={secret:e,api:f};"
	return strings.Repeat(unit, n/len(unit)) + "k='" + key() + "';}\n"
}

// TestScanOfHugeLine: one line of a megabyte, the key at its end is found, and memory
// stays within a few copies of the text. BenchmarkScanOfHugeLine takes 100 MB.
func TestScanOfHugeLine(t *testing.T) {
	dir := t.TempDir()
	const size = 1 << 20
	write(t, dir, "min.js", hugeLine(size))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r := run("scan", "dir", dir)
	runtime.ReadMemStats(&after)
	r.expect(t, 1, "min.js:1", "stripe-secret-key")
	if grown := int64(after.Sys) - int64(before.Sys); grown > 40*size {
		t.Errorf("a line of %d MB took %d MB", size>>20, grown>>20)
	}
}

func BenchmarkScanOfHugeLine(b *testing.B) {
	dir := b.TempDir()
	const size = 100_000_000
	if err := writeFile(filepath.Join(dir, "min.js"), hugeLine(size)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	b.ResetTimer()
	for range b.N {
		if r := run("scan", "dir", dir); r.code != 1 {
			b.Fatal(r)
		}
	}
}
