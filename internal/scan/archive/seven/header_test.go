package seven_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bodgit/sevenzip"

	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
	"github.com/secretguard/secretguard/internal/scan/archive/seven"
)

const (
	entries = 1000
	memory  = 1 << 27
)

// TestSamples: what the library's own tests hold is read as the library reads it.
// They were made by 7-Zip, with every method.
func TestSamples(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SECRETGUARD_7Z_SAMPLES")
	names, err := filepath.Glob(filepath.Join(dir, "*.7z"))
	if dir == "" || err != nil || len(names) == 0 {
		t.Skip(`SKIPPED: no samples; set SECRETGUARD_7Z_SAMPLES to "$(go list -m -f {{.Dir}} github.com/bodgit/sevenzip)/testdata"`)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := seven.Check(data, entries, memory)
		r, lerr := sevenzip.OpenReader(name)
		if err != nil && lerr == nil { // what the library refuses as well is no loss
			t.Errorf("%s: %v, the library: %v", filepath.Base(name), err, lerr)
			continue
		}
		if lerr != nil {
			continue
		}
		streams := map[int]int{}
		for _, f := range r.File {
			if f.UncompressedSize > 0 {
				streams[f.Stream]++
			}
		}
		for i, n := range streams {
			if i >= len(folders) || folders[i].Files < n {
				t.Errorf("%s: stream %d has %d files: %+v", filepath.Base(name), i, n, folders)
			}
		}
		_ = r.Close()
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	files := []archivetest.File{{Name: "a", Text: "A"}, {Name: "b", Text: "B"}, {Name: "e"}}
	for _, packed := range []bool{false, true} {
		folders, err := seven.Check(archivetest.Seven{Files: files, PackHeader: packed}.Bytes(t), entries, memory)
		if err != nil || len(folders) != 1 || folders[0].Files != 2 || folders[0].Memory != 1<<16 || folders[0].Err != nil {
			t.Errorf("%+v, %v", folders, err)
		}
	}
	whole := archivetest.SevenZip(t, files...)
	for n := range whole {
		if _, err := seven.Check(whole[:n], entries, memory); !errors.Is(err, seven.ErrDamaged) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if _, err := seven.Check(whole, 2, memory); !errors.Is(err, seven.ErrEntries) {
		t.Error(err)
	}
	if _, err := seven.Check(whole, entries, 1000); !errors.Is(err, seven.ErrMemory) {
		t.Error(err)
	}
}

func FuzzCheck(f *testing.F) {
	files := []archivetest.File{{Name: "a", Text: "A"}, {Name: "e"}}
	f.Add(archivetest.Seven{Files: files}.Bytes(f))
	f.Add(archivetest.SevenZip(f, files...))
	f.Fuzz(func(t *testing.T, data []byte) {
		folders, err := seven.Check(data, entries, memory)
		files := 0
		for _, folder := range folders {
			files += folder.Files
		}
		if err == nil && (len(folders) > entries || files > entries*2) {
			t.Errorf("%d folders, %d files", len(folders), files)
		}
	})
}
