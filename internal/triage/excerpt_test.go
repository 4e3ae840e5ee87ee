package triage

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/secret"
)

func texts(lines []ExcerptLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Text + "\n")
	}
	return b.String()
}

func TestExcerptMasksWhatIsKnown(t *testing.T) {
	t.Parallel()
	one, two := "AKIA"+strings.Repeat("Q", 16), strings.Repeat("x7", 20)
	text := "first\nID=" + one + "\nSECRET=" + two + " # " + one + "\nlast\n"
	known := []scan.Finding{{Secret: secret.New(one)}, {Secret: secret.New(two)}}
	got := Excerpt(text, nil, known, 3, 1)
	if len(got) != 3 || got[0].N != 2 || got[2].Text != "last" {
		t.Fatalf("got %+v", got)
	}
	want := "SECRET=" + strings.Repeat("*", 12) + "x7x7 (40 chars) # " + secret.Mask(one) + " (20 chars)"
	if got[1].Text != want {
		t.Errorf("got %q, want %q", got[1].Text, want)
	}
}

// A finding of a decoded value stands in the text in another form: its place is
// hidden although its value does not occur.
func TestExcerptHidesThePlaceOfAFinding(t *testing.T) {
	t.Parallel()
	text := "a: ENCODED-FORM-OF-IT end\n"
	f := scan.Finding{Secret: secret.New("something else"), Line: 1, Column: 4, EndLine: 1, EndColumn: 22}
	if got := Excerpt(text, []scan.Finding{f}, []scan.Finding{f}, 1, 0)[0].Text; got != "a: "+strings.Repeat("*", 18)+" end" {
		t.Errorf("got %q", got)
	}
}

func TestExcerptKeepsLineNumbersOfALongSecret(t *testing.T) {
	t.Parallel()
	pem := "-----BEGIN\nAAAA\nBBBB\nEND-----"
	text := "one\n" + pem + "\nsix\n"
	got := Excerpt(text, nil, []scan.Finding{{Secret: secret.New(pem)}}, 6, 1)
	if len(got) != 2 || got[1].N != 6 || got[1].Text != "six" || strings.Trim(got[0].Text, "*") != "" {
		t.Errorf("got %+v", got)
	}
}

// Whatever the text and the places: no known value is in an excerpt, no panic.
func TestExcerptShowsNoKnownValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringMatching(`[ab\n]{0,60}`)
		value := rapid.StringMatching(`[ab]{3,5}`).Draw(t, "value")
		text := letters.Draw(t, "before") + value + letters.Draw(t, "after")
		f := scan.Finding{
			Secret: secret.New(value), Line: rapid.IntRange(-1, 9).Draw(t, "line"), Column: rapid.IntRange(-1, 9).Draw(t, "column"),
			EndLine: rapid.IntRange(-1, 9).Draw(t, "end line"), EndColumn: rapid.IntRange(-1, 9).Draw(t, "end column"),
		}
		got := texts(Excerpt(text, []scan.Finding{f}, []scan.Finding{f}, rapid.IntRange(-2, 30).Draw(t, "at"), rapid.IntRange(0, 5).Draw(t, "around")))
		if strings.Contains(got, value) {
			t.Fatalf("%q is shown in %q", value, got)
		}
	})
}
