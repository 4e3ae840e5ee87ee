package pack

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"sort"
)

// Refs returns where the objects of a slab of sorted names are; NoRef for those
// that are not there.
func (db *DB) Refs(names []byte) []Ref {
	n := len(names) / db.width
	out := make([]Ref, n)
	for i := range out {
		out[i] = NoRef
	}
	at := func(i int) []byte { return names[i*db.width : (i+1)*db.width] }
	note := func(i int, name []byte, r Ref) {
		if i < n && out[i] == NoRef && bytes.Equal(at(i), name) {
			out[i] = r
		}
	}
	for _, p := range db.packs {
		if p.N*32 < n { // a few of many: look for each
			for k := range p.N {
				i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), p.Name(k)) >= 0 })
				note(i, p.Name(k), p.Base+Ref(k))
			}
			continue
		}
		for i, k := 0, 0; i < n && k < p.N; { // side by side
			switch c := bytes.Compare(at(i), p.Name(k)); {
			case c < 0:
				i++
			case c > 0:
				k++
			default:
				note(i, p.Name(k), p.Base+Ref(k))
				i++
				k++
			}
		}
	}
	first := Ref(db.total - len(db.loose))
	for k, l := range db.loose {
		i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), l.id[:db.width]) >= 0 })
		note(i, l.id[:db.width], first+Ref(k))
	}
	return out
}

// Fingerprint names the set of objects that are there: packs by their checksums,
// loose objects by their names.
func (db *DB) Fingerprint() [32]byte {
	var sums []ID
	for _, p := range db.packs {
		sums = append(sums, p.Checksum())
	}
	slices.SortFunc(sums, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	h := sha256.New()
	_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(sums)))) // a hash takes everything
	for _, s := range sums {
		_, _ = h.Write(s[:])
	}
	for _, l := range db.loose {
		_, _ = h.Write(l.id[:])
	}
	return [32]byte(h.Sum(nil))
}

// fewPacks is up to how many packs every two are compared side by side.
const fewPacks = 6

// markDups marks what lies at an earlier Ref too.
func (db *DB) markDups() {
	db.dup = newBitset(db.total)
	if len(db.packs) <= fewPacks {
		db.dupsByTwo()
	} else {
		db.dupsSorted()
	}
	first := db.total - len(db.loose)
	for i, l := range db.loose {
		for _, p := range db.packs {
			if _, ok := p.Find(l.id); ok {
				db.dup.set(first + i)
				break
			}
		}
	}
}

func (db *DB) dupsByTwo() {
	for j, b := range db.packs {
		for _, a := range db.packs[:j] {
			for x, y := 0, 0; x < a.N && y < b.N; {
				switch c := bytes.Compare(a.Name(x), b.Name(y)); {
				case c < 0:
					x++
				case c > 0:
					y++
				default:
					db.dup.set(int(b.Base) + y)
					x++
					y++
				}
			}
		}
	}
}

// dupsSorted puts the names of all packs in one order.
func (db *DB) dupsSorted() {
	type entry struct {
		head uint64
		ref  Ref
	}
	var all []entry
	for _, p := range db.packs {
		for i := range p.N {
			all = append(all, entry{binary.BigEndian.Uint64(p.Name(i)), p.Base + Ref(i)})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(cmp.Compare(a.head, b.head), cmp.Compare(a.ref, b.ref)) })
	for i := 1; i < len(all); i++ {
		for k := i - 1; k >= 0 && all[k].head == all[i].head; k-- {
			if db.ID(all[k].ref) == db.ID(all[i].ref) {
				db.dup.set(int(all[i].ref))
				break
			}
		}
	}
}
