package pack

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/secretguard/secretguard/internal/scan/pack/inflate"
)

// looseFile is an object in a file of its own.
type looseFile struct {
	id  ID
	dir string // the objects folder
}

// unreadable marks what is reported already.
const unreadable = Kind(0xff)

func (l *looseFile) path() string {
	s := l.id.String()
	return filepath.Join(l.dir, s[:2], s[2:])
}

func (db *DB) listLoose(dir, sub string) {
	if _, err := hex.DecodeString(sub); err != nil {
		return // a folder that is not ours
	}
	list, err := os.ReadDir(filepath.Join(dir, sub))
	if err != nil {
		db.problem(Problem{What: "folder of loose objects", Why: reason(err), Example: sub})
		return
	}
	for _, e := range list {
		id, err := ParseID(sub + e.Name())
		if err != nil || len(sub+e.Name()) != 2*db.width { // tmp_obj_… of a git that is still writing
			continue
		}
		if !e.Type().IsRegular() {
			db.problem(Problem{What: "loose object", Why: "not a plain file", Example: id.String(), Objects: 1})
			continue
		}
		db.loose = append(db.loose, looseFile{id: id, dir: dir})
	}
}

// looseHeader is the most that "<type> <size>\0" takes.
const looseHeader = 32

// read returns an object's kind, and its content when the kind is wanted. Above
// limit bytes it is ErrTooLarge.
func (l *looseFile) read(z *inflate.Inflater, wanted Kinds, limit int64) (Kind, []byte, error) {
	info, err := os.Lstat(l.path())
	if err != nil {
		return 0, nil, err
	}
	if !info.Mode().IsRegular() {
		return 0, nil, fmt.Errorf("%w: not a plain file", ErrDamaged)
	}
	if info.Size() > 2*limit+1024 { // what deflate cannot shrink hardly grows
		return 0, nil, ErrTooLarge
	}
	src, err := os.ReadFile(l.path())
	if err != nil {
		return 0, nil, err
	}
	var head [looseHeader]byte
	if _, err := z.Zlib(head[:], src); err != nil && !errors.Is(err, inflate.ErrSize) {
		return 0, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	kind, size, n, ok := parseLooseHeader(head[:])
	if !ok {
		return 0, nil, fmt.Errorf("%w: a loose object's header", ErrDamaged)
	}
	switch {
	case !wanted.Has(kind):
		return kind, nil, nil
	case size > limit:
		return kind, nil, ErrTooLarge
	}
	all := make([]byte, n+int(size))
	if _, err := z.Zlib(all, src); err != nil {
		return kind, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return kind, all[n:], nil
}

func parseLooseHeader(b []byte) (kind Kind, size int64, n int, ok bool) {
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return 0, 0, 0, false
	}
	word, digits, ok := bytes.Cut(b[:end], []byte{' '})
	if !ok {
		return 0, 0, 0, false
	}
	for k := Commit; k <= Tag; k++ {
		if string(word) == k.String() {
			kind = k
		}
	}
	size, err := strconv.ParseInt(string(digits), 10, 64)
	return kind, size, end + 1, kind != 0 && err == nil && size >= 0
}
