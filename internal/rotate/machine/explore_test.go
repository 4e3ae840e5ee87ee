package machine

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/rotate"
)

// explorer holds the graph while it is walked.
type explorer struct {
	seen   map[[16]byte]int32
	parent []int32
	label  []int32
	names  []string // of labels
	named  map[string]int32
	edges  [][2]int32 // from, to
	closed []int32
	bad    string // the first thing that may not be, and how it came about
}

// explore walks through all states that may follow, until one is found that may
// not be. It returns how many there are and what is wrong, empty when nothing is.
// deep walks in depth first: it needs less memory, and its stories are longer.
func explore(start *node, deep bool) (states int, bad string) {
	x := &explorer{seen: map[[16]byte]int32{}, named: map[string]int32{}}
	for _, st := range start.s.plan.Steps {
		start.ids = append(start.ids, st.ID, "undo:"+st.ID)
	}
	start.r[0] = responder{there: true, run: Run{State: start.s, AtOnce: 5}}
	start.feed(0, Event{Kind: Begin}, false)
	type item struct {
		n  *node
		id int32
	}
	queue := []item{{start, 0}}
	x.add(start, -1, "begin")
	for len(queue) > 0 && x.bad == "" {
		at := queue[0]
		if deep {
			at = queue[len(queue)-1]
			queue = queue[:len(queue)-1]
		} else {
			queue = queue[1:]
		}
		for _, e := range at.n.next() {
			if id, fresh := x.add(e.to, at.id, e.label); fresh {
				queue = append(queue, item{e.to, id})
			}
		}
	}
	if x.bad == "" {
		x.everyStateHasAWayOut()
	}
	return len(x.parent), x.bad
}

func (x *explorer) add(n *node, from int32, label string) (id int32, fresh bool) {
	sum := sha256.Sum256([]byte(n.key()))
	k := [16]byte(sum[:16])
	id, there := x.seen[k]
	if !there {
		id = int32(len(x.parent))
		x.seen[k] = id
		x.parent, x.label = append(x.parent, from), append(x.label, x.name(label))
		if n.s.Closed() {
			x.closed = append(x.closed, id)
		}
		if bad := n.check(); len(bad) > 0 && x.bad == "" {
			x.bad = fmt.Sprintf("%s\nstate: %s\nafter:\n%s", strings.Join(bad, "\n"), n.key(), x.path(id))
		}
	}
	if from >= 0 {
		x.edges = append(x.edges, [2]int32{from, id})
	}
	return id, !there
}

func (x *explorer) name(label string) int32 {
	id, ok := x.named[label]
	if !ok {
		id = int32(len(x.names))
		x.names, x.named[label] = append(x.names, label), id
	}
	return id
}

// path tells how a state was reached.
func (x *explorer) path(id int32) string {
	var out []string
	for ; id >= 0; id = x.parent[id] {
		out = append(out, "  "+x.names[x.label[id]])
	}
	slices.Reverse(out)
	return strings.Join(out, "\n")
}

// everyStateHasAWayOut checks that from every state a closed one can be reached.
func (x *explorer) everyStateHasAWayOut() {
	// The edges that lead into a state stand side by side, from first[state] on.
	first := make([]int32, len(x.parent)+1)
	for _, e := range x.edges {
		first[e[1]+1]++
	}
	for i := range x.parent {
		first[i+1] += first[i]
	}
	into, fill := make([]int32, len(x.edges)), slices.Clone(first)
	for _, e := range x.edges {
		into[fill[e[1]]] = e[0]
		fill[e[1]]++
	}
	out := make([]bool, len(x.parent))
	todo := slices.Clone(x.closed)
	for _, id := range todo {
		out[id] = true
	}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, from := range into[first[id]:first[id+1]] {
			if !out[from] {
				out[from] = true
				todo = append(todo, from)
			}
		}
	}
	stuck := 0
	for id, ok := range out {
		if !ok {
			if stuck++; stuck == 1 {
				x.bad = "a state without a way out, after:\n" + x.path(int32(id))
			}
		}
	}
	if stuck > 0 {
		x.bad = fmt.Sprintf("%d of %d states have no way out\n%s", stuck, len(x.parent), x.bad)
	}
}

// story is one world that is explored.
type story struct {
	name      string
	consumers int
	quota     int
	strategy  rotate.Strategy
	left      budget
	wrong     wrong
	stranger  bool
	literal   bool
	hidden    bool
	unfenced  bool
}

func (s story) start(t *testing.T) *node {
	t.Helper()
	p := planOf(s.consumers, s.strategy)
	s.wrong.spoil(&p)
	w := newWorld(s.consumers, s.quota)
	w.stranger, w.literal, w.hidden = s.stranger, s.literal, s.hidden
	return &node{w: w, s: approved(t, p).state(t), left: s.left, unfenced: s.unfenced}
}

// wrong is a plan in the wrong order: the rules must hold whatever a planner does.
type wrong string

const (
	stopsEarly  wrong = "stops the old key before the consumers have the new one"
	stopsBeside wrong = "stops the old key while the consumers change"
	pushesEarly wrong = "pushes values while the new key is made"
)

func (w wrong) spoil(p *rotate.Plan) {
	issue, _ := p.Step("issue")
	validate, _ := p.Step("validate")
	for i, st := range p.Steps {
		switch st.Action {
		case rotate.ActQuiet, rotate.ActDisable, rotate.ActSoak, rotate.ActDelete, rotate.ActProve:
			switch w {
			case stopsEarly:
				p.Steps[i].Stage = validate.Stage
			case stopsBeside:
				p.Steps[i].Stage = validate.Stage + 1
			default:
			}
		case rotate.ActStore:
			if w == pushesEarly {
				p.Steps[i].Stage = issue.Stage
			}
		default:
		}
	}
}

// quick are the worlds that every test run walks through.
var quick = []story{
	{name: "stops early", consumers: 1, quota: 2, wrong: stopsEarly, left: budget{crashes: 1, rollbacks: 1}},
	{name: "stops beside", consumers: 1, quota: 2, wrong: stopsBeside, left: budget{crashes: 1, rollbacks: 1}},
	{name: "pushes early", consumers: 1, quota: 2, wrong: pushesEarly, left: budget{crashes: 1, rollbacks: 1}},
	{name: "stops beside, and a stranger", consumers: 1, quota: 2, wrong: stopsBeside, stranger: true, left: budget{crashes: 1, rollbacks: 1}},
	{name: "a stranger", consumers: 1, quota: 2, stranger: true, left: budget{crashes: 1, faults: 1, rollbacks: 1}},
	{name: "a value elsewhere", consumers: 1, quota: 2, literal: true, left: budget{crashes: 1, faults: 1}},
	{name: "a consumer falls ill in the soak", consumers: 1, quota: 2, hidden: true, left: budget{crashes: 1, rollbacks: 1}},
	{name: "a consumer falls ill and it was contained first", consumers: 1, quota: 2, strategy: rotate.ContainFirst, hidden: true, left: budget{crashes: 1, rollbacks: 1}},
	{name: "stops beside, and a consumer falls ill", consumers: 1, quota: 2, wrong: stopsBeside, hidden: true, left: budget{crashes: 1}},
	{name: "two consumers", consumers: 2, quota: 2, left: budget{crashes: 1, rollbacks: 1}},
	{name: "contain first", consumers: 1, quota: 2, strategy: rotate.ContainFirst, left: budget{crashes: 2, faults: 1}},
	{name: "a stop", consumers: 1, quota: 2, left: budget{crashes: 1, faults: 1, stops: 1}},
	{name: "two kills, one lost answer, way back", consumers: 1, quota: 2, left: budget{crashes: 2, faults: 1, rollbacks: 1}},
	{name: "two lost answers, no quota", consumers: 1, left: budget{crashes: 1, faults: 2, rollbacks: 1}},
	{name: "a second responder takes over", consumers: 1, quota: 2, left: budget{crashes: 1, faults: 1, takeovers: 1}},
	{name: "an attacker", consumers: 1, quota: 2, left: budget{crashes: 1, faults: 1, attacks: 1, rollbacks: 1}},
}

func TestExplore(t *testing.T) {
	t.Parallel()
	total := 0
	for _, s := range quick {
		n, bad := explore(s.start(t), false)
		if bad != "" {
			t.Fatalf("%s: %s", s.name, bad)
		}
		t.Logf("%s: %d states", s.name, n)
		total += n
	}
	t.Logf("%d states, no violation, and a way out of each", total)
}

// What the lease is for: without its fence a replaced responder goes on.
func TestExploreFindsAMissingFence(t *testing.T) {
	t.Parallel()
	s := story{consumers: 1, quota: 2, unfenced: true, left: budget{takeovers: 1}}
	if _, bad := explore(s.start(t), false); !strings.HasPrefix(bad, "I") {
		t.Fatalf("found: %q", bad)
	}
}

// Two responders, three consumers, an attacker and two kills: "make soak".
func TestExploreAll(t *testing.T) {
	if os.Getenv("SECRETGUARD_SOAK") == "" {
		t.Skip("walks through some million states: make soak")
	}
	for _, s := range []story{
		{name: "three consumers, two responders, two kills, an attacker", consumers: 3, quota: 2, left: budget{crashes: 2, attacks: 1, takeovers: 1}},
		{name: "two consumers and a stranger, two kills, way back", consumers: 2, quota: 2, stranger: true, left: budget{crashes: 2, rollbacks: 1}},
		{name: "two consumers, one falls ill in the soak, two kills, a lost answer, way back", consumers: 2, quota: 2, hidden: true, left: budget{crashes: 2, faults: 1, rollbacks: 1}},
		{name: "one consumer falls ill and it was contained first, two kills, a lost answer, way back", consumers: 1, quota: 2, strategy: rotate.ContainFirst, hidden: true, left: budget{crashes: 2, faults: 1, rollbacks: 1}},
		{name: "three consumers, a kill, way back", consumers: 3, quota: 2, left: budget{crashes: 1, rollbacks: 1}},
		{name: "two consumers, a kill, a lost answer, a takeover, way back", consumers: 2, quota: 2, left: budget{crashes: 1, faults: 1, takeovers: 1, rollbacks: 1}},
	} {
		begin := time.Now()
		n, bad := explore(s.start(t), true)
		if bad != "" {
			t.Fatalf("%s: %s", s.name, bad)
		}
		t.Logf("%s: %d states in %s, no violation, and a way out of each", s.name, n, time.Since(begin).Round(time.Second))
	}
}
