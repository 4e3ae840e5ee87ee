package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/term"
)

// a plan with the given foreign name in every place where one may stand.
func planOf(name string) rotate.Plan {
	return rotate.Plan{
		ID: "r-0a1b2c3d4e", Old: providers.KeyRef{Owner: name}, OldMask: "AKIA************WXYZ", Strategy: rotate.KeepRunning, Digest: strings.Repeat("7f", 32),
		Steps: []rotate.Step{
			{N: 1, ID: "issue", Title: "issue a second key for " + name, Undo: "delete the new key", Risk: "none"},
			{N: 2, ID: "store", Title: "store in netlify " + name, Undo: "store the old value again", Risk: "takes effect with the next deploy"},
			{N: 3, ID: "delete", Title: "delete the old key", Undo: rotate.UndoNone, Risk: "cannot be undone"},
		},
		Risks: []string{"not searched: " + name + " (not configured)"},
		Needs: []rotate.Need{{Permission: "iam:CreateAccessKey", Status: "unknown"}, {Permission: "iam:ListAccessKeys", Status: "ok"}},
	}
}

func runOf(name string) rotate.Snapshot {
	return rotate.Snapshot{
		Plan: planOf(name), Status: rotate.RunHeld, Problem: "why " + name, Remedy: "secretguard rotate resume r-0a1b2c3d4e",
		Steps: []rotate.StepState{
			{ID: "issue", Status: rotate.StepDone, Detail: "made for " + name},
			{ID: "store", Status: rotate.StepFailed, Detail: "why " + name},
			{ID: "delete", Status: rotate.StepWaiting},
		},
		Log: []rotate.Event{{Text: "held: " + name, Detail: "why " + name}},
	}
}

// What a person approves must be there to be read: no word of a plan is cut off,
// however long the names are.
func TestNothingOfAPlanIsCut(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("a very long name of a service ", 12) + strings.Repeat("w", 300)
	var b bytes.Buffer
	if err := WritePlan(&b, planOf(name)); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(b.String()), " ")
	for _, s := range planOf(name).Steps {
		for _, want := range []string{s.Title, s.Undo} {
			if !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("missing in the text: %q", want)
			}
		}
	}
	for _, want := range []string{"takes effect with the next deploy", "cannot be undone; undo: NONE", planOf(name).Risks[0], "7f7f-7f7f", "iam:CreateAccessKey"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing in the text: %q", want)
		}
	}
	if strings.Contains(text, "iam:ListAccessKeys") {
		t.Error("a right that is known to be there is no news")
	}
	for line := range strings.SplitSeq(b.String(), "\n") {
		if term.Width(term.Safe(line)) > page && strings.Count(strings.TrimSpace(line), " ") > 3 {
			t.Errorf("a line of %d cells: %.60q…", term.Width(term.Safe(line)), line)
		}
	}
}

func TestHeldRunSaysWhyOnceAndWhatIsNext(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteRun(&b, runOf("shop")); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "why shop"); n != 1 {
		t.Errorf("the problem is told %d times:\n%s", n, b.String())
	}
	if !strings.Contains(b.String(), "next: secretguard rotate resume r-0a1b2c3d4e\n") {
		t.Errorf("no next command:\n%s", b.String())
	}
}

// An incident report must not call a key harmless that nobody has proven dead.
func TestIncidentReportIsHonest(t *testing.T) {
	t.Parallel()
	dead := runOf("shop")
	dead.Status, dead.Proof = rotate.RunDone, &rotate.DeathProof{Refusals: 20, Window: time.Minute, Code: "InvalidClientTokenId"}
	back := runOf("shop")
	back.Status = rotate.RunRolledBack
	for name, tt := range map[string]struct {
		snap      rotate.Snapshot
		want, not string
	}{
		"held":        {runOf("shop"), "The old key is not proven dead. Next: secretguard rotate resume", "opens nothing"},
		"rolled back": {back, "The old key works", "opens nothing"},
		"done":        {dead, "It opens nothing any more", "not proven dead"},
	} {
		var b bytes.Buffer
		if err := WriteIncident(&b, tt.snap); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), tt.want) || strings.Contains(b.String(), tt.not) {
			t.Errorf("%s: want %q and not %q in:\n%s", name, tt.want, tt.not, b.String())
		}
	}
}

// Foreign names reach a terminal or a report without anything that steers it.
func FuzzForeignNames(f *testing.F) {
	for _, s := range []string{"shop", "\x1b]0;owned\a", "a|b<script>`x`", "\u202egnp.exe", "line\nbreak\r", "[x](javascript:1)", "\u2028", "# heading"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var plan, run, incident bytes.Buffer
		for _, err := range []error{WritePlan(&plan, planOf(name)), WriteRun(&run, runOf(name)), WriteIncident(&incident, runOf(name))} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for what, text := range map[string]string{"plan": plan.String(), "run": run.String(), "incident": incident.String()} {
			for _, r := range text {
				if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
					t.Errorf("%s holds %U", what, r)
				}
			}
		}
		// A name cannot make rows or cells of the report's tables.
		shape := fmt.Sprint(tableShape(incident.String()))
		var plain bytes.Buffer
		if err := WriteIncident(&plain, runOf("shop")); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(tableShape(plain.String())); shape != want {
			t.Errorf("the tables have the shape %s, want %s", shape, want)
		}
	})
}

// tableShape counts the cells of each row of Markdown tables.
func tableShape(text string) []int {
	var out []int
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, "|") {
			out = append(out, strings.Count(strings.ReplaceAll(line, `\|`, ""), "|"))
		}
	}
	return out
}

// Where nothing was approved yet, the next command is the approval, as long as it
// is one.
func TestPlannedRunNamesTheApproval(t *testing.T) {
	t.Parallel()
	s := runOf("deploy-bot")
	s.Status, s.Problem, s.Remedy, s.Steps = "", "", "", s.Steps[:0]
	s.Plan.Expires = time.Date(2026, 3, 1, 12, 30, 0, 0, time.Local)
	var b bytes.Buffer
	if err := WriteRun(&b, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PLANNED, NOT APPROVED", "next: secretguard rotate PLAN --approve 7f7f-7f7f ", "until 12:30:00"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	s.Status = rotate.RunDone
	b.Reset()
	if err := WriteRun(&b, s); err != nil || strings.Contains(b.String(), "--approve") {
		t.Errorf("a run that is done asks for an approval: %v\n%s", err, b.String())
	}
}
