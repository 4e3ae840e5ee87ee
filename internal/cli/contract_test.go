package cli_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// contract is docs/json.md as data: for each schema, each field's path and type.
type contract map[string]map[string]fieldType

type fieldType struct {
	kind     string // string, integer, number, boolean, time, array, object
	absent   bool
	null     bool
	like     string // schema whose fields an object has
	likePath string // and the path below which they stand there
}

var (
	heading  = regexp.MustCompile("^## `(secretguard\\.[a-z-]+/[0-9]+)`")
	row      = regexp.MustCompile("^\\| `([^`]+)` \\| ([^|]+) \\|")
	likeMark = regexp.MustCompile("like `([^`]+)`(?: `([^`]+)`)?")
)

// readContract reads the tables of docs/json.md.
func readContract(path string) (contract, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := contract{}
	schema := ""
	for line := range strings.SplitSeq(string(b), "\n") {
		if m := heading.FindStringSubmatch(line); m != nil {
			schema = m[1]
			c[schema] = map[string]fieldType{}
			continue
		}
		m := row.FindStringSubmatch(line)
		if m == nil || schema == "" {
			continue
		}
		f := fieldType{kind: strings.Trim(strings.Fields(m[2])[0], ","), absent: strings.Contains(m[2], "or absent"), null: strings.Contains(m[2], "or null")}
		if !slices.Contains([]string{"string", "integer", "number", "boolean", "time", "array", "object"}, f.kind) {
			return nil, fmt.Errorf("%s: field %s has the type %q", schema, m[1], f.kind)
		}
		if l := likeMark.FindStringSubmatch(m[2]); l != nil {
			f.like, f.likePath = l[1], l[2]
		}
		if _, twice := c[schema][m[1]]; twice {
			return nil, fmt.Errorf("%s: field %s stands there twice", schema, m[1])
		}
		c[schema][m[1]] = f
	}
	if len(c) < 10 {
		return nil, fmt.Errorf("%s: only %d documents: was its form changed?", path, len(c))
	}
	return c, nil
}

// check compares one document with the contract, both ways, and returns its schema.
func (c contract) check(doc []byte) (string, error) {
	dec := json.NewDecoder(strings.NewReader(string(doc)))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("not JSON: %w: %.80q", err, doc)
	}
	schema, _ := v["schema"].(string)
	if c[schema] == nil {
		return schema, fmt.Errorf("the schema %q is not described", schema)
	}
	return schema, c.object(schema, "", v)
}

// object checks the fields of one object; prefix is where it stands in the table.
func (c contract) object(schema, prefix string, v map[string]any) error {
	var errs []error
	fields := c[schema]
	for key, x := range v {
		path := prefix + key
		f, ok := fields[path]
		if !ok {
			f, ok = fields[prefix+"*"]
			path = prefix + "*"
		}
		if !ok {
			errs = append(errs, fmt.Errorf("%s: the field %s%s is not described", schema, prefix, key))
			continue
		}
		errs = append(errs, c.value(schema, path, f, x))
	}
	for path, f := range fields {
		name, below := strings.CutPrefix(path, prefix)
		if !below || name == "*" || strings.ContainsAny(name, ".[") || f.absent {
			continue
		}
		if _, ok := v[name]; !ok {
			errs = append(errs, fmt.Errorf("%s: the field %s is described and missing", schema, path))
		}
	}
	return errors.Join(errs...)
}

func (c contract) value(schema, path string, f fieldType, x any) error {
	wrong := fmt.Errorf("%s: %s is %T (%.60v), described as %s", schema, path, x, x, f.kind)
	switch v := x.(type) {
	case nil:
		if !f.null {
			return wrong
		}
	case string:
		if f.kind == "time" {
			if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
				return wrong
			}
			return nil
		}
		if f.kind != "string" {
			return wrong
		}
	case bool:
		if f.kind != "boolean" {
			return wrong
		}
	case json.Number:
		if _, err := v.Int64(); f.kind != "number" && (f.kind != "integer" || err != nil) {
			return wrong
		}
	case map[string]any:
		if f.kind != "object" {
			return wrong
		}
		if f.like != "" {
			below := f.likePath
			if below != "" {
				below += "."
			}
			return c.object(f.like, below, v)
		}
		return c.object(schema, path+".", v)
	case []any:
		if f.kind != "array" {
			return wrong
		}
		for _, item := range v {
			o, ok := item.(map[string]any)
			if !ok {
				if _, text := item.(string); !text {
					return wrong
				}
				continue
			}
			if err := c.object(schema, path+"[].", o); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkAll checks a whole output: one document, or one a line.
func (c contract) checkAll(out string) ([]string, error) {
	out = strings.TrimSpace(out)
	if out == "" {
		return nil, errors.New("there is no document")
	}
	docs := strings.Split(out, "\n")
	if json.Valid([]byte(out)) {
		docs = []string{out}
	}
	var schemas []string
	for _, d := range docs {
		s, err := c.check([]byte(d))
		if err != nil {
			return nil, err
		}
		schemas = append(schemas, s)
	}
	return schemas, nil
}

// Every document that a command writes is described in docs/json.md, field by
// field, and nothing is described that is not there.
func TestJSONContract(t *testing.T) {
	t.Parallel()
	c, err := readContract("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	seen := map[string]bool{
		// These need a process of their own; the scripts check them with "documented".
		"secretguard.demo/1": true, "secretguard.hook/1": true,
		"secretguard.orphan/1": true, // TestJSONContractOfAHeldRun
	}
	see := func(out string) {
		t.Helper()
		schemas, err := c.checkAll(out)
		if err != nil {
			t.Error(err)
		}
		for _, s := range schemas {
			seen[s] = true
		}
	}
	id := w.leakedCase()
	file := filepath.Join(t.TempDir(), "accepted.json")
	see(w.must(1, "scan", "git", w.repo, "--json"))
	see(w.must(0, "baseline", "create", w.repo, "-o", file, "--reason", "known", "--json"))
	see(w.must(0, "scan", "git", w.repo, "--json", "-b", file))
	see(w.must(0, "baseline", "review", file, "-t", w.repo, "--json"))
	see(w.must(0, "scan", "dir", w.repo, "--json"))
	see(w.must(1, "verify", "-t", w.repo, "--yes", "--json"))
	see(w.must(0, "consumers", "find", id, "-t", w.repo, "--json"))
	plan, run, digest := w.plan()
	see(read(t, plan))
	see(w.must(0, "rotate", "status", run, "--json"))
	see(w.must(0, "rotate", plan, "--approve", digest, "--json"))
	see(w.must(0, "rotate", "status", "--json"))
	see(w.must(0, "rotate", "list", "--json"))
	see(w.must(0, "rotate", "journal", "show", "--json"))
	see(w.must(0, "rotate", "journal", "export", run))
	see(w.must(0, "rotate", "journal", "verify", "--json"))
	see(w.must(0, "report", "--json"))
	see(w.must(0, "rules", "list", "--json"))
	see(w.must(0, "rules", "show", "aws-access-key-id", "--json"))
	see(w.must(0, "rules", "test", "--rounds", "1", "--json"))
	see(w.must(0, "providers", "list", "--json"))
	see(w.must(0, "providers", "show", "netlify", "--json"))
	w.env["SECRETGUARD_NETLIFY_URL"] = "https://netlify.example"
	see(w.must(0, "config", "show", w.repo, "--json"))
	see(w.must(0, "version", "--json"))
	declared := filepath.Join(t.TempDir(), "my.secretguard.toml")
	if err := writeFile(declared, "[[consumer]]\nname = \"shop\"\nwhere = \"env\"\nvariables = [\"NOT_SET\"]\n"); err != nil {
		t.Fatal(err)
	}
	see(w.must(1, "doctor", "-c", declared, "--json"))
	for _, schema := range slices.Sorted(maps.Keys(c)) {
		if !seen[schema] {
			t.Errorf("%s is described, and no command here writes it", schema)
		}
	}
}

// A run that a person must look at, and its way back, have fields of their own.
func TestJSONContractOfAHeldRun(t *testing.T) {
	t.Parallel()
	c, err := readContract("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	plan, run, digest := w.plan()
	w.lab.Render.Fail(w.estate.Web, true)
	for _, out := range []string{
		w.must(6, "rotate", plan, "--approve", digest, "--json"),
		w.must(0, "rotate", "waive", run, "disable", "--reason", "a test", "--json"),
	} {
		if _, err := c.checkAll(out); err != nil {
			t.Error(err)
		}
		if !strings.Contains(out, `"problem":`) || !strings.Contains(out, `"remedy":"secretguard rotate resume `) {
			t.Errorf("a held run must say why and what is next: %.400s", out)
		}
	}
	w.lab.Render.Fail(w.estate.Web, false)
	if _, err := c.checkAll(w.must(5, "rotate", "rollback", run, "--reason", "a test", "--json")); err != nil {
		t.Error(err)
	}
	w.lab.Render.Fail(w.estate.Web, true)
	plan, run, digest = w.plan()
	w.must(6, "rotate", plan, "--approve", digest)
	out := w.must(0, "rotate", "abandon", run, "--reason", "a test", "--json")
	if _, err := c.checkAll(out); err != nil || !strings.Contains(out, `"left":["the old key `) {
		t.Errorf("%v: an abandoned run must say what is left: %.400s", err, out)
	}
	out = w.must(0, "rotate", "orphans", "--json")
	if _, err := c.checkAll(out); err != nil || !strings.Contains(out, `"ours":true`) {
		t.Errorf("%v: the new key of an abandoned run is left: %.400s", err, out)
	}
	w.must(2, "rotate", "orphans", "--delete", w.estate.LeakedID, "--reason", "x")
}

// The checker itself must see what is wrong.
func TestContractCheckerBites(t *testing.T) {
	t.Parallel()
	c, err := readContract("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for doc, want := range map[string]string{
		`{"schema":"secretguard.version/1","version":"1"}`:                                          "",
		`{"schema":"secretguard.version/1"}`:                                                        "described and missing",
		`{"schema":"secretguard.version/1","version":1}`:                                            "described as string",
		`{"schema":"secretguard.version/1","version":null}`:                                         "described as string",
		`{"schema":"secretguard.version/1","version":"1","more":true}`:                              "more is not described",
		`{"schema":"secretguard.version/9","version":"1"}`:                                          "is not described",
		`{"schema":"secretguard.hook/1","path":"x","installed":"yes"}`:                              "described as boolean",
		`{"schema":"secretguard.demo/1","run":"r","ok":true,"checks":[{"what":"x"}]}`:               "described and missing",
		`{"schema":"secretguard.baseline/2","salt":"","accepted":[{"id":"x","rule":"r","no":"1"}]}`: "is not described",
	} {
		_, err := c.check([]byte(doc))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", doc, err, want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
