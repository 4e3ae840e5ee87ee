package difftest

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zricethezav/gitleaks/v8/config"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/match"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// FuzzAgainstGitleaks: for the default rules and any text, what gitleaks' detector
// reports, we report.
func FuzzAgainstGitleaks(f *testing.F) {
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		f.Fatal(err)
	}
	detect := detector(f)
	m := newMaker()
	for i, s := range samples() {
		if i%4 == 0 && len(s.text) < 1000 {
			f.Add(s.text, s.file)
		}
	}
	for range 5 {
		f.Add(m.token()+"\n"+strings.Join([]string{m.soup(), m.soup(), m.soup()}, "\n"), "a/b.yaml")
	}
	f.Add("api_key = \""+m.lower(30)+"\"\npassword:\n  x_"+m.lower(20)+" = 'y'\n", "deep/a.tf")
	f.Fuzz(func(t *testing.T, text, path string) { against(t, set, detect, text, path) })
}

// FuzzEncodedAgainstGitleaks: the same for texts that are encoded in some of the
// ways that are decoded, several times over and side by side.
func FuzzEncodedAgainstGitleaks(f *testing.F) {
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		f.Fatal(err)
	}
	detect := detector(f)
	m := newMaker()
	for i := range 12 {
		f.Add("id: "+m.token()+" ", []byte{byte(i), byte(i / 2), byte(3 * i)}, "k=", "\n")
	}
	f.Add(m.token()+"\n"+m.token(), []byte{0, 5, 2, 7, 1, 9}, "x\n%41 ", " "+m.token())
	f.Fuzz(func(t *testing.T, text string, chain []byte, front, back string) {
		if len(text) > 2000 {
			return
		}
		for _, how := range chain[:min(len(chain), 6)] {
			text = front + encode(text, how) + back
			if len(text) > 50_000 {
				return
			}
		}
		against(t, set, detect, text, "a.txt")
	})
}

// encode encodes all of a text, or half of it, in one of the ways.
func encode(text string, how byte) string {
	from := 0
	if how&8 != 0 {
		from = len(text) / 2
	}
	head, tail := text[:from], text[from:]
	switch how % 5 {
	case 0:
		return head + base64.StdEncoding.EncodeToString([]byte(tail))
	case 1:
		return head + base64.RawURLEncoding.EncodeToString([]byte(tail))
	case 2:
		return head + hex.EncodeToString([]byte(tail))
	case 3:
		return head + percentEncoded(tail)
	}
	return head + unicodeEncoded(tail)
}

func percentEncoded(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func unicodeEncoded(s string) string {
	var b strings.Builder
	for _, c := range s {
		fmt.Fprintf(&b, `\u%04x`, c)
	}
	return b.String()
}

// against fails when gitleaks reports what we do not.
func against(t *testing.T, set *match.Set, detect func(text, path string) []theirs, text, path string) {
	t.Helper()
	if text == "" || path == "" {
		return
	}
	ours := scanTexts(t, set, map[string]string{path: text})[path]
	for _, g := range detect(text, path) {
		if g.EndLine == g.StartLine && endsOpen(text) { // see classOpenEnd
			g.EndLine = 1 + strings.Count(text, "\n")
		}
		if !anySame(g, ours) {
			t.Errorf("only gitleaks: %v", g)
		}
	}
}

// FuzzConfiguration: a configuration is taken or refused with its name; nothing
// panics, now or when its rules are used.
func FuzzConfiguration(f *testing.F) {
	f.Add([]byte("[[rules]]\nid='a'\nregex='(x)y'\nsecretGroup=1\n[[rules.allowlists]]\ncondition='AND'\nregexTarget='line'\nregexes=['x']\npaths=['y']\n"))
	f.Add([]byte("[extend]\npath='b'\n[allowlist]\nstopwords=['x']\n[[allowlists]]\ntargetRules=['a']\ncommits=['c']\n"))
	f.Add([]byte("[[rules]]\nid='a'\nregex='a(b'\nentropy=-1.0\nsecretGroup=-1\n"))
	f.Add([]byte("[[rules]]\nid='a'\npath='\\.txt$'\n[[rules]]\nid='A'\nregex='(?s).*'\nkeywords=['', 'é']\n"))
	f.Add([]byte(config.DefaultConfig[:4000]))
	read := func(path string) ([]byte, error) {
		if strings.HasSuffix(path, "b") {
			return []byte("[[rules]]\nid='a'\nregex='x'\n"), nil
		}
		return nil, errors.New("not here")
	}
	const text = "xy key=abc\nxxy aGVsbG8geHkgaGVsbG8geHk= // gitleaks:allow\n\n"
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := ruleset.Load(data, "f.toml", read)
		if err != nil {
			if !strings.Contains(err.Error(), "f.toml") && !strings.Contains(err.Error(), "rule ") {
				t.Errorf("an error that names neither file nor rule: %v", err)
			}
			return
		}
		src := memory{{Text: []byte(text), Places: []source.Place{{Where: "commit", Path: "a/b.txt", Commit: "c"}}}}
		res, err := scan.New(set, scan.Options{}).Scan(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range res.Findings {
			if f.Line < 1 || f.Column < 1 || f.EndLine < f.Line || f.EndLine > 4 {
				t.Errorf("a finding at %d:%d-%d:%d", f.Line, f.Column, f.EndLine, f.EndColumn)
			}
		}
	})
}
