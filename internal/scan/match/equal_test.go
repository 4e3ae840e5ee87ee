package match_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
)

// texts makes texts that are full of what rules look for, whole and broken.
type texts struct {
	*rand.Rand

	words []string
}

func newTexts(seed uint64, set *match.Set) texts {
	t := texts{Rand: rand.New(rand.NewPCG(seed, 7))}
	for _, r := range set.Rules() {
		t.words = append(t.words, r.Keywords...)
	}
	return t
}

func (t texts) pick(list ...string) string { return list[t.IntN(len(list))] }

func (t texts) letters(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[t.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	alnum  = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	lowHex = "0123456789abcdef"
	base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// value is something that may be a secret.
func (t texts) value() string {
	n := t.pick("10", "16", "20", "32", "36", "40", "64", "99")
	var k int
	_, _ = fmt.Sscan(n, &k)
	switch t.IntN(8) {
	case 0:
		return t.letters(lowHex, k)
	case 1:
		return "AKIA" + t.letters(base32, 16)
	case 2:
		return t.pick("sk_live_", "ghp_", "pnu_", "hf_", "glpat-", "xoxb-", "SK", "npm_", "sbp_") + t.letters(alnum, k)
	case 3:
		return t.letters(alnum+"_-.", k)
	case 4:
		return t.letters("ab", k)
	case 5:
		return "ey" + t.letters(alnum, 20) + ".ey" + t.letters(alnum, 30) + "." + t.letters(alnum+"_-", 40)
	case 6:
		return t.letters(alnum+"+/", k) + t.pick("", "=", "==")
	default:
		return t.letters(alnum, k)
	}
}

// line is one line of something like a settings file or a program.
func (t texts) line() string {
	word := t.words[t.IntN(len(t.words))]
	if t.IntN(3) == 0 {
		word = strings.ToUpper(word)
	}
	var s string
	switch t.IntN(12) {
	case 0:
		s = t.letters("abcdefghij (){};,.", t.IntN(60))
	case 1:
		s = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + t.letters(alnum+"+/", 64) + "\n" + t.letters(alnum+"+/", 40) + "\n-----END RSA " + "PRIVATE KEY-----"
	case 2:
		s = fmt.Sprintf("printf(\"%%2d %%3d %s\\n\", %s);", t.value(), word)
	case 3:
		s = "kind: Secret\ndata:\n  " + word + ": " + base64.StdEncoding.EncodeToString([]byte(t.value()))
	case 4:
		s = "curl -H \"Authorization: Bearer " + t.value() + "\" https://example.com"
	case 5:
		s = word + t.value() + word
	case 6:
		s = "ключ_" + word + " = \"" + t.value() + "\" # комментарий"
	default:
		s = t.pick("", "my_", "export ", "\"", "x.") + word + t.pick("", "_key", "-token", " secret", "_id\"") +
			t.pick(" = ", ": ", "=", " => ", ":=", ", ", "  ", "=\n") + t.pick("", "\"", "'", "`") + t.value() + t.pick("", "\"", "'", "`", ";", "\\n")
	}
	switch t.IntN(14) {
	case 0:
		s = base64.StdEncoding.EncodeToString([]byte(s))
	case 1:
		s = "x = " + hex.EncodeToString([]byte(s))
	case 2:
		s = url.QueryEscape(s)
	case 3:
		s = "k=" + base64.RawURLEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))
	case 4:
		var b strings.Builder
		for _, r := range s {
			fmt.Fprintf(&b, t.pick(`\u%04x`, `\\u%04X`, "U+%04x "), r&0xffff)
		}
		s = b.String()
	case 5:
		s += " # gitleaks:allow"
	}
	return s
}

func (t texts) text(lines int) string {
	var b strings.Builder
	for range lines {
		b.WriteString(t.line())
		b.WriteString(t.pick("\n", "\n", "\n", "\r\n", "\n\n", " ", ""))
	}
	return b.String()
}

func load(tb testing.TB) *match.Set {
	tb.Helper()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return set
}

func difference(a, b []string) string {
	var out []string
	for _, x := range a {
		if !slices.Contains(b, x) {
			out = append(out, "- "+x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			out = append(out, "+ "+x)
		}
	}
	return strings.Join(out, "\n")
}

// Windows, automata and the own decoder give what running every expression over
// the whole text with gitleaks' decoder gives.
func TestFindEqualsTheReference(t *testing.T) {
	t.Parallel()
	set := load(t)
	f, impatient := set.Finder(), set.Finder()
	impatient.Impatient()
	total := 0
	for seed := range uint64(30) {
		text := newTexts(seed, set).text(12)
		want := match.Reference(set, text, "config/app.txt")
		for _, f := range []*match.Finder{f, impatient} {
			got := f.Described([]byte(text), f.Find([]byte(text)), "config/app.txt")
			if d := difference(want, got); d != "" {
				t.Fatalf("seed %d, impatient %v (- missing, + too much):\n%s\nin:\n%q", seed, f == impatient, d, text)
			}
		}
		total += len(want)
	}
	if total < 150 {
		t.Errorf("only %d matches were compared: the texts are too poor", total)
	}
	t.Logf("%d matches compared", total)
}

// edit changes a text as a person or a merge would, and tells what was copied.
func (t texts) edit(base string) (string, []match.Run) {
	var b strings.Builder
	var runs []match.Run
	at := 0
	for range 1 + t.IntN(4) {
		if at >= len(base) {
			break
		}
		n := 1 + t.IntN(min(len(base)-at, 400))
		if t.IntN(3) == 0 {
			n = len(base) - at
		}
		if t.IntN(6) != 0 {
			runs = append(runs, match.Run{Dst: b.Len(), Src: at, Len: n})
			b.WriteString(base[at : at+n])
		}
		at += n
		switch t.IntN(6) {
		case 0:
			b.WriteString(t.line())
		case 1:
			b.WriteString(t.letters(alnum+" =\n\"", t.IntN(20)))
		case 2: // something from elsewhere in the base
			at = t.IntN(len(base))
		case 3:
			at = min(len(base), at+t.IntN(30))
		}
	}
	return b.String(), runs
}

// Along chains of changes, looking only at what is new gives what looking at the
// whole text gives.
func TestDeltaEqualsWhole(t *testing.T) {
	t.Parallel()
	set := load(t)
	f, impatient := set.Finder(), set.Finder()
	impatient.Impatient()
	for seed := range uint64(20) {
		x := newTexts(seed, set)
		text := x.text(30)
		record := f.Find([]byte(text))
		for step := range 12 {
			next, runs := x.edit(text)
			if next == "" {
				break
			}
			if step%3 == 2 { // what one finder remembers is of use to another one
				record = impatient.FindDelta([]byte(next), record, runs)
			} else {
				record = f.FindDelta([]byte(next), record, runs)
			}
			got := f.Described([]byte(next), record, "a.txt")
			want := f.Described([]byte(next), f.Find([]byte(next)), "a.txt")
			if d := difference(want, got); d != "" {
				t.Fatalf("seed %d, step %d (- missing, + too much):\n%s\nruns %v\nof:\n%q\nin:\n%q", seed, step, d, runs, text, next)
			}
			text = next
		}
	}
}
