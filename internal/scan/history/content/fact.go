package content

import (
	"slices"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
)

// Fact is what is remembered of a blob that holds nothing.
type Fact struct {
	Size    int // bytes
	Entries int // of an archive or document
	class   class
}

// class is what a blob is that holds nothing; from aKind on, the place of its name in
// unreadKinds.
type class uint8

const (
	plainText class = iota
	noText
	aKind
)

var unreadKinds = archive.UnreadKinds()

// classOf is the class of what could not be read for a reason; empty for what could.
func classOf(unread string) class {
	switch unread {
	case "":
		return plainText
	case archive.Binary:
		return noText
	}
	return aKind + class(slices.Index(unreadKinds, unread))
}

// Bits of an encoded fact: more entries than fit are not remembered.
const (
	classBits, sizeBits = 6, 40
	maxEntries          = 1 << (64 - classBits - sizeBits)
)

// Encode returns a number from which [FactOf] makes the fact again; false when it
// does not fit.
func (f Fact) Encode() (uint64, bool) {
	return uint64(f.Entries)<<(classBits+sizeBits) | uint64(f.Size)<<classBits | uint64(f.class), f.Entries < maxEntries
}

// FactOf decodes a fact. Any number is one.
func FactOf(n uint64) Fact {
	return Fact{int(n >> classBits & (1<<sizeBits - 1)), int(n >> (classBits + sizeBits)), class(n & (1<<classBits - 1))}
}

// Counts are what facts say together.
type Counts struct {
	Blobs   int
	Entries int        // of archives and documents
	Binary  tally.Gone // blobs that are no text
	// Unread is what else was not read of blobs. An example begins with the blob's id.
	Unread tally.List
}

// AddBlob counts a blob; name is asked for its id when that is needed.
func (c *Counts) AddBlob(f Fact, name func() string) {
	c.Blobs++
	c.Entries += f.Entries
	if f.class == plainText {
		return
	}
	id := name()
	switch {
	case f.class == noText:
		c.Binary.Add(id)
	case int(f.class-aKind) < len(unreadKinds):
		c.Unread.Add(tally.Unread{What: "blob", Why: archive.WhyUnread(unreadKinds[f.class-aKind]), Gone: tally.Gone{Count: 1, Example: id}})
	}
}

// JoinBlobs adds what another one counted.
func (c *Counts) JoinBlobs(o Counts) {
	c.Blobs += o.Blobs
	c.Entries += o.Entries
	c.Binary.Join(o.Binary)
	for _, u := range o.Unread {
		c.Unread.Add(u)
	}
}
