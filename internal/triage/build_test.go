package triage_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/triage"
)

var day = time.Date(2024, 3, 2, 10, 0, 0, 0, time.UTC)

// keyID and keySecret make values that look like nothing to a scanner until they
// are put together at run time.
func keyID(n int) secret.Text {
	return secret.New("AK" + "IA" + strings.Repeat("T", 12) + fmt.Sprintf("%04d", n))
}

func keySecret(n int) secret.Text {
	return secret.New(strings.Repeat("z", 36) + fmt.Sprintf("%04d", n))
}

func idAt(n int, file, commit string, line int) scan.Finding {
	return awsAt(keyID(n), credential.PartID, file, commit, line)
}

func secretAt(n int, file, commit string, line int) scan.Finding {
	return awsAt(keySecret(n), credential.PartSecret, file, commit, line)
}

func awsAt(v secret.Text, part credential.Part, file, commit string, line int) scan.Finding {
	rule := "aws-" + string(part)
	return scan.Finding{
		ID: secret.FindingID(rule, v), Rule: rule, Kind: credential.AWSAccessKey, Part: part,
		Severity: scan.Critical, Secret: v, File: file, Line: line, Column: 1,
		Commit: commit, Where: scan.WhereCommit, Date: day,
	}
}

func tokenAt(rule string, kind credential.Kind, v secret.Text, file string, line int) scan.Finding {
	return scan.Finding{
		ID: secret.FindingID(rule, v), Rule: rule, Kind: kind, Severity: scan.High,
		Secret: v, File: file, Line: line, Column: 1, Where: scan.WhereWorktree,
	}
}

// pairs returns "id+secret" by number for every case, "id+-" where one is missing.
func pairs(cases []triage.Case) []string {
	number := func(t secret.Text) string {
		if t.Empty() {
			return "-"
		}
		return strings.TrimLeft(t.Reveal()[t.Len()-4:], "0")
	}
	var out []string
	for _, c := range cases {
		out = append(out, number(c.Credential.Part(credential.PartID))+"+"+number(c.Credential.Part(credential.PartSecret)))
	}
	slices.Sort(out)
	return out
}

func TestBuildPairsAWSParts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		findings []scan.Finding
		want     []string
		how      string // Pairing of the first case
	}{
		{"next line", []scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 2)}, []string{"1+1"}, "same file, 1 line apart"},
		{"same line", []scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 1)}, []string{"1+1"}, "same file, same line"},
		{
			"compact profiles, id first",
			[]scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 2), idAt(2, "a", "c1", 3), secretAt(2, "a", "c1", 4)},
			[]string{"1+1", "2+2"},
			"same file, 1 line apart",
		},
		{
			"compact profiles, secret first",
			[]scan.Finding{secretAt(1, "a", "c1", 1), idAt(1, "a", "c1", 2), secretAt(2, "a", "c1", 3), idAt(2, "a", "c1", 4)},
			[]string{"1+1", "2+2"},
			"same file, 1 line apart",
		},
		{
			"the last profile lost its secret",
			[]scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 2), idAt(2, "a", "c1", 3)},
			[]string{"1+1", "2+-"},
			"",
		},
		{
			"key replaced in place by a later commit",
			[]scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 2), idAt(2, "a", "c2", 1), secretAt(2, "a", "c2", 2)},
			[]string{"1+1", "2+2"},
			"same file, 1 line apart",
		},
		{
			"secret added by a later commit",
			[]scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c2", 3)},
			[]string{"1+1"},
			"same file, other commit, 2 lines apart",
		},
		{
			"other file of the same commit",
			[]scan.Finding{idAt(1, "id.txt", "c1", 1), secretAt(1, "secret.txt", "c1", 1), idAt(2, "x", "c2", 1), secretAt(2, "y", "c2", 1)},
			[]string{"1+1", "2+2"},
			"same commit, other file",
		},
		{
			"other file and other commit, the only two",
			[]scan.Finding{idAt(1, "id.txt", "c1", 1), secretAt(1, "secret.txt", "c2", 1)},
			[]string{"1+1"},
			"the only pair in this scan",
		},
		{
			"two secrets far away: no guess",
			[]scan.Finding{idAt(1, "id.txt", "c1", 1), secretAt(1, "s1", "c2", 1), secretAt(2, "s2", "c3", 1)},
			[]string{"-+1", "-+2", "1+-"},
			"",
		},
		{
			"two lists prove nothing",
			[]scan.Finding{idAt(1, "a", "c1", 1), idAt(2, "a", "c1", 2), secretAt(1, "a", "c1", 3), secretAt(2, "a", "c1", 4)},
			[]string{"-+1", "-+2", "1+-", "2+-"},
			"",
		},
		{
			"two files disagree equally",
			[]scan.Finding{idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 2), idAt(1, "b", "c1", 1), secretAt(2, "b", "c1", 2)},
			[]string{"-+1", "-+2", "1+-"},
			"",
		},
		{
			"many sightings beat one",
			[]scan.Finding{
				idAt(1, "a", "c1", 1), secretAt(1, "a", "c1", 2), idAt(1, "c", "c1", 1), secretAt(1, "c", "c1", 2),
				idAt(1, "b", "c1", 1), secretAt(2, "b", "c1", 2),
			},
			[]string{"-+2", "1+1"},
			"",
		},
		{"id alone", []scan.Finding{idAt(1, "a", "c1", 1)}, []string{"1+-"}, "no secret found"},
		{"commit messages are no common file", []scan.Finding{
			idAt(1, "", "c1", 1), secretAt(1, "", "c2", 1), secretAt(2, "", "c3", 1),
		}, []string{"-+1", "-+2", "1+-"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cases := triage.Build(scan.Result{Findings: tt.findings})
			if got := pairs(cases); !slices.Equal(got, tt.want) {
				t.Fatalf("pairs %v, want %v", got, tt.want)
			}
			if tt.how != "" && cases[0].Pairing != tt.how {
				t.Errorf("pairing %q, want %q", cases[0].Pairing, tt.how)
			}
			for _, c := range cases {
				if c.Credential.Complete() != (len(c.Missing) == 0) {
					t.Errorf("case %s: complete %v but missing %v", c.ID, c.Credential.Complete(), c.Missing)
				}
			}
		})
	}
}

func TestBuildNamesCandidates(t *testing.T) {
	t.Parallel()
	cases := triage.Build(scan.Result{Findings: []scan.Finding{
		idAt(1, "id.txt", "c1", 1), secretAt(1, "s1", "c2", 1), secretAt(2, "s2", "c3", 1),
	}})
	byID := map[string]triage.Case{}
	for _, c := range cases {
		byID[c.ID] = c
	}
	for _, c := range cases {
		if !strings.Contains(c.Pairing, "candidates: c-") {
			t.Errorf("case %s: pairing %q names no candidates", c.ID, c.Pairing)
		}
		for id := range strings.FieldsSeq(strings.ReplaceAll(c.Pairing, ",", " ")) {
			if _, ok := byID[id]; strings.HasPrefix(id, "c-") && !ok {
				t.Errorf("candidate %s is no case", id)
			}
		}
	}
}

func TestBuildOneValueManyRules(t *testing.T) {
	t.Parallel()
	v := secret.New("sk" + "_live_" + strings.Repeat("q", 24))
	generic := tokenAt("generic-api-key", "generic.generic-api-key", v, "a", 1)
	cases := triage.Build(scan.Result{Findings: []scan.Finding{
		generic, tokenAt("stripe", credential.StripeSecretKey, v, "a", 1), tokenAt("stripe", credential.StripeSecretKey, v, "b", 9),
	}})
	if len(cases) != 1 {
		t.Fatalf("%d cases, want 1", len(cases))
	}
	c := cases[0]
	if c.Kind != credential.StripeSecretKey || len(c.Findings) != 3 || c.Files() != 2 || !c.InHead() {
		t.Errorf("kind %s, %d findings in %d files, in head %v", c.Kind, len(c.Findings), c.Files(), c.InHead())
	}
	if !c.Credential.Complete() || c.Credential.Part(credential.PartToken).Reveal() != v.Reveal() {
		t.Error("the token is not the credential's token part")
	}
}

func TestBuildLeavesSuppressedOut(t *testing.T) {
	t.Parallel()
	f := idAt(1, "a", "c1", 1)
	f.Suppressed = &scan.Suppression{By: "inline"}
	if cases := triage.Build(scan.Result{Findings: []scan.Finding{f}}); len(cases) != 0 {
		t.Errorf("%d cases from a suppressed finding", len(cases))
	}
}

func TestBuildOrder(t *testing.T) {
	t.Parallel()
	at := func(n int, sev scan.Severity, head bool, date time.Time) scan.Finding {
		f := tokenAt("r", credential.OpenAIKey, secret.New(strings.Repeat("k", 30)+fmt.Sprint(n)), "f", n)
		f.Severity, f.Where, f.Refs.Head, f.Date = sev, scan.WhereCommit, head, date
		return f
	}
	cases := triage.Build(scan.Result{Findings: []scan.Finding{
		at(4, scan.High, false, day), at(1, scan.Critical, false, day), at(2, scan.High, true, day.Add(time.Hour)),
		at(3, scan.High, true, time.Time{}), at(5, "strange", true, day),
	}})
	var got []int
	for _, c := range cases {
		got = append(got, c.Findings[0].Line)
	}
	if want := []int{1, 2, 3, 4, 5}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

// An id of a temporary key makes a session of its case, which is whole with its token
// only.
func TestTemporaryKeyNeedsItsToken(t *testing.T) {
	t.Parallel()
	id := awsAt(secret.New("ASIA"+strings.Repeat("Q", 16)), credential.PartID, "a.env", "", 1)
	findings := []scan.Finding{id, secretAt(1, "a.env", "", 2)}
	c := triage.Build(scan.Result{Findings: findings})
	if len(c) != 1 || c[0].Kind != credential.AWSSession || c[0].Credential.Kind != credential.AWSSession || c[0].Credential.Complete() || !slices.Equal(c[0].Missing, []credential.Part{credential.PartSessionToken}) {
		t.Errorf("without a token: %+v", c)
	}
	token := awsAt(secret.New(strings.Repeat("s", 120)), credential.PartSessionToken, "a.env", "", 3)
	c = triage.Build(scan.Result{Findings: append(findings, token)})
	if len(c) != 1 || c[0].Title != "aws temporary key" || !c[0].Credential.Complete() || len(c[0].Missing) != 0 {
		t.Errorf("with one: %+v", c)
	}
}

// drawFindings makes a repository's worth of findings: few files, commits and
// values, so that they meet often.
func drawFindings(t *rapid.T) []scan.Finding {
	gen := rapid.Custom(func(t *rapid.T) scan.Finding {
		n := rapid.IntRange(1, 4).Draw(t, "value")
		file := rapid.SampledFrom([]string{"", "a.env", "b.env", "c.tf"}).Draw(t, "file")
		commit := rapid.SampledFrom([]string{"", "c1", "c2", "c3"}).Draw(t, "commit")
		line := rapid.IntRange(1, 8).Draw(t, "line")
		switch rapid.IntRange(0, 3).Draw(t, "type") {
		case 0:
			return idAt(n, file, commit, line)
		case 1:
			return secretAt(n, file, commit, line)
		case 2:
			return awsAt(secret.New(strings.Repeat("s", 50)+fmt.Sprint(n)), credential.PartSessionToken, file, commit, line)
		default:
			return tokenAt("generic-x", "generic.generic-x", keySecret(n), file, line)
		}
	})
	return rapid.SliceOfN(gen, 0, 20).Draw(t, "findings")
}

func describe(cases []triage.Case) string {
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "%s|%s|%s|%s|%s|%v|%s\n", c.ID, c.Kind, c.Mask, c.Severity, c.Pairing, c.Missing, c.First)
		for _, p := range c.Credential.PartNames() {
			fmt.Fprintf(&b, "  %s=%s\n", p, c.Credential.Part(p).Reveal())
		}
		for _, f := range c.Findings {
			fmt.Fprintf(&b, "  %s:%d %s %s\n", f.File, f.Line, f.Commit, f.ID)
		}
	}
	return b.String()
}

func TestBuildDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		findings := drawFindings(t)
		want := describe(triage.Build(scan.Result{Findings: findings}))
		shuffled := rapid.Permutation(findings).Draw(t, "order")
		if got := describe(triage.Build(scan.Result{Findings: shuffled})); got != want {
			t.Fatalf("order changed the cases:\n%s\n--- was\n%s", got, want)
		}
	})
}

func TestBuildLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		findings := drawFindings(t)
		cases := triage.Build(scan.Result{Findings: findings})
		var in, out []string
		for _, f := range findings {
			in = append(in, fmt.Sprintf("%s %s:%d %s", f.ID, f.File, f.Line, f.Commit))
		}
		seenCase, seenPart := map[string]bool{}, map[string]bool{}
		for _, c := range cases {
			if seenCase[c.ID] {
				t.Fatalf("case id %s twice", c.ID)
			}
			seenCase[c.ID] = true
			for _, f := range c.Findings {
				out = append(out, fmt.Sprintf("%s %s:%d %s", f.ID, f.File, f.Line, f.Commit))
			}
			for _, p := range c.Credential.PartNames() {
				v := c.Credential.Part(p).Reveal()
				if seenPart[v] {
					t.Fatalf("the value of %s is in two cases", p)
				}
				seenPart[v] = true
			}
		}
		slices.Sort(in)
		slices.Sort(out)
		if !slices.Equal(in, out) {
			t.Fatalf("findings in %v, out %v", in, out)
		}
	})
}

// A pair that stands alone on neighbouring lines is joined, whatever else is found.
func TestBuildJoinsAnyCleanPair(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		findings := append(drawFindings(t), idAt(77, "clean", "c9", 3), secretAt(77, "clean", "c9", 4))
		for _, c := range triage.Build(scan.Result{Findings: findings}) {
			if c.Credential.ID == keyID(77).Reveal() {
				if got := c.Credential.Part(credential.PartSecret).Reveal(); got != keySecret(77).Reveal() {
					t.Fatalf("joined with %q", got)
				}
				return
			}
		}
		t.Fatal("the clean pair has no case")
	})
}
