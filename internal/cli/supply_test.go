package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key whose issuer has no calls: the run says what to do, takes the new key from
// stdin, and never shows it.
func TestSupply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.lab.Stripe.MakeKey("sk_live_")
	w.lab.Netlify.SetVar(w.estate.Site, "STRIPE_SECRET_KEY", "production", old, false)
	w.repo = t.TempDir()
	if err := os.WriteFile(filepath.Join(w.repo, ".env"), []byte("STRIPE_SECRET_KEY="+old+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var doc struct{ Cases []struct{ ID string } }
	if err := json.Unmarshal([]byte(w.must(1, "scan", "dir", w.repo, "--json")), &doc); err != nil || len(doc.Cases) != 1 {
		t.Fatalf("%v, %+v", err, doc)
	}
	file := filepath.Join(t.TempDir(), "plan.json")
	out := w.must(0, "plan", doc.Cases[0].ID, "-t", w.repo, "-o", file, "--min-level", "1")
	for _, want := range []string{"YOU make a second key", "make a second key of the same kind", "https://dashboard.stripe.com/apikeys", "YOU take the old key away"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan must say %q:\n%s", want, out)
		}
	}
	var p struct{ ID, Digest string }
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		t.Fatal(err)
	}
	shown := w.must(6, "rotate", file, "--approve", p.Digest)
	if !strings.Contains(shown, "next: secretguard rotate supply "+p.ID) {
		t.Errorf("it must say what is next:\n%s", shown)
	}
	w.must(2, "rotate", "supply", p.ID)
	fresh := w.lab.Stripe.MakeKey("sk_live_")
	w.stdin = fresh + "\n"
	shown += w.must(6, "rotate", "supply", p.ID)
	w.lab.Stripe.DeleteKey(old)
	shown += w.must(0, "rotate", "resume", p.ID)
	if strings.Contains(shown, fresh) || strings.Contains(shown, old) {
		t.Error("a key is shown")
	}
	if got := w.lab.Netlify.Value(w.estate.Site, "STRIPE_SECRET_KEY", "production"); got != fresh {
		t.Error("the new key is not stored")
	}
}
