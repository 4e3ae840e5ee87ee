package term

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func assertSafe(t interface{ Fatalf(string, ...any) }, in string) {
	out := string(Clean(in))
	if !utf8.ValidString(out) {
		t.Fatalf("Clean(%q) = %q is not UTF-8", in, out)
	}
	for _, r := range out {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || hidden(r) {
			t.Fatalf("Clean(%q) = %q keeps %U", in, out, r)
		}
	}
	if again := string(Clean(out)); again != out {
		t.Fatalf("Clean is not idempotent: %q, then %q", out, again)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain", "\x1b]0;owned\a", "a\rb", "\u202egnp.exe", "\xff\xfe", "e\u0301\u0301\u0301\u0301\u0301\u0301", "\u009b31m", "ünïcödé 日本"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) { assertSafe(t, in) })
}

func TestCleanIsSafeForAnyRunes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { assertSafe(t, rapid.String().Draw(t, "text")) })
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"naïve 日本語 file.txt":              "naïve 日本語 file.txt",
		"\x1b[31mred":                     "␛[31mred",
		"a\tb":                            "a    b",
		"a\rb\nc\x7f":                     "a␍b␊c␡",
		"\u202eabc":                       "<U+202E>abc",
		"\u009b":                          "<U+009B>",
		"x\xff":                           "x\ufffd",
		"e" + strings.Repeat("\u0301", 9): "e" + strings.Repeat("\u0301", 4),
		"tag" + string(rune(0xe0041)):     "tag<U+E0041>",
		"zero\u200bwidth":                 "zero<U+200B>width",
	} {
		if got := string(Clean(in)); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTruncateCountsCells(t *testing.T) {
	t.Parallel()
	if got := Truncate(Clean("日本語テスト"), 5); Width(got) > 5 || !strings.HasSuffix(string(got), "…") {
		t.Errorf("got %q of width %d", got, Width(got))
	}
	if got := Pad("ab", 4); got != "ab  " {
		t.Errorf("got %q", got)
	}
}

func TestFoldKeepsEveryLetterAndTheWidth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := Clean(rapid.String().Draw(t, "text"))
		width := rapid.IntRange(2, 40).Draw(t, "width")
		var joined strings.Builder
		for _, line := range Fold(in, width) {
			if Width(line) > width {
				t.Fatalf("Fold(%q, %d) has a line of %d cells: %q", in, width, Width(line), line)
			}
			joined.WriteString(string(line))
		}
		bare := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if bare(joined.String()) != bare(string(in)) {
			t.Fatalf("Fold(%q, %d) lost text: %q", in, width, joined.String())
		}
	})
}

func TestCutEndsInTheTail(t *testing.T) {
	t.Parallel()
	if got := Cut("a long name", 6, ".."); got != "a lo.." {
		t.Errorf("got %q", got)
	}
	if got := Cut("short", 6, ".."); got != "short" {
		t.Errorf("got %q", got)
	}
	if got := Cut("long", 1, ".."); Width(got) > 1 {
		t.Errorf("got %q", got)
	}
}

func TestCutLeftKeepsTheEnd(t *testing.T) {
	t.Parallel()
	if got := CutLeft("a/long/path.md:12", 11, ".."); got != "..ath.md:12" {
		t.Errorf("got %q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := Clean(rapid.String().Draw(t, "text"))
		width := rapid.IntRange(0, 30).Draw(t, "width")
		if got := CutLeft(in, width, ".."); Width(got) > max(width, 0) {
			t.Fatalf("CutLeft(%q, %d) = %q is %d cells", in, width, got, Width(got))
		}
	})
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in    string
		width int
		want  []Safe
	}{
		{"", 10, []Safe{""}},
		{"one two three", 7, []Safe{"one two", "three"}},
		{"a-very-long-word-that-stays-whole and more", 10, []Safe{"a-very-long-word-that-stays-whole", "and more"}},
		{"日本 語", 4, []Safe{"日本", "語"}},
		{"  spaces   fold ", 80, []Safe{"spaces fold"}},
	} {
		if got := Wrap(Clean(tt.in), tt.width); !slices.Equal(got, tt.want) {
			t.Errorf("Wrap(%q, %d) = %q, want %q", tt.in, tt.width, got, tt.want)
		}
	}
}
