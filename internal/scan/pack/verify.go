package pack

import (
	"crypto/sha1" //nolint:gosec // the names of git's objects are SHA-1, whatever one thinks of it
	"crypto/sha256"
	"fmt"
	"hash"
)

// Verify reports whether an object's content is what its name says. Checksums on
// the way notice most damage; this notices all of it.
func (o *Object) Verify(width int) bool {
	var h hash.Hash
	if width == SHA256 {
		h = sha256.New()
	} else {
		h = sha1.New() //nolint:gosec // see above
	}
	_, _ = fmt.Fprintf(h, "%s %d\x00", o.Kind, len(o.Data)) // a hash takes everything
	_, _ = h.Write(o.Data)
	return MakeID(h.Sum(nil)) == o.ID
}
