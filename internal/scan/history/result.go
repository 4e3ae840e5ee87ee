package history

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/history/content"
	"github.com/secretguard/secretguard/internal/scan/history/graph"
	"github.com/secretguard/secretguard/internal/scan/history/places"
	"github.com/secretguard/secretguard/internal/scan/history/tally"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
)

// keptResult is the outcome of a scan without any secret: where each hit is, so
// that it can be read again from its object.
type keptResult struct {
	Fingerprint string
	Result      Result // without Hits
	Hits        []keptHit
}

type keptHit struct {
	In          pack.ID // object
	N           int     // which of the matches there
	Rule        string
	Where, Path string
	Inner       string
	First, Last places.Commit
	Reach       graph.Reach
	InHead      bool
	Denied      bool
	Allowed     bool
	Order       int64
}

// fingerprint names everything that the outcome of a scan depends on; empty when it
// cannot be told.
func (s *scanner) fingerprint() string {
	db, ok := s.db.(indexed)
	if !ok || s.opts.Memory == nil {
		return ""
	}
	h := sha256.New()
	key, objects := s.opts.keyOf(), db.Fingerprint()
	_, _ = h.Write(key[:]) // a hash takes everything
	_, _ = h.Write(objects[:])
	var lines []string
	for _, r := range s.opts.Roots {
		lines = append(lines, fmt.Sprintf("%s %d %q", r.ID, r.Way, r.Name))
	}
	for id := range s.opts.Shallow {
		lines = append(lines, "shallow "+id.String())
	}
	slices.Sort(lines)
	_, _ = fmt.Fprintln(h, lines)
	return hex.EncodeToString(h.Sum(nil))
}

// recallResult brings back the outcome of an earlier scan of the same state.
func (s *scanner) recallResult(ctx context.Context, fingerprint string) bool {
	var k keptResult
	if fingerprint == "" {
		return false
	}
	b, ok := seen.Unseal(s.opts.Memory.Load("result"))
	if !ok || json.Unmarshal(b, &k) != nil || k.Fingerprint != fingerprint {
		return false
	}
	look := s.opts.looker()
	read := map[pack.ID][]content.Part{}
	hits := make([]places.Hit, 0, len(k.Hits))
	for _, h := range k.Hits {
		parts, ok := read[h.In]
		if !ok {
			if parts, ok = s.lookAgain(ctx, look, h); !ok {
				return false
			}
			read[h.In] = parts
		}
		list := content.Matches(s.opts.Set, parts, h.Path, "")
		if h.N >= len(list) || list[h.N].Rule.ID != h.Rule || list[h.N].Inner != h.Inner {
			return false
		}
		m := list[h.N].Match
		m.Allowed = h.Allowed
		hits = append(hits, places.Hit{Match: m, Where: h.Where, Path: h.Path, Inner: h.Inner, Blob: h.In, First: h.First, Last: h.Last, Reach: h.Reach, InHead: h.InHead, Denied: h.Denied, Order: h.Order})
	}
	s.res = k.Result
	s.res.Hits, s.res.Recalled = hits, true
	s.bytes.Store(s.res.Bytes)
	return true
}

// lookAgain looks at the object of a hit.
func (s *scanner) lookAgain(ctx context.Context, look *content.Looker, h keptHit) ([]content.Part, bool) {
	ref, ok := s.db.Lookup(h.In)
	if !ok {
		return nil, false
	}
	_, data, err := s.db.Read(ref, s.opts.MaxSize)
	if err != nil {
		return nil, false
	}
	if h.Where == places.WhereMessage || h.Where == places.WhereTag {
		_, data = graph.SplitHeader(data)
		return []content.Part{{Sights: look.Find(data)}}, true
	}
	return look.Look(ctx, data), true
}

// keepResult writes down the outcome. A name that is a secret itself cannot be
// written down without giving it away, so then nothing is.
func (s *scanner) keepResult(ctx context.Context, fingerprint string) {
	if fingerprint == "" || len(s.db.Problems()) > 0 || s.res.TooLarge.Count+s.res.Damaged.Count > 0 || s.entryIsSecret() {
		return
	}
	tells := s.telling()
	k := keptResult{Fingerprint: fingerprint, Result: s.res}
	k.Result.Hits = nil
	k.Result.Bytes = s.bytes.Load()
	look := s.opts.looker()
	read := map[pack.ID][]content.Part{}
	for i := range s.res.Hits {
		h := &s.res.Hits[i]
		if h.Where == places.WherePath || h.Where == places.WherePerson ||
			slices.ContainsFunc([]string{h.Path, h.Inner, h.First.Author, h.Last.Author}, tells.gives) {
			return
		}
		kept := keptHit{
			In: h.Blob, Rule: h.Rule.ID, Where: h.Where, Path: h.Path, Inner: h.Inner, First: h.First, Last: h.Last, Reach: h.Reach,
			InHead: h.InHead, Denied: h.Denied, Allowed: h.Allowed, Order: h.Order,
		}
		parts, ok := read[h.Blob]
		if !ok {
			if parts, ok = s.partsOf(ctx, look, kept); !ok {
				return
			}
			read[h.Blob] = parts
		}
		kept.N = slices.IndexFunc(content.Matches(s.opts.Set, parts, h.Path, ""), func(m content.Match) bool {
			return m.Inner == h.Inner && m.Rule == h.Rule && m.Secret == h.Secret && m.Start == h.Start && m.End == h.End
		})
		if kept.N < 0 {
			return
		}
		k.Hits = append(k.Hits, kept)
	}
	if b, err := json.Marshal(k); err == nil {
		s.opts.Memory.Save("result", seen.Seal(b))
	}
}

// entryIsSecret reports whether the name of an entry of an archive, which would be
// written down, holds something.
func (s *scanner) entryIsSecret() bool {
	names := content.NewNames(s.opts.Set)
	holds := func(name string) bool { return len(names.Look([]byte(name))) > 0 }
	return slices.ContainsFunc(s.res.Hits, func(h places.Hit) bool { return holds(h.Inner) }) ||
		slices.ContainsFunc(s.res.Unread, func(u tally.Unread) bool { return holds(u.Example) })
}

// partsOf are the parts of a hit's object, which the scan has.
func (s *scanner) partsOf(ctx context.Context, look *content.Looker, h keptHit) ([]content.Part, bool) {
	if ref, ok := s.db.Lookup(h.In); ok && len(s.blobs[ref]) > 0 {
		return s.blobs[ref], true
	}
	return s.lookAgain(ctx, look, h)
}
