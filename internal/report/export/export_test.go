package export_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/joshdk/go-junit"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/report/export"
	"github.com/secretguard/secretguard/internal/scan"
)

// hostile draws a text that means something to one format or another.
var hostile = rapid.OneOf(
	rapid.String(),
	rapid.SampledFrom([]string{
		"", "=cmd|' /C calc'!A0", "@SUM(1)", "-1+1", "<script>alert(1)</script>", "\"><img src=x>", "]]>", "&amp;", "a|b", "`x`", "[a](javascript:x)", "\x1b]0;x\a", "a\nb", "a\r\n::error::x",
		"%0A::error::x", "x,line=9::y", "{{.}}", "\u202e", "\x00", "c\xff", "a b/ü#?%.env", "//evil/x",
	}),
)

var finding = rapid.Custom(func(t *rapid.T) document.Finding {
	text := func(name string) string { return hostile.Draw(t, name) }
	f := document.Finding{
		ID: "sg1:" + rapid.StringMatching(`[A-Za-z0-9_-]{22}`).Draw(t, "id"), Rule: rapid.SampledFrom([]string{"stripe-secret-key", "aws-access-key", "x"}).Draw(t, "rule"),
		Kind: "stripe.secret", Part: "token", Severity: rapid.SampledFrom([]string{"critical", "high", "medium", "low", "info"}).Draw(t, "severity"),
		Description: text("description"), File: text("file"), Name: text("name"), Line: rapid.IntRange(1, 9999).Draw(t, "line"), Column: 3, Where: "worktree",
		Secret: "sk_live_************" + rapid.StringMatching(`[a-z]{4}`).Draw(t, "end"), Liveness: "unchecked", Tags: []string{}, ReachedBy: []string{}, Author: text("author"),
		PathInArchive: rapid.SampledFrom([]string{"", "inner/a.env"}).Draw(t, "inner"),
	}
	f.EndLine = f.Line
	if rapid.Bool().Draw(t, "in history") {
		f.Where, f.Commit, f.Date, f.InHead = "commit", strings.Repeat("a1", 20), "2026-01-02T03:04:05Z", rapid.Bool().Draw(t, "head")
	}
	if rapid.Bool().Draw(t, "accepted") {
		f.Suppressed = &scan.Suppression{By: rapid.SampledFrom([]string{"inline", "baseline", "noise"}).Draw(t, "by"), Reason: text("reason")}
	}
	return f
})

var doc = rapid.Custom(func(t *rapid.T) document.Scan {
	d := document.Scan{Schema: document.ScanSchema, Tool: document.Tool{Name: "secretguard", Version: "1"}, Cases: []document.Case{}}
	d.Target = scan.Target{Kind: "dir", Path: hostile.Draw(t, "target")}
	d.Findings = rapid.SliceOfN(finding, 0, 6).Draw(t, "findings")
	d.Coverage.Complete = rapid.Bool().Draw(t, "complete")
	if !d.Coverage.Complete {
		d.Coverage.Skipped = []scan.Skip{{What: "file", Why: "larger than 100 MB", Count: 1, Gap: true, Example: hostile.Draw(t, "example")}}
	}
	d.Stats.Started = "2026-01-02T03:04:05Z"
	return d
})

func written(t interface {
	Helper()
	Fatal(...any)
}, format string, d document.Scan,
) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := export.Write(&b, format, d); err != nil {
		t.Fatal(format, err)
	}
	return b.Bytes()
}

// counted are the findings that count.
func counted(d document.Scan) int {
	n := 0
	for _, f := range d.Findings {
		if f.Active() {
			n++
		}
	}
	return n
}

// TestFingerprintsHold: lines move and commits are rewritten, and the alert is the same.
func TestFingerprintsHold(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		prints := func() (out []string) {
			r, err := sarif.FromBytes(written(t, "sarif", d))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range r.Runs[0].Results {
				out = append(out, x.PartialFingerprints["primaryLocationLineHash"])
			}
			return out
		}
		before := prints()
		for i := range d.Findings {
			d.Findings[i].Line += 7
			d.Findings[i].Commit = strings.Repeat("b", 40)
		}
		if after := prints(); !slices.Equal(before, after) {
			t.Fatal(before, after)
		}
	})
}

// TestCSV: a reader gets the texts back, and no cell begins as a formula does.
func TestCSV(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		rows, err := csv.NewReader(bytes.NewReader(written(t, "csv", d))).ReadAll()
		if err != nil || len(rows) != len(d.Findings)+1 {
			t.Fatal(len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r\n|", rune(cell[0])) {
					t.Fatalf("a formula: %q", cell)
				}
			}
		}
	})
}

func TestJUnit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		suites, err := junit.Ingest(written(t, "junit", d))
		if err != nil || len(suites) != 1 {
			t.Fatal(suites, err)
		}
		failed := counted(d)
		broken := 0
		if !d.Coverage.Complete {
			broken = 1
		}
		if got := suites[0].Totals; got.Failed != failed || got.Error != broken || got.Tests != max(1, failed+broken) {
			t.Fatalf("%+v: want %d failed, %d with an error", got, failed, broken)
		}
	})
}

// TestGitHub: each line is one command, and foreign text makes none.
func TestGitHub(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		lines := strings.Split(strings.TrimSuffix(string(written(t, "github", d)), "\n"), "\n")
		want := counted(d) + 1
		if !d.Coverage.Complete {
			want++
		}
		if len(lines) != want {
			t.Fatalf("%d lines, want %d: %q", len(lines), want, lines)
		}
		for _, l := range lines {
			if !strings.HasPrefix(l, "::error ") && !strings.HasPrefix(l, "::warning ") && !strings.HasPrefix(l, "::notice ") || strings.IndexFunc(l, unicode.IsControl) >= 0 {
				t.Fatalf("%q", l)
			}
		}
	})
}

// TestHTML: the page loads and runs nothing, whatever foreign text says.
func TestHTML(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		rows := 0
		z := html.NewTokenizer(bytes.NewReader(written(t, "html", d)))
		for z.Next() != html.ErrorToken {
			tok := z.Token()
			if tok.Type != html.StartTagToken && tok.Type != html.SelfClosingTagToken {
				continue
			}
			switch tok.Data {
			case "script", "img", "iframe", "object", "embed", "link", "a", "form", "base":
				t.Fatalf("<%s>", tok.Data)
			case "tr":
				rows++
			}
			for _, a := range tok.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "href" || a.Key == "src" || a.Key == "style" {
					t.Fatalf("<%s %s=%q>", tok.Data, a.Key, a.Val)
				}
			}
		}
		if n := counted(d); !errors.Is(z.Err(), io.EOF) || n > 0 && rows != n+1 {
			t.Fatalf("%d rows for %d findings, %v", rows, n, z.Err())
		}
	})
}

// TestLines: JSONL and gitleaks' JSON are read back, and the receipt comes last.
func TestLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		lines := bytes.Split(bytes.TrimSuffix(written(t, "jsonl", d), []byte("\n")), []byte("\n"))
		var last struct {
			Type     string
			Findings int
			Coverage struct{ Complete bool }
		}
		if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || last.Type != "receipt" || last.Findings != len(d.Findings) || last.Coverage.Complete != d.Coverage.Complete || len(lines) != len(d.Findings)+1 {
			t.Fatal(err, last)
		}
		var leaks []struct{ RuleID, Fingerprint string }
		if err := json.Unmarshal(written(t, "gitleaks", d), &leaks); err != nil || len(leaks) != counted(d) {
			t.Fatal(err, leaks)
		}
	})
}

// TestReadBack: what json writes, Read reads; anything else is refused.
func TestReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := written(t, "json", doc.Draw(t, "doc"))
		d, err := document.Read(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		again, err := document.Read(bytes.NewReader(written(t, "json", d)))
		if err != nil || !reflect.DeepEqual(d, again) {
			t.Fatalf("%v\n%+v\n%+v", err, d, again)
		}
		if _, err := document.Read(bytes.NewReader(b[:rapid.IntRange(0, len(b)-3).Draw(t, "cut")])); err == nil {
			t.Fatal("a document that was cut is read")
		}
	})
	for _, text := range []string{"", "[]", "{}", `{"schema":"secretguard.scan/2"}`, `{"schema":"secretguard.scan/1"} x`, "not json"} {
		if _, err := document.Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	d := document.Scan{Findings: []document.Finding{{Rule: "x", File: "a.env", Line: 3, Secret: "***"}, {Rule: "y", Suppressed: &scan.Suppression{}}}}
	try := func(text string) (string, error) {
		file := filepath.Join(t.TempDir(), "t.tmpl")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		tmpl, err := export.ReadTemplate(file)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		err = tmpl.Write(&b, d)
		return b.String(), err
	}
	if got, err := try(`{{range active .}}{{upper .Rule}} {{place .}};{{end}}`); err != nil || got != "X a.env:3;" {
		t.Error(got, err)
	}
	for _, text := range []string{"{{", "{{.Nothing}}", `{{env "HOME"}}`} {
		if got, err := try(text); err == nil {
			t.Errorf("%q gives %q", text, got)
		}
	}
	if _, err := export.ReadTemplate(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there")
	}
}
