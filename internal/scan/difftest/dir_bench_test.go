package difftest

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	adapter "github.com/secretguard/secretguard/internal/scan/gitleaks"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// BenchmarkDir scans the folder that the environment names, by "make bench-dir
// DIR=path", and shows the speed over the bytes of its files.
func BenchmarkDir(b *testing.B) {
	dir := os.Getenv("SECRETGUARD_BENCH_DIR")
	if dir == "" {
		b.Skip("SKIPPED: no folder to scan; run: make bench-dir DIR=path")
	}
	var size int64
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			info, ierr := e.Info()
			if ierr != nil {
				return ierr
			}
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	theirs, err := adapter.Default()
	if err != nil {
		b.Fatal(err)
	}
	same, err := match.Compile(theirs.Rules, theirs.Global)
	if err != nil {
		b.Fatal(err)
	}
	all, err := ruleset.Load(nil, "", nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		set   *match.Set
		depth int
	}{{"gitleaks' rules, archives closed", same, 0}, {"all rules, archives closed", all, 0}, {"all rules, archives open", all, 3}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				src, err := source.Dir(dir, source.Options{ArchiveDepth: c.depth})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := scan.New(c.set, scan.Options{}).Scan(b.Context(), src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
