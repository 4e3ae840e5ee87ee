package pack

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/scan/pack/forest"
	"github.com/secretguard/secretguard/internal/scan/pack/packfile"
)

// DB is an open object database. Reading it from many goroutines is safe; Close
// ends all mappings, and nothing read by Walk may be used after it.
type DB struct {
	width int      // of a name, in bytes
	dirs  []string // the objects folder and its alternates
	packs []*packfile.File
	loose []looseFile // sorted by id
	// looseKinds are known once an object was read; unreadable when that failed. Each
	// is written by the worker that reads it, while others search in loose.
	looseKinds []Kind
	total      int

	forestOnce sync.Once
	trees      []*forest.Forest

	dupOnce sync.Once
	dup     bitset // refs that an earlier ref holds too

	mu       sync.Mutex
	problems []Problem
}

// limits of hostile repositories.
const (
	maxAlternates = 64
	maxPacks      = 10_000
)

// Open maps the packs of an objects folder and of its alternates, and lists the
// loose objects; names are of width bytes, SHA1 or SHA256. It fails only when the
// folder cannot be read at all; a pack that cannot be used is a problem.
func Open(objects string, width int) (*DB, error) { return open(objects, width, true) }

// OpenFew opens a database for reading a few objects by their names with ReadID:
// loose objects are not listed, which saves looking into 256 folders.
func OpenFew(objects string, width int) (*DB, error) { return open(objects, width, false) }

func open(objects string, width int, list bool) (*DB, error) {
	db := &DB{width: width}
	seen := map[string]bool{}
	todo := []string{objects}
	for len(todo) > 0 {
		dir := filepath.Clean(todo[0])
		todo = todo[1:]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if err := db.openDir(dir, list); err != nil {
			if dir == filepath.Clean(objects) {
				return nil, errors.Join(err, db.Close())
			}
			db.problem(Problem{What: "alternate object folder", Why: reason(err), Example: dir})
			continue
		}
		db.dirs = append(db.dirs, dir)
		more, err := alternates(dir)
		if err != nil {
			db.problem(Problem{What: "alternate object folder", Why: reason(err), Example: dir})
		}
		if len(seen)+len(todo)+len(more) > maxAlternates {
			db.problem(Problem{What: "alternate object folder", Why: fmt.Sprintf("there are more than %d", maxAlternates), Example: dir})
			continue
		}
		todo = append(todo, more...)
	}
	for _, p := range db.packs {
		p.Base = Ref(db.total)
		db.total += p.N
	}
	slices.SortFunc(db.loose, func(a, b looseFile) int { return bytes.Compare(a.id[:], b.id[:]) })
	db.loose = slices.CompactFunc(db.loose, func(a, b looseFile) bool { return a.id == b.id })
	if db.total+len(db.loose) >= int(NoRef) {
		return nil, errors.Join(fmt.Errorf("%w: more than 2^32 objects", ErrUnsupported), db.Close())
	}
	db.total += len(db.loose)
	db.looseKinds = make([]Kind, len(db.loose))
	return db, nil
}

func (db *DB) openDir(dir string, list bool) error {
	if !list {
		if _, err := os.Stat(dir); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "pack")); err == nil {
			db.openPacks(filepath.Join(dir, "pack"))
		}
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case e.Name() == "pack" && e.IsDir():
			db.openPacks(filepath.Join(dir, "pack"))
		case len(e.Name()) == 2 && e.IsDir():
			db.listLoose(dir, e.Name())
		}
	}
	return nil
}

func (db *DB) openPacks(dir string) {
	list, err := os.ReadDir(dir)
	if err != nil {
		db.problem(Problem{What: "pack folder", Why: reason(err), Example: dir})
		return
	}
	have := map[string]bool{}
	for _, e := range list {
		have[e.Name()] = true
	}
	for _, e := range list {
		name, isPack := strings.CutSuffix(e.Name(), ".pack")
		if !isPack {
			continue
		}
		switch {
		case !have[name+".idx"]:
			// A fetch that is still running has no index yet; after a crash neither.
			db.problem(Problem{What: "pack", Why: "it has no index; make one with: git index-pack", Example: e.Name()})
		case len(db.packs) == maxPacks:
			db.problem(Problem{What: "pack", Why: fmt.Sprintf("there are more than %d", maxPacks), Example: e.Name()})
		default:
			p, err := packfile.Open(filepath.Join(dir, name), db.width)
			if err != nil {
				db.problem(Problem{What: "pack", Why: reason(err), Example: e.Name()})
				continue
			}
			if slices.ContainsFunc(db.packs, func(o *packfile.File) bool { return o.N == p.N && o.Checksum() == p.Checksum() }) {
				p.Close() // the same pack through another alternate
				continue
			}
			db.packs = append(db.packs, p)
		}
	}
}

// alternates reads objects/info/alternates (gitrepository-layout): one folder a
// line, relative to the objects folder.
func alternates(dir string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		out = append(out, line)
	}
	return out, nil
}

// Close ends the mappings. It may be called twice.
func (db *DB) Close() error {
	for _, p := range db.packs {
		p.Close()
	}
	db.packs = nil
	return nil
}

// Width returns the length of a name in bytes.
func (db *DB) Width() int { return db.width }

// Len returns how many objects there are, those that lie in two places counted
// twice. Every Ref is below it.
func (db *DB) Len() int { return db.total }

// ID returns an object's name.
func (db *DB) ID(r Ref) ID {
	p, i := db.at(r)
	if p == nil {
		return db.loose[i].id
	}
	return p.ID(i)
}

// at returns the pack of r and its place there, or the place among the loose
// objects.
func (db *DB) at(r Ref) (*packfile.File, int) {
	i, ok := slices.BinarySearchFunc(db.packs, r, func(p *packfile.File, r Ref) int { return cmp.Compare(p.Base, r) })
	if !ok {
		i--
	}
	if i >= 0 && int(r-db.packs[i].Base) < db.packs[i].N {
		return db.packs[i], int(r - db.packs[i].Base)
	}
	return nil, int(r) - (db.total - len(db.loose))
}

// Lookup finds an object by its name.
func (db *DB) Lookup(id ID) (Ref, bool) {
	for _, p := range db.packs {
		if i, ok := p.Find(id); ok {
			return p.Base + Ref(i), true
		}
	}
	i, ok := slices.BinarySearchFunc(db.loose, id, func(l looseFile, id ID) int { return bytes.Compare(l.id[:], id[:]) })
	return Ref(db.total - len(db.loose) + i), ok
}

// Dup reports whether an object lies at an earlier Ref too.
func (db *DB) Dup(r Ref) bool {
	db.dupOnce.Do(db.markDups)
	return db.dup.has(int(r))
}

func (db *DB) problem(p Problem) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for i := range db.problems {
		if o := &db.problems[i]; o.What == p.What && o.Why == p.Why {
			o.Objects += p.Objects
			return
		}
	}
	db.problems = append(db.problems, p)
}

// Problems returns what could not be read so far, in a stable order.
func (db *DB) Problems() []Problem {
	db.mu.Lock()
	defer db.mu.Unlock()
	out := slices.Clone(db.problems)
	slices.SortFunc(out, func(a, b Problem) int { return cmp.Or(cmp.Compare(a.What, b.What), cmp.Compare(a.Why, b.Why)) })
	return out
}

// reason words an error without paths.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "permission denied"
	case errors.Is(err, fs.ErrNotExist):
		return "it does not exist"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset    { return make(bitset, (n+63)/64) }
func (b bitset) has(i int) bool { return b[i>>6]>>(i&63)&1 == 1 }
func (b bitset) set(i int)      { b[i>>6] |= 1 << (i & 63) }
