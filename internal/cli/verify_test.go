package cli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/scan/sample"
)

// A leaked key of a service that nobody has set up is asked about: live, then dead
// once the service has forgotten it. Nothing that is said or kept holds the key.
func TestVerifyAsksTheServiceThatTheFormNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, value := t.TempDir(), lab.MadeUp("sk-", 20)+"T3BlbkFJ"+lab.MadeUp("", 20)
	write(t, dir, "a.env", "OPENAI_API_KEY="+value+"\n")
	w.lab.Services.Know("openai", value)
	out := w.must(1, "verify", "-t", dir, "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"liveness":"live"`) || !strings.Contains(out, `"grade":"identity"`) {
		t.Errorf("got %s", out)
	}
	w.lab.Services.Forget("openai", value)
	out += w.must(0, "verify", "-t", dir, "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"liveness":"dead"`) {
		t.Errorf("got %s", out)
	}
	if strings.Contains(out, value[5:18]) {
		t.Error("the key is in the output")
	}
}

// People read whom the key speaks for, what it may do and how well that is proven; a
// script reads the same. AWS and Stripe say it with their own calls.
func TestVerifyTellsWhomAKeySpeaksFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, token := t.TempDir(), githubToken()
	w.lab.Services.Know("github", token)
	write(t, dir, "a.env", "GITHUB_TOKEN="+token+"\n")
	write(t, dir, "b.env", "STRIPE_SECRET_KEY="+w.lab.Stripe.MakeKey("sk_live_")+"\n")
	write(t, dir, "c.env", "AWS_ACCESS_KEY_ID="+w.estate.LeakedID+"\nAWS_SECRET_ACCESS_KEY="+w.estate.LeakedSecret+"\n")
	out := w.must(1, "verify", "-t", dir, "--yes", "--no-cache")
	for _, want := range []string{
		"  proof: identity; account 7, jo, rights repo read:org\n", "  proof: identity; account " + w.lab.Stripe.Account() + ", sk_live_…", "user/" + w.estate.User + "\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
	out = w.must(1, "verify", "-t", dir, "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"account":"7","who":"jo","project":"","scopes":["repo","read:org"],"grade":"identity"`) || strings.Count(out, `"grade":"identity"`) != 3 {
		t.Errorf("got %s", out)
	}
}

// Five hundred findings of twenty keys are twenty requests, and the answers come in the
// same order every time.
func TestFiveHundredFindingsOfTwentyKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	var text strings.Builder
	for range 20 {
		text.WriteString("GITHUB_TOKEN=" + githubToken() + "\n")
	}
	for i := range 25 {
		write(t, dir, fmt.Sprintf("%02d.env", i), text.String())
	}
	served := w.lab.Served()
	out := w.must(0, "verify", "-t", dir, "--yes", "--no-cache")
	if n := w.lab.Served() - served; n != 20 || strings.Count(out, "\n") != 20 || strings.Count(out, "DEAD") != 20 {
		t.Errorf("%d requests, %s", n, out)
	}
	if again := w.must(0, "verify", "-t", dir, "--yes", "--no-cache"); again != out {
		t.Errorf("another order:\n%s\n%s", out, again)
	}
}

// Beyond the budget of a run nothing is asked, and it is not called clean.
func TestMoreKeysThanTheBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	var text strings.Builder
	for range probe.Budget + 7 {
		text.WriteString("GITHUB_TOKEN=" + githubToken() + "\n")
	}
	write(t, dir, "a.env", text.String())
	served := w.lab.Served()
	out := w.must(3, "verify", "-t", dir, "--yes", "--no-cache")
	if n := w.lab.Served() - served; n != probe.Budget || strings.Count(out, "UNKNOWN") != 7 || strings.Count(out, "requests in one run are the most") != 7 {
		t.Errorf("%d requests, %s", n, out)
	}
}

// A Supabase key that an old commit holds, and its project in a file of another commit:
// the checksum joins them, also in a second scan that looks only at what is new, and the
// key is asked about at its project.
func TestVerifyASupabaseKeyOfAHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	tm, err := sample.Parse("{supabase:sb_secret_:" + strings.Repeat("abcd", 5) + "}")
	if err != nil {
		t.Fatal(err)
	}
	key := tm.Make(sample.Source(t.Name()))
	git(t, dir, "init", "-q", "-b", "main")
	commit(t, dir, "api/.env", "SUPABASE_SECRET_KEY="+key+"\n")
	commit(t, dir, "api/.env", "SUPABASE_SECRET_KEY=\n")
	commit(t, dir, "supabase/config.toml", "[remotes.prod]\nproject_id = \""+strings.Repeat("abcd", 5)+"\"\n")
	commit(t, dir, "supabase/config.toml", "\n")
	w.lab.Services.Know("supabase_project", key)
	for _, scan := range []string{"first", "second"} {
		out := w.must(1, "scan", "git", dir, "--json")
		if !strings.Contains(out, `"checksum": "valid"`) || !strings.Contains(out, `"project": "abcdabcdabcdabcdabcd"`) {
			t.Errorf("the %s scan: %s", scan, out)
		}
		commit(t, dir, "c.txt", scan+"\n")
	}
	out := w.must(1, "verify", "-t", dir, "--yes", "--no-cache", "--json")
	if !strings.Contains(out, `"liveness":"live"`) || !strings.Contains(out, `"project":"abcdabcdabcdabcdabcd"`) || strings.Contains(out, key[12:24]) {
		t.Errorf("got %s", out)
	}
}

// What an issuer said is remembered, whether it is only asked or also issues keys: the
// next verify asks nobody, and --no-cache asks again.
func TestVerdictsAreRemembered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir, token := t.TempDir(), githubToken()
	w.lab.Services.Know("github", token)
	write(t, dir, "a.env", "GITHUB_TOKEN="+token+"\nHF_TOKEN="+lab.MadeUp("hf_", 34)+"\n")
	write(t, dir, "b.env", "STRIPE_SECRET_KEY="+w.lab.Stripe.MakeKey("sk_live_")+"\nOPENAI_API_KEY="+lab.MadeUp("sk-", 20)+"T3BlbkFJ"+lab.MadeUp("", 20)+"\n")
	write(t, dir, "c.env", "AWS_ACCESS_KEY_ID="+w.estate.LeakedID+"\nAWS_SECRET_ACCESS_KEY="+w.estate.LeakedSecret+"\n")
	served := w.lab.Served()
	first := w.must(1, "verify", "-t", dir, "--yes")
	asked := w.lab.Served() - served
	if again := w.must(1, "verify", "-t", dir, "--yes"); strings.Count(again, "remembered from ") != 5 || strings.Contains(first, "remembered") || w.lab.Served() != served+asked {
		t.Errorf("%d requests, then %d more:\n%s\n%s", asked, w.lab.Served()-served-asked, first, again)
	}
	if w.must(1, "verify", "-t", dir, "--yes", "--no-cache"); w.lab.Served() != served+2*asked {
		t.Errorf("with --no-cache: %d requests instead of %d", w.lab.Served()-served-asked, asked)
	}
}
