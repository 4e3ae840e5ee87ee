package machine

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mutant is a rule of this package that somebody broke.
type mutant struct {
	name, file, rule, broken string
}

var mutants = []mutant{
	{
		"revoke before attest", "rules.go",
		"\t\tif s.plan.Strategy.StopsFirst() {\n\t\t\treturn \"\"\n\t\t}\n\t\treturn s.needed()", "\t\treturn \"\"",
	},
	{
		"delete before attest", "rules.go",
		"return \"the old key is not deleted before it was disabled\"\n\t\t}\n\t\tif _, planned := s.plan.Step(\"soak\"); planned && !s.done(\"soak\") {\n\t\t\treturn \"the old key is not deleted before it was disabled for as long as the plan says\"\n\t\t}\n\t\treturn s.needed()", "}",
	},
	{
		"delete although a consumer fell ill in the soak", "came.go",
		"\tcase Harmed:\n\t\tt.failure = e.Failure\n", "\tcase Harmed:\n\t\tif step.Action == rotate.ActSoak {\n\t\t\treturn one(r.finish(step, t, e.Seal))\n\t\t}\n\t\tt.failure = e.Failure\n",
	},
	{"delete while it soaks", "rules.go", "planned && !s.done(\"soak\") {\n\t\t\treturn \"the old key is not deleted", "planned && false {\n\t\t\treturn \"the old key is not deleted"},
	{"a key is enabled again and that is not written down first", "came.go", "return one(r.write(step, t, kindHarm, e.Failure, nil))", "return one(r.do(step, t, OpBack))"},
	{"a key that was enabled again is not disabled again", "state.go", "if st.Action == rotate.ActQuiet || st.Action == rotate.ActDisable {", "if false {"},
	{"contained first, and the thief is let in", "came.go", "case !traits.Backs, r.State.plan.Strategy.StopsFirst():", "case !traits.Backs:"},
	{"an attestation without a level is enough", "rules.go", "f.Status != rotate.StepDone || f.Level == nil || *f.Level < need", "f.Status == rotate.StepFailed || need < 0"},
	{"the old key is stopped before it is silent", "rules.go", "&& !s.done(\"quiet\") {", "&& false {"},
	{"a held search counts as done", "came.go", "\tcase Shown:\n\t\tt.outcome = e.Outcome\n\t\treturn one(r.finish(step, t, e.Seal))\n\tcase Harmed", "\tcase Shown, Failed:\n\t\tt.outcome = e.Outcome\n\t\treturn one(r.finish(step, t, e.Seal))\n\tcase Harmed"},
	{"a lost issue is sent again, not looked up", "traits.go", "rotate.ActIssue:\n\t\treturn Traits{Looks: true, Sends: true, Settles: true}", "rotate.ActIssue:\n\t\treturn Traits{Sends: true}"},
	{"a lost answer is not settled", "next.go", "return r.unlessStopping(step, t, OpSettle)\n\tcase kindOrphan:", "return r.unlessStopping(step, t, OpSend)\n\tcase kindOrphan:"},
	{"an open effect is not recovered", "next.go", "case f.Open && traits.Settles, unknown:", "case unknown:"},
	{"a request before its intent", "came.go", "return one(r.intend(step, t, e))", "return one(r.do(step, t, OpSend))"},
	{"an orphan is deleted before it is named", "came.go", "t.orphan = e.Orphan\n\t\treturn one(r.write(step, t, kindOrphan, *t.orphan, nil))", "t.orphan = e.Orphan\n\t\treturn one(r.do(step, t, OpClean))"},
	{"values are pushed before the key is sealed and checked", "rules.go", "if !s.undo && (!s.done(\"issue\") || !s.done(\"validate\")) {", "if false {"},
	{"a way back that deletes the new key first", "rules.go", "undoEnable = 1 + iota\n\tundoRestore\n\tundoDeploy\n\tundoIssue", "undoIssue = 1 + iota\n\tundoEnable\n\tundoRestore\n\tundoDeploy"},
	{"a way back that forgets what is done anew", "rules.go", "f.Open || f.Redone || f.Status", "f.Open || f.Status"},
	{"a way back that forgets what may have been done", "rules.go", "f.Open || f.Redone || f.Status", "f.Redone || f.Status"},
	{"a failure forgets that its effect may have happened", "state.go", "rotate.StepFailed, x.Text, x.Open", "rotate.StepFailed, x.Text, false"},
	{"deploys do not wait for what feeds them", "ready.go", "rotate.Feeds(*o.Placement, *st.Target):\n\t\t\treturn true", "rotate.Feeds(*o.Placement, *st.Target):\n\t\t\treturn false"},
}

// Each rule is broken in turn, in a copy of its file that only the compiler sees:
// the explorer must find what comes of it. "make race" and "make soak" run this, as two
// dozen builds are too many for "make test".
func TestExplorerFindsBrokenRules(t *testing.T) {
	t.Parallel()
	if os.Getenv("SECRETGUARD_MUTANTS") == "" {
		t.Skip("builds this package once for each broken rule: make race, or SECRETGUARD_MUTANTS=1")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build with: ", err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(raw), m.rule) != 1 {
				t.Fatalf("%s holds the rule %d times", m.file, strings.Count(string(raw), m.rule))
			}
			dir := t.TempDir()
			copied := filepath.Join(dir, m.file)
			write(t, copied, []byte(strings.Replace(string(raw), m.rule, m.broken, 1)))
			overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(here, m.file): copied}})
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "overlay.json"), overlay)
			cmd := exec.CommandContext(t.Context(), goTool, "test", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-run", "^TestExplore$", ".")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatal("the explorer does not find it")
			}
			if !strings.Contains(string(out), "--- FAIL: TestExplore") {
				t.Fatalf("the explorer did not come to a verdict:\n%s", out)
			}
			for line := range strings.Lines(string(out)) {
				if strings.Contains(line, "explore_test.go") {
					t.Log(strings.TrimSpace(line))
				}
			}
		})
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
