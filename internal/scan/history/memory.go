package history

import (
	"crypto/sha256"
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/history/known"
	"github.com/secretguard/secretguard/internal/scan/pack"
	"github.com/secretguard/secretguard/internal/scan/seen"
)

// Memory keeps what a scan knows of a repository for the next one. What it gives
// back may be damaged or old; that it keeps nothing is no harm.
type Memory interface {
	Load(name string) []byte
	Save(name string, data []byte)
}

// indexed is an object database that can find many names at once.
type indexed interface {
	known.DB
	Fingerprint() [32]byte
}

// memory is what a scan remembers, and collects to be remembered.
type memory struct {
	*known.Book

	store Memory
	key   [32]byte
	kept  bool // an earlier scan left something that is of use
}

// keyOf names everything that decides what a scan finds in an object.
func (o Options) keyOf() [32]byte {
	return sha256.Sum256([]byte(fmt.Sprintf("%s\n%d\n%d\n%s\n", o.Set.Hash(), o.MaxSize, o.ArchiveDepth, o.Version)))
}

// recall finds out which objects are known. Without a memory, or with one that is of
// no use, everything is fresh.
func (s *scanner) recall() {
	db, ok := s.db.(indexed)
	if !ok || s.opts.Memory == nil {
		return
	}
	m := &memory{Book: known.New(db), store: s.opts.Memory, key: s.opts.keyOf()}
	s.memory = m
	k, err := seen.Decode(m.store.Load("seen"))
	if err != nil || k.Key != m.key || k.Width != s.db.Width() {
		return
	}
	m.kept = true
	m.Recall(k)
	s.graph.Commits, s.trees = append(s.graph.Commits, m.Commits...), m.Index
	s.res.JoinBlobs(m.Counts)
	s.res.Trees += len(m.Trees)
	s.res.Known = m.Known
	s.bytes.Add(m.Bytes)
}

// worthKeeping is the part of all objects from which on new ones are kept: a few
// are as soon looked at again.
const worthKeeping = 300

// keep writes down what is known now.
func (s *scanner) keep() {
	m := s.memory
	if m == nil || len(s.db.Problems()) > 0 || s.res.TooDeep > 0 || s.res.Damaged.Count > 0 {
		return
	}
	if m.kept && len(m.Fresh)-s.heldSomething() <= s.db.Len()/worthKeeping {
		return
	}
	speaks := map[pack.Ref]bool{}
	for _, x := range s.messages {
		speaks[x.Ref] = true
	}
	k := m.Now(known.Now{
		Graph: s.graph, Trees: s.trees, Nodes: s.nodes,
		Speaks: func(r pack.Ref) bool { return speaks[r] },
		Holds:  func(r pack.Ref) bool { return len(s.blobs[r]) > 0 },
		Secret: s.telling().gives,
	})
	k.Key = m.key
	m.store.Save("seen", k.Encode())
}

// heldSomething is about how many objects are fresh in every scan.
func (s *scanner) heldSomething() int {
	return len(s.blobs) + s.again + len(s.messages) + len(s.memory.TreeAgain)
}
