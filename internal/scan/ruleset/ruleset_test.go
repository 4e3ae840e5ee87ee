package ruleset

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/match"
)

// hex is a made-up hexadecimal value.
func hex(n int) string { return lab.MadeUpOf("0123456789abcdef", n) }

// upper is a made-up base32 value.
func upper(n int) string { return lab.MadeUpOf("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", n) }

type examples struct {
	rule      string
	positives []string
	misses    []string
}

// corpus makes every example at run time: no key stands in the repository.
func corpus() []examples {
	m := lab.MadeUp
	return []examples{
		{
			"aws-access-key-id",
			[]string{"id=AKIA" + upper(16), "ASIA" + upper(16) + " x", "\"ABIA" + upper(16) + "\""},
			[]string{"AKIA" + upper(15), "AKIA" + upper(17), "AKIA" + strings.Repeat("0", 16), "XAKIA" + upper(16), "AIDA" + upper(16)},
		},
		{
			"aws-secret-access-key",
			[]string{"AWS_SECRET_ACCESS_KEY=" + m("", 40), "aws_secret_access_key = \"" + m("", 40) + "\"", "secretAccessKey: '" + m("", 40) + "',"},
			[]string{"AWS_SECRET_ACCESS_KEY=" + hex(40), "AWS_SECRET_ACCESS_KEY=" + m("", 39), "AWS_SECRET_ACCESS_KEY=" + m("", 44), "AWS_SECRET_ACCESS_KEY=" + strings.Repeat("a", 40), "commit=" + m("", 40)},
		},
		{
			"supabase-secret-key",
			[]string{"k=sb_secret_" + m("", 22) + "_" + m("", 8), "'sb_secret_" + m("", 22) + "_" + m("", 8) + "'", "sb_secret_" + m("", 22) + "_" + m("", 8)},
			[]string{"sb_secret_" + m("", 21) + "_" + m("", 8), "sb_secret_" + m("", 22) + "_" + m("", 9), "sb_secret_" + m("", 31), "sb_secret_", "xsb_secret_" + m("", 22) + "_" + m("", 8)},
		},
		{
			"supabase-publishable-key",
			[]string{"k=sb_publishable_" + m("", 22) + "_" + m("", 8), "'sb_publishable_" + m("", 22) + "_" + m("", 8) + "'", "sb_publishable_" + m("", 22) + "_" + m("", 8)},
			[]string{"sb_publishable_" + m("", 21) + "_" + m("", 8), "sb_publishable_" + m("", 22) + "_" + m("", 9), "sb_publishable_" + m("", 31), "sb_publishable_", "xsb_publishable_" + m("", 22) + "_" + m("", 8)},
		},
		{
			"supabase-access-token",
			[]string{"sbp_" + hex(40), "t: sbp_oauth_" + hex(40), "\"sbp_" + hex(40) + "\""},
			[]string{"sbp_" + hex(39), "sbp_" + hex(41), "sbp_" + strings.Repeat("Z", 40), "xsbp_" + hex(40), "sbp_oauth_" + hex(12)},
		},
		{
			"prefect-user-key",
			[]string{"pnu_" + m("", 36), "K=pnu_" + m("", 36), "'pnu_" + m("", 36) + "'"},
			[]string{"pnu_" + m("", 35), "pnu_" + m("", 37), "pnx_" + m("", 36), "xpnu_" + m("", 36), "pnu_" + m("", 18) + "-" + m("", 17)},
		},
		{
			"prefect-service-account-key",
			[]string{"pnb_" + m("", 36), "K=pnb_" + m("", 36), "'pnb_" + m("", 36) + "'"},
			[]string{"pnb_" + m("", 35), "pnb_" + m("", 37), "pnx_" + m("", 36), "xpnb_" + m("", 36), "pnb_" + m("", 18) + "-" + m("", 17)},
		},
		{
			"stripe-secret-key",
			[]string{"sk_live_" + m("", 24), "rk_live_" + m("", 99), "k='sk_live_" + m("", 99) + "'"},
			[]string{"sk_live_" + m("", 19), "pk_live_" + m("", 24), "xsk_live_" + m("", 24), "sk_prod_" + m("", 24), "sk_live_"},
		},
		{
			"stripe-test-key",
			[]string{"sk_test_" + m("", 24), "rk_test_" + m("", 99), "k='sk_test_" + m("", 99) + "'"},
			[]string{"sk_test_" + m("", 19), "pk_test_" + m("", 24), "xsk_test_" + m("", 24), "sk_tests_" + m("", 24), "sk_test_"},
		},
		{
			"stripe-webhook-secret",
			[]string{"whsec_" + m("", 32), "W=whsec_" + m("", 40), "'whsec_" + m("", 32) + "'"},
			[]string{"whsec_" + m("", 20), "xwhsec_" + m("", 32), "whsec_" + strings.Repeat("x", 32), "whsec-" + m("", 32), "whsec_"},
		},
		{
			"openai-key",
			[]string{"sk-" + m("", 20) + "T3BlbkFJ" + m("", 20), "sk-proj-" + m("", 74) + "T3BlbkFJ" + m("", 74), "sk-svcacct-" + m("", 20) + "T3BlbkFJ" + m("", 20)},
			[]string{"sk-" + m("", 48), "sk-" + m("", 19) + "T3BlbkFJ" + m("", 20), "sk-proj-" + m("", 10) + "T3BlbkFJ" + m("", 10), "sk-other-" + m("", 20) + "T3BlbkFJ" + m("", 20), "T3BlbkFJ"},
		},
		{
			"anthropic-key",
			[]string{"sk-ant-api03-" + m("", 93) + "AA", "sk-ant-admin01-" + m("", 93) + "AA", "sk-ant-oat01-" + m("", 80)},
			[]string{"sk-ant-api03-" + m("", 39), "sk-ant-api99-" + m("", 95), "sk-ant-" + m("", 95), "xsk-ant-api03-" + m("", 95), "sk-ant-api03-your key here"},
		},
		{
			"google-api-key",
			[]string{"AIza" + m("", 35), "k=AIza" + m("", 35), "'AIza" + m("", 35) + "'"},
			[]string{"AIza" + m("", 34), "AIza" + m("", 36), "xAIza" + m("", 35), "AIza" + strings.Repeat("x", 35), "AIZA" + m("", 35)},
		},
		{
			"google-bound-api-key",
			[]string{"AQ." + m("", 50), "k=AQ." + m("", 60), "'AQ." + m("", 50) + "'"},
			[]string{"AQ." + m("", 30), "xAQ." + m("", 50), "AQ." + strings.Repeat("x", 50), "AQ-" + m("", 50), "FAQ." + m("", 50)},
		},
		{
			"twocaptcha-key",
			[]string{"TWOCAPTCHA_API_KEY=" + hex(32), "2captcha key: " + hex(32), "rucaptcha(\"" + hex(32) + "\")"},
			[]string{"md5=" + hex(32), "2captcha=" + hex(31), "2captcha=" + hex(33), "2captcha=" + strings.Repeat("z", 32), "2captcha\n" + hex(32)},
		},
	}
}

func TestEveryOwnRuleByItsExamples(t *testing.T) {
	t.Parallel()
	set, err := Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	reports := func(rule, text string) bool {
		for _, m := range set.Scan(match.Fragment{Text: text, Path: "config/app.txt"}) {
			if m.Rule.ID == rule {
				return true
			}
		}
		return false
	}
	covered := map[string]bool{}
	for _, e := range corpus() {
		covered[e.rule] = true
		if len(e.positives) < 3 || len(e.misses) < 5 {
			t.Errorf("%s: %d positives and %d near misses, want 3 and 5", e.rule, len(e.positives), len(e.misses))
		}
		for i, p := range e.positives {
			if !reports(e.rule, p) {
				t.Errorf("%s misses its positive %d", e.rule, i)
			}
		}
		for i, m := range e.misses {
			if reports(e.rule, m) {
				t.Errorf("%s reports its near miss %d", e.rule, i)
			}
		}
	}
	for _, r := range set.Rules() {
		if r.Own && !covered[r.ID] {
			t.Errorf("rule %s has no examples", r.ID)
		}
	}
	if n := len(set.Rules()); n < 200 {
		t.Errorf("%d rules: gitleaks' defaults are missing", n)
	}
}

// The snapshot that the program starts with is that of the rules in the sources,
// and brings back the same set.
func TestSnapshotIsFresh(t *testing.T) {
	t.Parallel()
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	if string(set.Snapshot()) != builtin {
		t.Fatal("builtin.rules is not that of the rules: run go generate ./internal/scan/ruleset")
	}
	restored, err := Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(set.Rules(), restored.Rules()) || set.Hash() != restored.Hash() || string(restored.Snapshot()) != builtin {
		t.Error("the restored set is another one")
	}
}

// A damaged snapshot is an error.
func TestDamagedSnapshot(t *testing.T) {
	t.Parallel()
	for n := 0; n < len(builtin); n += 97 {
		if _, err := match.Restore(builtin[:n]); !errors.Is(err, match.ErrSnapshot) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if _, err := match.Restore(builtin + "x"); !errors.Is(err, match.ErrSnapshot) {
		t.Error("something behind it was taken")
	}
}
