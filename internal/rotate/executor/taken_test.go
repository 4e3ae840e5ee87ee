package executor_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/rotate/orphans"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
	"github.com/secretguard/secretguard/internal/rotate/runs"
)

// guard stands before the issuer's twin: it sees each request that takes a key away
// and asks the journal, before the twin does, who named that key.
type guard struct {
	mu      sync.Mutex
	journal *journal.Journal // of the call that goes on
	person  []string         // ids that a person named
	taken   []string         // what was asked for: "disable the plan's old key"
	bad     []string
	atIssue func() // what somebody else does as a new key is asked for; nil for nothing
}

func (g *guard) wrap(service string, twin http.Handler) http.Handler {
	if service != "aws" {
		return twin
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body)) // what is no form takes no key away
		switch {
		case form.Get("Action") == "CreateAccessKey" && g.atIssue != nil:
			g.atIssue()
		case form.Get("Action") == "DeleteAccessKey":
			g.judge(r.Context(), "delete", form.Get("AccessKeyId"))
		case form.Get("Action") == "UpdateAccessKey" && form.Get("Status") != "Active":
			g.judge(r.Context(), "disable", form.Get("AccessKeyId"))
		}
		twin.ServeHTTP(w, r)
	})
}

// judge notes who named a key that is about to go. Only the plan's old key is ever
// disabled; what is deleted may also be a key that the journal says we made, or one
// that a person named.
func (g *guard) judge(ctx context.Context, verb, id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	who, err := g.who(context.WithoutCancel(ctx), id)
	switch {
	case err != nil:
		g.bad = append(g.bad, fmt.Sprintf("%s: the journal cannot be asked: %v", verb, err))
	case who == "" || verb == "disable" && who != "the plan's old key":
		g.bad = append(g.bad, fmt.Sprintf("%s %s, which is %q", verb, id, who))
	default:
		g.taken = append(g.taken, verb+" "+who)
	}
}

func (g *guard) who(ctx context.Context, id string) (string, error) {
	if slices.Contains(g.person, id) {
		return "a key that a person named", nil
	}
	if g.journal == nil {
		return "", nil
	}
	ids, err := g.journal.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, run := range ids {
		s, err := runs.Load(ctx, g.journal, run)
		if err != nil {
			return "", err
		}
		switch {
		case s.Plan().Old.ID == id && s.Approved():
			return "the plan's old key", nil
		case s.New().ID == id:
			return "the run's new key", nil
		}
		for _, o := range s.Orphans() {
			if o.Ref.ID == id {
				return "the run's orphan", nil
			}
		}
	}
	return "", nil
}

func (g *guard) over(j *journal.Journal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.journal = j
}

// mishap is a planned misbehaviour of a service.
type mishap struct {
	at    int // of troubles
	fault lab.Fault
}

// act is what a person does after a call has ended.
type act int

const (
	goesOn act = iota
	goesBack
	givesUp
)

// tale is a run with all that happens to it.
type tale struct {
	contain bool
	mishaps []mishap
	kills   []int // the boundary at which each call is killed; 0 for none
	acts    []act
	// Others who have the owner's rights do something at the event of the first call
	// with that number; 0 for never.
	keyAppears, newKeyGoes, consumerFails int
	// besides: somebody else makes a key as the run asks for one.
	besides bool
}

func tales() *rapid.Generator[tale] {
	fault := rapid.Custom(func(t *rapid.T) mishap {
		kinds := []lab.Fault{
			{DropBefore: true},
			{DropAfter: true},
			{DropAfter: true},
			{Status: 500},
			{Status: 502, LieAfter: true},
			{Cut: true, Keep: rapid.IntRange(0, 120).Draw(t, "keep")},
			{Status: 200, Body: "<html>log in</html>"},
			{Status: 429, RetryAfter: "0"},
			{Status: 403},
		}
		f := rapid.SampledFrom(kinds).Draw(t, "kind")
		f.Times, f.Skip = rapid.IntRange(1, 3).Draw(t, "times"), rapid.IntRange(0, 3).Draw(t, "skip")
		return mishap{max(0, rapid.IntRange(-len(troubles)/2, len(troubles)-1).Draw(t, "where")), f} // often that of an issue
	})
	return rapid.Custom(func(t *rapid.T) tale {
		return tale{
			contain:       rapid.Bool().Draw(t, "contain"),
			mishaps:       rapid.SliceOfN(fault, 0, 4).Draw(t, "mishaps"),
			kills:         rapid.SliceOfN(rapid.IntRange(0, 60), 0, 3).Draw(t, "kills"),
			acts:          rapid.SliceOfN(rapid.SampledFrom([]act{goesOn, goesOn, goesOn, goesBack, givesUp}), 6, 6).Draw(t, "acts"),
			keyAppears:    rapid.IntRange(0, 60).Draw(t, "a key appears"),
			newKeyGoes:    rapid.IntRange(0, 120).Draw(t, "the new key goes"),
			consumerFails: rapid.IntRange(0, 120).Draw(t, "a consumer fails"),
			besides:       rapid.IntRange(0, 3).Draw(t, "besides") == 0,
		}
	})
}

// stage is where a tale is played: the demo's estate, and a user whom it is not about.
type stage struct {
	*rotatetest.World
	guard   *guard
	mu      sync.Mutex        // over foreign: a twin and the run's listener add to it
	foreign map[string]string // keys that somebody else made, and of whom
}

func newStage(t *testing.T) *stage {
	t.Helper()
	g := &guard{}
	s := &stage{World: rotatetest.NewOn(t, lab.Options{Wrap: g.wrap}, 0), guard: g, foreign: map[string]string{}}
	s.Lab.AWS.CreateUser("somebody-else")
	s.foreignKey("somebody-else")
	return s
}

func (s *stage) foreignKey(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, _ := s.Lab.AWS.CreateKey(user)
	s.foreign[id] = user
}

// play goes through a tale. However its calls end is not looked at here: TestSoak does.
func (s *stage) play(x tale) {
	var run string
	for n, act := range append([]act{goesOn}, x.acts...) {
		s.CrashAt = func(i int, _ string) bool { return n < len(x.kills) && i == x.kills[n] }
		s.OnEvent = nil
		if n == 0 {
			s.OnEvent = s.others(x)
		}
		if n == 4 {
			s.Lab.Calm()
			s.Lab.Render.Fail(s.Estate.Web, false)
		}
		j := s.Open()
		s.guard.over(j)
		err := s.call(j, &run, act, x)
		s.guard.over(nil)
		_ = j.Close() // it is opened anew, as by a new process
		if err == nil || errors.Is(err, rotate.ErrRolledBack) {
			break
		}
	}
	s.sweep()
}

func (s *stage) call(j *journal.Journal, run *string, act act, x tale) error {
	ex := s.Executor(j)
	switch {
	case *run == "":
		p, err := s.Plan(j, func(r *planner.Request) {
			rotatetest.Fast(r)
			r.Policy.ReadyWithin, r.Policy.AttestWithin = r.Policy.ReadyWithin/20, r.Policy.AttestWithin/20
			if x.contain {
				r.Strategy = rotate.ContainFirst
			}
		})
		if err != nil {
			s.T.Fatal(err)
		}
		*run = p.ID
		if x.besides {
			s.guard.atIssue = sync.OnceFunc(func() { s.foreignKey(s.Estate.User) })
		}
		for _, m := range x.mishaps {
			s.Lab.Fault(troubles[m.at].service, troubles[m.at].op, m.fault)
		}
		return ex.Start(s.T.Context(), p, rotate.Approval{Digest: p.Digest, Who: "tester"})
	case act == goesBack:
		return ex.Rollback(s.T.Context(), *run, "test")
	case act == givesUp:
		return ex.Abandon(s.T.Context(), *run, "test")
	}
	return ex.Resume(s.T.Context(), *run)
}

// others are what somebody else does while the first call goes on.
func (s *stage) others(x tale) func(rotate.Event) {
	n := 0
	return func(rotate.Event) {
		n++
		switch n {
		case x.keyAppears:
			s.foreignKey(s.Estate.User)
		case x.newKeyGoes:
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, k := range s.Lab.AWS.Keys(s.Estate.User) {
				if k.ID != s.Estate.LeakedID && s.foreign[k.ID] == "" {
					s.Lab.AWS.RemoveKey(k.ID)
				}
			}
		case x.consumerFails:
			s.Lab.Render.Fail(s.Estate.Web, true)
		}
	}
}

// sweep is a person who names everything for deletion: what no run left behind must
// not be asked for.
func (s *stage) sweep() {
	j := s.Open()
	defer func() { _ = j.Close() }()
	s.Lab.Calm()
	left, err := orphans.Leftovers(s.T.Context(), j, s.Reg)
	if err != nil {
		s.T.Fatal(err)
	}
	for _, id := range append(slices.Collect(maps.Keys(s.foreign)), s.Estate.LeakedID) {
		if !slices.ContainsFunc(left, func(l orphans.Leftover) bool { return l.Key.Ref.ID == id }) {
			_ = orphans.DeleteLeftover(s.T.Context(), j, s.Reg, id, true, "tester", "test") // the guard says whether it was sent
		}
	}
	for _, l := range left {
		s.guard.mu.Lock()
		s.guard.person = append(s.guard.person, l.Key.Ref.ID)
		s.guard.mu.Unlock()
		_ = orphans.DeleteLeftover(s.T.Context(), j, s.Reg, l.Key.Ref.ID, true, "tester", "test") // one in use stays
	}
}

// wrong says what may not have happened; empty when all is well.
func (s *stage) wrong() string {
	bad := slices.Clone(s.guard.bad)
	for id, user := range s.foreign {
		if !slices.ContainsFunc(s.Lab.AWS.Keys(user), func(k lab.KeyView) bool { return k.ID == id && k.Active }) {
			bad = append(bad, "somebody else's key "+id+" is gone, or disabled")
		}
	}
	return strings.Join(bad, "\n")
}

// Whatever fails, crashes or interferes: only keys that the plan names, the journal
// names as made by the run, or a person names, are ever taken away at the issuer. The
// requests themselves are looked at, on real effects.
func TestOnlyNamedKeysAreTakenAway(t *testing.T) {
	t.Parallel()
	if os.Getenv("SECRETGUARD_SOAK") == "" && flag.Lookup("rapid.checks").Value.String() == flag.Lookup("rapid.checks").DefValue {
		fewer(t, 15) // each of them is a whole rotation
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newStage(t)
		defer s.Lab.Close()
		s.play(tales().Draw(rt, "tale"))
		if wrong := s.wrong(); wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func fewer(t *testing.T, checks int) {
	t.Helper()
	if err := flag.Set("rapid.checks", fmt.Sprint(checks)); err != nil {
		t.Fatal(err)
	}
}

// The guard sees what it is for: each sort of key that a run may take away, and one
// that it may not.
func TestGuardSeesWhatIsTakenAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tale tale
		want []string
	}{
		"a good day":    {tale{}, []string{"disable the plan's old key", "delete the plan's old key"}},
		"a lost answer": {tale{mishaps: []mishap{{at: 0, fault: lab.Fault{DropAfter: true}}}}, []string{"delete the run's orphan", "disable the plan's old key", "delete the plan's old key"}},
		"a way back":    {tale{consumerFails: 1, acts: []act{goesBack}}, []string{"delete the run's new key"}},
		"given up":      {tale{consumerFails: 1, acts: []act{givesUp}}, []string{"delete a key that a person named"}},
		"another's key": {tale{besides: true, mishaps: []mishap{{at: 0, fault: lab.Fault{DropBefore: true}}}}, nil},
		"contain first": {tale{contain: true}, []string{"disable the plan's old key", "delete the plan's old key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.play(c.tale)
			if wrong := s.wrong(); wrong != "" || !slices.Equal(s.guard.taken, c.want) {
				t.Errorf("taken %q, want %q; wrong: %q", s.guard.taken, c.want, wrong)
			}
		})
	}
	t.Run("a foreign key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.play(tale{})
		key := providers.KeyRef{ID: slices.Collect(maps.Keys(s.foreign))[0], Owner: "somebody-else"}
		aws, _ := s.Reg.Get("aws")
		deleter, _ := providers.As[providers.Deleter](aws)
		if err := deleter.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if wrong := s.wrong(); !strings.Contains(wrong, "delete "+key.ID) || !strings.Contains(wrong, "is gone") {
			t.Errorf("not seen: %q", wrong)
		}
	})
}
