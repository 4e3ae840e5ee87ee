package archive_test

import (
	"testing"
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

// fuzz checks what holds for any bytes: nothing is visited beyond the limits, and
// what is told is fit to be told. Readers that fail may not take the walk with them.
func fuzz(f *testing.F, kind archive.Kind, seeds ...[]byte) {
	f.Helper()
	for _, s := range seeds {
		if archive.Detect(s) != kind {
			f.Fatalf("a seed is no %s", kind)
		}
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if archive.Detect(data) != kind {
			return
		}
		l := archive.DefaultLimits(2, 64<<10)
		l.RatioFree, l.Entries, l.Name, l.Dictionary = 128<<10, 100, 50, 1<<20
		var visits, bytes int
		err := archive.Walk(t.Context(), "fuzz", data, l, func(path string, data []byte) error {
			visits++
			bytes += len(data)
			if !utf8.ValidString(path) || len(path) > 3*60 {
				t.Errorf("path %q", path)
			}
			return nil
		}, func(s archive.Skip) {
			if s.What == "" || s.Why == "" {
				t.Errorf("skip %+v", s)
			}
		})
		if err != nil {
			t.Error(err)
		}
		// Text in front of an archive, and an archive without any packing, cost nothing.
		if most := int(max(l.RatioFree, l.Ratio*int64(len(data)))) + 4*len(data); visits > 2*l.Entries+4 || bytes > most {
			t.Errorf("%d visits of %d bytes, from %d", visits, bytes, len(data))
		}
	})
}

func seedFiles() []archivetest.File {
	return []archivetest.File{{Name: "a", Text: "A=1\n"}, {Name: "dir/b", Text: "B=2\n"}, {Name: "e"}}
}

func FuzzZip(f *testing.F) {
	fuzz(f, archive.Zip, archivetest.Zip(f, seedFiles()...), archivetest.Docx{Paragraphs: []string{"text"}}.Bytes(f),
		archivetest.Xlsx{Rows: [][]string{{"a", "b"}}}.Bytes(f), archivetest.Odt(f, []string{"text"}, nil))
}
func FuzzTar(f *testing.F)      { fuzz(f, archive.Tar, archivetest.Tar(f, seedFiles()...)) }
func FuzzGzip(f *testing.F)     { fuzz(f, archive.Gzip, archivetest.Gzip(f, []byte("text"))) }
func FuzzBzip2(f *testing.F)    { fuzz(f, archive.Bzip2, archivetest.Bzip2(f, []byte("text"))) }
func FuzzXZ(f *testing.F)       { fuzz(f, archive.XZ, archivetest.XZ(f, []byte("text"))) }
func FuzzZstd(f *testing.F)     { fuzz(f, archive.Zstd, archivetest.Zstd(f, []byte("text"))) }
func FuzzNotebook(f *testing.F) { fuzz(f, archive.Notebook, archivetest.Notebook([2]string{"a", "b"})) }

func FuzzSevenZip(f *testing.F) {
	fuzz(f, archive.SevenZip, archivetest.SevenZip(f, seedFiles()...), archivetest.Seven{Files: seedFiles()}.Bytes(f),
		archivetest.Seven{Files: seedFiles(), Method: []byte{0}}.Bytes(f), archivetest.Seven{Files: seedFiles(), Method: []byte{0x21}, Props: []byte{8}}.Bytes(f))
}
