// Package seen remembers of a git history what was looked at and held nothing, so
// that the next scan looks only at what is new. It holds names of objects, how they
// hang together, and names of files that matter; no content and no secret. Whatever
// held something is not in it: it is looked at again.
//
// Start with [Decode]; a damaged file is as good as none.
package seen

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// ErrDamaged means that what was remembered cannot be used.
var ErrDamaged = errors.New("what was remembered of an earlier scan is damaged")

// None is the place of nothing.
const None = ^uint32(0)

// Known is what is known of the objects of a history. Names are sorted and of
// Width bytes; other fields speak of them by their places.
type Known struct {
	Key   [32]byte // of the rules and options: other ones, nothing known
	Width int

	CommitIDs, TreeIDs, BlobIDs, TagIDs []byte

	Commits []Commit // of CommitIDs
	Targets []byte   // of TagIDs: the names of what they name
	Tags    []uint64 // of TagIDs: the size of the message, in bytes
	Blobs   []uint64 // of BlobIDs: what is known of each, as the scan encodes it

	Names   []string
	EdgeIDs []byte // names of what edges lead to
	Trees   []Tree // those of TreeIDs that lead to something, in order
	// Again are commits and trees that are listed and have to be looked at again.
	AgainCommits, AgainTrees []uint32

	// GoneTrees and GoneBlobs are named by trees and were not there.
	GoneTrees, GoneBlobs []byte
	Submodules           []string
}

// Commit is a commit.
type Commit struct {
	Tree    uint32 // None when it is not there
	Time    int64  // of the committer, in seconds
	Size    uint64 // of the message, in bytes
	Parents []uint32
}

// Tree is a folder that leads to something.
type Tree struct {
	Tree  uint32
	Edges []Edge
}

// Edge is an entry of such a folder.
type Edge struct {
	Name uint32 // in Names
	Kind byte   // Folder or File
	At   uint32 // in EdgeIDs
}

// Kinds of edges.
const (
	Folder byte = iota
	File
)

const magic = "secretguard.seen/1\n"

// Encode gives the bytes of a file.
func (k *Known) Encode() []byte {
	w := writer{b: []byte(magic)}
	w.b = append(w.b, k.Key[:]...)
	w.number(uint64(k.Width))
	for _, slab := range [][]byte{k.CommitIDs, k.TreeIDs, k.BlobIDs, k.TagIDs, k.Targets, k.EdgeIDs, k.GoneTrees, k.GoneBlobs} {
		w.bytes(slab)
	}
	for i := range k.Commits {
		c := &k.Commits[i]
		w.number(uint64(c.Tree))
		w.b = binary.AppendVarint(w.b, c.Time)
		w.number(c.Size)
		w.number(uint64(len(c.Parents)))
		for _, p := range c.Parents {
			w.number(uint64(p))
		}
	}
	for _, n := range slices.Concat(k.Blobs, k.Tags) {
		w.number(n)
	}
	for _, list := range [][]string{k.Names, k.Submodules} {
		w.number(uint64(len(list)))
		for _, s := range list {
			w.bytes([]byte(s))
		}
	}
	w.number(uint64(len(k.Trees)))
	last := uint32(0)
	for _, t := range k.Trees {
		w.number(uint64(t.Tree - last))
		last = t.Tree
		w.number(uint64(len(t.Edges)))
		for _, e := range t.Edges {
			w.number(uint64(e.Name)<<1 | uint64(e.Kind))
			w.number(uint64(e.At))
		}
	}
	for _, list := range [][]uint32{k.AgainCommits, k.AgainTrees} {
		w.number(uint64(len(list)))
		for _, n := range list {
			w.number(uint64(n))
		}
	}
	return Seal(w.b)
}

// Seal adds a checksum, so that damage is seen.
func Seal(b []byte) []byte {
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// Unseal checks what Seal made.
func Unseal(b []byte) ([]byte, bool) {
	end := len(b) - sha256.Size
	if end < 0 || sha256.Sum256(b[:end]) != [sha256.Size]byte(b[end:]) {
		return nil, false
	}
	return b[:end], true
}

// Decode reads a file. Strings and slabs are pieces of it.
func Decode(b []byte) (*Known, error) {
	b, ok := Unseal(b)
	if !ok || len(b) < len(magic)+sha256.Size || string(b[:len(magic)]) != magic {
		return nil, ErrDamaged
	}
	k, err := decodeBody(b[len(magic)+sha256.Size:])
	if err == nil {
		k.Key = [32]byte(b[len(magic):])
	}
	return k, err
}

func decodeBody(b []byte) (*Known, error) {
	k := &Known{}
	r := reader{b: b}
	k.Width = int(r.number())
	if k.Width != 20 && k.Width != 32 {
		return nil, ErrDamaged
	}
	for _, slab := range []*[]byte{&k.CommitIDs, &k.TreeIDs, &k.BlobIDs, &k.TagIDs, &k.Targets, &k.EdgeIDs, &k.GoneTrees, &k.GoneBlobs} {
		*slab = r.bytes()
		r.bad = r.bad || len(*slab)%k.Width != 0
	}
	r.bad = r.bad || len(k.Targets) != len(k.TagIDs)
	if !r.bad {
		k.decode(&r)
	}
	if r.bad || len(r.b) > 0 {
		return nil, ErrDamaged
	}
	return k, nil
}

func (k *Known) decode(r *reader) {
	commits, trees, blobs, ends := k.n(k.CommitIDs), k.n(k.TreeIDs), k.n(k.BlobIDs), k.n(k.EdgeIDs)
	k.Commits = make([]Commit, commits)
	var arena []uint32
	for i := range k.Commits {
		c := &k.Commits[i]
		c.Tree = r.place(trees)
		c.Time, c.Size = r.signed(), r.number()
		n := int(r.number())
		if n > len(r.b) {
			r.bad = true
			return
		}
		if len(arena) < n {
			arena = make([]uint32, max(n, 1<<14))
		}
		c.Parents, arena = arena[:n:n], arena[n:]
		for j := range c.Parents {
			c.Parents[j] = r.place(commits)
		}
	}
	k.Blobs, k.Tags = make([]uint64, blobs), make([]uint64, k.n(k.TagIDs))
	for _, list := range [][]uint64{k.Blobs, k.Tags} {
		for i := range list {
			list[i] = r.number()
		}
	}
	k.Names, k.Submodules = r.texts(), r.texts()
	n := r.count()
	k.Trees = make([]Tree, 0, n)
	last := uint32(0)
	var edges []Edge
	for range n {
		t := Tree{Tree: last + uint32(r.number())}
		last = t.Tree
		m := r.count()
		if len(edges) < m {
			edges = make([]Edge, max(m, 1<<14))
		}
		t.Edges, edges = edges[:m:m], edges[m:]
		for j := range t.Edges {
			v := r.number()
			e := Edge{Name: uint32(v >> 1), Kind: byte(v & 1), At: r.place(ends)}
			t.Edges[j] = e
			r.bad = r.bad || int(e.Name) >= len(k.Names) || e.At == None
		}
		if r.bad = r.bad || int(t.Tree) >= trees; r.bad {
			return
		}
		k.Trees = append(k.Trees, t)
	}
	for _, list := range []struct {
		into *[]uint32
		n    int
	}{{&k.AgainCommits, commits}, {&k.AgainTrees, trees}} {
		for range r.count() {
			at := r.place(list.n)
			r.bad = r.bad || at == None
			*list.into = append(*list.into, at)
		}
	}
}

func (k *Known) n(slab []byte) int { return len(slab) / k.Width }

// At returns the place of a name in a slab of sorted ones.
func (k *Known) At(slab, id []byte) (uint32, bool) {
	lo, hi := 0, k.n(slab)
	for lo < hi {
		mid := (lo + hi) / 2
		if bytes.Compare(slab[mid*k.Width:(mid+1)*k.Width], id) < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return uint32(lo), lo < k.n(slab) && bytes.Equal(slab[lo*k.Width:(lo+1)*k.Width], id)
}

// Sorted makes a slab of names.
func Sorted(ids [][]byte) []byte {
	slices.SortFunc(ids, bytes.Compare)
	return bytes.Join(ids, nil)
}

type writer struct{ b []byte }

func (w *writer) number(n uint64) { w.b = binary.AppendUvarint(w.b, n) }

func (w *writer) bytes(b []byte) {
	w.number(uint64(len(b)))
	w.b = append(w.b, b...)
}

// reader reads what a writer wrote; after a mistake it reads zeros.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// place is a number below n, or None.
func (r *reader) place(n int) uint32 {
	v := r.number()
	if v != uint64(None) && v >= uint64(n) {
		r.bad = true
		return None
	}
	return uint32(v)
}

// count is a number of things that take at least a byte each.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count()
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) texts() []string {
	out := make([]string, r.count())
	for i := range out {
		out[i] = string(r.bytes())
	}
	return out
}
