package gitdir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// Entry is a file in the index.
type Entry struct {
	Path string // '/'-separated; foreign text
	Mode uint32 // as git stores it: 0o100644, 0o120000 for a link, 0o160000 for a submodule
	ID   string // raw bytes
	// Stage is 0, or 1 to 3 in a conflict: base, ours, theirs.
	Stage int
	// IntentToAdd marks a file of which only the name is added.
	IntentToAdd bool
}

// IsFile reports whether the entry is a plain file.
func (e Entry) IsFile() bool { return e.Mode>>12 == 0o10 }

// IsFolder reports whether the entry stands for all that lies in a folder, whose
// tree it names: only in a sparse index. Its path ends with a slash.
func (e Entry) IsFolder() bool { return e.Mode>>12 == 0o4 }

// CachedTree is what the index knows of a folder that has not changed since its
// tree was written: the tree's id.
type CachedTree struct {
	ID    string // raw bytes; empty when the folder has changed
	Count int    // entries below it
	Sub   map[string]*CachedTree
}

// Index is the list of what the next commit will hold.
type Index struct {
	Entries []Entry // in the order of paths, then stages
	Root    *CachedTree

	link  *link
	width int // of an id, in bytes
}

// ErrIndex means an index in a format that is not known here.
var ErrIndex = errors.New("the index is in a format that is not known here")

var errIndexCut = fmt.Errorf("%w: it is damaged", ErrIndex)

// maxIndex is the largest index that is read, in bytes.
const maxIndex = 2 << 30

// Index reads the index from a file; an empty name stands for the repository's
// own. One that is not there is empty.
func (d Dir) Index(file string) (Index, error) {
	if file == "" {
		file = filepath.Join(d.Git, "index")
	}
	b, err := readPlain(file, maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return Index{}, nil
	}
	if err != nil {
		return Index{}, fmt.Errorf("read the index: %w", err)
	}
	t, err := d.Traits()
	if err != nil {
		return Index{}, err
	}
	// One string: paths and ids are pieces of it.
	x, err := parseIndex(string(b), t.Width())
	if err != nil || x.link == nil {
		return x, err
	}
	return d.join(x)
}

// parseIndex reads versions 2 to 4 of gitformat-index(5).
func parseIndex(s string, width int) (Index, error) {
	x := Index{width: width}
	if len(s) < 12+width || s[:4] != "DIRC" {
		return x, errIndexCut
	}
	version, n := be32(s[4:]), int(be32(s[8:]))
	if version < 2 || version > 4 {
		return x, fmt.Errorf("%w: version %d", ErrIndex, version)
	}
	end := len(s) - width
	if n > end/(42+width) {
		return x, errIndexCut
	}
	x.Entries = make([]Entry, 0, n)
	at, before := 12, ""
	for range n {
		e, next, err := x.parseEntry(s[:end], at, version, before)
		if err != nil {
			return x, err
		}
		x.Entries = append(x.Entries, e)
		at, before = next, e.Path
	}
	return x, x.extensions(s[at:end])
}

func be32(s string) uint32 { return binary.BigEndian.Uint32([]byte(s[:4])) }

func (x *Index) parseEntry(s string, at int, version uint32, before string) (Entry, int, error) {
	name := at + 42 + x.width
	if name > len(s) {
		return Entry{}, 0, errIndexCut
	}
	e := Entry{Mode: be32(s[at+24:]), ID: s[at+40 : name-2]}
	flags := uint32(s[name-2])<<8 | uint32(s[name-1])
	e.Stage = int(flags >> 12 & 3)
	if flags>>14&1 == 1 { // more flags
		if version < 3 || name+2 > len(s) {
			return e, 0, errIndexCut
		}
		e.IntentToAdd = s[name]>>5&1 == 1
		name += 2
	}
	if version == 4 {
		return parseShort(e, s, name, before)
	}
	nul := strings.IndexByte(s[name:], 0)
	if nul < 0 {
		return e, 0, errIndexCut
	}
	e.Path = s[name : name+nul]
	// One to eight NULs, so that an entry's length is a multiple of eight.
	next := at + (name+nul-at+8)/8*8
	if next > len(s) {
		return e, 0, errIndexCut
	}
	return e, next, nil
}

// parseShort reads a path of version 4: how much to cut off the one before, and
// what follows.
func parseShort(e Entry, s string, at int, before string) (Entry, int, error) {
	cut := 0
	for i := 0; ; i++ {
		if at == len(s) || i > 4 {
			return e, 0, errIndexCut
		}
		c := int(s[at])
		at++
		cut = cut<<7 | c&0x7f
		if c&0x80 == 0 {
			break
		}
		cut++
	}
	nul := strings.IndexByte(s[at:], 0)
	if nul < 0 || cut > len(before) {
		return e, 0, errIndexCut
	}
	e.Path = before[:len(before)-cut] + s[at:at+nul]
	return e, at + nul + 1, nil
}

// extensions reads what may stand behind the entries. One whose name starts with
// a small letter must be understood.
func (x *Index) extensions(s string) error {
	for len(s) >= 8 {
		name, size := s[:4], int(be32(s[4:]))
		if size > len(s)-8 {
			return errIndexCut
		}
		body := s[8 : 8+size]
		switch {
		case name == "TREE":
			if root, _, ok := x.parseTree(body, 0); ok {
				x.Root = root
			}
		case name == "link":
			var err error
			if x.link, err = parseLink(body, x.width); err != nil {
				return err
			}
		case name == "sdir": // some entries are folders
		case name[0] >= 'a' && name[0] <= 'z':
			return fmt.Errorf("%w: it needs %q", ErrIndex, name)
		}
		s = s[8+size:]
	}
	return nil
}

// parseTree reads one folder and those below it: "<name>\0<entries> <folders>\n",
// then its id unless entries is negative.
func (x *Index) parseTree(s string, depth int) (*CachedTree, string, bool) {
	_, s, ok := strings.Cut(s, "\x00")
	if !ok || depth > 4096 {
		return nil, s, false
	}
	line, s, ok := strings.Cut(s, "\n")
	entries, folders, two := strings.Cut(line, " ")
	count, err1 := strconv.Atoi(entries)
	subs, err2 := strconv.Atoi(folders)
	if !ok || !two || err1 != nil || err2 != nil || subs < 0 {
		return nil, s, false
	}
	t := &CachedTree{Count: count}
	if count >= 0 {
		if len(s) < x.width {
			return nil, s, false
		}
		t.ID, s = s[:x.width], s[x.width:]
	}
	for range subs {
		name, _, ok := strings.Cut(s, "\x00")
		if !ok {
			return nil, s, false
		}
		var sub *CachedTree
		if sub, s, ok = x.parseTree(s, depth+1); !ok {
			return nil, s, false
		}
		if t.Sub == nil {
			t.Sub = map[string]*CachedTree{}
		}
		t.Sub[name] = sub
	}
	return t, s, true
}
