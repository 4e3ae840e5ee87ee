package gitdir

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"path/filepath"
	"slices"
	"strings"
)

// link is the extension of a split index: another file holds most entries, and
// two bitmaps say which of them are gone or replaced. gitformat-index(5), "Split
// index".
type link struct {
	base string // raw bytes; zeros when there is none
	maps string // deleted and replaced entries of the other file
}

func parseLink(s string, width int) (*link, error) {
	if len(s) < width {
		return nil, errIndexCut
	}
	return &link{base: s[:width], maps: s[width:]}, nil
}

// ewah reads a compressed bitmap of at most limit bits and returns the places of
// its ones, and what follows. gitformat-bitmap(5), "EWAH bitmap".
func ewah(s string, limit int) (ones []int, rest string, ok bool) {
	if len(s) < 8 {
		return nil, s, false
	}
	size, n := int(be32(s)), int(be32(s[4:]))
	if s = s[8:]; len(s) < 4 || n > (len(s)-4)/8 || size > limit {
		return nil, s, false
	}
	words, rest := s[:8*n], s[8*n+4:]
	at := 0
	for len(words) > 0 {
		head := be64(words)
		words = words[8:]
		run, literals := int(head>>1&0xffffffff)*64, int(head>>33)
		if run > size+64-at || literals*8 > len(words) {
			return nil, s, false
		}
		if head&1 == 1 {
			for i := range min(run, size-at) {
				ones = append(ones, at+i)
			}
		}
		at += run
		for range literals {
			for w := be64(words); w != 0; w &= w - 1 {
				ones = append(ones, at+bits.TrailingZeros64(w))
			}
			words, at = words[8:], at+64
		}
	}
	return ones, rest, true
}

func be64(s string) uint64 { return binary.BigEndian.Uint64([]byte(s[:8])) }

// join adds the entries of the other file to those of a split index. Replaced
// ones come first in x, without a path, in the order of the bitmap.
func (d Dir) join(x Index) (Index, error) {
	l := x.link
	if strings.Trim(l.base, "\x00") == "" {
		return x, nil
	}
	name := "sharedindex." + hex.EncodeToString([]byte(l.base))
	b, err := readPlain(filepath.Join(d.Git, name), maxIndex)
	if err != nil {
		return x, fmt.Errorf("read the shared index: %w", err)
	}
	shared, err := parseIndex(string(b), x.width)
	if err != nil {
		return x, fmt.Errorf("read %s: %w", name, err)
	}
	all := shared.Entries
	var deleted, replaced []int
	if l.maps != "" {
		var ok, too bool
		deleted, l.maps, ok = ewah(l.maps, len(all))
		replaced, _, too = ewah(l.maps, len(all))
		if !ok || !too || len(replaced) > len(x.Entries) {
			return x, errIndexCut
		}
	}
	for i, at := range replaced {
		if at >= len(all) || x.Entries[i].Path != "" {
			return x, errIndexCut
		}
		path := all[at].Path
		all[at] = x.Entries[i]
		all[at].Path = path
	}
	for _, at := range deleted {
		if at >= len(all) {
			return x, errIndexCut
		}
		all[at].ID = "" // no entry has an empty one
	}
	all = slices.DeleteFunc(all, func(e Entry) bool { return e.ID == "" })
	x.Entries = append(all, x.Entries[len(replaced):]...)
	slices.SortFunc(x.Entries, func(a, b Entry) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Stage, b.Stage)) })
	return x, nil
}
