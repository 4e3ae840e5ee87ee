package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

// verdicts reads the lines of verify --json.
func verdicts(t *testing.T, out string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for line := range strings.Lines(out) {
		var d struct{ Kind, Mask, Liveness string }
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		got[d.Kind] = d.Liveness
	}
	return got
}

// leakTwo writes a folder with two keys: GitHub knows the one, Hugging Face forgot the other.
func leakTwo(t *testing.T, w *world) (dir, live string) {
	t.Helper()
	dir, live = t.TempDir(), githubToken()
	write(t, dir, "a.env", "GITHUB_TOKEN="+live+"\n")
	write(t, dir, "b.env", "HF_TOKEN="+lab.MadeUp("hf_", 34)+"\n")
	w.lab.Services.Know("github", live)
	return dir, live
}

// A report without values: its target is read again. With values: nothing is read, not
// even when the target is gone. What it says is the same, and masks only.
func TestVerifyAReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, live := leakTwo(t, w)
	want := map[string]string{"github.token": "live", "huggingface.token": "dead"}
	masked, open := filepath.Join(t.TempDir(), "masked.json"), filepath.Join(t.TempDir(), "open.json")
	w.must(1, "scan", "dir", dir, "--report-path", masked)
	w.must(1, "scan", "dir", dir, "--report-path", open, "--show-secrets")
	check := func(file, says string, args ...string) {
		t.Helper()
		code, out, errs := w.run(append([]string{"verify", file, "--yes", "--no-cache", "--json"}, args...)...)
		if got := verdicts(t, out); code != 1 || len(got) != 2 || got["github.token"] != want["github.token"] || got["huggingface.token"] != want["huggingface.token"] {
			t.Errorf("%s: exit code %d, %v\n%s", filepath.Base(file), code, got, errs)
		}
		if !strings.Contains(errs, says) {
			t.Errorf("%s: it is not said where the values come from: %s", filepath.Base(file), errs)
		}
		if strings.Contains(out+errs, live[8:20]) {
			t.Error("the key is in the output")
		}
	}
	check(masked, "the values are read again from "+dir)
	check(open, "the values are those of the report; nothing is read again")
	w.stdin = read(t, masked)
	check("-", "the values are read again from "+dir)
	w.stdin = read(t, open)
	check("-", "the values are those of the report")
	w.stdin = ""

	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	check(open, "nothing is read again")
	check(masked, "the values are read again from "+moved, "--target", moved)
	code, out, errs := w.run("verify", masked, "--yes")
	if code != 2 || out != "" || !strings.Contains(errs, "is not here to be read again") || !strings.Contains(errs, "--target WHERE-IT-IS-NOW") {
		t.Errorf("with the target gone: exit code %d, %s%s", code, out, errs)
	}
}

// What a report names and is not there any more leaves the answer open: not exit 0.
func TestVerifyAReportThatIsOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, live := leakTwo(t, w)
	file := filepath.Join(t.TempDir(), "scan.json")
	w.must(1, "scan", "dir", dir, "--report-path", file)
	w.lab.Services.Forget("github", live)
	if err := os.Remove(filepath.Join(dir, "b.env")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "new.env", "GITHUB_TOKEN="+githubToken()+"\n")
	code, out, errs := w.run("verify", file, "--yes", "--no-cache", "--json")
	if got := verdicts(t, out); code != 3 || len(got) != 1 || got["github.token"] != "dead" || strings.Count(out, "\n") != 1 {
		t.Errorf("exit code %d, %v: only what the report names is asked about", code, got)
	}
	if !strings.Contains(errs, "not found again in "+dir+": 1") {
		t.Errorf("got %s", errs)
	}
}

// A report of a history, with a key that only an old commit holds, and one case of it.
func TestVerifyAReportOfAHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "scan.json")
	w.must(1, "scan", "git", w.repo, "--report-path", file)
	out := w.must(1, "verify", file, w.leakedCase(), "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"liveness":"live"`) || strings.Count(out, "\n") != 1 || strings.Contains(out, w.estate.LeakedSecret) {
		t.Errorf("got %s", out)
	}
}

// A report that lies: about the kind of a value, about a canary, with a value that is not
// the one that was found. Nothing goes where our own rules would not send it.
func TestVerifyAHostileReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, live := leakTwo(t, w)
	write(t, dir, "c.env", canaryPair())
	file := filepath.Join(t.TempDir(), "scan.json")
	w.must(1, "scan", "dir", dir, "--report-path", file, "--show-secrets")
	text := read(t, file)
	for name, change := range map[string]*strings.Replacer{
		"another kind":     strings.NewReplacer(`"github.token"`, `"netlify.token"`, `"huggingface.token"`, `"cohere.api_key"`, `"canary": true`, `"canary": false`),
		"a foreign rule":   strings.NewReplacer(`"rule": "github-token"`, `"rule": "mine"`, `"rule": "huggingface-token"`, `"rule": "mine"`, `"canary": true`, `"canary": false`),
		"other values":     strings.NewReplacer(live, githubToken(), `"canary": true`, `"canary": false`),
		"a hostile target": strings.NewReplacer(`"path": "`, `"path": "\u001b[2J`, live, live[:4]+"****"),
	} {
		w.lab.Services.Know("github", live)
		if err := os.WriteFile(file, []byte(change.Replace(text)), 0o600); err != nil {
			t.Fatal(err)
		}
		before := len(w.lab.Requests())
		_, out, errs := w.run("verify", file, "--yes", "--no-cache")
		for _, r := range w.lab.Requests()[before:] {
			if r.Op != "github" && r.Op != "huggingface" {
				t.Errorf("%s: %s %s was asked", name, r.Service, r.Op)
			}
		}
		if strings.Contains(out+errs, "\x1b") || strings.Contains(out+errs, live[8:20]) {
			t.Errorf("%s: %q", name, out+errs)
		}
	}
	for name, text := range map[string]string{
		"no JSON": "{", "another document": `{"schema":"secretguard.run/1"}`, "a later format": `{"schema":"secretguard.scan/2"}`, "nothing": "", "more": text + "{}",
		"wrong types": strings.Replace(text, `"findings": [`, `"findings": [5,`, 1),
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, out, errs := w.run("verify", file, "--yes"); code != 2 || out != "" || !strings.Contains(errs, "try: ") {
			t.Errorf("%s: exit code %d, %s%s", name, code, out, errs)
		}
	}
}

// What is neither a report nor a case is said, with what to type instead.
func TestVerifyAPathThatIsNoReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	for arg, want := range map[string][2]string{
		dir: {"is a folder", "try: secretguard verify --target " + dir}, filepath.Join(dir, "no.json"): {"there is no report", "try: secretguard scan PATH --report-path"},
	} {
		if code, out, errs := w.run("verify", arg, "--yes"); code != 2 || out != "" || !strings.Contains(errs, want[0]) || !strings.Contains(errs, want[1]) {
			t.Errorf("%s: exit code %d, %s%s", arg, code, out, errs)
		}
	}
}

// A report of stdin with masks cannot be read again.
func TestVerifyAReportOfStdin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "scan.json")
	w.stdin = "GITHUB_TOKEN=" + githubToken() + "\n"
	w.must(1, "scan", "stdin", "--report-path", file)
	if code, _, errs := w.run("verify", file, "--yes"); code != 2 || !strings.Contains(errs, "what stood on stdin cannot be read again") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
