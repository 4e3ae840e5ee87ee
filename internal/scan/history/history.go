// Package history finds secrets in every object of a git repository: each blob
// is looked at once, and of one that is stored as a delta only what is new. Where
// a blob with secrets stands, on which paths, from which commit to which, and what
// still leads there, is worked out afterwards from the trees and commits.
//
// Start with [Scan]. It writes nothing and runs nothing. Its phases hand each other what
// the rooms below work on: content (one object), graph (commits), folders (trees), places
// (hits), known (what an earlier scan left), tally (what was not looked at).
package history

import (
	"context"
	"runtime"
	"sync/atomic"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// Objects is an object database: a pack.DB, or one that git reads.
type Objects interface {
	places.Objects
	Walk(ctx context.Context, o pack.WalkOptions) error
	Width() int
	Len() int
	Problems() []pack.Problem
}

// Options of a scan.
type Options struct {
	Set     *match.Set
	Workers int   // 0: one for each processor
	MaxSize int64 // larger objects are skipped and counted
	// ArchiveDepth is how many archives inside each other are opened; 0: none.
	ArchiveDepth int
	Roots        []graph.Root
	// Commits, oldest first, are all that is looked at when it is not nil: what they
	// brought.
	Commits []pack.ID
	// Memory of earlier scans; nil for none. Version names the program: another one
	// may find other things.
	Memory  Memory
	Version string
	// Shallow are the commits whose parents were left out on purpose.
	Shallow map[pack.ID]bool
	// Progress is told now and then, from any goroutine.
	Progress func(Progress)

	few, whole bool // how a selection is judged, however large it is; tests set it
}

// looker returns what looks at whole blobs.
func (o *Options) looker() *content.Looker {
	return content.NewLooker(o.Set, o.ArchiveDepth, o.MaxSize)
}

// Progress is how far a scan is.
type Progress struct {
	Phase string // "commits", "blobs" or "trees"
	Done  int    // objects, of all phases
	Total int    // objects; some lie in two places and are done once
	Bytes int64
}

// Result is what a scan found and saw.
type Result struct {
	Hits []places.Hit
	// Recalled is set when nothing has changed since an earlier scan, whose outcome
	// this is; Known counts the objects that an earlier scan had looked at.
	Recalled bool
	Known    int
	Commits  int
	Trees    int
	Tags     int
	Bytes    int64 // of blobs and messages that were looked at
	content.Counts

	// Paths are where blobs stand that are named as an example of what was not
	// scanned; foreign text.
	Paths map[pack.ID]string
	// What others name and that is not there.
	MissingRefs, MissingCommits, MissingTrees, MissingBlobs tally.Gone
	// Of a selection of commits: blobs above the limit, and objects that are no good.
	// A scan of everything has these in Problems.
	TooLarge, Damaged tally.Gone
	// Submodules counts the names of folders whose history is elsewhere.
	Submodules tally.Gone
	// BrokenTrees are folders whose content is no proper list.
	BrokenTrees tally.Gone
	// TooDeep are folders that are nested too deep to be looked into.
	TooDeep int
}

// scanner holds what the phases hand each other.
type scanner struct {
	db    Objects
	opts  Options
	res   Result
	bytes atomic.Int64
	done  atomic.Int64

	blobs    map[pack.Ref][]content.Part // blobs that hold something
	again    int                         // blobs that are looked at in every scan
	named    map[string][]match.Sight    // names of files and folders that hold something themselves
	folders  map[pack.Ref]bool           // folders with such names
	graph    *graph.Graph
	messages []places.Message
	trees    *folders.Index
	nodes    *folders.Nodes
	samples  map[pack.Ref]bool // blobs whose path is wanted though they hold nothing
	// treesDone tells that what no tree holds lies in none.
	treesDone bool
	wanted    map[pack.ID]bool // commits of a selection

	memory *memory  // nil without one
	loaded []loaded // the fresh objects, when they are few
	few    bool
}

// Scan looks at every object. On an error, the result holds what was found until
// then.
func Scan(ctx context.Context, db Objects, o Options) (Result, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	s := &scanner{db: db, opts: o, blobs: map[pack.Ref][]content.Part{}, named: map[string][]match.Sight{}, folders: map[pack.Ref]bool{}, graph: graph.New(db)}
	var err error
	if o.Commits != nil {
		err = s.selected(ctx)
	} else {
		mark := s.fingerprint()
		if s.recallResult(ctx, mark) {
			return s.res, nil
		}
		err = s.scanAll(ctx)
		s.place()
		s.res.Bytes = s.bytes.Load()
		if err == nil {
			s.keep()
			s.keepResult(ctx, mark)
		}
	}
	s.res.Bytes = s.bytes.Load()
	return s.res, err
}

// scanAll looks at everything, but places nothing.
func (s *scanner) scanAll(ctx context.Context) error {
	s.recall()
	err := s.load(ctx)
	if err == nil {
		err = s.scanCommits(ctx)
	}
	if err == nil {
		err = s.scanBlobs(ctx)
	}
	if err == nil {
		err = s.scanTrees(ctx)
		s.treesDone = err == nil
	}
	return err
}

// step counts an object, and tells of the progress every so often.
func (s *scanner) step(phase string, size int) {
	s.bytes.Add(int64(size))
	if n := s.done.Add(1); s.opts.Progress != nil && n&0x3ff == 0 {
		s.opts.Progress(Progress{Phase: phase, Done: int(n), Total: s.db.Len(), Bytes: s.bytes.Load()})
	}
}
