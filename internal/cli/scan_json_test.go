package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// shape is a JSON value's form: a kind ("string", "number", "bool", "null"), an
// object of shapes, a list of one shape, or a test of the value.
type shape any

type oneOf []string

type matches string

// conform compares a decoded JSON value with a shape, field by field. A document
// may have more fields: which there are, the page that lists them says.
func conform(t *testing.T, at string, value any, want shape) {
	t.Helper()
	switch want := want.(type) {
	case string:
		kinds := map[string]string{"string": "string", "float64": "number", "bool": "bool"}
		got := "null"
		if value != nil {
			got = kinds[reflect.TypeOf(value).String()]
		}
		if got != want {
			t.Errorf("%s: %v is no %s", at, value, want)
		}
	case oneOf:
		if s, ok := value.(string); !ok || !slices.Contains(want, s) {
			t.Errorf("%s: %v is none of %v", at, value, want)
		}
	case matches:
		if s, ok := value.(string); !ok || !regexp.MustCompile("^(?:"+string(want)+")$").MatchString(s) {
			t.Errorf("%s: %v does not match %s", at, value, want)
		}
	case map[string]shape:
		m, ok := value.(map[string]any)
		if !ok {
			t.Errorf("%s: %v is no object", at, value)
		}
		for name, s := range want {
			if _, ok := m[name]; !ok {
				t.Errorf("%s.%s is not there", at, name)
				continue
			}
			conform(t, at+"."+name, m[name], s)
		}
	case []shape:
		list, ok := value.([]any)
		if !ok {
			t.Errorf("%s: %v is no list", at, value)
		}
		for i, v := range list {
			conform(t, fmt.Sprintf("%s[%d]", at, i), v, want[0])
		}
	case func(any) string:
		if problem := want(value); problem != "" {
			t.Errorf("%s: %s", at, problem)
		}
	default:
		t.Fatalf("%s: no shape %T", at, want)
	}
}

// count is a whole number of at least min.
func count(least float64) func(any) string {
	return func(v any) string {
		if n, ok := v.(float64); !ok || n != float64(int64(n)) || n < least {
			return fmt.Sprintf("%v is no whole number of at least %v", v, least)
		}
		return ""
	}
}

const objectID = "[0-9a-f]{40}"

// scanShape is what the values of "scan --json" look like.
var scanShape = map[string]shape{
	"schema": oneOf{"secretguard.scan/1"},
	"tool":   map[string]shape{"name": oneOf{"secretguard"}, "version": matches(".+")},
	"target": func(v any) string {
		m, ok := v.(map[string]any)
		if !ok || !slices.Contains([]string{"git", "dir", "staged", "stdin"}, fmt.Sprint(m["kind"])) || m["path"] == "" {
			return fmt.Sprintf("%v", v)
		}
		return ""
	},
	"findings": []shape{map[string]shape{
		"id": matches("sg1:[A-Za-z0-9_-]{22}"), "rule": matches(`[a-z0-9-]+`), "kind": matches(`[a-z0-9_]+\.[a-z0-9_-]+`), "part": oneOf{"id", "secret", "token"},
		"severity": oneOf{"critical", "high", "medium", "low", "info"}, "description": "string",
		"file": "string", "line": count(1), "column": count(1), "end_line": count(1), "end_column": count(1),
		"where":  oneOf{"commit", "worktree", "index", "stash", "tag", "commit-message", "unreachable", "note", "path-name", "ref-name", "author", "archive", "stdin"},
		"commit": matches("|" + objectID), "author": "string", "date": func(v any) string {
			if _, err := time.Parse(time.RFC3339, fmt.Sprint(v)); v != "" && err != nil {
				return err.Error()
			}
			return ""
		},
		"blob": matches("|" + objectID), "path_in_archive": "string", "in_head": "bool", "on_branch": "bool",
		"secret":   matches(`|[!-~]*\*[!-~]*`), // empty when a path is the finding
		"proof":    map[string]shape{"checksum": oneOf{"valid", "invalid", "none"}, "account": "string", "project": "string", "role": "string"},
		"liveness": oneOf{"live", "dead", "unknown", "unchecked"}, "tags": []shape{"string"},
		"suppressed": func(v any) string {
			if m, ok := v.(map[string]any); v != nil && (!ok || m["by"] == "") {
				return fmt.Sprintf("%v", v)
			}
			return ""
		},
	}},
	"coverage": map[string]shape{
		"complete": "bool", "refs": count(0), "commits": count(0), "blobs": count(0), "files": count(0), "bytes": count(0), "shallow": "bool", "rules": matches("sha256:[0-9a-f]{64}"),
		"skipped": []shape{func(v any) string {
			m, _ := v.(map[string]any)
			delete(m, "example") // the one field that may be absent
			if !slices.Equal(slices.Sorted(maps.Keys(m)), []string{"count", "gap", "what", "why"}) || m["what"] == "" || m["why"] == "" || m["count"].(float64) < 1 {
				return fmt.Sprintf("%v", v)
			}
			return ""
		}},
	},
	"stats": map[string]shape{"started": matches(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "duration_ms": count(0), "bytes_per_second": count(0), "cache": map[string]shape{"hits": count(0), "misses": count(0)}},
}

// document runs a command with --json and checks the document's form.
func document(t *testing.T, code int, args ...string) map[string]any {
	t.Helper()
	return parsed(t, run(append(args, "--json")...), code)
}

func parsed(t *testing.T, r result, code int) map[string]any {
	t.Helper()
	r.expect(t, code)
	var doc map[string]any
	dec := json.NewDecoder(strings.NewReader(r.out))
	if err := dec.Decode(&doc); err != nil || dec.More() {
		t.Fatalf("not one JSON document (%v): %s", err, r)
	}
	conform(t, "$", doc, scanShape)
	return doc
}

func findings(doc map[string]any) []map[string]any {
	var out []map[string]any
	for _, f := range doc["findings"].([]any) {
		out = append(out, f.(map[string]any))
	}
	return out
}

// richRepository has findings in every place, in a fixed number.
func richRepository(t *testing.T) string {
	t.Helper()
	dir := repository(t, leak(), "gone\n", "x\n  two: "+leak())
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "message with "+key())
	git(t, dir, "tag", "-a", "v1", "-m", "tag with "+key())
	write(t, dir, "b.txt", leak())
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "left")
	git(t, dir, "reset", "-q", "--hard", "HEAD~")
	write(t, dir, "a.txt", leak())
	git(t, dir, "stash", "-q")
	git(t, dir, "rm", "-q", "-r", "--cached", ".")
	git(t, dir, "reset", "-q", "--hard")
	return dir
}

func TestScanDocument(t *testing.T) {
	t.Parallel()
	dir := richRepository(t)
	head := git(t, dir, "rev-parse", "HEAD")
	doc := document(t, 1, "scan", "git", dir)
	if got := doc["target"]; !reflect.DeepEqual(got, map[string]any{"kind": "git", "path": dir, "head": head}) {
		t.Errorf("target %v", got)
	}
	where := map[string]int{}
	for _, f := range findings(doc) {
		where[f["where"].(string)]++
		if f["where"] == "commit" && f["line"] == 2.0 {
			if f["column"] != 15.0 || f["end_column"] != 63.0 || f["in_head"] != true || f["file"] != "a.txt" || f["author"] != "Jo <jo@shop.invalid>" {
				t.Errorf("%v", f)
			}
			if commit := git(t, dir, "rev-parse", "HEAD~"); f["commit"] != commit || f["blob"] != git(t, dir, "rev-parse", "HEAD:a.txt") {
				t.Errorf("commit %v, blob %v", f["commit"], f["blob"])
			}
		}
	}
	// The stash's two commits repeat the message.
	if want := map[string]int{"commit": 2, "commit-message": 3, "tag": 1, "unreachable": 1, "stash": 1}; !maps.Equal(where, want) {
		t.Errorf("places %v, want %v", where, want)
	}
	coverage := doc["coverage"].(map[string]any)
	if coverage["complete"] != true || coverage["refs"].(float64) < 3 || coverage["commits"].(float64) < 7 || coverage["blobs"].(float64) < 5 {
		t.Errorf("coverage %v", coverage)
	}
	write(t, dir, "c.txt", leak())
	git(t, dir, "add", "c.txt")
	for kind, c := range map[string]result{
		"dir": run("scan", "dir", dir, "--json"), "staged": run("scan", "--staged", dir, "--json"), "stdin": call{stdin: leak()}.run("scan", "stdin", "--json"),
	} {
		if d := parsed(t, c, 1); d["target"].(map[string]any)["kind"] != kind {
			t.Errorf("target %v, want kind %s", d["target"], kind)
		}
	}
	if d := document(t, 0, "scan", "git", repository(t, "nothing\n")); len(findings(d)) != 0 {
		t.Error("findings in a clean repository")
	}
}

// TestScanDocumentOfFailure: a scan that broke off still gives one document, and
// it is not complete.
func TestScanDocumentOfFailure(t *testing.T) {
	t.Parallel()
	dir := repository(t, leak(), "two\n")
	h := git(t, dir, "rev-parse", "HEAD^{tree}")
	if err := os.Remove(filepath.Join(dir, ".git", "objects", h[:2], h[2:])); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]map[string]any{
		"gap":   document(t, 1, "scan", "git", dir),
		"empty": document(t, 3, "scan", "git", repository(t)),
		"stdin": document(t, 3, "scan", "stdin"),
	} {
		if doc["coverage"].(map[string]any)["complete"] != false {
			t.Errorf("%s: complete", name)
		}
	}
	if r := run("scan", "git", t.TempDir(), "--json"); r.out != "" {
		t.Errorf("a document without a scan: %s", r)
	}
}

// TestScanDocumentIsTheSameInEveryRun, its statistics apart.
func TestScanDocumentIsTheSameInEveryRun(t *testing.T) {
	t.Parallel()
	dir := richRepository(t)
	for i := range 4 { // what is missing must not change places either
		write(t, dir, "m.txt", fmt.Sprint("text ", i))
		git(t, dir, "add", "m.txt")
		git(t, dir, "commit", "-q", "-m", "to be damaged")
		h := git(t, dir, "rev-parse", "HEAD:m.txt")
		if err := os.Remove(filepath.Join(dir, ".git", "objects", h[:2], h[2:])); err != nil {
			t.Fatal(err)
		}
	}
	first := document(t, 1, "scan", "git", dir)
	delete(first, "stats")
	for range 4 {
		again := document(t, 1, "scan", "git", dir)
		delete(again, "stats")
		if !reflect.DeepEqual(first, again) {
			t.Fatal("two runs differ")
		}
	}
}

// ids returns file -> finding id.
func ids(doc map[string]any) map[string]string {
	out := map[string]string{}
	for _, f := range findings(doc) {
		out[f["file"].(string)] = f["id"].(string)
	}
	return out
}

// TestFindingIDs: the same secret under the same rule, whatever the file, line,
// commit, quotes and machine; another secret, another id.
func TestFindingIDs(t *testing.T) {
	t.Parallel()
	secret := key()
	forms := map[string]string{
		"plain.env":  "K=" + secret + "\n",
		"quoted.js":  "\n\n  const k = \"" + secret + "\";\n",
		"deep/x.yml": "stripe:\n    key: '" + secret + "'\n",
		"url.txt":    "https://" + secret + ":@api.invalid/\r\n",
	}
	one := repository(t, "first\n")
	for name, text := range forms {
		write(t, one, name, text)
	}
	git(t, one, "add", "-A")
	git(t, one, "commit", "-q", "-m", "forms")
	seen := ids(document(t, 1, "scan", "git", one))
	if len(seen) != len(forms) {
		t.Fatalf("%d findings, want %d", len(seen), len(forms))
	}
	id := seen["plain.env"]
	for file, got := range seen {
		if got != id {
			t.Errorf("%s: %s, want %s", file, got, id)
		}
	}
	// Another repository with other commits: a rebase, seen from here.
	two := repository(t, "other\n", "history\n")
	write(t, two, "renamed.txt", strings.Repeat("line\n", 30)+forms["plain.env"])
	git(t, two, "add", "-A")
	git(t, two, "commit", "-q", "-m", "same secret")
	for name, doc := range map[string]map[string]any{
		"another repository": document(t, 1, "scan", "git", two), "folder": document(t, 1, "scan", "dir", two),
		"stdin": parsed(t, call{stdin: secret}.run("scan", "stdin", "--json"), 1),
	} {
		for file, got := range ids(doc) {
			if got != id {
				t.Errorf("%s, %s: %s, want %s", name, file, got, id)
			}
		}
	}
	if other := ids(parsed(t, call{stdin: key()}.run("scan", "stdin", "--json"), 1))[""]; other == id {
		t.Error("two secrets share an id")
	}
	// What a baseline accepts in one place, it accepts everywhere.
	baseline := filepath.Join(t.TempDir(), "baseline.json")
	run("baseline", "create", one, "-o", baseline, "--reason", "made up").expect(t, 0)
	run("scan", "git", two, "--baseline-path", baseline).expect(t, 0, "1 accepted")
	doc := document(t, 0, "scan", "dir", two, "--baseline-path", baseline)
	if f := findings(doc)[0]; !reflect.DeepEqual(f["suppressed"], map[string]any{"by": "baseline", "reason": "made up"}) {
		t.Errorf("suppressed: %v", f["suppressed"])
	}
}
