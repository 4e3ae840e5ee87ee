package providertest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
)

var (
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	envForm  = regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`)
)

// describe checks that the descriptor is complete and agrees with what the
// provider can do.
func describe(t *testing.T, w *World) {
	d := w.Provider.Describe()
	w.hidden(t, "the provider when it is printed", fmt.Sprintf("%v %+v %#v", w.Provider, w.Provider, w.Provider))
	if !nameForm.MatchString(d.Name) || d.Title == "" {
		t.Errorf("name %q, title %q", d.Name, d.Title)
	}
	if len(d.Permissions) == 0 || len(d.Limits) == 0 || len(d.Links) == 0 {
		t.Error("permissions, honest limits and links belong to every provider")
	}
	for _, l := range d.Links {
		if !strings.HasPrefix(l, "https://") {
			t.Errorf("link %q", l)
		}
	}
	for _, l := range d.Limits {
		if !strings.HasSuffix(l, ".") {
			t.Errorf("a limit is a sentence: %q", l)
		}
	}
	if can := providers.AbilitiesOf(w.Provider); !slices.Equal(can, d.Can) {
		t.Errorf("it can %q, and says %q", can, d.Can)
	}
	settings(t, w, d)
	roles(t, w, d)
}

func settings(t *testing.T, w *World, d providers.Descriptor) {
	t.Helper()
	// A key that a person replaces is checked with itself.
	_, needed := providers.As[providers.Guide](w.Provider)
	needed = needed || d.ByHand
	seen := map[string]bool{}
	for _, s := range d.Settings {
		if !envForm.MatchString(s.Env) || s.Help == "" || seen[s.Env] {
			t.Errorf("setting %+v", s)
		}
		seen[s.Env] = true
		needed = needed || s.Required
		for _, word := range []string{"TOKEN", "SECRET", "API_KEY"} {
			if strings.Contains(s.Env, word) && !strings.HasPrefix(s.Env, "SECRETGUARD_") && !s.Secret {
				t.Errorf("setting %s is not marked as a secret", s.Env)
			}
		}
	}
	if !needed {
		t.Error("no setting is required: what does the provider work with?")
	}
}

func roles(t *testing.T, w *World, d providers.Descriptor) {
	t.Helper()
	_, verifies := providers.As[providers.Verifier](w.Provider)
	_, issues := providers.As[providers.Issuer](w.Provider)
	_, disables := providers.As[providers.Disabler](w.Provider)
	_, deletes := providers.As[providers.Deleter](w.Provider)
	_, retires := providers.As[providers.Retirer](w.Provider)
	_, replaces := providers.As[providers.Replacer](w.Provider)
	_, inspects := providers.As[providers.Inspector](w.Provider)
	_, reports := providers.As[providers.UsageReporter](w.Provider)
	_, stores := providers.As[providers.Sink](w.Provider)
	_, deploys := providers.As[providers.Deployer](w.Provider)

	_, guides := providers.As[providers.Guide](w.Provider)

	issuer, sink := slices.Contains(d.Roles, providers.RoleIssuer), slices.Contains(d.Roles, providers.RoleSink)
	for _, rule := range []struct {
		broken bool
		text   string
	}{
		{!issuer && !sink, "it has no role"},
		{sink != stores, "the role sink and the ability do not agree"},
		{sink != (w.Sink != nil), "the role sink and the suite do not agree"},
		{deploys && !sink, "it deploys and is no sink"},
		{issuer != (verifies || issues || disables || deletes || retires), "the role issuer and the abilities do not agree"},
		{issuer != (w.Issuer != nil), "the role issuer and the suite do not agree"},
		{issuer != (len(d.Kinds) > 0), "an issuer, and only one, names the kinds of its keys"},
		{issues && !inspects, "it issues and cannot tell whether there is room"},
		{issues && !verifies, "it issues and cannot check what it issued"},
		{issues && d.ReadyWithin <= 0, "it issues and does not say how long a new key may be refused"},
		{guides && (!verifies || !inspects || d.ReadyWithin <= 0), "a person makes its keys, and it cannot check them"},
		{retires && !guides, "a key takes itself away, and nobody is told what to do where it cannot"},
		{guides && issues && (deletes || retires), "it guides a person, and there is nothing left to do by hand"},
		{d.Overlap && !issues && !guides, "two keys overlap where none is issued"},
		{verifies && !d.Proof.Once && (d.Proof.Refusals < 3 || d.Proof.Window < 10*time.Second), "a death that is proven too quickly"},
		{d.Proof.Once && (d.Proof.Refusals != 1 || d.Proof.Window != 0), "one refusal is wanted, and the numbers are others"},
		{replaces && (!issues || d.Overlap || deletes || retires), "it puts one key in the place of another, and something is left to overlap or to delete"},
		{d.ProbeService != "" && !reports, "a probe's name without a record of use"},
	} {
		if rule.broken {
			t.Error(rule.text)
		}
	}
}
