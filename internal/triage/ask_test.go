package triage_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/triage"
)

type fakeIssuer struct {
	verdict providers.Verdict
	err     error
}

func (fakeIssuer) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "fake", Title: "Fake", Kinds: []credential.Kind{credential.AWSAccessKey}}
}

func (f fakeIssuer) Verify(context.Context, credential.Credential) (providers.Verdict, error) {
	return f.verdict, f.err
}

type muteIssuer struct{}

func (muteIssuer) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "mute", Title: "Mute", Kinds: []credential.Kind{credential.AWSAccessKey}}
}

type fakeSink struct {
	name    string
	located providers.Located
	err     error
	asked   *[]providers.Wanted
}

func (f fakeSink) Describe() providers.Descriptor { return providers.Descriptor{Name: f.name} }

func (f fakeSink) Locate(_ context.Context, w []providers.Wanted) (providers.Located, error) {
	if f.asked != nil {
		*f.asked = w
	}
	return f.located, f.err
}

func (fakeSink) Read(context.Context, providers.Placement) (secret.Text, error) {
	return secret.Text{}, providers.ErrUnreadable
}
func (fakeSink) Store(context.Context, providers.Placement, secret.Text) error { return nil }

func awsCase(t *testing.T, findings ...scan.Finding) triage.Case {
	t.Helper()
	if len(findings) == 0 {
		findings = []scan.Finding{idAt(1, "a", "c", 1), secretAt(1, "a", "c", 2)}
	}
	return triage.Build(scan.Result{Findings: findings})[0]
}

func TestVerify(t *testing.T) {
	t.Parallel()
	down := &providers.Error{Provider: "fake", Op: "ask", Class: providers.ErrTransient}
	tests := []struct {
		name  string
		reg   providers.Registry
		c     triage.Case
		want  string
		class error
	}{
		{"live", providers.NewRegistry(fakeIssuer{verdict: providers.Verdict{Liveness: providers.Live}}), awsCase(t), "live", nil},
		{"dead", providers.NewRegistry(fakeIssuer{verdict: providers.Verdict{Liveness: providers.Dead}}), awsCase(t), "dead", nil},
		{"an error is unknown, even with a verdict", providers.NewRegistry(fakeIssuer{verdict: providers.Verdict{Liveness: providers.Dead}, err: down}), awsCase(t), "unknown", providers.ErrTransient},
		{"an empty verdict is unknown", providers.NewRegistry(fakeIssuer{}), awsCase(t), "unknown", nil},
		{"no provider", providers.NewRegistry(), awsCase(t), "unknown", providers.ErrUnsupported},
		{"provider without the ability", providers.NewRegistry(muteIssuer{}), awsCase(t), "unknown", providers.ErrUnsupported},
		{"part missing", providers.NewRegistry(fakeIssuer{verdict: providers.Verdict{Liveness: providers.Live}}), awsCase(t, idAt(1, "a", "c", 1)), "unknown", providers.ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l, err := triage.Verify(t.Context(), tt.reg, tt.c)
			if l.Value != tt.want || string(l.Verdict.Liveness) != tt.want {
				t.Errorf("liveness %q, verdict %q, want %q", l.Value, l.Verdict.Liveness, tt.want)
			}
			if !errors.Is(err, tt.class) {
				t.Errorf("error %v, want class %v", err, tt.class)
			}
			if err != nil && strings.Contains(err.Error(), keySecret(1).Reveal()) {
				t.Error("the error holds the secret")
			}
		})
	}
}

// supabaseIssuer knows one project, as the provider that is configured does.
type supabaseIssuer struct{ fakeIssuer }

func (supabaseIssuer) Describe() providers.Descriptor {
	return providers.Descriptor{Name: "fake", Title: "Fake", Kinds: []credential.Kind{credential.SupabaseSecretKey}}
}

// TestRefusedByAProject: a key whose project is not known may be of another one than
// the one that refuses it.
func TestRefusedByAProject(t *testing.T) {
	t.Parallel()
	reg := providers.NewRegistry(supabaseIssuer{fakeIssuer{verdict: providers.Verdict{Liveness: providers.Dead}}})
	for project, want := range map[string]string{"": "unknown", "abcdabcdabcdabcdabcd": "dead"} {
		c := triage.Case{Credential: credential.Credential{
			Kind: credential.SupabaseSecretKey, Project: project, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New("made up")},
		}}
		if l, err := triage.Verify(t.Context(), reg, c); err != nil || l.Value != want {
			t.Errorf("project %q: %+v %v, want %s", project, l, err, want)
		}
	}
}

func TestLocate(t *testing.T) {
	t.Parallel()
	place := func(provider, key string, part credential.Part) providers.Placement {
		return providers.Placement{Provider: provider, Account: "acc", Key: key, Part: part}
	}
	refused := &providers.Error{Provider: "b", Op: "list", Class: providers.ErrAuth}
	var asked []providers.Wanted
	one := place("a", "AWS_ACCESS_KEY_ID", credential.PartID)
	reg := providers.NewRegistry(
		fakeSink{name: "b", err: refused, located: providers.Located{Placements: []providers.Placement{place("b", "K", credential.PartID)}}},
		fakeSink{name: "a", asked: &asked, located: providers.Located{
			Placements: []providers.Placement{one, one, place("a", "AWS_ACCESS_KEY_ID", credential.PartSecret)},
			Gaps:       []providers.Gap{{What: "team x", Why: "no access"}},
		}},
	)
	c, err := triage.Locate(t.Context(), reg, awsCase(t))
	if !errors.Is(err, providers.ErrAuth) {
		t.Errorf("error %v, want ErrAuth", err)
	}
	if len(c.Placements) != 3 || c.Placements[0].Provider != "a" {
		t.Errorf("placements %+v", c.Placements)
	}
	if len(c.Gaps) != 2 || c.Gaps[0].What != "b" {
		t.Errorf("gaps %+v", c.Gaps)
	}
	if len(asked) != 2 || asked[0].Names[0] != "AWS_ACCESS_KEY_ID" || asked[1].Names[0] != "AWS_SECRET_ACCESS_KEY" {
		t.Errorf("asked for %+v", asked)
	}
	again, _ := triage.Locate(t.Context(), reg, c)
	if len(again.Placements) != len(c.Placements) || len(again.Gaps) != len(c.Gaps) {
		t.Error("a second Locate added to the first")
	}
}

func TestLocateWithoutSinksIsAGap(t *testing.T) {
	t.Parallel()
	c, err := triage.Locate(t.Context(), providers.NewRegistry(fakeIssuer{}), awsCase(t))
	if err != nil || len(c.Gaps) != 1 {
		t.Errorf("gaps %+v, error %v", c.Gaps, err)
	}
}

func TestTitleKeepsForeignRuleNamesOut(t *testing.T) {
	t.Parallel()
	for kind, want := range map[credential.Kind]string{
		credential.AWSAccessKey:      "aws access key",
		"generic.github-pat":         "github pat",
		"generic.evil\x1b[31m":       "unclassified secret",
		"generic.":                   "unclassified secret",
		"":                           "unclassified secret",
		"vendor.kind_we_do_not_know": "unclassified secret",
	} {
		if got := triage.Title(kind); got != want {
			t.Errorf("Title(%q) = %q, want %q", kind, got, want)
		}
	}
}

// What a key opens comes from its own proof, else from the one project near it.
func TestTheProjectOfACase(t *testing.T) {
	t.Parallel()
	key := secret.New("sb_" + "secret_" + strings.Repeat("x", 31))
	at := func(file string, p scan.Proof) scan.Finding {
		f := tokenAt("supabase-secret-key", credential.SupabaseSecretKey, key, file, 1)
		f.Proof = p
		return f
	}
	for name, tc := range map[string]struct {
		findings []scan.Finding
		project  string
		bound    bool
	}{
		"none":             {[]scan.Finding{at("a", scan.Proof{})}, "", false},
		"proven":           {[]scan.Finding{at("a", scan.Proof{Near: "other"}), at("b", scan.Proof{Checksum: "valid", Project: "mine"})}, "mine", true},
		"near":             {[]scan.Finding{at("a", scan.Proof{}), at("b", scan.Proof{Near: "mine"})}, "mine", false},
		"near two of them": {[]scan.Finding{at("a", scan.Proof{Near: "other"}), at("b", scan.Proof{Near: "mine"})}, "", false},
	} {
		c := triage.Build(scan.Result{Findings: tc.findings})[0].Credential
		if c.Project != tc.project || c.Bound != tc.bound {
			t.Errorf("%s: %q, %v", name, c.Project, c.Bound)
		}
	}
}
