package supabase

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/secretguard/secretguard/internal/secret"
)

// Signing keys have no name, and their secret is never shown. All that can be written on
// one is its id, a UUID of our own choice (version 8). Ours says which key it replaces,
// for which run it was made, and which secret it is, each as a piece of a hash:
//
//	OOOOOOOO-OOOO-8RRR-yRRR-SSSSSSSSSSSS   O old key, R run, S secret
//
// The secret has 384 bits of chance; 48 bits of its hash tell nothing of it.
const (
	oldEnds = 13 // behind the piece that says which key is replaced
	runEnds = 24 // behind the piece that says for which run
)

// piece is a part of the hash of a text of one sort.
func piece(sort, text string) [sha256.Size]byte {
	return sha256.Sum256([]byte("secretguard signing key " + sort + "\x00" + text))
}

// keyID is the id of the key that replaces another one.
func keyID(old, run string, value secret.Text) string {
	o, r, s := piece("old", old), piece("run", run), piece("secret", value.Reveal())
	return fmt.Sprintf("%x-%x-8%03x-%02x%02x-%x", o[:4], o[4:6], (uint(r[0])<<8|uint(r[1]))&0xfff, 0x80|r[2]&0x3f, r[3], s[:6])
}

// replaces tells whether a key was made to take another one's place.
func replaces(id, old string) bool {
	return len(id) == len(keyID("", "", secret.Text{})) && strings.HasPrefix(id, keyID(old, "", secret.Text{})[:oldEnds]+"-8")
}

// madeFor tells whether a key was made by a run to take another one's place.
func madeFor(id, old, run string) bool {
	return replaces(id, old) && id[:runEnds] == keyID(old, run, secret.Text{})[:runEnds]
}

// tellsSecret tells whether a key of ours is this secret.
func tellsSecret(id string, value secret.Text) bool {
	tail := keyID("", "", value)[runEnds:]
	return len(id) == runEnds+len(tail) && id[oldEnds:oldEnds+2] == "-8" && id[runEnds:] == tail
}
