package cli_test

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"

	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

// TestScanOfWideText: files that a shell or editor on Windows wrote.
func TestScanOfWideText(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]encoding.Encoding{
		"UTF-16LE with mark": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "UTF-16BE with mark": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"UTF-16LE": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "UTF-16BE": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
		"UTF-32LE with mark": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), "UTF-32BE": utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := e.NewEncoder().Bytes([]byte("# größe\r\nÄ=1; " + leak()))
			if err != nil {
				t.Fatal(err)
			}
			dir := repository(t, "nothing\n")
			write(t, dir, ".env", string(b))
			want := spot{File: ".env", Where: "worktree", Rule: "stripe-secret-key", Line: 2, Column: len("Ä=1; STRIPE=") + 1}
			if list := foundIn(t, run("scan", "dir", dir, "--json")); len(list) != 1 || list[0] != want {
				t.Errorf("%+v, want %+v", list, want)
			}
			git(t, dir, "add", "-A")
			run("scan", "--staged", dir).expect(t, 1, ".env:2")
			call{stdin: string(b)}.run("scan", "stdin").expect(t, 1, "stdin:2")
			write(t, dir, "a.zip", string(archivetest.Zip(t, archivetest.File{Name: "setup.ps1", Text: string(b)})))
			run("scan", "dir", dir).expect(t, 1, "a.zip!setup.ps1:2")
		})
	}
	dir := t.TempDir()
	write(t, dir, "samples.raw", strings.Repeat("\x01\x00\x7f\x00", 500)+leak())
	run("scan", "dir", dir).expect(t, 3, "skipped: 1 × file: binary (samples.raw)")
}
