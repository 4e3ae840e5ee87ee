package match_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkFind looks at the source files below SECRETGUARD_BENCH_DIR, or Go's
// own standard library.
func BenchmarkFind(b *testing.B) {
	dir := os.Getenv("SECRETGUARD_BENCH_DIR")
	if dir == "" {
		dir = filepath.Join(os.Getenv("GOROOT"), "src", "net")
	}
	var texts [][]byte
	size := int64(0)
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(path, ".go") {
			if t, err := os.ReadFile(path); err == nil {
				texts = append(texts, t)
				size += int64(len(t))
			}
		}
		return nil
	})
	if size == 0 {
		b.Skip("no files below " + dir)
	}
	f := load(b).Finder()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, t := range texts {
			f.Find(t)
		}
	}
}

// BenchmarkCompile is what every start of the program pays.
func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		load(b)
	}
}
