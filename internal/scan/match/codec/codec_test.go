package codec_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	gitleaks "github.com/zricethezav/gitleaks/v8/detect/codec"
	"github.com/zricethezav/gitleaks/v8/logging"
	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/match/codec"
)

func init() { logging.Logger = zerolog.Nop() } // gitleaks logs what it decodes

// drawn makes texts of plain words, whole and broken encodings, some in each other.
var drawn = rapid.Custom(func(t *rapid.T) string {
	var b strings.Builder
	for range rapid.IntRange(0, 6).Draw(t, "pieces") {
		s := rapid.StringMatching(`[a-z0-9 ="%&/_\n-]{0,40}`).Draw(t, "plain")
		for range rapid.IntRange(0, 3).Draw(t, "layers") {
			s = encode(rapid.IntRange(0, 4).Draw(t, "how"), s)
		}
		b.WriteString(s)
		b.WriteString(rapid.SampledFrom([]string{" ", "\n", "", "=", "%", `\`, "U+", "ä"}).Draw(t, "after"))
	}
	return b.String()
})

func encode(how int, s string) string {
	switch how {
	case 0:
		return base64.StdEncoding.EncodeToString([]byte(s))
	case 1:
		return base64.RawURLEncoding.EncodeToString([]byte(s))
	case 2:
		return hex.EncodeToString([]byte(s))
	case 3:
		return url.QueryEscape(s)
	}
	var b strings.Builder
	for i, r := range s {
		fmt.Fprintf(&b, []string{`\u%04x`, `\\u%04X`, "U+%04x "}[len(s)%3], r)
		if i > 20 {
			break
		}
	}
	return b.String()
}

// TestLayersAreGitleaks: layer by layer, a text becomes what gitleaks makes of it.
func TestLayersAreGitleaks(t *testing.T) {
	t.Parallel()
	deepest := 0
	rapid.Check(t, func(t *rapid.T) {
		text := drawn.Draw(t, "text")
		theirs, now := gitleaks.NewDecoder(), text
		var segs []*gitleaks.EncodedSegment
		var d codec.Decoder
		var passes [][]codec.Segment
		ours := []byte(text)
		for depth := range 5 {
			now, segs = theirs.Decode(now, segs)
			var own []codec.Segment
			ours, own = d.Pass(ours, passes)
			if string(ours) != now || len(own) != len(segs) {
				t.Fatalf("layer %d of %q: got %q in %d pieces, want %q in %d", depth, text, ours, len(own), now, len(segs))
			}
			if len(own) == 0 {
				return
			}
			passes = append(passes, own)
			deepest = max(deepest, depth+1)
			for _, s := range own {
				if s.Original.Start < 0 || s.Original.End > len(text) || s.Original.Start >= s.Original.End || len(s.Kinds.Names()) == 0 {
					t.Fatalf("%+v in a text of %d bytes", s, len(text))
				}
			}
		}
	})
	if deepest < 3 {
		t.Errorf("no text had more than %d layers", deepest)
	}
}

// TestEachTellsOfWhatIsDecoded: no stretch that a pass decodes is missed.
func TestEachTellsOfWhatIsDecoded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(drawn.Draw(t, "text"))
		var told [][2]int
		codec.Each(text, func(from, to int) int {
			told = append(told, [2]int{from, to})
			return to
		})
		var d codec.Decoder
		_, segs := d.Pass(text, nil)
		for _, s := range segs {
			hit := false
			for _, at := range told {
				hit = hit || at[0] < s.Encoded.End && at[1] > s.Encoded.Start
			}
			if !hit {
				t.Fatalf("%q of %q is not told of: %v", text[s.Encoded.Start:s.Encoded.End], text, told)
			}
		}
	})
}

// FuzzPass: no text is read past its end, and what is decoded lies in it.
func FuzzPass(f *testing.F) {
	f.Add([]byte(`a%41b U+0041 \u0041 ` + base64.StdEncoding.EncodeToString([]byte("some words here"))))
	f.Fuzz(func(t *testing.T, text []byte) {
		var d codec.Decoder
		var passes [][]codec.Segment
		now := text
		for range 5 {
			var segs []codec.Segment
			if now, segs = d.Pass(now, passes); len(segs) == 0 {
				break
			}
			passes = append(passes, segs)
			for _, s := range segs {
				if o := s.Original; o.Start < 0 || o.End > len(text) || s.Decoded.End > len(now) {
					t.Fatalf("%+v", s)
				}
			}
		}
		codec.Each(text, func(_, to int) int { return to })
	})
}
