package archive_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seen is what a walk told.
type seen struct {
	texts map[string]string
	skips []archive.Skip
}

func (s seen) gaps() []string {
	var out []string
	for _, k := range s.skips {
		if k.Gap {
			out = append(out, fmt.Sprintf("%s %q: %s", k.What, k.Path, k.Why))
		}
	}
	return out
}

func limits() archive.Limits {
	return archive.DefaultLimits(archive.DefaultDepth, archive.DefaultEntry)
}

func walk(tb testing.TB, name string, data []byte, l archive.Limits) seen {
	tb.Helper()
	s := seen{texts: map[string]string{}}
	err := archive.Walk(tb.Context(), name, data, l, func(path string, data []byte) error {
		if _, ok := s.texts[path]; ok {
			tb.Errorf("%q was visited twice", path)
		}
		s.texts[path] = string(data)
		return nil
	}, func(k archive.Skip) { s.skips = append(s.skips, k) })
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// expect fails unless these texts and no others were visited, without a gap.
func (s seen) expect(t *testing.T, texts map[string]string) {
	t.Helper()
	if !maps.Equal(s.texts, texts) {
		t.Errorf("visited %q, want %q", s.texts, texts)
	}
	if g := s.gaps(); len(g) > 0 {
		t.Errorf("gaps %q", g)
	}
}

// expectGap fails unless the only gap is the one given.
func (s seen) expectGap(t *testing.T, want string) {
	t.Helper()
	if g := s.gaps(); len(g) != 1 || g[0] != want {
		t.Errorf("gaps %q, want %q", g, want)
	}
}

func TestEveryKind(t *testing.T) {
	t.Parallel()
	files := []archivetest.File{{Name: "a.env", Text: "A=1\n"}, {Name: "dir/b.txt", Text: strings.Repeat("text\n", 5000)}, {Name: "empty"}}
	all := map[string]string{}
	for _, f := range files {
		all[f.Name] = f.Text
	}
	for kind, pack := range archivetest.Containers() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			walk(t, "x", pack(t, files...), limits()).expect(t, all)
		})
	}
	for kind, squeeze := range archivetest.Compressors() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			walk(t, "conf/.env."+kind, squeeze(t, []byte("A=1\n")), limits()).expect(t, map[string]string{".env": "A=1\n"})
			walk(t, "x.t"+kind, squeeze(t, archivetest.Tar(t, files...)), limits()).expect(t, all)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		walk(t, "x.zip", []byte("PK is no zip"), limits()).expect(t, map[string]string{"": "PK is no zip"})
	})
}

func TestNesting(t *testing.T) {
	t.Parallel()
	inner := archivetest.Tar(t, archivetest.File{Name: "d.env", Text: "D=1\n"})
	middle := archivetest.SevenZip(t, archivetest.File{Name: "x/c.tgz", Text: string(archivetest.Gzip(t, inner))})
	outer := archivetest.Zip(t, archivetest.File{Name: "b.7z", Text: string(middle)}, archivetest.File{Name: "top", Text: "T"})
	walk(t, "a.zip", outer, limits()).expect(t, map[string]string{"b.7z!x/c.tgz!d.env": "D=1\n", "top": "T"})

	for depth, want := range map[int]string{0: `archive "": nested deeper than 0`, 1: `archive "b.7z": nested deeper than 1`, 2: `archive "b.7z!x/c.tgz": nested deeper than 2`} {
		l := limits()
		l.Depth = depth
		s := walk(t, "a.zip", outer, l)
		s.expectGap(t, want)
		if got := s.texts["top"]; depth > 0 && got != "T" {
			t.Errorf("depth %d: the rest was not visited", depth)
		}
	}
}

// A program in front of a zip: what is text there is visited as the file itself.
func TestZipBehindAProgram(t *testing.T) {
	t.Parallel()
	for _, front := range []string{"#!/bin/sh\nTOKEN=1\nexec java -jar \"$0\"\n", "#!/usr/bin/env python3\n", "MZ\x00\x00"} {
		data := append([]byte(front), archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"})...)
		walk(t, "app.jar", data, limits()).expect(t, map[string]string{"": front, "a": "A"})
	}
}

func TestErrorsEndTheWalk(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	files := []archivetest.File{{Name: "a", Text: "A"}, {Name: "b", Text: "B"}}
	for kind, pack := range archivetest.Containers() {
		data := archivetest.Zip(t, archivetest.File{Name: "inner", Text: string(pack(t, files...))}, archivetest.File{Name: "z", Text: "Z"})
		visits := 0
		err := archive.Walk(t.Context(), "", data, limits(), func(string, []byte) error { visits++; return full }, func(k archive.Skip) { t.Error(k) })
		if !errors.Is(err, full) || visits != 1 {
			t.Errorf("%s: %v after %d visits", kind, err, visits)
		}
	}
}

// A visitor's own fault is not taken for that of the archive.
func TestPanicOfTheVisitor(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
	}()
	data := archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"})
	_ = archive.Walk(t.Context(), "", data, limits(), func(string, []byte) error { panic("mine") }, func(archive.Skip) {})
}

func TestTarEntriesOfOtherKinds(t *testing.T) {
	t.Parallel()
	data := archivetest.Tar(t, archivetest.File{Name: "link", Link: "/etc/passwd"}, archivetest.File{Name: "a", Text: "A"}, archivetest.File{Name: "pipe", Pipe: true})
	s := walk(t, "x.tar", data, limits())
	s.expect(t, map[string]string{"a": "A"})
	want := []archive.Skip{{What: "archive entry", Why: "a link", Path: "link"}, {What: "archive entry", Why: "not a plain file", Path: "pipe"}}
	if !slices.Equal(s.skips, want) {
		t.Errorf("skips %+v", s.skips)
	}
}

func TestUnread(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"\x89PNG\r\n\x1a\n...": "image", "\xff\xd8\xff\xe0": "image", "GIF89a": "image", "RIFF\x00\x00\x00\x00WEBPVP8": "image",
		"%PDF-1.7\n": "PDF document", "Rar!\x1a\x07\x01\x00": "RAR archive", "text": "", "": "", "RIFF": "",
	} {
		if got := archive.Unread([]byte(data)); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}
