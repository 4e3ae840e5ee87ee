package screen

import (
	"cmp"
	"slices"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
)

// Board is what a scan found, as the engine hands it over.
type Board struct {
	Target   scan.Target
	Cases    []triage.Case
	Coverage scan.Coverage
	// Stopped is true when the scan was ended before its end.
	Stopped bool
	// Accepted is how many findings do not count, Baseline the file that says so.
	Accepted int
	Baseline string
	// Abilities say for each kind who can verify and rotate it, or why nobody can.
	Abilities map[credential.Kind]Ability
	// Notices are things a person must know about this session.
	Notices []string
}

// Ability is what can be done for one kind of credential.
type Ability struct {
	Provider string    // its stable name, for consent
	Issuer   term.Safe // "AWS IAM"
	Call     term.Safe // the read-only call of a check
	NoVerify term.Safe // why it cannot be checked
	NoRotate term.Safe // why it cannot be rotated
}

// Located is where a credential is deployed, and what its issuer says about it
// to our own access.
type Located struct {
	Placements []providers.Placement
	Gaps       []providers.Gap
	// Key is nil when the issuer was not asked or did not answer; Problem says why.
	Key     *providers.KeyState
	Problem string
	At      time.Time
}

// Excerpt is the lines around a finding, with every known secret masked.
type Excerpt struct {
	Lines []ExcerptLine
	Why   string // why there are none
}

// ExcerptLine is one line; Hit marks the finding's own.
type ExcerptLine struct {
	N    int
	Text string
	Hit  bool
}

// Run is a run as it stands.
type Run struct {
	rotate.Snapshot

	// Version grows with every change, also with those that the journal does not
	// need; an older one is stale.
	Version int64
	// Active is true while this program works on it.
	Active bool
	// Said is what the step in flight last said, Feed all of it with the journal's
	// own lines, oldest first.
	Said rotate.Event
	Feed []rotate.Event
	// Ended is how the last attempt ended, when not well.
	Ended *Problem
}

// Facts are what does not change in a session.
type Facts struct {
	ReadOnly bool
	Offline  bool
	NoReveal term.Safe // why nothing is revealed; empty when it may be
	Editor   bool      // $EDITOR is set
	Actor    string    // the person at the keyboard
}

// Note is a line of the session's log.
type Note struct {
	At   time.Time
	Text term.Safe
	Bad  bool
}

// Store is what all screens read. Only the root changes it, and only while it
// handles a message.
type Store struct {
	Facts

	Now      time.Time
	Loading  bool
	Progress scan.Progress
	LoadErr  *Problem
	Board    Board
	Cases    []*Case
	Runs     map[string]*Run
	Notes    []Note
	// Asked are the issuers for which the person has agreed to a check.
	Asked map[string]bool
	// RevealAgreed is true after the first reveal of the session was agreed to.
	RevealAgreed bool
	// Planning names the case that is being planned.
	Planning string

	byID map[string]*Case
}

// NewStore returns an empty store.
func NewStore(f Facts, now time.Time) *Store {
	return &Store{Facts: f, Now: now, Runs: map[string]*Run{}, Asked: map[string]bool{}, byID: map[string]*Case{}}
}

// SetBoard takes a scan's result in. What was learned about a credential before
// is kept.
func (s *Store) SetBoard(b Board) {
	old := s.byID
	s.Board, s.Cases, s.byID = b, nil, map[string]*Case{}
	for i, tc := range b.Cases {
		c := newCase(tc, i, b.Abilities[tc.Kind])
		if o := old[c.ID]; o != nil {
			c.Liveness, c.Located, c.Asking, c.Looking = o.Liveness, o.Located, o.Asking, o.Looking
		}
		c.refresh()
		s.Cases = append(s.Cases, c)
		s.byID[c.ID] = c
	}
	for _, r := range s.Runs {
		s.link(r)
	}
}

// Case returns a case, nil when there is none.
func (s *Store) Case(id string) *Case { return s.byID[id] }

// Drop takes a case away that was accepted.
func (s *Store) Drop(id string) {
	s.Cases = slices.DeleteFunc(s.Cases, func(c *Case) bool { return c.ID == id })
	delete(s.byID, id)
}

// SetRun takes a run in unless a newer one is known, and reports whether it did.
func (s *Store) SetRun(r *Run) bool {
	if old := s.Runs[r.Plan.ID]; old != nil && old.Version > r.Version {
		return false
	}
	s.Runs[r.Plan.ID] = r
	s.link(r)
	return true
}

// link tells a case about the run over it. A run found in the journal may be over
// a credential of another repository.
func (s *Store) link(r *Run) {
	c := s.byID[r.Plan.Case]
	if c == nil {
		return
	}
	if c.Run == nil || c.Run.Plan.ID == r.Plan.ID || r.Plan.Created.After(c.Run.Plan.Created) {
		c.Run = r
		if r.Status == rotate.RunDone && r.Proof != nil {
			c.Liveness = triage.Liveness{Value: string(providers.Dead), Verdict: providers.Verdict{
				Liveness: providers.Dead, Identity: c.Liveness.Verdict.Identity, Code: r.Proof.Code, Detail: "proven dead by run " + r.Plan.ID, At: r.Proof.To,
			}}
		}
		c.refresh()
	}
}

// Unfinished returns the runs that still need something, newest first.
func (s *Store) Unfinished() []*Run {
	var out []*Run
	for _, r := range s.Runs {
		if r.Unfinished() {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Run) int {
		return cmp.Or(b.Plan.Created.Compare(a.Plan.Created), cmp.Compare(a.Plan.ID, b.Plan.ID))
	})
	return out
}

// ActiveRuns returns how many runs this program works on now.
func (s *Store) ActiveRuns() int {
	n := 0
	for _, r := range s.Runs {
		if r.Active {
			n++
		}
	}
	return n
}

// mostNotes is how long the session's log gets.
const mostNotes = 500

// Note adds a line to the session's log.
func (s *Store) Note(bad bool, text term.Safe) {
	s.Notes = append(s.Notes, Note{At: s.Now, Text: text, Bad: bad})
	if n := len(s.Notes) - mostNotes; n > 0 { // a session may last for days
		s.Notes = slices.Delete(s.Notes, 0, n)
	}
}
