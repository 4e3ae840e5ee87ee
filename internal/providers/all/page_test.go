package all_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
)

var update = flag.Bool("update", false, "write docs/providers.md anew")

const page = "../../../docs/providers.md"

func TestPage(t *testing.T) {
	t.Parallel()
	want := all.Page()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Errorf("docs/providers.md is old (%v): go test ./internal/providers/all -run TestPage -update", err)
	}
	for _, d := range all.Descriptors() {
		if strings.Count(want, "\n## "+d.Name+"\n") != 1 {
			t.Errorf("%s has no section", d.Name)
		}
	}
}

// What a provider is called follows from what it can do.
func TestWays(t *testing.T) {
	t.Parallel()
	for _, d := range all.Descriptors() {
		want := map[string]providers.Way{
			"aws": providers.WayAutomatic, "netlify": providers.WayStores, "render": providers.WayStores, "openai": providers.WayMixed,
			"anthropic": providers.WayMixed, "openai-service": providers.WayAutomatic, "prefect-bot": providers.WayMixed, "supabase": providers.WayAutomatic, "stripe": providers.WayGuided, "github": providers.WayMixed, "stripe-webhook": providers.WayAutomatic, "twocaptcha": providers.WayGuided,
		}[d.Name]
		if want != "" && d.Way() != want {
			t.Errorf("%s is called %s", d.Name, d.Way())
		}
		cannot := strings.Join(d.Cannot(), "\n")
		if d.Name == "github" && strings.Contains(cannot, "cannot take the old key away") {
			t.Errorf("%s: %s", d.Name, cannot)
		}
		if strings.Contains(cannot, "cannot make a key") != (d.Way() == providers.WayGuided || slices.Contains([]string{"openai", "anthropic", "github", "perplexity"}, d.Name)) {
			t.Errorf("%s: %s", d.Name, cannot)
		}
	}
}
