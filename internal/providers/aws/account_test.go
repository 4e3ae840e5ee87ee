package aws

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
)

func TestAccountOf(t *testing.T) {
	t.Parallel()
	// The pair of Tal Be'ery's "A short note on AWS KEY ID", which no code of ours
	// had a hand in; put together here so that it is no key in this file.
	if got, ok := accountOf("AS" + "IA" + "QNZGKIQY" + "56JQ7WML"); !ok || got != "029608264753" {
		t.Errorf("the published id: %s, %v", got, ok)
	}
	for _, account := range []string{"000000000000", "000000000001", "123456789012", "999999999999"} {
		id := (&lab.AWS{}).ForeignID(account)
		if got, ok := accountOf(id); !ok || got != account {
			t.Errorf("%s: %s, %v", account, got, ok)
		}
	}
	tail := strings.Repeat("A", 15)
	for _, id := range []string{"", "AKIA", "AKIA" + "I" + tail, "AKIA" + "J" + tail, "AKIA" + strings.Repeat("0", 16), "AKIA" + "AA" + tail} {
		if got, ok := accountOf(id); ok {
			t.Errorf("%q: %s", id, got)
		}
	}
}

func FuzzAccountOf(f *testing.F) {
	f.Add((&lab.AWS{}).ForeignID("123456789012"))
	f.Add("AKIAI")
	f.Fuzz(func(t *testing.T, id string) {
		if got, ok := accountOf(id); ok && len(got) != 12 && len(got) != 13 {
			t.Fatalf("%q: account %q", id, got)
		}
	})
}
