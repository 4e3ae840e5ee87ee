package tokens_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// A hint fits only the token whose ends it shows, and one that shows little fits none.
func TestHinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.StringMatching(`sk-[a-z0-9]{20,40}`).Draw(t, "token")
		head, tail := rapid.IntRange(0, 12).Draw(t, "head"), rapid.IntRange(0, 6).Draw(t, "tail")
		hint := plain[:head] + rapid.SampledFrom([]string{"...", "***", "…", "••••", "********************"}).Draw(t, "gap") + plain[len(plain)-tail:]
		if got := tokens.Hinted(hint, secret.New(plain)); got != (head+tail >= 6) {
			t.Fatalf("%q of a token of %d: %v", hint, len(plain), got)
		}
		if tail > 0 && tokens.Hinted(hint, secret.New(plain+"~")) {
			t.Fatal("another end fits")
		}
	})
	for _, bad := range []string{"", "...", "sk-abcdefgh", "sk-abcdef...", "sk-abcdefghij"} {
		if tokens.Hinted(bad, secret.New("sk-abcdefghi")) != (bad == "sk-abcdef...") {
			t.Errorf("%q", bad)
		}
	}
}

// listing is a service that only lists.
type listing struct {
	tokens.Service

	keys []tokens.Key
}

func (l listing) Keys(context.Context, string) ([]tokens.Key, error) { return l.keys, nil }

func key(id, name string, made time.Time, used *providers.Usage) tokens.Key {
	return tokens.Key{Name: name, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{ID: id, Owner: "p"}, Created: made, Usage: used}}
}

// A lost key is told by its name; what is not certain is a person's to decide.
func TestReconcile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	req := providers.IssueRequest{Old: providers.KeyRef{ID: "old", Owner: "p"}, Name: "sg_r_1", Before: []string{"old", "b"}, Since: now}
	for name, tc := range map[string]struct {
		keys []tokens.Key
		want providers.ReconcileOutcome
	}{
		"nothing new":          {[]tokens.Key{key("old", "x", now, nil), key("b", "sg_r_1", now, nil)}, providers.NotApplied},
		"a stranger's":         {[]tokens.Key{key("c", "other", now, nil)}, providers.NotApplied},
		"ours":                 {[]tokens.Key{key("c", "sg_r_1", now, nil), key("d", "other", now, nil)}, providers.Orphaned},
		"ours, twice":          {[]tokens.Key{key("c", "sg_r_1", now, nil), key("d", "sg_r_1", now, nil)}, providers.Unclear},
		"too old to be ours":   {[]tokens.Key{key("c", "sg_r_1", now.Add(-time.Hour), nil)}, providers.Unclear},
		"in use already":       {[]tokens.Key{key("c", "sg_r_1", now, &providers.Usage{At: now})}, providers.Unclear},
		"no date in a listing": {[]tokens.Key{key("c", "sg_r_1", time.Time{}, &providers.Usage{})}, providers.Orphaned},
	} {
		rec, err := tokens.New(tokens.Config{Service: listing{keys: tc.keys}}).Reconcile(t.Context(), req)
		if err != nil || rec.Outcome != tc.want || rec.Detail == "" {
			t.Errorf("%s: %+v, %v", name, rec, err)
		}
	}
}

func TestOne(t *testing.T) {
	t.Parallel()
	a, b, c := key("a", "", time.Time{}, nil), key("b", "", time.Time{}, nil), key("c", "", time.Time{}, nil)
	c.Ref.Owner = "q"
	list := []tokens.Key{a, b, c}
	one, others, err := tokens.One("x", list, func(k tokens.Key) bool { return k.Ref.ID == "a" })
	if err != nil || one.Ref.ID != "a" || len(others) != 1 || others[0].Ref.ID != "b" || len(list) != 3 {
		t.Errorf("%+v, %+v, %v", one, others, err)
	}
	if _, _, err := tokens.One("x", list, func(tokens.Key) bool { return false }); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	if _, _, err := tokens.One("x", list, func(tokens.Key) bool { return true }); !errors.Is(err, providers.ErrRefused) || !strings.Contains(err.Error(), "3 keys") {
		t.Errorf("several: %v", err)
	}
}

func TestKindsByForm(t *testing.T) {
	t.Parallel()
	for form, want := range map[string]credential.Kind{
		"sk-proj-x": credential.OpenAIKey, "sk-x": credential.OpenAIKey, "sk-svcacct-x": credential.OpenAIServiceKey, "sk-admin-x": credential.OpenAIAdminKey,
	} {
		if got := credential.Narrow(credential.OpenAIKey, secret.New(form)); got != want {
			t.Errorf("%s: %s", form, got)
		}
		if got := credential.Narrow(credential.DeepSeekKey, secret.New(form)); got != credential.DeepSeekKey {
			t.Errorf("another kind became %s", got)
		}
	}
}
