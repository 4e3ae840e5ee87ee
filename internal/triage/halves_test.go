package triage_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/triage"
)

// at is a finding of one half at a place.
func at(kind credential.Kind, part credential.Part, value, file, commit string, line int) scan.Finding {
	v, rule := secret.New(value), string(kind)+string(part)
	return scan.Finding{
		ID: secret.FindingID(rule, v), Rule: rule, Kind: kind, Part: part, Severity: scan.High, Secret: v,
		File: file, Line: line, Column: 1, Commit: commit, Where: scan.WhereCommit, Date: day,
	}
}

// many makes a value that is not another one's.
func many(prefix string, n int) string { return prefix + strings.Repeat("v", 30) + string(rune('a'+n)) }

// Every family of two halves is joined across lines, files and commits, and where two
// partners are equally good, that is said and nothing is guessed.
func TestHalvesOfEveryFamily(t *testing.T) {
	t.Parallel()
	for _, kind := range []credential.Kind{credential.AWSAccessKey, credential.TwilioAccount, credential.TwilioKey, credential.GoogleOAuth, credential.GitHubOAuth} {
		for _, public := range []bool{false, true} {
			id := func(n int, file, commit string, line int) scan.Finding {
				return at(kind, credential.PartID, many("id", n), file, commit, line)
			}
			part := func(n int, file, commit string, line int) scan.Finding {
				return at(kind, credential.PartSecret, many("secret", n), file, commit, line)
			}
			for name, tc := range map[string]struct {
				ids, secrets []scan.Finding
				how          string // of the secret's case; empty: not joined
				said         string // then
			}{
				"same file":            {[]scan.Finding{id(0, "a", "c1", 1)}, []scan.Finding{part(0, "a", "c1", 2)}, "same file, 1 line apart", ""},
				"other commit":         {[]scan.Finding{id(0, "a", "c1", 1)}, []scan.Finding{part(0, "a", "c2", 9)}, "same file, other commit, 8 lines apart", ""},
				"other file":           {[]scan.Finding{id(0, "a", "c1", 1), id(1, "z", "c9", 1)}, []scan.Finding{part(0, "b", "c1", 2)}, "same commit, other file", ""},
				"other file, commit":   {[]scan.Finding{id(0, "a", "c1", 1)}, []scan.Finding{part(0, "b", "c2", 2)}, "the only pair in this scan", ""},
				"two ids, one secret":  {[]scan.Finding{id(0, "a", "c1", 1), id(1, "b", "c2", 1)}, []scan.Finding{part(0, "c", "c3", 1)}, "", "no key id for certain; candidates: "},
				"two ids in one file":  {[]scan.Finding{id(0, "a", "c1", 1), id(1, "a", "c1", 2)}, []scan.Finding{part(0, "b", "c1", 1)}, "", "no key id for certain; candidates: "},
				"a secret alone":       {nil, []scan.Finding{part(0, "a", "c1", 1)}, "", "no key id found"},
				"ids of another kind":  {[]scan.Finding{at("other.kind", credential.PartID, "idother", "a", "c1", 1)}, []scan.Finding{part(0, "a", "c1", 2)}, "", "no key id found"},
				"two secrets, one id":  {[]scan.Finding{id(0, "a", "c1", 1)}, []scan.Finding{part(0, "b", "c2", 1), part(1, "c", "c3", 1)}, "", "no key id for certain; candidates: "},
				"the same line of two": {[]scan.Finding{id(0, "a", "c1", 1), id(0, "b", "c1", 1)}, []scan.Finding{part(0, "a", "c1", 1), part(1, "b", "c1", 1)}, "", "no key id for certain; candidates: "},
			} {
				r := scan.Result{Findings: append(append([]scan.Finding{}, tc.ids...), tc.secrets...)}
				if public {
					r = scan.Result{Findings: tc.secrets, Context: tc.ids}
				}
				for _, c := range triage.Build(r) {
					if c.Credential.Part(credential.PartSecret).Empty() || c.Kind != kind {
						continue
					}
					joined := c.Credential.Complete()
					switch {
					case joined != (tc.how != ""), joined && c.Pairing != tc.how, !joined && !strings.HasPrefix(c.Pairing, tc.said):
						t.Errorf("%s, %s, public id %v: joined %v, %q", kind, name, public, joined, c.Pairing)
					case joined && c.Credential.ID != many("id", 0):
						t.Errorf("%s, %s: the id is %q", kind, name, c.Credential.ID)
					case !joined && (len(c.Missing) != 1 || c.Missing[0] != credential.PartID):
						t.Errorf("%s, %s: missing is %v", kind, name, c.Missing)
					}
				}
			}
		}
	}
}

// A whole key says what it opens when exactly one thing near it can be meant.
func TestWhatAKeyOpens(t *testing.T) {
	t.Parallel()
	project := func(n int, file, commit string, line int) scan.Finding {
		return at(credential.SupabaseProject, "", many("project", n), file, commit, line)
	}
	key := at(credential.SupabaseSecretKey, "", many("sb", 0), "a.env", "c1", 7)
	proven := key
	proven.Proof.Project = "another"
	const account, other = "1AbCdEfGhIjKlMnO", "1ZyXwVuTsRqPoNmL"
	stripe := func(prefix, account, file string) scan.Finding {
		kind := credential.StripeSecretKey
		if prefix[0] == 'p' {
			kind = credential.StripePublicKey
		}
		return at(kind, "", prefix+"5"+account+strings.Repeat("k", 82), file, "c1", 1)
	}
	password := at(credential.DatabasePassword, credential.PartSecret, many("pw", 0), "a.env", "c1", 3)
	user := func(name string, line int) scan.Finding {
		return at(credential.DatabasePassword, credential.PartID, name, "a.env", "c1", line)
	}
	for name, tc := range map[string]struct {
		key     scan.Finding
		context []scan.Finding
		want    string
	}{
		"nothing near":            {key, nil, ""},
		"same file":               {key, []scan.Finding{project(0, "a.env", "c1", 1), project(1, "b.env", "c1", 1)}, "project " + many("project", 0) + ", named in the same file"},
		"same file, later":        {key, []scan.Finding{project(0, "a.env", "c2", 1), project(1, "b.env", "c1", 1)}, "project " + many("project", 0) + ", named in the same file, other commit"},
		"same commit":             {key, []scan.Finding{project(0, "b.env", "c1", 1), project(1, "c.env", "c3", 1)}, "project " + many("project", 0) + ", named in the same commit, other file"},
		"the only one":            {key, []scan.Finding{project(0, "b.env", "c2", 1)}, "project " + many("project", 0) + ", named in this scan"},
		"two in the file":         {key, []scan.Finding{project(0, "a.env", "c1", 1), project(1, "a.env", "c1", 2)}, "project not known: 2 candidates in the same file"},
		"two elsewhere":           {key, []scan.Finding{project(0, "b.env", "c2", 1), project(1, "c.env", "c3", 2)}, "project not known: 2 candidates in this scan"},
		"proven":                  {proven, []scan.Finding{project(0, "a.env", "c1", 1)}, ""},
		"user of the same line":   {password, []scan.Finding{user("shop", 3), user("jo", 4)}, "user shop, named on the same line"},
		"a user with an escape":   {password, []scan.Finding{user("sh\x1b[2Jop", 3)}, "user of an unusual name, named on the same line"},
		"publishable, account":    {stripe("sk"+"_live_", account, "a"), []scan.Finding{stripe("pk_live_", account, "b"), stripe("pk_live_", other, "a")}, "account of the publishable key"},
		"publishable, test mode":  {stripe("sk"+"_live_", account, "a"), []scan.Finding{stripe("pk_test_", account, "a")}, ""},
		"publishable, other one":  {stripe("sk"+"_live_", account, "a"), []scan.Finding{stripe("pk_live_", other, "a")}, ""},
		"another family's public": {password, []scan.Finding{project(0, "a.env", "c1", 3)}, ""},
	} {
		cases := triage.Build(scan.Result{Findings: []scan.Finding{tc.key}, Context: tc.context})
		if len(cases) != 1 {
			t.Fatalf("%s: %d cases", name, len(cases))
		}
		if got := cases[0].Pairing; tc.want == "" && got != "" || !strings.HasPrefix(got, tc.want) || !cases[0].Credential.Complete() {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
