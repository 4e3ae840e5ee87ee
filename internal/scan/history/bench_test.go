package history_test

import (
	"os"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/scan/gitdir"
	"github.com/secretguard/secretguard/internal/scan/history"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
)

// BenchmarkScan scans the whole history of the repository that
// SECRETGUARD_BENCH_REPO names.
func BenchmarkScan(b *testing.B) {
	repo := os.Getenv("SECRETGUARD_BENCH_REPO")
	if repo == "" {
		b.Skip("set SECRETGUARD_BENCH_REPO to a repository")
	}
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		dir, err := gitdir.Find(repo)
		if err != nil {
			b.Fatal(err)
		}
		refs, err := dir.Refs()
		if err != nil {
			b.Fatal(err)
		}
		db, err := pack.Open(dir.Objects(), pack.SHA1)
		if err != nil {
			b.Fatal(err)
		}
		opts := history.Options{Set: set, MaxSize: 100 << 20}
		for _, r := range refs.List {
			id, _ := pack.ParseID(r.ID)
			opts.Roots = append(opts.Roots, graph.Root{ID: id, Way: graph.FromRef})
		}
		last, phase := time.Now(), ""
		opts.Progress = func(p history.Progress) {
			if p.Phase != phase {
				b.Logf("%s after %v", p.Phase, time.Since(last).Round(time.Millisecond))
				phase, last = p.Phase, time.Now()
			}
		}
		res, err := history.Scan(b.Context(), db, opts)
		if err != nil {
			b.Fatal(err)
		}
		b.Logf("end after %v", time.Since(last).Round(time.Millisecond))
		b.Logf("%d hits, %d commits, %d trees, %d blobs (%d binary), %.1f MB, missing %d; problems %v", len(res.Hits), res.Commits, res.Trees, res.Blobs, res.Binary.Count, float64(res.Bytes)/1e6, res.MissingBlobs.Count, db.Problems())
		b.SetBytes(res.Bytes)
		_ = db.Close()
	}
}
