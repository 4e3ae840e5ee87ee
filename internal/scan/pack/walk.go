package pack

import (
	"cmp"
	"context"
	"errors"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/secretguard/secretguard/internal/scan/pack/delta"
	"github.com/secretguard/secretguard/internal/scan/pack/forest"
	"github.com/secretguard/secretguard/internal/scan/pack/inflate"
	"github.com/secretguard/secretguard/internal/scan/pack/packfile"
)

// Object is one object as a visitor sees it.
type Object struct {
	Ref  Ref
	ID   ID
	Kind Kind
	// Data is the content. It is valid during the visit only.
	Data []byte
	// Ops says how Data was made from the base, in order and without a gap; nil
	// when the object is stored whole. Valid during the visit only.
	Ops []Op
	// Dup is set for an object that lies at an earlier Ref too and is visited there.
	Dup bool
}

// Visitor looks at objects. Every worker has its own.
type Visitor interface {
	// Visit looks at an object and returns what it wants to remember of it; that is
	// handed to it as base with each object that is a delta of this one. base is nil
	// when there is no base, or when nothing was remembered.
	Visit(o *Object, base any) (record any)
}

// WalkOptions say what is visited and how.
type WalkOptions struct {
	Kinds   Kinds
	Workers int   // at least 1
	MaxSize int64 // larger objects are a problem, not visited; at most 2^31-1
	// Wanted leaves objects out when it says no; nil wants all. It is called from
	// one goroutine.
	Wanted func(Ref, Kind) bool
	// Visitor makes a worker's visitor.
	Visitor func() Visitor
}

// Walk visits every object of the given kinds, each once but for those that lie
// in two places (Object.Dup). Bases come before what is a delta of them. What
// cannot be read becomes a problem. It returns ctx's error when ctx ends.
func (db *DB) Walk(ctx context.Context, o WalkOptions) error {
	o.MaxSize = min(o.MaxSize, math.MaxInt32)
	wanted := func(r Ref, k Kind) bool { return o.Kinds.Has(k) && (o.Wanted == nil || o.Wanted(r, k)) }
	tasks := db.tasks(wanted)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, o.Workers) {
		wg.Go(func() {
			defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
			w := &worker{db: db, opts: o, wanted: wanted, visitor: o.Visitor(), ctx: ctx}
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				w.do(tasks[i])
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// task is a delta tree, or a stretch of loose objects when f is nil.
type task struct {
	f        *forest.Forest
	root     int32
	from, to int
}

// looseBatch is how many loose objects make a task.
const looseBatch = 64

// heavy is from how many objects on a tree is started early, so that it does not
// keep one worker busy when the others have nothing left.
const heavy = 512

func (db *DB) tasks(wanted func(Ref, Kind) bool) []task {
	var big, rest []task
	for _, f := range db.forests() {
		f.Weigh(wanted)
		for _, i := range f.Order {
			if f.Base[i] != forest.NoBase {
				break // the roots come first
			}
			switch {
			case f.Weight[i] == 0:
			case f.Weight[i] >= heavy:
				big = append(big, task{f: f, root: i})
			default:
				rest = append(rest, task{f: f, root: i})
			}
		}
	}
	slices.SortStableFunc(big, func(a, b task) int { return cmp.Compare(b.f.Weight[b.root], a.f.Weight[a.root]) })
	tasks := append(big, rest...)
	for i := 0; i < len(db.loose); i += looseBatch {
		tasks = append(tasks, task{from: i, to: min(i+looseBatch, len(db.loose))})
	}
	return tasks
}

// forests returns the packs as trees; they are made once.
func (db *DB) forests() []*forest.Forest {
	db.forestOnce.Do(func() {
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		for _, p := range db.packs {
			err := packfile.Guarded(func() error {
				f, err := forest.Plant(p, outside{db})
				if err == nil {
					db.trees = append(db.trees, f)
				}
				return err
			})
			if err != nil {
				db.problem(Problem{What: "pack", Why: reason(err), Example: p.FileName(), Objects: p.N})
			}
		}
	})
	return db.trees
}

// outside are the other packs, and the loose objects, to a pack.
type outside struct{ db *DB }

// KindOf finds an object.
func (o outside) KindOf(id ID) (Kind, bool, error) {
	r, ok := o.db.Lookup(id)
	if !ok {
		return 0, false, nil
	}
	kind, _, err := o.db.Read(r, 1<<40)
	return kind, true, err
}

// Problem notes what cannot be read.
func (o outside) Problem(p Problem) { o.db.problem(p) }

// worker walks trees. Its buffers live as long as it does.
type worker struct {
	db      *DB
	opts    WalkOptions
	wanted  func(Ref, Kind) bool
	visitor Visitor
	ctx     context.Context //nolint:containedctx // a worker lives within one call
	z       inflate.Inflater
	delta   []byte
	ops     []Op
	free    buffers
	stack   []frame
	done    int
	read    int // compressed bytes since pages were released
}

// releaseAfter is how many bytes of a pack a worker reads before pages are
// released: a pack may be larger than the memory that there is.
const releaseAfter = 48 << 20

// inflate decompresses the stream of a node.
func (w *worker) inflate(dst []byte, f *forest.Forest, i int32) error {
	n, err := w.z.Zlib(dst, f.Stream(i))
	if w.read += n; w.read > releaseAfter {
		w.read = 0
		for _, p := range w.db.packs {
			p.Release()
		}
	}
	return err
}

// frame is a base whose deltas are being visited.
type frame struct {
	node   int32
	next   int32 // child to visit next; forest.NoBase when only the last one is left
	last   int32 // the heaviest child comes last: the base is not needed below it
	data   []byte
	record any
}

func (w *worker) do(t task) {
	if t.f == nil {
		for i := t.from; i < t.to; i++ {
			w.looseObject(i)
		}
		return
	}
	err := packfile.Guarded(func() error { return w.tree(t.f, t.root) })
	if err != nil && w.ctx.Err() == nil {
		w.lost(t.f, t.root, err)
	}
}

func (w *worker) lost(f *forest.Forest, node int32, err error) {
	if errors.Is(err, ErrTooLarge) {
		w.db.problem(Problem{What: f.Kind[node].String(), Why: TooLarge(w.opts.MaxSize), Example: w.db.ID(f.Ref(node)).String(), Objects: int(f.Weight[node])})
		return
	}
	w.db.problem(Problem{What: "object", Why: "damaged in the pack", Example: w.db.ID(f.Ref(node)).String(), Objects: int(f.Weight[node])})
}

// tree visits a root and everything that hangs below it, depth first.
func (w *worker) tree(f *forest.Forest, root int32) error {
	w.stack = w.stack[:0]
	data, err := w.root(f, root)
	if err != nil {
		return err
	}
	w.visitNode(f, root, data, nil, nil)
	for len(w.stack) > 0 {
		if w.done++; w.done&0xff == 0 && w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		top := &w.stack[len(w.stack)-1]
		child := top.next
		for child != forest.NoBase && (child == top.last || f.Weight[child] == 0) {
			child = f.Next[child]
		}
		if child != forest.NoBase {
			top.next = f.Next[child]
			data, ops, err := w.child(f, child, top.data)
			if err != nil {
				w.lost(f, child, err)
				continue
			}
			w.visitNode(f, child, data, ops, top.record)
			continue
		}
		base := *top
		w.stack = w.stack[:len(w.stack)-1]
		data, ops, err := w.child(f, base.last, base.data)
		w.free.put(base.data)
		if err != nil {
			w.lost(f, base.last, err)
			continue
		}
		w.visitNode(f, base.last, data, ops, base.record)
	}
	return nil
}

// root rebuilds a root: an object stored whole, or a delta of one elsewhere.
func (w *worker) root(f *forest.Forest, i int32) ([]byte, error) {
	if f.Size[i] > w.opts.MaxSize {
		return nil, ErrTooLarge
	}
	if id, ok := f.Ext[i]; ok {
		_, base, err := w.db.ReadID(id, w.opts.MaxSize)
		if err != nil {
			return nil, err
		}
		data, _, err := w.child(f, i, base)
		return data, err
	}
	data := w.free.get(int(f.Size[i]))
	return data, w.inflate(data, f, i)
}

// child rebuilds a delta from its base.
func (w *worker) child(f *forest.Forest, i int32, base []byte) ([]byte, []Op, error) {
	if f.Size[i] > w.opts.MaxSize {
		return nil, nil, ErrTooLarge
	}
	if n := int(f.Size[i]); cap(w.delta) < n {
		w.delta = make([]byte, max(n, 2*cap(w.delta), 1<<16))
	}
	diff := w.delta[:f.Size[i]]
	if err := w.inflate(diff, f, i); err != nil {
		return nil, nil, err
	}
	src, dst, rest, err := delta.Sizes(diff)
	switch {
	case err != nil:
		return nil, nil, err
	case src != int64(len(base)):
		return nil, nil, delta.ErrRange
	case dst > w.opts.MaxSize:
		return nil, nil, ErrTooLarge
	}
	data := w.free.get(int(dst))
	w.ops, err = delta.Apply(data, base, rest, w.ops[:0])
	if err != nil {
		w.free.put(data)
		return nil, nil, err
	}
	return data, w.ops, nil
}

// visitNode shows a node to the visitor, and keeps its content when deltas of it
// are to be visited.
func (w *worker) visitNode(f *forest.Forest, i int32, data []byte, ops []Op, base any) {
	var record any
	ref := f.Ref(i)
	if w.wanted(ref, f.Kind[i]) {
		o := Object{Ref: ref, ID: f.ID(i), Kind: f.Kind[i], Data: data, Ops: ops, Dup: w.db.Dup(ref)}
		record = w.visitor.Visit(&o, base)
	}
	last := forest.NoBase
	for c := f.First[i]; c != forest.NoBase; c = f.Next[c] {
		if f.Weight[c] > 0 && (last == forest.NoBase || f.Weight[c] > f.Weight[last]) {
			last = c
		}
	}
	if last == forest.NoBase {
		w.free.put(data)
		return
	}
	w.stack = append(w.stack, frame{node: i, next: f.First[i], last: last, data: data, record: record})
}

func (w *worker) looseObject(i int) {
	ref := Ref(w.db.total - len(w.db.loose) + i)
	l, known := &w.db.loose[i], &w.db.looseKinds[i]
	if *known != 0 && !w.opts.Kinds.Has(*known) || w.opts.Wanted != nil && !w.opts.Wanted(ref, *known) {
		return
	}
	kind, data, err := l.read(&w.z, w.opts.Kinds, w.opts.MaxSize)
	*known = kind
	switch {
	case errors.Is(err, ErrTooLarge):
		what := "object"
		if kind == 0 {
			*known = unreadable
		} else {
			what = kind.String()
		}
		w.db.problem(Problem{What: what, Why: TooLarge(w.opts.MaxSize), Example: l.id.String(), Objects: 1})
	case err != nil:
		*known = unreadable
		w.db.problem(Problem{What: "loose object", Why: looseReason(err), Example: l.id.String(), Objects: 1})
	case w.opts.Kinds.Has(kind):
		w.visitor.Visit(&Object{Ref: ref, ID: l.id, Kind: kind, Data: data, Dup: w.db.Dup(ref)}, nil)
	}
}

func looseReason(err error) string {
	if errors.Is(err, ErrDamaged) {
		return "damaged"
	}
	return reason(err)
}
