// Package known turns what an earlier scan knew of a repository, which goes by names,
// into places of this database, and what a scan knows now into names. It looks at no
// content, and what it writes holds no secret.
//
// Start with [New]; [Book.Recall] comes before a scan, [Book.Now] after it.
package known

import (
	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/folders"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/pack"
)

// DB is an object database that can find many names at once.
type DB interface {
	graph.Objects
	Width() int
	Len() int
	// Refs finds the objects of a slab of sorted names; pack.NoRef for one that is gone.
	Refs(names []byte) []pack.Ref
	// Dup reports whether an object lies at an earlier Ref too.
	Dup(r pack.Ref) bool
}

// Book is what is known of a repository's objects. It is filled by one goroutine, but
// for Facts, whose places may be written by many.
type Book struct {
	Seen  []bool     // by Ref: was looked at in an earlier scan and held nothing; nil without one
	Fresh []pack.Ref // the others

	Tags      map[pack.ID]pack.ID // what tags name
	TagSizes  map[pack.ID]uint64  // of their messages, in bytes
	Facts     []uint64            // of blobs by Ref: encoded, and one; zero for others
	Trees     []pack.Ref          // whose content is known
	TreeAgain map[pack.Ref]bool   // to be read in every scan
	Gone      map[pack.ID]bool    // what is named and is not there; true for a folder
	Modules   map[string]bool     // submodules

	// Of an earlier scan: commits before they are linked, an index of its trees, and what
	// its blobs and messages come to.
	Commits []graph.Commit
	Index   *folders.Index
	Counts  content.Counts
	Bytes   int64
	Known   int // objects

	db DB
}

// New returns a book in which nothing stands.
func New(db DB) *Book {
	return &Book{
		db: db, Tags: map[pack.ID]pack.ID{}, TagSizes: map[pack.ID]uint64{}, Facts: make([]uint64, db.Len()),
		TreeAgain: map[pack.Ref]bool{}, Gone: map[pack.ID]bool{}, Modules: map[string]bool{},
	}
}
