package archive_test

import (
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan/archive"
	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

// want compares the text of one part.
func (s seen) want(t *testing.T, path, text string) {
	t.Helper()
	if got := s.texts[path]; got != text {
		t.Errorf("%s: %q, want %q", path, got, text)
	}
	if g := s.gaps(); len(g) > 0 {
		t.Errorf("gaps %q", g)
	}
}

func TestDocx(t *testing.T) {
	t.Parallel()
	s := walk(t, "a.docx", archivetest.Docx{
		Paragraphs: []string{"A first & <line>", "", "the third"}, Table: [][]string{{"name", "value"}, {"b", ""}},
		Comment: "a comment", Link: "https://host.invalid/?a=1&b=2", Properties: map[string]string{"api_key": "of the document"},
	}.Bytes(t), limits())
	s.want(t, "word/document.xml", "A first & <line>\n\nthe third\nname\t,\tvalue\nb\n")
	s.want(t, "word/comments.xml", "a comment\n")
	s.want(t, "word/_rels/document.xml.rels", `Relationship Id="rId1" Type="link" Target="https://host.invalid/?a=1&b=2"`+"\n")
	s.want(t, "docProps/custom.xml", "api_key=of the document\n")
	if got := s.texts["word/media/image1.png"]; archive.Unread([]byte(got)) != "image" {
		t.Errorf("the image: %q", got)
	}
}

func TestXlsx(t *testing.T) {
	t.Parallel()
	s := walk(t, "a.xlsx", archivetest.Xlsx{Rows: [][]string{{"name", "value"}, {"", "only"}}, Deleted: []string{"gone"}, Comment: "a comment"}.Bytes(t), limits())
	s.want(t, "xl/worksheets/sheet1.xml", "name\t,\tvalue\nonly\nin line\t,\tSUM(A1) 42\n")
	s.want(t, "xl/sharedStrings.xml", "\n\n\n\ngone\n")
	s.want(t, "xl/comments1.xml", "Jo\na comment\n")
	s = walk(t, "a.xlsx", archivetest.Xlsx{Rows: [][]string{{"used"}}}.Bytes(t), limits())
	if text, ok := s.texts["xl/sharedStrings.xml"]; ok {
		t.Errorf("strings that cells name were visited again: %q", text)
	}
}

func TestPptxAndOdt(t *testing.T) {
	t.Parallel()
	s := walk(t, "a.pptx", archivetest.Pptx(t, "slide one", "slide two"), limits())
	s.want(t, "ppt/slides/slide2.xml", "slide two\n")
	s.want(t, "ppt/notesSlides/notesSlide1.xml", "slide one\n")
	s = walk(t, "a.odt", archivetest.Odt(t, []string{"one", "two"}, []string{"name", "value"}), limits())
	s.want(t, "content.xml", "one\ntwo\nname\t,\tvalue\n")
}

// A document's part may be a file of its own: an archive, or markup of another kind.
func TestPartsThatAreNoText(t *testing.T) {
	t.Parallel()
	sheet := archivetest.Xlsx{Rows: [][]string{{"inner", "cell"}}}.Bytes(t)
	const own = `<config><password>of my own</password></config>`
	s := walk(t, "a.docx", archivetest.Zip(t, archivetest.File{Name: "[Content_Types].xml", Text: "<Types/>"},
		archivetest.File{Name: "word/embeddings/sheet.xlsx", Text: string(sheet)}, archivetest.File{Name: "customXml/item1.xml", Text: own},
		archivetest.File{Name: "word/vbaProject.bin", Text: "\xd0\xcf\x11\xe0"}, archivetest.File{Name: "empty.xml"}), limits())
	s.want(t, "word/embeddings/sheet.xlsx!xl/worksheets/sheet1.xml", "inner\t,\tcell\nin line\t,\tSUM(A1) 42\n")
	s.want(t, "customXml/item1.xml", own)
	s.want(t, "word/vbaProject.bin", "\xd0\xcf\x11\xe0")
}

// TestUnsoundPart: all of its text is visited, as it is, and it counts as a gap.
func TestUnsoundPart(t *testing.T) {
	t.Parallel()
	const ns = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`
	for name, text := range map[string]string{
		"cut": `<w:document ` + ns + `><w:p><w:t>text`, "entity": `<w:document ` + ns + `>&own;</w:document>`,
		"long tag": `<w:document ` + ns + strings.Repeat(` a=">"`, 200_000) + `/>`,
	} {
		s := walk(t, "a.docx", archivetest.Zip(t, archivetest.File{Name: "[Content_Types].xml", Text: "<Types/>"}, archivetest.File{Name: "p.xml", Text: text}), limits())
		if name != "cut" { // the reader cannot tell, and has seen it all
			s.expectGap(t, `document part "p.xml": not sound markup; scanned as it is, so text may be in pieces`)
		}
		if got := s.texts["p.xml"]; got != text && !strings.Contains(got, "text") {
			t.Errorf("%s: visited %q", name, got)
		}
	}
}

// TestSharedStringsManyTimes: one long string that a sheet names without end.
func TestSharedStringsManyTimes(t *testing.T) {
	t.Parallel()
	const ns = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	bomb := archivetest.Zip(t, archivetest.File{Name: "[Content_Types].xml", Text: "<Types/>"},
		archivetest.File{Name: "xl/sharedStrings.xml", Text: `<sst ` + ns + `><si><t>` + strings.Repeat("s", 30_000) + `</t></si></sst>`},
		archivetest.File{Name: "xl/worksheets/sheet1.xml", Text: `<worksheet ` + ns + `><row>` + strings.Repeat(`<c t="s"><v>0</v></c>`, 10_000) + `</row></worksheet>`},
		archivetest.File{Name: "xl/worksheets/sheet2.xml", Text: `<worksheet ` + ns + `><row><c t="s"><v>-1</v></c><c t="s"><v>7</v></c><c t="s"><v>99999999999999999999</v></c></row></worksheet>`})
	s := walk(t, "a.xlsx", bomb, small())
	s.expectGap(t, `document part "xl/worksheets/sheet1.xml": its text is too large; scanned as it is, so text may be in pieces`)
}

func TestNotebook(t *testing.T) {
	t.Parallel()
	data := archivetest.Notebook([2]string{"import os\nkey = \"a\\tb\"\n", "printed\n"}, [2]string{"two", ""})
	s := walk(t, "a.ipynb", data, limits())
	s.want(t, "cells/0/source", "import os\nkey = \"a\\tb\"\n")
	s.want(t, "cells/0/outputs/0/text", "printed\n")
	s.want(t, "cells/1/outputs/1/data/text/plain", "<Figure>")
	s.want(t, "metadata", "cell_type: code\nexecution_count: 1\nnote: of a cell\noutput_type: stream\nname: stdout\noutput_type: display_data\n"+
		"cell_type: code\nexecution_count: 1\nnote: of a cell\noutput_type: stream\nname: stdout\noutput_type: display_data\nname: python3\nnbformat: 4\nnbformat_minor: 5\n")
	if len(s.skips) != 2 || s.skips[0].What != "image" || s.skips[0].Path != "cells/0/outputs/1/data/image/png" {
		t.Errorf("skips %+v", s.skips)
	}
	for name, text := range map[string]string{
		"cut": string(data[:len(data)-20]), "another": `{"cells": [], "text": "\"nbformat\""}`, "inside": `{"a": {"nbformat": 4}}`, "list": `["nbformat"]`,
	} {
		if kind := archive.Detect([]byte(text)); kind != archive.None {
			t.Errorf("%s is taken for a %s", name, kind)
		}
	}
}

// TestOddNotebooks: what is where no text is expected is not lost.
func TestOddNotebooks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, path, want string }{
		{`{"nbformat":4,"cells":[{"source":["a",{"source":"inner"},1]}]}`, "cells/0/source", "a"},
		{`{"nbformat":4,"cells":[{"source":["a",{"source":"inner"},1]}]}`, "cells/0/source/1/source", "inner"},
		{`{"nbformat":4,"cells":[{"outputs":[{"traceback":["a","b"]}]}]}`, "cells/0/outputs/0/traceback", "a\nb\n"},
		{`{"nbformat":3,"worksheets":[{"cells":[{"input":["i"]}]}]}`, "worksheets/0/cells/0/input", "i"},
		{`{"nbformat":4,"cells":"text","x":[["deep"]]}`, "metadata", "nbformat: 4\ncells: text\ndeep\n"},
		{"\xef\xbb\xbf {\"nbformat\":4}", "metadata", "nbformat: 4\n"},
	} {
		walk(t, "a.ipynb", []byte(c.data), limits()).want(t, c.path, c.want)
	}
	deep := `{"nbformat":4,"x":` + strings.Repeat(`{"`+strings.Repeat("k", 500)+`":`, 9000) + `"end"` + strings.Repeat("}", 9000) + `}`
	s := walk(t, "a.ipynb", []byte(deep), limits())
	if got := s.texts["metadata"]; !strings.HasSuffix(got, "kkk: end\n") || len(got) > 1000 {
		t.Errorf("%d bytes", len(got))
	}
}
