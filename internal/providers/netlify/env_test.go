package netlify_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/netlify"
	"github.com/secretguard/secretguard/internal/providers/providertest"
	"github.com/secretguard/secretguard/internal/secret"
)

// tap records method, address and body of what changes something.
type tap struct {
	mu   sync.Mutex
	sent []string
}

func (p *tap) wrap(_ string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		if r.Method != http.MethodGet {
			p.mu.Lock()
			p.sent = append(p.sent, r.Method+" "+r.URL.Path+" "+string(body))
			p.mu.Unlock()
		}
		h.ServeHTTP(w, r)
	})
}

func (p *tap) take() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.sent
	p.sent = nil
	return out
}

func tapped(t *testing.T) (*tap, *lab.Lab, *netlify.Provider) {
	t.Helper()
	record := &tap{}
	l := providertest.Start(t, lab.Options{Wrap: record.wrap})
	return record, l, open(t, l)
}

func place(site, key, context, param string) providers.Placement {
	return providers.Placement{Provider: "netlify", Account: "shop-team", Level: "site", Resource: site, Key: key, Context: context, ContextParam: param}
}

// What is stored is one context, named as it was found, and nothing but its value.
func TestStoreSendsOneContext(t *testing.T) {
	t.Parallel()
	record, l, p := tapped(t)
	site := l.Netlify.AddSite("shop")
	for _, context := range []string{"production", "deploy-preview", "branch-deploy", "dev", "branch/feature-x", "branch/other"} {
		l.Netlify.SetVar(site, "KEY", context, "old", false)
	}
	l.Netlify.SetVar(site, "WIDE", "all", "old", false)
	for _, tc := range []struct {
		pl   providers.Placement
		body string
	}{
		{place(site, "KEY", "production", ""), `{"context":"production","value":"new"}`},
		{place(site, "KEY", "branch", "feature-x"), `{"context":"branch","context_parameter":"feature-x","value":"new"}`},
		{place(site, "WIDE", "all", ""), `{"context":"all","value":"new"}`},
	} {
		before := l.Netlify.Everything()
		if err := p.Store(t.Context(), tc.pl, secret.New("new")); err != nil {
			t.Fatal(err)
		}
		sent := record.take()
		if want := "PATCH /api/v1/accounts/shop-team/env/" + tc.pl.Key + " " + tc.body; len(sent) != 1 || sent[0] != want {
			t.Errorf("sent %q, want %q", sent, want)
		}
		changed := 0
		for k, v := range l.Netlify.Everything() {
			if before[k] != v {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("%s: %d values changed", tc.pl.ID(), changed)
		}
	}
}

// A value for all contexts that somebody split, or a context that somebody took
// away, is not made again: storing would change what other contexts see.
func TestStoreCreatesNothing(t *testing.T) {
	t.Parallel()
	record, l, p := tapped(t)
	site := l.Netlify.AddSite("shop")
	l.Netlify.SetVar(site, "KEY", "all", "old", false)
	found := place(site, "KEY", "all", "")
	l.Netlify.SetVar(site, "KEY", "production", "split", false)
	for _, pl := range []providers.Placement{found, place(site, "KEY", "branch", "gone"), place(site, "NONE", "production", "")} {
		before := l.Netlify.Everything()
		if err := p.Store(t.Context(), pl, secret.New("new")); !errors.Is(err, providers.ErrNotFound) {
			t.Errorf("%s: %v", pl.ID(), err)
		}
		if sent := record.take(); len(sent) != 0 {
			t.Errorf("%s: sent %q", pl.ID(), sent)
		}
		if after := l.Netlify.Everything(); len(after) != len(before) {
			t.Errorf("%s: %d values, before %d", pl.ID(), len(after), len(before))
		}
	}
	if l.Netlify.Value(site, "KEY", "production") != "split" || l.Netlify.Value(site, "KEY", "dev") != "old" {
		t.Error("a split value was touched")
	}
}

// A secret variable reads as a mask, all but its value for development. No mask
// is ever taken for a value, and none is sent back.
func TestSecretVariable(t *testing.T) {
	t.Parallel()
	record, l, p := tapped(t)
	id, sec := values()
	site := l.Netlify.AddSite("shop")
	for _, context := range []string{"production", "deploy-preview", "dev"} {
		l.Netlify.SetVar(site, "AWS_SECRET_ACCESS_KEY", context, sec, true)
	}
	l.Netlify.SetVar(site, "UNKNOWN_NAME", "production", sec, true)
	found := locate(t, l, id, sec)
	got := map[string]providers.Placement{}
	for _, pl := range found.Placements {
		got[pl.Context] = pl
	}
	if len(found.Placements) != 3 {
		t.Fatalf("found %+v", found.Placements)
	}
	for context, want := range map[string]providers.Match{"production": providers.MatchByName, "deploy-preview": providers.MatchByName, "dev": providers.MatchExact} {
		pl := got[context]
		if pl.Match != want || pl.WriteOnly != (context != "dev") {
			t.Errorf("%s: %+v", context, pl)
		}
		v, err := p.Read(t.Context(), pl)
		if context == "dev" && (err != nil || v.Reveal() != sec) || context != "dev" && (!errors.Is(err, providers.ErrUnreadable) || !v.Empty()) {
			t.Errorf("%s: read %v", context, err)
		}
	}
	if err := p.Store(t.Context(), got["production"], secret.New("new")); err != nil {
		t.Fatal(err)
	}
	for _, sent := range record.take() {
		if strings.Contains(sent, "***") || strings.Contains(sent, "is_secret") || strings.Contains(sent, "scopes") {
			t.Errorf("sent %s", sent)
		}
	}
	for context, want := range map[string]string{"production": "new", "deploy-preview": sec, "dev": sec} {
		if l.Netlify.Value(site, "AWS_SECRET_ACCESS_KEY", context) != want {
			t.Errorf("%s has changed, or has not", context)
		}
	}
}

// An account may stand in addresses as slug or as id.
func TestAccountByIDOrSlug(t *testing.T) {
	t.Parallel()
	_, l, p := tapped(t)
	site := l.Netlify.AddSite("shop")
	l.Netlify.SetVar(site, "KEY", "all", "v", false)
	for _, account := range l.Netlify.AccountNames("shop-team") {
		pl := place(site, "KEY", "all", "")
		pl.Account = account
		if v, err := p.Read(t.Context(), pl); err != nil || v.Reveal() != "v" {
			t.Errorf("%s: %v", account, err)
		}
	}
}
