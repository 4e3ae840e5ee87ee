package pack

import (
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
)

type counter struct{ n, bytes, fresh *atomic.Int64 }

func (c counter) Visit(o *Object, _ any) any {
	c.n.Add(1)
	c.bytes.Add(int64(len(o.Data)))
	if o.Ops == nil {
		c.fresh.Add(int64(len(o.Data)))
	}
	for _, op := range o.Ops {
		if !op.Copied() {
			c.fresh.Add(int64(op.Len))
		}
	}
	return nil
}

// BenchmarkWalk rebuilds every object of the repository that
// SECRETGUARD_BENCH_REPO names (a .git or bare folder).
func BenchmarkWalk(b *testing.B) {
	repo := os.Getenv("SECRETGUARD_BENCH_REPO")
	if repo == "" {
		b.Skip("set SECRETGUARD_BENCH_REPO to a repository")
	}
	for _, k := range []Kind{Blob, Tree, Commit} {
		b.Run(k.String(), func(b *testing.B) {
			var n, bytes, fresh atomic.Int64
			for b.Loop() {
				n.Store(0)
				bytes.Store(0)
				fresh.Store(0)
				db, err := Open(filepath.Join(repo, "objects"), SHA1)
				if err != nil {
					b.Fatal(err)
				}
				err = db.Walk(b.Context(), WalkOptions{
					Kinds: Of(k), Workers: runtime.GOMAXPROCS(0), MaxSize: 1 << 30,
					Visitor: func() Visitor { return counter{&n, &bytes, &fresh} },
				})
				if err != nil {
					b.Fatal(err)
				}
				for _, p := range db.Problems() {
					b.Log(p)
				}
				_ = db.Close()
			}
			b.ReportMetric(float64(n.Load()), "objects")
			b.ReportMetric(float64(bytes.Load())/1e6, "MB")
			b.ReportMetric(float64(fresh.Load())/1e6, "new-MB")
		})
	}
}
