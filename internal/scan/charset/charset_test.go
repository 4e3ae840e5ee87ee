package charset_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/charset"
)

// encodings are made by another library than the one under test.
var encodings = map[string]encoding.Encoding{
	"UTF-16LE with mark": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"UTF-16BE with mark": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"UTF-16LE":           unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"UTF-16BE":           unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"UTF-32LE with mark": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
	"UTF-32BE with mark": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"UTF-32LE":           utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM),
	"UTF-32BE":           utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
}

func encode(t rapid.TB, e encoding.Encoding, text string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWideText(t *testing.T) {
	t.Parallel()
	const text = "NAME=value\r\nÄRGER=größe 🔑 end\r\n"
	for name, e := range encodings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := encode(t, e, text)
			got, ok := charset.Text(data, nil)
			if !ok || string(got) != text {
				t.Errorf("%q, %v", got, ok)
			}
			if charset.IsBinary(data) {
				t.Error("binary")
			}
			buf := make([]byte, 0, 1000)
			if got, _ := charset.Text(data, buf); &got[:1][0] != &buf[:1][0] {
				t.Error("the buffer was not used")
			}
		})
	}
}

// TestAnyText: with a mark, any text comes back; without one, any that is mostly ASCII.
func TestAnyText(t *testing.T) {
	t.Parallel()
	letters := rapid.StringOf(rapid.RuneFrom([]rune("abcXYZ019=_-\"' \t\n\r")))
	every := rapid.StringOfN(rapid.RuneFrom([]rune("aä漢字\n=🔑ß ")), 1, 9000, -1)
	rapid.Check(t, func(t *rapid.T) {
		for name, e := range encodings {
			text := "=\n" + every.Draw(t, "text")
			if !strings.HasSuffix(name, "mark") {
				text = "abcd" + strings.Repeat(letters.Draw(t, "letters"), 20)
			}
			got, ok := charset.Text(encode(t, e, text), nil)
			if !ok || string(got) != text {
				t.Fatalf("%s: %q, %v, want %q", name, got, ok, text)
			}
		}
	})
}

func TestWhatIsNoText(t *testing.T) {
	t.Parallel()
	picture := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00"), bytes.Repeat([]byte{0, 7, 0xff}, 500)...)
	var sound []byte // 16-bit samples: every other byte is often zero
	for i := range 4000 {
		sound = binary.LittleEndian.AppendUint16(sound, uint16(i*7%300))
	}
	for name, data := range map[string][]byte{
		"picture": picture, "samples": sound, "a NUL": []byte("text\x00text"), "mark and samples": append([]byte{0xff, 0xfe}, sound...),
		"NULs": make([]byte, 5000), "odd": []byte("a\x00b"), "three units": []byte("a\x00b\x00c\x00"),
	} {
		if _, ok := charset.Text(data, nil); ok || !charset.IsBinary(data) {
			t.Errorf("%s is taken for text", name)
		}
	}
	for name, data := range map[string]string{"empty": "", "ASCII": "a=b\n", "UTF-8": "größe\n", "Latin-1": "gr\xf6\xdfe", "a mark and no NUL": "\xff\xfe \x80\n", "late NUL": strings.Repeat("text\n", 1600) + "\x00"} {
		got, ok := charset.Text([]byte(data), nil)
		if !ok || string(got) != data || charset.IsBinary([]byte(data)) {
			t.Errorf("%s is not left as it is: %q, %v", name, got, ok)
		}
	}
}

// A cut unit at the end and half a pair are no reason to lose the rest.
func TestDamagedWideText(t *testing.T) {
	t.Parallel()
	data := append([]byte("\xff\xfe"), "k\x00e\x00y\x00=\x00\x00\xd8v\x00\n\x00"...)
	data = append(append(data, bytes.Repeat([]byte("x\x00"), 200)...), 'y')
	got, ok := charset.Text(data, nil)
	if want := "key=\ufffdv\n" + strings.Repeat("x", 200); !ok || string(got) != want {
		t.Errorf("%q, %v", got, ok)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "a", "\xff\xfe", "\xff\xfea\x00", "\x00\x00\xfe\xff\x00\x00\x00a", "a\x00b\x00c\x00d\x00", "\xfe\xff\xd8\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, ok := charset.Text(data, nil)
		if ok == charset.IsBinary(data) {
			t.Errorf("text %v, binary %v", ok, charset.IsBinary(data))
		}
		if ok && !bytes.Equal(got, data) && !utf8.Valid(got) {
			t.Errorf("not UTF-8: %q", got)
		}
	})
}
