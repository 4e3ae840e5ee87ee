// Package record holds a line of the journal as plain data. It is a leaf: the
// journal stores records, and the machine folds them, and neither needs to know
// the other.
package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/secretguard/secretguard/internal/secret"
)

// Record is one line of the journal. Body is JSON without any secret; the
// secrets that belong to the record are named in Blobs and sealed apart.
type Record struct {
	Seq   int64
	Prev  string // the hash of the record before this one
	Run   string
	Epoch int64
	Actor string
	Kind  string
	Step  string
	Body  json.RawMessage
	Blobs map[string]string // name -> blob id (the hash of the sealed bytes)
	Wall  time.Time
	Tool  string
	Hash  string
}

// Entry is what is to be written. Run, epoch, time and place in the chain are
// added by the journal.
type Entry struct {
	Actor string
	Kind  string
	Step  string
	Body  any                    // encoded as JSON
	Seal  map[string]secret.Text // sealed in the same transaction
	// Happened says that this is about something that is done, and not about
	// something that is to be done: it may take the last room on the disk.
	Happened bool
}

// Digest chains a record to the one before it. Fields are joined through JSON,
// so that no two different records have the same bytes.
func (r Record) Digest() string {
	b, err := json.Marshal([]any{
		r.Seq, r.Prev, r.Run, r.Epoch, r.Actor, r.Kind, r.Step,
		string(r.Body), r.Blobs, r.Wall.UTC().Format(time.RFC3339Nano), r.Tool,
	})
	if err != nil {
		// Only strings, numbers and a string map go in: this cannot fail.
		panic("record: a record cannot be encoded")
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
