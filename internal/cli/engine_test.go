package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/triage"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// loaded is an engine after its scan, with the case of the key in production.
func (w *world) loaded() (*engine, triage.Case) {
	w.t.Helper()
	e := w.engine(w.app())
	b, err := e.Load(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range b.Cases {
		if c.Credential.ID == w.estate.LeakedID {
			return e, c
		}
	}
	w.t.Fatal("the scan did not find the key in production")
	return nil, triage.Case{}
}

func TestExcerptsHoldNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, _ := w.loaded()
	shown := 0
	for id, c := range e.cases {
		for i := range c.Findings {
			x, err := e.Excerpt(t.Context(), id, i)
			if err != nil {
				t.Fatal(err)
			}
			hit := false
			for _, l := range x.Lines {
				for _, s := range append(w.secrets(), w.leaks.Deleted.ID, w.leaks.Branch.ID) {
					if strings.Contains(l.Text, s) {
						t.Errorf("a secret is in line %d of %s", l.N, c.Findings[i].File)
					}
				}
				hit = hit || l.Hit && strings.Contains(l.Text, "****")
				shown++
			}
			if !hit {
				t.Errorf("the finding's own line of %s:%d is not shown masked: %+v", c.Findings[i].File, c.Findings[i].Line, x)
			}
		}
	}
	if shown == 0 {
		t.Error("no line at all was shown")
	}
}

// The plan tells the rotation when we ourselves asked whether the key works.
func TestPlanKnowsOfOurOwnProbes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, c := w.loaded()
	if p, err := e.Plan(t.Context(), c.ID, rotate.KeepRunning); err != nil || len(p.Probed) != 0 {
		t.Fatalf("nobody asked: %v, %v", p.Probed, err)
	}
	before := time.Now()
	if _, err := e.Verify(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	p, err := e.Plan(t.Context(), c.ID, rotate.KeepRunning)
	if err != nil || len(p.Probed) != 1 || !p.Probed[0].Covers(before) || p.ComputeDigest() != p.Digest {
		t.Errorf("asked at %s, and the plan knows of %v (%v)", before, p.Probed, err)
	}
}

// What was accepted does not come back with the next scan, and the file holds no
// value.
func TestAcceptHides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, c := w.loaded()
	file, err := e.Accept(t.Context(), c.ID, "a test key", "jo", "2099-12-31")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a test key", "jo", "2099-12-31"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in the baseline", want)
		}
	}
	for _, s := range w.secrets() {
		if strings.Contains(string(text), s) {
			t.Error("a secret is in the baseline")
		}
	}
	b, err := e.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, again := range b.Cases {
		if again.ID == c.ID {
			t.Error("the accepted credential is listed again")
		}
	}
	if b.Accepted == 0 || b.Baseline != file {
		t.Errorf("the board says nothing of it: %d, %q", b.Accepted, b.Baseline)
	}
}

// A value is shown only after it was written down who asked for it.
func TestRevealIsWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, c := w.loaded()
	v, err := e.Reveal(t.Context(), c.ID, credential.PartSecret)
	if err != nil || v.Reveal() != w.estate.LeakedSecret {
		t.Fatalf("got %v, %v", v, err)
	}
	recs, err := e.w.journal.Records(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	last := recs[len(recs)-1]
	if last.Kind != "reveal" || last.Actor != actor() || !strings.Contains(string(last.Body), c.ID) || strings.Contains(string(last.Body), w.estate.LeakedSecret) {
		t.Errorf("record: %s by %s: %s", last.Kind, last.Actor, last.Body)
	}
	if err := e.w.journal.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err := e.Reveal(t.Context(), c.ID, credential.PartSecret); err == nil || !v.Empty() {
		t.Error("a value was shown although it could not be written down")
	}
	e.app.readOnly = true
	if _, err := e.Reveal(t.Context(), c.ID, credential.PartSecret); err == nil {
		t.Error("a value was shown in read-only mode")
	}
}

func TestEditorStaysInTheTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, _ := w.loaded()
	id, at := "", 0
	for _, c := range e.cases {
		for i, f := range c.Findings {
			if f.File == "config/settings.env" {
				id, at = c.ID, i
			}
		}
	}
	cmd, err := e.Editor(id, at)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.repo, "config", "settings.env")
	if got := strings.Join(cmd.Args, " "); got != "vi +2 "+file {
		t.Errorf("got %q", got)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := errors.Join(os.WriteFile(outside, []byte("x"), 0o600), os.Remove(file), os.Symlink(outside, file)); err != nil {
		t.Fatal(err)
	}
	if cmd, err := e.Editor(id, at); err == nil {
		t.Errorf("a link out of the target is opened: %v", cmd.Args)
	}
}

// The engine itself refuses what the screens do not offer.
func TestTheEngineRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, c := w.loaded()
	p, err := e.Plan(t.Context(), c.ID, rotate.KeepRunning)
	if err != nil {
		t.Fatal(err)
	}
	from := len(w.lab.Requests())
	for name, typed := range map[string]string{"nothing": "", "another phrase": "rotate ci-bot", "a longer one": p.Phrase + " "} {
		if err := e.Start(t.Context(), p, typed); err == nil {
			t.Errorf("started with %s", name)
		}
	}
	e.app.readOnly = true
	for name, err := range map[string]error{
		"start": e.Start(t.Context(), p, p.Phrase), "resume": e.Resume(t.Context(), p.ID), "roll back": e.RollBack(t.Context(), p.ID, "x"),
		"waive": e.Waive(t.Context(), p.ID, "disable", "x"),
	} {
		if err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("%s in read-only mode: %v", name, err)
		}
	}
	for _, r := range w.lab.Requests()[from:] {
		t.Errorf("a request was made: %s", r.Op)
	}
}

// Reports and plans are for their owner only and hold no secret.
func TestFilesHoldNoSecret(t *testing.T) { //nolint:paralleltest // it changes the folder of the process
	w := newWorld(t)
	dir := t.TempDir()
	t.Chdir(dir)
	e, c := w.loaded()
	p, err := e.Plan(t.Context(), c.ID, rotate.KeepRunning)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), p, p.Phrase); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); e.running(); {
		if time.Now().After(deadline) {
			t.Fatal("the run does not end")
		}
		<-time.After(20 * time.Millisecond)
	}
	w.rotated()
	for _, run := range []string{"", p.ID} {
		if _, err := e.Report(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.SavePlan(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	written := files(t, dir)
	if len(written) != 4 {
		t.Errorf("%d files, want a scan, a plan and two of the incident", len(written))
	}
	secrets := append(w.secrets(), w.lab.AWS.Keys(w.estate.User)[0].ID)
	for name, text := range written {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
		for i, s := range secrets {
			// An access key id is the issuer's public name of the key; a plan and a
			// snapshot need it whole.
			public := strings.HasPrefix(s, "AKIA") && strings.HasSuffix(name, ".json")
			if strings.Contains(text, s) && !public {
				t.Errorf("secret %d is in %s", i, name)
			}
		}
	}
	e.stop(t.Context())
}

func TestRespondNeedsATerminal(t *testing.T) {
	t.Parallel()
	for name, facts := range map[string]term.Facts{"no stdin": {OutTTY: true}, "no stdout": {InTTY: true}, "neither": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			code := Main([]string{"respond", "it's here", "--accessible"}, Streams{
				In: strings.NewReader("1\n"), Out: &out, Err: &errs, Env: func(string) string { return "" }, Facts: facts, Now: time.Now,
			})
			if code != ExitUsage || out.Len() > 0 {
				t.Errorf("exit %d, stdout %q", code, out.String())
			}
			for _, want := range []string{"is not one", `secretguard scan 'it'\''s here' --json`, "secretguard rotate resume"} {
				if !strings.Contains(errs.String(), want) {
					t.Errorf("%q is missing in:\n%s", want, errs.String())
				}
			}
		})
	}
}

func TestOpenTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	write := func(name string, doc any) string {
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	report := map[string]any{"schema": "secretguard.scan/1", "target": map[string]string{"kind": "git", "path": w.repo}, "findings": []map[string]string{{"id": "sg1:gone"}}}
	target, ids, err := openTarget(write("report.json", report))
	if err != nil || target != w.repo || len(ids) != 1 {
		t.Fatalf("got %q, %q, %v", target, ids, err)
	}
	if target, ids, err := openTarget(w.repo); err != nil || target != w.repo || ids != nil {
		t.Errorf("a folder: %q, %q, %v", target, ids, err)
	}
	report["target"] = map[string]string{"path": filepath.Join(dir, "nowhere")}
	for name, path := range map[string]string{
		"no such path": filepath.Join(dir, "missing"), "no report": write("other.json", map[string]string{"schema": "x"}), "its target is gone": write("gone.json", report),
	} {
		if _, _, err := openTarget(path); err == nil || remedy(err) == "" {
			t.Errorf("%s: %v, next: %q", name, err, remedy(err))
		}
	}
	missing := filepath.Join(dir, "missing")
	if _, _, err := openTarget(missing); err == nil || err.Error() != fmt.Sprintf("there is no file or folder %q", missing) {
		t.Errorf("no such path: %v", err)
	}
	// What the report had and the scan has not is said.
	e := w.engine(w.app())
	e.reported = ids
	b, err := e.Load(t.Context())
	if err != nil || len(b.Notices) == 0 || !strings.Contains(b.Notices[0], "1 findings of the report were not found again") {
		t.Errorf("notices: %q, %v", b.Notices, err)
	}
}

// A run that another process works on is refused, and says so.
func TestABusyRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, c := w.loaded()
	e.w.policy.HealthNeeded = 200
	p, err := e.Plan(t.Context(), c.ID, rotate.KeepRunning)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Start(t.Context(), p, p.Phrase); err != nil {
		t.Fatal(err)
	}
	if err := e.Resume(t.Context(), p.ID); err == nil {
		t.Error("two hands on one run in one process")
	}
	other := w.engine(w.app())
	err = other.Resume(t.Context(), p.ID)
	var problem screen.Problem
	if !errors.As(err, &problem) || problem.Try == "" {
		t.Errorf("another process: %v", err)
	}
	open, _ := e.stop(t.Context())
	if len(open) != 1 || open[0].Status != rotate.RunPaused {
		t.Errorf("open: %+v", open)
	}
}
