package export_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

// TestGitLabSchema validates against GitLab's own schema, where it is at hand.
func TestGitLabSchema(t *testing.T) {
	t.Parallel()
	file := os.Getenv("SECRETGUARD_GITLAB_SCHEMA")
	if file == "" {
		t.Skip("SKIPPED: SECRETGUARD_GITLAB_SCHEMA names no secret-detection-report-format.json; see " +
			"https://gitlab.com/gitlab-org/security-products/security-report-schemas (dist)")
	}
	schema, err := jsonschema.NewCompiler().Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(written(t, "gitlab", doc.Draw(t, "doc"))))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestGitLab holds what the schema asks for: its required fields, patterns and bounds,
// as read in version 15.0.1.
func TestGitLab(t *testing.T) {
	t.Parallel()
	when := regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$`)
	type tool struct {
		ID, Name, Version string
		Vendor            struct{ Name string }
	}
	rapid.Check(t, func(t *rapid.T) {
		d := doc.Draw(t, "doc")
		var r struct {
			Version string
			Scan    struct {
				Analyzer, Scanner tool
				Type, Status      string
				Start             string `json:"start_time"`
				End               string `json:"end_time"`
				Messages          []struct{ Level, Value string }
			}
			Vulnerabilities []struct {
				ID, Name, Severity string
				Location           struct{ Commit struct{ SHA string } }
				Identifiers        []struct{ Type, Name, Value string }
			}
		}
		if err := json.Unmarshal(written(t, "gitlab", d), &r); err != nil {
			t.Fatal(err)
		}
		for _, x := range []tool{r.Scan.Analyzer, r.Scan.Scanner} {
			if x.ID == "" || x.Name == "" || x.Version == "" || x.Vendor.Name == "" {
				t.Fatalf("%+v", x)
			}
		}
		if r.Version != "15.0.1" || r.Scan.Type != "secret_detection" || !when.MatchString(r.Scan.Start) || !when.MatchString(r.Scan.End) ||
			(r.Scan.Status == "success") != d.Coverage.Complete || (r.Scan.Status == "failure") == d.Coverage.Complete {
			t.Fatalf("%+v", r.Scan)
		}
		for _, m := range r.Scan.Messages {
			if m.Value == "" || m.Level != "warn" {
				t.Fatalf("%+v", m)
			}
		}
		ids := map[string]bool{}
		for _, v := range r.Vulnerabilities {
			if v.ID == "" || ids[v.ID] || utf8.RuneCountInString(v.Name) > 255 || v.Location.Commit.SHA == "" || len(v.Identifiers) == 0 ||
				!slices.Contains([]string{"Info", "Unknown", "Low", "Medium", "High", "Critical"}, v.Severity) {
				t.Fatalf("%+v", v)
			}
			ids[v.ID] = true
			for _, i := range v.Identifiers {
				if i.Type == "" || i.Name == "" || i.Value == "" {
					t.Fatalf("%+v", i)
				}
			}
		}
		if len(r.Vulnerabilities) != counted(d) {
			t.Fatalf("%d of %d findings", len(r.Vulnerabilities), counted(d))
		}
	})
}
