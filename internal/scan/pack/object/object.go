// Package object has the words of git's object database: names, kinds, and what can be
// wrong. It reads nothing.
package object

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Lengths of object names in bytes.
const (
	SHA1   = 20
	SHA256 = 32
)

// ID is the name of an object. One of SHA-1 has zeros behind it, which no name of
// SHA-256 has.
type ID [SHA256]byte

// MakeID returns the name with these bytes: SHA1 or SHA256 of them.
func MakeID(b []byte) ID {
	var id ID
	copy(id[:], b)
	return id
}

// String gives the hexadecimal form.
func (id ID) String() string {
	n := SHA256
	if [SHA256 - SHA1]byte(id[SHA1:]) == [SHA256 - SHA1]byte{} {
		n = SHA1
	}
	return hex.EncodeToString(id[:n])
}

// MarshalText gives the hexadecimal form.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads the hexadecimal form.
func (id *ID) UnmarshalText(b []byte) error {
	var err error
	*id, err = ParseID(string(b))
	return err
}

// ParseID reads the hexadecimal form.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*SHA1 && len(s) != 2*SHA256 {
		return id, fmt.Errorf("an object id has %d or %d hexadecimal digits, not %d", 2*SHA1, 2*SHA256, len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, errors.New("an object id has hexadecimal digits only")
	}
	return id, nil
}

// Kind is the type of an object.
type Kind uint8

// Kinds, with the numbers they have in a pack.
const (
	Commit Kind = 1
	Tree   Kind = 2
	Blob   Kind = 3
	Tag    Kind = 4

	// How a delta names its base: by how far before it that stands, or by its name.
	OfsDelta Kind = 6
	RefDelta Kind = 7
)

// String gives git's word.
func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	default:
		return "object"
	}
}

// Kinds is a set of kinds.
type Kinds uint8

// AnyKind holds every kind.
var AnyKind = Of(Commit, Tree, Blob, Tag)

// Of returns the set of the given kinds.
func Of(kinds ...Kind) Kinds {
	var s Kinds
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether the set holds k.
func (s Kinds) Has(k Kind) bool { return s&(1<<k) != 0 }

// Ref names an object of an open database: its place in all packs and loose
// objects. It is valid until the database is closed.
type Ref uint32

// NoRef is the Ref of nothing.
const NoRef = ^Ref(0)

// Errors that a caller decides on.
var (
	// ErrUnsupported means a format that this reader does not know.
	ErrUnsupported = errors.New("this format of git's object database is not known here")
	// ErrDamaged means that bytes on the disk are not what they should be.
	ErrDamaged = errors.New("the object database is damaged")
	// ErrMissing means that an object is not there.
	ErrMissing = errors.New("the object is missing")
	// ErrTooLarge means that an object is larger than the limit.
	ErrTooLarge = errors.New("the object is larger than the limit")
)

// Problem is something that could not be read.
type Problem struct {
	What    string // "pack", "object"
	Why     string
	Example string // foreign text: a file's name or an object's id
	Objects int    // how many objects are lost by it; 0 when unknown
}

// TooLarge is the Why of a Problem with an object above the limit.
func TooLarge(limit int64) string { return fmt.Sprintf("larger than %d MB", limit>>20) }
