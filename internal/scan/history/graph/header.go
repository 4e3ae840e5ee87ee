package graph

import (
	"bytes"
	"strconv"
	"time"

	"github.com/secretguard/secretguard/internal/scan/pack"
)

// SplitHeader divides a commit or tag into its header and its message.
func SplitHeader(data []byte) (header, text []byte) {
	header, text, _ = bytes.Cut(data, []byte("\n\n"))
	return header, text
}

// Reader reads objects.
type Reader interface {
	Read(r pack.Ref, limit int64) (pack.Kind, []byte, error)
}

// Header reads the header of a commit or tag that is no larger than limit, in bytes.
func Header(db Reader, r pack.Ref, limit int64) ([]byte, bool) {
	_, data, err := db.Read(r, limit)
	header, _ := SplitHeader(data)
	return header, err == nil
}

// Field returns the first header line of a name, nil without one. It is foreign.
func Field(header []byte, name string) []byte {
	for line := range bytes.Lines(header) {
		if v, ok := bytes.CutPrefix(line, []byte(name+" ")); ok {
			return bytes.TrimSuffix(v, []byte{'\n'})
		}
	}
	return nil
}

// Names returns the object that a header line names, as the "tree" of a commit or the
// "object" of a tag.
func Names(header []byte, field string) (pack.ID, bool) {
	id, err := pack.ParseID(string(Field(header, field)))
	return id, err == nil
}

// Parents lists what a commit's header names as parents, in order.
func Parents(header []byte) []pack.ID {
	var out []pack.ID
	for line := range bytes.Lines(header) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		if p, ok := bytes.CutPrefix(line, []byte("parent ")); ok {
			if id, err := pack.ParseID(string(p)); err == nil {
				out = append(out, id)
			}
		}
	}
	return out
}

// Signature reads "Name <mail> 1700000000 +0100". A time that is no number is zero.
func Signature(b []byte) (who string, seconds int64) {
	i := bytes.LastIndexByte(b, '>')
	if i < 0 {
		return string(b), 0
	}
	when, _, _ := bytes.Cut(bytes.TrimSpace(b[i+1:]), []byte{' '})
	seconds, err := strconv.ParseInt(string(when), 10, 64)
	if err != nil {
		seconds = 0
	}
	return string(b[:i+1]), seconds
}

// Who is [Signature] with the time in UTC.
func Who(line []byte) (string, time.Time) {
	name, seconds := Signature(line)
	return name, time.Unix(seconds, 0).UTC()
}
