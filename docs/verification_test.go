package docs_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
)

var update = flag.Bool("update", false, "write the table of how keys are verified into docs/detection.md")

// kinds are those of our own rules.
func kinds(t *testing.T) []credential.Kind {
	t.Helper()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []credential.Kind
	for _, r := range set.Rules() {
		if r.Own && r.Kind != "" {
			out = append(out, r.Kind)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// issued are the rows of keys that only their provider verifies.
func issued(k credential.Kind) []string {
	var out []string
	for _, d := range all.Descriptors() {
		if !slices.Contains(d.Kinds, k) || slices.ContainsFunc(probe.Ways(), func(w probe.Way) bool { return w.Kind == k && w.Why == "" }) {
			continue
		}
		live, few, dead, note := "", "", "", ""
		switch k {
		case credential.AWSAccessKey:
			live, few, dead = "STS's own XML with an account", "`AccessDenied`", "`InvalidClientTokenId`; with a session token also `ExpiredToken`"
			note = "`SignatureDoesNotMatch`: the id exists, the secret is not its own"
		case credential.StripeSecretKey:
			live, few, dead = "2xx with `id` acct_…", "403, `error.message` says “does not have the required permissions”", "401, `error.message` says “Invalid API Key provided” or “Expired API Key provided”"
		case credential.SupabaseJWTSecret:
			live, dead = "its key in the list is `in_use`, `previously_used` or `standby`", "it is `revoked`"
			note = "it is asked for with our own access: what the project's services make of a token is not"
		case credential.SupabaseDatabase:
			live, dead = "the role postgres logs in with it", "SQLSTATE `28P01`"
			note = "any other SQLSTATE, no connection, a ban; another password in the ten minutes after one was refused"
		default:
		}
		out = append(out, fmt.Sprintf("| `%s` | %s: `%s` | %s | %s | %s | %s |\n", k, d.Title, d.VerifyCall, live, few, dead, note))
	}
	return out
}

// table is how each family that we have a rule for is verified, or why it is not.
func table(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n| Keys | Request | Live | Works, few rights | Dead | Not told, or not asked |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, k := range kinds(t) {
		rows := issued(k)
		for _, w := range probe.Ways() {
			if w.Kind != k {
				continue
			}
			name := "`" + string(k) + "`"
			if w.What != "" {
				name += " " + w.What
			}
			request, note := "never", w.Why
			if w.Why == "" {
				request, note = w.Who+": `"+w.Call+"`", w.But
			}
			rows = append(rows, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |\n", name, request, w.Live, w.Few, w.Dead, note))
		}
		if len(rows) == 0 {
			t.Errorf("nothing says how keys of the kind %s are verified, or why not", k)
		}
		b.WriteString(strings.Join(rows, ""))
	}
	return b.String()
}

// The table in detection.md is that of the code, and each kind of our own rules is in it.
func TestVerificationTable(t *testing.T) {
	t.Parallel()
	const page, begin, end = "detection.md", "<!-- made: how keys are verified -->\n", "<!-- end of how keys are verified -->"
	text := read(t, "docs/"+page)
	before, rest, ok := strings.Cut(text, begin)
	old, after, ended := strings.Cut(rest, end)
	now := table(t)
	switch {
	case !ok || !ended:
		t.Fatalf("%s has no marker %s", page, begin)
	case *update:
		if err := os.WriteFile(page, []byte(before+begin+now+"\n"+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case strings.TrimSpace(old) != strings.TrimSpace(now):
		t.Errorf("the table in %s is not that of the code: go test ./docs -run Verification -update", page)
	}
	for _, w := range probe.Ways() {
		if !slices.Contains(kinds(t), w.Kind) {
			t.Errorf("%s is asked about, and no rule of ours finds it", w.Kind)
		}
	}
}
