package supabase_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/planner"
	"github.com/secretguard/secretguard/internal/rotate/rotatetest"
)

// passwordRun is a world in which a database's password leaked.
type passwordRun struct {
	*rotatetest.World

	db  *lab.Database
	old string

	mu  sync.Mutex
	set []string // each password that a call set
}

const databaseVariable = "DATABASE_URL"

func newPasswordRun(t *testing.T) *passwordRun {
	t.Helper()
	w := rotatetest.NewSmall(t)
	r := &passwordRun{World: w, db: w.Lab.Supabase.Database, old: "p@s/" + lab.MadeUp("", 20)}
	r.db.Start(r.old)
	r.db.OnSet(func(password string) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.set = append(r.set, password)
		return nil
	})
	w.Lab.Netlify.SetVar(w.Estate.Site, databaseVariable, "production", r.direct(r.old), false)
	w.Leaked = keyOf(credential.SupabaseDatabase, r.old)
	return r
}

func (r *passwordRun) direct(password string) string {
	return "postgresql://postgres:" + url.QueryEscape(password) + "@db." + r.Lab.Supabase.Ref() + ".supabase.co:5432/postgres"
}

func (r *passwordRun) start() (rotate.Plan, error) {
	return r.Start(func(q *planner.Request) { rotatetest.Fast(q); q.MinLevel = rotate.L1 })
}

// another is the program begun anew: what the process before remembered is gone.
func (r *passwordRun) another() {
	r.CrashAt = nil
	r.Reg = rotatetest.Registry(r.T, r.Lab.Env(), 0)
}

// same is the one password that all calls set; it must be in force.
func (r *passwordRun) same() string {
	r.T.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	set := slices.Compact(slices.Clone(r.set))
	if len(set) != 1 || set[0] != r.db.Password() {
		r.T.Fatalf("%d calls set %d passwords", len(r.set), len(set))
	}
	return set[0]
}

func (r *passwordRun) assertSays(lines []string, wanted ...string) {
	r.T.Helper()
	for _, want := range wanted {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, want) }) {
			r.T.Errorf("%q is not in %q", want, lines)
		}
	}
}

func (r *passwordRun) assertDone(run string) {
	r.T.Helper()
	s := r.Snapshot(run)
	if s.Status != rotate.RunDone || s.Proof == nil || s.Proof.Code != "28P01" || s.Proof.Refusals != 1 {
		r.T.Fatalf("run is %s: %s (%+v)", s.Status, s.Problem, s.Proof)
	}
	if got := r.Lab.Netlify.Value(r.Estate.Site, databaseVariable, "production"); got != r.direct(r.same()) {
		r.T.Error("the consumer has not the new password")
	}
	if r.db.Accepts(r.old) {
		r.T.Error("the old password logs in")
	}
}

// The password stands in connection strings, directly and through the pooler, escaped, and
// alone: each is changed in place. The plan shows the gap, and the proof asks once.
func TestDatabaseRotation(t *testing.T) {
	t.Parallel()
	r := newPasswordRun(t)
	ref, site := r.Lab.Supabase.Ref(), r.Estate.Site
	web := r.Lab.Render.AddService("worker", "web_service")
	values := map[string]func(password string) string{
		"POOLER_URL": func(p string) string {
			return "postgres://postgres." + ref + ":" + url.PathEscape(p) + "@aws-0-eu-central-1.pooler.supabase.com:6543/postgres?pgbouncer=true"
		},
		"RAW_URL":     func(p string) string { return "postgres://postgres:" + p + "@db." + ref + ".supabase.co/postgres" },
		"DB_PASSWORD": func(p string) string { return p },
		"DB_OPTIONS":  func(p string) string { return `{"user":"postgres","password":"` + p + `","ssl":true}` },
		"BOTH":        func(p string) string { return r.direct(p) + " " + p },
	}
	for name, write := range values {
		r.Lab.Netlify.SetVar(site, name, "production", write(r.old), false)
		r.Lab.Render.SetVar(web, name, write(r.old))
	}
	r.Lab.Netlify.SetVar(site, "OTHER", "production", "postgres://postgres:x@db.example.com/x", false)
	r.Lab.Render.Deploy(web)
	p, err := r.start()
	if err != nil {
		t.Fatal(err)
	}
	r.assertDone(p.ID)
	fresh := r.same()
	for name, write := range values {
		if r.Lab.Netlify.Value(site, name, "production") != write(fresh) || r.Lab.Render.Value(web, name) != write(fresh) {
			t.Errorf("%s was not changed in place", name)
		}
	}
	if r.Lab.Netlify.Value(site, "OTHER", "production") != "postgres://postgres:x@db.example.com/x" {
		t.Error("another database's password was changed")
	}
	if n, banned := r.db.Refused(); n != 1 || banned {
		t.Errorf("refused %d times, shut out: %v: the proof got itself shut out", n, banned)
	}
	r.assertSays(p.Risks, "THE GAP: the old password is dead the moment", "There is no way back", "keeps one key only")
	st, _ := p.Step("issue")
	if st.Undo != rotate.UndoNone || !strings.Contains(st.Risk, "OUTAGE BEGINS") || p.Policy.ProofRefusals != 1 || p.Policy.ProofWindow != 0 {
		t.Errorf("%+v, %d refusals over %s", st, p.Policy.ProofRefusals, p.Policy.ProofWindow)
	}
	if len(p.Outage) != 2 || p.Outage[0].Down == 0 || p.Outage[0].Open || !strings.Contains(p.Outage[0].Note, "which ends the old one") {
		t.Errorf("the estimate of the outage: %+v", p.Outage)
	}
	stage := 0 // all consumers at once: they are down together
	for _, s := range p.Steps {
		if s.Action == rotate.ActDeploy && stage != 0 && s.Stage != stage {
			t.Errorf("%s waits for another consumer", s.ID)
		}
		if s.Action == rotate.ActDeploy {
			stage = s.Stage
		}
	}
}

// A lost answer is repeated with the very same password, also by the process after a kill.
func TestDatabaseLostAnswer(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]lab.Fault{
		"before the effect": {DropBefore: true}, "after the effect": {DropAfter: true}, "twice after it": {DropAfter: true, Times: 2}, "cut off": {Cut: true, Keep: 8}, "a 500 after it": {Status: 500, LieAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newPasswordRun(t)
			r.Lab.Fault("services", "supabase set database password", f)
			p, err := r.start()
			if err != nil {
				t.Fatal(err)
			}
			r.assertDone(p.ID)
			if n, _ := r.db.Refused(); n != 1 {
				t.Errorf("refused %d times", n)
			}
		})
	}
}

// Answers that are lost without end: a person looks, and the resume sets the same password.
func TestDatabaseLostWithoutEnd(t *testing.T) {
	t.Parallel()
	r := newPasswordRun(t)
	r.Lab.Fault("services", "supabase set database password", lab.Fault{DropAfter: true, Times: 99})
	p, err := r.start()
	r.AssertHeld(p.ID, err)
	r.assertSays(r.Snapshot(p.ID).Stands, "its value is sealed on this machine, and the resume sets it once more")
	if err := r.Rollback(p.ID); err == nil || !strings.Contains(err.Error(), "no working key") {
		t.Errorf("rolled back: %v", err)
	}
	r.Lab.Calm()
	r.another()
	if err := r.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	r.assertDone(p.ID)
}

// Killed anywhere, the run ends with one password that every consumer has.
func TestDatabaseKilledAtEveryBoundary(t *testing.T) {
	t.Parallel()
	r := newPasswordRun(t)
	if _, err := r.start(); err != nil {
		t.Fatal(err)
	}
	for n, point := range r.Points {
		t.Run(fmt.Sprintf("%02d %s", n+1, point), func(t *testing.T) {
			t.Parallel()
			r := newPasswordRun(t)
			r.CrashAt = func(i int, _ string) bool { return i == n+1 }
			p, err := r.start()
			if !errors.Is(err, rotatetest.ErrKilled) {
				t.Fatalf("not killed: %v", err)
			}
			r.another()
			err = r.Resume(p.ID)
			if r.Snapshot(p.ID).Status == "" { // killed before the approval was written
				if p, err = r.start(); err != nil {
					t.Fatal(err)
				}
			}
			if n, banned := r.db.Refused(); banned {
				// Killed in the proof, and asked once more by the next process. Then nothing
				// is known, and a person lifts the ban.
				s := r.Snapshot(p.ID)
				if n != 2 || s.Proof != nil || !errors.Is(err, rotate.ErrHeld) {
					t.Fatalf("refused %d times, proof %+v, %v", n, s.Proof, err)
				}
				r.db.Unban()
				r.another()
				err = r.Resume(p.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			r.assertDone(p.ID)
		})
	}
}

// Once the new password is set there is no way back, and the run says so; before that
// nothing has changed.
func TestDatabaseHasNoWayBack(t *testing.T) {
	t.Parallel()
	r := newPasswordRun(t)
	r.Lab.Fault("netlify", "PATCH env", lab.Fault{Status: 403, Times: 50})
	p, err := r.start()
	r.AssertHeld(p.ID, err)
	if err := r.Rollback(p.ID); err == nil || !strings.Contains(err.Error(), "ended when the new one took its place") {
		t.Errorf("rolled back: %v", err)
	}
	r.assertSays(r.Snapshot(p.ID).Stands, "WHOEVER STILL HAS IT IS DOWN", "there is no way back")
	r.Lab.Calm()
	if err := r.Resume(p.ID); err != nil {
		t.Fatal(err)
	}
	r.assertDone(p.ID)

	r = newPasswordRun(t)
	r.Lab.Fault("services", "supabase set database password", lab.Fault{Status: 403})
	p, err = r.start()
	r.AssertHeld(p.ID, err, "lacks a permission")
	if err := r.Rollback(p.ID); !errors.Is(err, rotate.ErrRolledBack) || !r.db.Accepts(r.old) {
		t.Errorf("nothing was changed, and it is not given up: %v", err)
	}
}

// Given up, it says what is left: no value that opens the database is kept here.
func TestDatabaseAbandoned(t *testing.T) {
	t.Parallel()
	r := newPasswordRun(t)
	r.Lab.Fault("services", "supabase set database password", lab.Fault{DropAfter: true, Times: 99})
	p, err := r.start()
	r.AssertHeld(p.ID, err)
	if err := r.Abandon(p.ID, "a test"); err != nil {
		t.Fatal(err)
	}
	r.assertSays(r.Snapshot(p.ID).Left, "ended when the new one took its place, or may have", "set another one by hand, and give it to every consumer")
}

// In the proof too only a refusal of the password counts.
func TestDatabaseProofCountsRefusalsOnly(t *testing.T) {
	t.Parallel()
	r := newPasswordRun(t)
	r.When("delete", rotate.StepDone, func() {
		r.db.Plan(
			lab.DatabaseFault{Code: "53300", Message: "too many clients"}, // of the control request
			lab.DatabaseFault{Code: "57P03"},
		)
	})
	p, err := r.start()
	if err != nil {
		t.Fatal(err)
	}
	r.assertDone(p.ID)

	// Shut out in between, nothing is proven until a person lifts that.
	r = newPasswordRun(t)
	r.When("delete", rotate.StepDone, func() {
		for range 4000 {
			r.db.Plan(lab.DatabaseFault{Code: "XX000", Message: "no more connections allowed"})
		}
	})
	p, err = r.Start(func(q *planner.Request) {
		rotatetest.Fast(q)
		q.MinLevel, q.Policy.ReadyWithin = rotate.L1, 5e9
	})
	r.AssertHeld(p.ID, err, "SQLSTATE XX000")
	if s := r.Snapshot(p.ID); s.Proof != nil {
		t.Errorf("proof %+v", s.Proof)
	}
}
