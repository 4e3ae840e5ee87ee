// Package pack reads git's object database at full speed: packs are mapped into
// memory, every object is rebuilt once along its delta tree, on all processors,
// and each visitor is told which bytes of an object it has seen in the object's
// base already. Nothing of the repository is run or written.
//
// Start with [Open]; [DB.Walk] visits objects, [DB.Read] reads one. What cannot
// be read is a [Problem], never left out. Names are SHA-1 or SHA-256.
//
// Protocol facts: gitformat-pack(5), gitrepository-layout(5).
package pack

import (
	"github.com/secretguard/secretguard/internal/scan/pack/delta"
	"github.com/secretguard/secretguard/internal/scan/pack/object"
)

// The words of package object stand here too, so that who uses a database speaks of one
// package.
type (
	// ID is the name of an object.
	ID = object.ID
	// Kind is the type of an object.
	Kind = object.Kind
	// Kinds is a set of kinds.
	Kinds = object.Kinds
	// Ref names an object of an open database; it is valid until that is closed.
	Ref = object.Ref
	// Problem is something that could not be read.
	Problem = object.Problem
	// Op is one piece of a delta.
	Op = delta.Op
)

// Lengths of object names in bytes, kinds, and the Ref of nothing.
const (
	SHA1   = object.SHA1
	SHA256 = object.SHA256

	Commit = object.Commit
	Tree   = object.Tree
	Blob   = object.Blob
	Tag    = object.Tag

	NoRef = object.NoRef
)

// Errors that a caller decides on.
var (
	ErrUnsupported = object.ErrUnsupported
	ErrDamaged     = object.ErrDamaged
	ErrMissing     = object.ErrMissing
	ErrTooLarge    = object.ErrTooLarge
)

// MakeID returns the name with these bytes: SHA1 or SHA256 of them.
func MakeID(b []byte) ID { return object.MakeID(b) }

// ParseID reads the hexadecimal form of a name.
func ParseID(s string) (ID, error) { return object.ParseID(s) }

// Of returns the set of the given kinds.
func Of(kinds ...Kind) Kinds { return object.Of(kinds...) }

// TooLarge is the Why of a Problem with an object above the limit.
func TooLarge(limit int64) string { return object.TooLarge(limit) }
