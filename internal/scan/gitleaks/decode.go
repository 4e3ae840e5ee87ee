package gitleaks

import (
	"io"
	"sync"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect/codec"
	"github.com/zricethezav/gitleaks/v8/logging"

	"github.com/secretguard/secretguard/internal/scan/match"
)

// depth is how many times decoded text is decoded again: gitleaks' own default.
const depth = 5

// Decoder wraps gitleaks' decoders for base64, hex, percent and unicode escapes.
// It may be used from many goroutines.
type Decoder struct{}

var quiet sync.Once

// Decode returns the text of each decoding pass in which something was decoded.
func (Decoder) Decode(data string) []match.Decoded {
	// gitleaks logs decoded values at debug level; nothing of its log may be seen.
	quiet.Do(func() { logging.Logger = zerolog.New(io.Discard).Level(zerolog.Disabled) })
	var out []match.Decoded
	var segments []*codec.EncodedSegment
	text := data
	d := codec.NewDecoder()
	for range depth {
		text, segments = d.Decode(text, segments)
		if len(segments) == 0 {
			return out
		}
		here := segments
		out = append(out, match.Decoded{
			Text: text,
			Origin: func(start, end int) (int, int, bool) {
				over := codec.SegmentsWithDecodedOverlap(here, start, end)
				if len(over) == 0 {
					return 0, 0, false
				}
				m := codec.AdjustMatchIndex(over, []int{start, end})
				return max(0, min(m[0], len(data))), max(0, min(m[1], len(data))), true
			},
			Tags: func(start, end int) []string { return codec.Tags(codec.SegmentsWithDecodedOverlap(here, start, end)) },
		})
	}
	return out
}
