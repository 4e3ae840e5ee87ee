package askgit

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// DB is an object database that git reads. It has the methods of a pack.DB; no
// object comes with the copies it is made of.
type DB struct {
	dir   string
	width int
	list  []object // sorted by id

	mu       sync.Mutex
	problems []pack.Problem
}

type object struct {
	id   pack.ID
	kind pack.Kind
	size int64
}

// Open lists all objects.
func Open(ctx context.Context, dir string, width int) (*DB, error) {
	db := &DB{dir: dir, width: width}
	err := ask(ctx, dir, func(line []byte) error {
		f := strings.Fields(string(line))
		if len(f) != 3 {
			return fmt.Errorf("git lists an object as %q", line)
		}
		id, err := pack.ParseID(f[0])
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			return fmt.Errorf("git lists an object as %q", line)
		}
		db.list = append(db.list, object{id, kindOf(f[1]), size})
		return nil
	}, "cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname) %(objecttype) %(objectsize)")
	slices.SortFunc(db.list, func(a, b object) int { return bytes.Compare(a.id[:], b.id[:]) })
	db.list = slices.CompactFunc(db.list, func(a, b object) bool { return a.id == b.id })
	return db, err
}

func kindOf(word string) pack.Kind {
	for k := pack.Commit; k <= pack.Tag; k++ {
		if k.String() == word {
			return k
		}
	}
	return 0
}

// Close does nothing.
func (db *DB) Close() error { return nil }

// Len is how many objects there are.
func (db *DB) Len() int { return len(db.list) }

// Width is the length of a name in bytes.
func (db *DB) Width() int { return db.width }

// ID returns an object's name.
func (db *DB) ID(r pack.Ref) pack.ID { return db.list[r].id }

// Lookup finds an object by its name.
func (db *DB) Lookup(id pack.ID) (pack.Ref, bool) {
	i, ok := slices.BinarySearchFunc(db.list, id, func(o object, id pack.ID) int { return bytes.Compare(o.id[:], id[:]) })
	return pack.Ref(i), ok
}

// Problems returns what could not be read so far.
func (db *DB) Problems() []pack.Problem {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Clone(db.problems)
}

func (db *DB) problem(p pack.Problem) {
	db.mu.Lock()
	defer db.mu.Unlock()
	i := slices.IndexFunc(db.problems, func(o pack.Problem) bool { return o.What == p.What && o.Why == p.Why })
	if i < 0 {
		db.problems = append(db.problems, p)
		return
	}
	db.problems[i].Objects += p.Objects
}

// Read returns one object.
func (db *DB) Read(r pack.Ref, limit int64) (pack.Kind, []byte, error) {
	o := db.list[r]
	if o.size > limit {
		return o.kind, nil, pack.ErrTooLarge
	}
	var data []byte
	err := db.read(context.Background(), []pack.Ref{r}, func(_ pack.Ref, b []byte) { data = b })
	return o.kind, data, err
}

// Walk visits every object of the wanted kinds once, on so many workers.
func (db *DB) Walk(ctx context.Context, w pack.WalkOptions) error {
	var todo []pack.Ref
	for i, o := range db.list {
		r := pack.Ref(i)
		switch {
		case !w.Kinds.Has(o.kind) || w.Wanted != nil && !w.Wanted(r, o.kind):
		case o.size > w.MaxSize:
			db.problem(pack.Problem{What: o.kind.String(), Why: pack.TooLarge(w.MaxSize), Example: o.id.String(), Objects: 1})
		default:
			todo = append(todo, r)
		}
	}
	type loaded struct {
		ref  pack.Ref
		data []byte
	}
	work := make(chan loaded, 2*max(1, w.Workers))
	var wg sync.WaitGroup
	for range max(1, w.Workers) {
		wg.Go(func() {
			v := w.Visitor()
			for l := range work {
				o := db.list[l.ref]
				v.Visit(&pack.Object{Ref: l.ref, ID: o.id, Kind: o.kind, Data: l.data}, nil)
			}
		})
	}
	for len(todo) > 0 && ctx.Err() == nil {
		done := 0
		err := db.read(ctx, todo, func(r pack.Ref, data []byte) {
			done++
			work <- loaded{r, data}
		})
		if todo = todo[done:]; err == nil || len(todo) == 0 {
			break
		}
		if ctx.Err() == nil { // git ends at an object that it cannot read; go on behind it
			db.problem(pack.Problem{What: "object", Why: err.Error(), Example: db.ID(todo[0]).String(), Objects: 1})
			todo = todo[1:]
		}
	}
	close(work)
	wg.Wait()
	return ctx.Err()
}

// read asks for objects in order and hands over each. It ends with an error at
// the first that cannot be read.
func (db *DB) read(ctx context.Context, refs []pack.Ref, visit func(pack.Ref, []byte)) error {
	c := command(ctx, db.dir, "cat-file", "--batch", "--buffer")
	var names strings.Builder
	for _, r := range refs {
		names.WriteString(db.ID(r).String() + "\n")
	}
	c.Stdin = strings.NewReader(names.String())
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return explain(err, "")
	}
	in := bufio.NewReaderSize(out, 1<<20)
	for _, r := range refs {
		var data []byte
		if data, err = db.next(in, r); err != nil {
			break
		}
		visit(r, data)
	}
	if err != nil {
		_ = c.Process.Kill() // it would wait for a reader
	}
	end := c.Wait()
	var exit *exec.ExitError
	if err != nil && errors.As(end, &exit) && errs.Len() > 0 {
		return explain(end, errs.String())
	}
	return cmp.Or(err, end)
}

// next reads "<id> <kind> <size>\n<content>\n".
func (db *DB) next(in *bufio.Reader, r pack.Ref) ([]byte, error) {
	head, err := in.ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("git cannot read it: %w", err)
	}
	o := db.list[r]
	if strings.TrimSuffix(head, "\n") != fmt.Sprintf("%s %s %d", o.id, o.kind, o.size) {
		return nil, pack.ErrMissing
	}
	data := make([]byte, o.size+1)
	if _, err := io.ReadFull(in, data); err != nil {
		return nil, fmt.Errorf("git cannot read it: %w", err)
	}
	return data[:o.size], nil
}
