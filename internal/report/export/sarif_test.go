package export_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// standard compiles the schema of SARIF 2.1.0 that the library brings. The library
// keeps it to itself, and its own check judges what it makes of a report, not what
// was written; so its source is read.
func standard(t *testing.T) *jsonschema.Schema {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "schema.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING && len(lit.Value) > len(text) {
			text = lit.Value
		}
		return true
	})
	if text, err = strconv.Unquote(text); err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat() // an address that is none is no location
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSARIF is judged by the standard's schema, and by the reader of a library.
func TestSARIF(t *testing.T) {
	t.Parallel()
	schema := standard(t)
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		b := written(t, "sarif", d)
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Fatal(err)
		}
		known := json.NewDecoder(bytes.NewReader(b))
		known.DisallowUnknownFields()
		var r sarif.Report
		if err := known.Decode(&r); err != nil {
			t.Fatal(err)
		}
		run := r.Runs[0]
		if len(run.Results) != len(d.Findings) || *run.Invocations[0].ExecutionSuccessful != d.Coverage.Complete {
			t.Fatalf("%d results of %d findings", len(run.Results), len(d.Findings))
		}
		for i, x := range run.Results {
			if (len(x.Suppressions) > 0) == d.Findings[i].Active() || x.PartialFingerprints["secretguardSecret/v1"] != d.Findings[i].ID {
				t.Fatalf("result %d: %+v", i, x)
			}
		}
	})
}
