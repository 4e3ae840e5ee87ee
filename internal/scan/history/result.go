package history

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/secretguard/secretguard/internal/scan/match"
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
	First, Last Commit
	Reach       Reach
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
func (s *scanner) recallResult(fingerprint string) bool {
	var k keptResult
	if fingerprint == "" {
		return false
	}
	b, ok := seen.Unseal(s.opts.Memory.Load("result"))
	if !ok || json.Unmarshal(b, &k) != nil || k.Fingerprint != fingerprint {
		return false
	}
	finder := s.opts.Set.Finder()
	read := map[pack.ID][]match.Sight{}
	hits := make([]Hit, 0, len(k.Hits))
	for _, h := range k.Hits {
		sights, ok := read[h.In]
		if !ok {
			if sights, ok = s.lookAgain(finder, h); !ok {
				return false
			}
			read[h.In] = sights
		}
		list := s.opts.Set.At(sights, h.Path, "")
		if h.N >= len(list) || list[h.N].Rule.ID != h.Rule {
			return false
		}
		m := list[h.N]
		m.Allowed = h.Allowed
		hits = append(hits, Hit{Match: m, Where: h.Where, Path: h.Path, Blob: h.In, First: h.First, Last: h.Last, Reach: h.Reach, InHead: h.InHead, Denied: h.Denied, Order: h.Order})
	}
	s.res = k.Result
	s.res.Hits, s.res.Recalled = hits, true
	s.bytes.Store(s.res.Bytes)
	return true
}

// lookAgain looks at the object of a hit.
func (s *scanner) lookAgain(finder *match.Finder, h keptHit) ([]match.Sight, bool) {
	ref, ok := s.db.Lookup(h.In)
	if !ok {
		return nil, false
	}
	_, data, err := s.db.Read(ref, s.opts.MaxSize)
	if err != nil {
		return nil, false
	}
	switch h.Where {
	case WhereMessage, WhereTag:
		_, data = splitHeader(data)
	default:
		if isBinary(data) {
			data = nil
		}
	}
	return finder.Settle(data, finder.Find(data)), true
}

// keepResult writes down the outcome. A name that is a secret itself cannot be
// written down without giving it away, so then nothing is.
func (s *scanner) keepResult(fingerprint string) {
	if fingerprint == "" || len(s.db.Problems()) > 0 || s.res.TooLarge.Count+s.res.Damaged.Count > 0 {
		return
	}
	k := keptResult{Fingerprint: fingerprint, Result: s.res}
	k.Result.Hits = nil
	k.Result.Bytes = s.bytes.Load()
	finder := s.opts.Set.Finder()
	read := map[pack.ID][]match.Sight{}
	for i := range s.res.Hits {
		h := &s.res.Hits[i]
		if h.Where == WherePath || h.Where == WherePerson {
			return
		}
		kept := keptHit{
			In: h.Blob, Rule: h.Rule.ID, Where: h.Where, Path: h.Path, First: h.First, Last: h.Last, Reach: h.Reach,
			InHead: h.InHead, Denied: h.Denied, Allowed: h.Allowed, Order: h.Order,
		}
		sights, ok := read[h.Blob]
		if !ok {
			if sights, ok = s.sightsOf(finder, kept); !ok {
				return
			}
			read[h.Blob] = sights
		}
		kept.N = slices.IndexFunc(s.opts.Set.At(sights, h.Path, ""), func(m match.Match) bool {
			return m.Rule == h.Rule && m.Secret == h.Secret && m.Start == h.Start && m.End == h.End
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

// sightsOf are the sights of a hit's object, which the scan has.
func (s *scanner) sightsOf(finder *match.Finder, h keptHit) ([]match.Sight, bool) {
	if ref, ok := s.db.Lookup(h.In); ok && len(s.blobs[ref]) > 0 {
		return s.blobs[ref], true
	}
	return s.lookAgain(finder, h)
}
