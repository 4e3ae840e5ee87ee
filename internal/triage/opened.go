package triage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/scan"
)

// A key that is whole may still not say what it opens: a Supabase key its project, a
// database's password its user, a Stripe key its account. What stands near tells.

// openedBy names the public values that go with a kind of key, and their word.
func openedBy(k credential.Kind) (of func(*value) bool, word string) {
	is := func(kind credential.Kind) func(*value) bool {
		return func(v *value) bool { return v.kind == kind }
	}
	switch k {
	case credential.SupabaseSecretKey, credential.SupabasePublicKey, credential.SupabaseDatabase:
		return is(credential.SupabaseProject), "project"
	case credential.DatabasePassword:
		return is(credential.DatabasePassword), "user"
	case credential.StripeSecretKey, credential.StripeWebhook:
		return is(credential.StripePublicKey), "account of the publishable key"
	default:
		return nil, ""
	}
}

// opened is the case of a whole key, with what it opens if that can be told. Of several
// equally good answers none is taken: all that is said is that there are several.
func opened(v *value, context []*value) Case {
	c := newCase(v)
	of, word := openedBy(v.kind)
	if of == nil || slices.ContainsFunc(v.findings, func(f scan.Finding) bool { return f.Proof.Project != "" }) {
		return c // nothing to ask, or proven
	}
	var known []*value
	for _, x := range context {
		if of(x) && sameAccount(v, x) {
			known = append(known, x)
		}
	}
	if len(known) == 0 {
		return c
	}
	for _, round := range []struct {
		key func(scan.Finding) string
		how string
	}{
		{sameLine, "on the same line"},
		{sameVersion, "in the same file"},
		{sameFile, "in the same file, other commit"},
		{sameCommit, "in the same commit, other file"},
		{func(scan.Finding) string { return "all" }, "in this scan"},
	} {
		near := together(v, known, round.key)
		switch {
		case len(near) == 1:
			c.Pairing = word + " " + shown(near[0]) + ", named " + round.how
		case len(near) > 1:
			c.Pairing = fmt.Sprintf("%s not known: %d candidates %s", word, len(near), round.how)
		default:
			continue
		}
		break
	}
	return c
}

// shown is a public value in words: foreign text goes to a screen only when it is plain.
func shown(v *value) string {
	const longest = 80
	text := v.text.Reveal()
	if v.kind == credential.StripePublicKey {
		return v.text.Mask()
	}
	if len(text) > longest || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "of an unusual name"
	}
	return text
}

func sameLine(f scan.Finding) string {
	if f.Path() == "" {
		return ""
	}
	return fmt.Sprintf("%s\x00%d", sameVersion(f), f.Line)
}

// together are those of the list that stand where the value stands.
func together(v *value, list []*value, key func(scan.Finding) string) []*value {
	places := map[string]bool{}
	for _, f := range v.findings {
		if k := key(f); k != "" {
			places[k] = true
		}
	}
	var near []*value
	for _, x := range list {
		if slices.ContainsFunc(x.findings, func(f scan.Finding) bool { return places[key(f)] }) {
			near = append(near, x)
		}
	}
	return near
}

// accountAt is where a Stripe key of today names its account: behind "_live_5" stand the
// sixteen characters that follow "acct_" in the account's id. Publishable and secret
// keys of one account share them. It is not documented; keys of 24 characters have none.
const (
	accountAt     = len("sk_live_5")
	accountLength = 16
	longKey       = len("sk_live_") + 90
)

// sameAccount reports whether a Stripe key and a publishable key may be of one account;
// of other kinds there is no telling.
func sameAccount(v, public *value) bool {
	a, b := v.text.Reveal(), public.text.Reveal()
	if v.kind != credential.StripeSecretKey || len(a) < longKey || len(b) < longKey {
		return v.kind != credential.StripeSecretKey || livemode(a) == livemode(b)
	}
	return livemode(a) == livemode(b) && a[accountAt:accountAt+accountLength] == b[accountAt:accountAt+accountLength]
}

func livemode(key string) bool { return strings.Contains(key[:min(len(key), accountAt)], "_live_") }
