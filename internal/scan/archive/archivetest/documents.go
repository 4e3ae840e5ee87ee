package archivetest

import (
	"fmt"
	"strings"
	"testing"
)

// Namespaces of the documents, as Office and LibreOffice write them.
const (
	word   = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`
	sheet  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	slide  = `xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"`
	rels   = `xmlns="http://schemas.openxmlformats.org/package/2006/relationships"`
	custom = `xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"`
	odf    = `xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"`
	prolog = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
)

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace

// halves cuts a text in two, as an editor does with a word that it marks.
func halves(text string) (string, string) {
	return escape(text[:len(text)/2]), escape(text[len(text)/2:])
}

// Docx is a text document. The text of each part is cut into two runs.
type Docx struct {
	Paragraphs []string
	Table      [][]string
	Comment    string
	Link       string            // target of a hyperlink
	Properties map[string]string // of its own
}

// Bytes makes the file.
func (d Docx) Bytes(tb testing.TB) []byte {
	tb.Helper()
	paragraph := func(text string) string {
		a, b := halves(text)
		return `<w:p w:rsidR="00AB12CD"><w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs></w:pPr><w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">` + a +
			`</w:t></w:r><w:proofErr w:type="spellStart"/><w:r><w:t>` + b + `</w:t></w:r></w:p>`
	}
	var body strings.Builder
	for _, p := range d.Paragraphs {
		body.WriteString(paragraph(p))
	}
	if len(d.Table) > 0 {
		body.WriteString(`<w:tbl>`)
		for _, row := range d.Table {
			body.WriteString(`<w:tr>`)
			for _, cell := range row {
				body.WriteString(`<w:tc>` + paragraph(cell) + `</w:tc>`)
			}
			body.WriteString(`</w:tr>`)
		}
		body.WriteString(`</w:tbl>`)
	}
	files := []File{
		{Name: "[Content_Types].xml", Text: prolog + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`},
		{Name: "word/document.xml", Text: prolog + `<w:document ` + word + `><w:body>` + body.String() + `<w:sectPr/></w:body></w:document>`},
	}
	if d.Comment != "" {
		files = append(files, File{Name: "word/comments.xml", Text: `<w:comments ` + word + `><w:comment w:id="0">` + paragraph(d.Comment) + `</w:comment></w:comments>`})
	}
	if d.Link != "" {
		files = append(files, File{Name: "word/_rels/document.xml.rels", Text: `<Relationships ` + rels + `><Relationship Id="rId1" Type="link" Target="` + escape(d.Link) + `"/></Relationships>`})
	}
	if len(d.Properties) > 0 {
		text := `<Properties ` + custom + `>`
		for name, value := range d.Properties {
			text += `<property pid="2" name="` + escape(name) + `"><vt:lpwstr>` + escape(value) + `</vt:lpwstr></property>`
		}
		files = append(files, File{Name: "docProps/custom.xml", Text: text + `</Properties>`})
	}
	return Zip(tb, append(files, File{Name: "word/media/image1.png", Text: "\x89PNG\r\n\x1a\n\x00\x00"})...)
}

// Xlsx is a workbook with one sheet.
type Xlsx struct {
	Rows    [][]string
	Deleted []string // strings that no cell names any more
	Comment string
}

// Bytes makes the file.
func (x Xlsx) Bytes(tb testing.TB) []byte {
	tb.Helper()
	var table, rows strings.Builder
	n := 0
	for i, row := range x.Rows {
		fmt.Fprintf(&rows, `<row r="%d">`, i+1)
		for j, cell := range row {
			a, b := halves(cell)
			table.WriteString(`<si><r><t>` + a + `</t></r><r><rPr><b/></rPr><t>` + b + `</t></r></si>`)
			fmt.Fprintf(&rows, `<c r="%c%d" t="s"><v>%d</v></c>`, 'A'+j, i+1, n)
			n++
		}
		rows.WriteString(`</row>`)
	}
	rows.WriteString(`<row r="100"><c t="inlineStr"><is><t>in line</t></is></c><c><f>SUM(A1)</f><v>42</v></c></row>`)
	for _, text := range x.Deleted {
		table.WriteString(`<si><t>` + escape(text) + `</t></si>`)
	}
	files := []File{
		{Name: "[Content_Types].xml", Text: `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`},
		{Name: "xl/worksheets/sheet1.xml", Text: `<worksheet ` + sheet + `><sheetData>` + rows.String() + `</sheetData></worksheet>`},
		{Name: "xl/sharedStrings.xml", Text: `<sst ` + sheet + `>` + table.String() + `</sst>`},
	}
	if x.Comment != "" {
		a, b := halves(x.Comment)
		files = append(files, File{Name: "xl/comments1.xml", Text: `<comments ` + sheet + `><authors><author>Jo</author></authors><commentList><comment ref="A1"><text><r><t>` +
			a + `</t></r><r><t>` + b + `</t></r></text></comment></commentList></comments>`})
	}
	return Zip(tb, files...)
}

// Pptx makes a presentation of one slide for each text, with the text as its notes.
func Pptx(tb testing.TB, texts ...string) []byte {
	tb.Helper()
	files := []File{{Name: "[Content_Types].xml", Text: `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`}}
	for i, text := range texts {
		a, b := halves(text)
		body := `<p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:rPr lang="en-US"/><a:t>` + a + `</a:t></a:r><a:r><a:t>` + b + `</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld>`
		files = append(files, File{Name: fmt.Sprintf("ppt/slides/slide%d.xml", i+1), Text: `<p:sld ` + slide + `>` + body + `</p:sld>`},
			File{Name: fmt.Sprintf("ppt/notesSlides/notesSlide%d.xml", i+1), Text: `<p:notes ` + slide + `>` + body + `</p:notes>`})
	}
	return Zip(tb, files...)
}

// Odt makes an OpenDocument text, each paragraph in two spans, and a table of one
// row.
func Odt(tb testing.TB, paragraphs, row []string) []byte {
	tb.Helper()
	var body strings.Builder
	for _, p := range paragraphs {
		a, b := halves(p)
		body.WriteString(`<text:p>` + a + `<text:span>` + b + `</text:span></text:p>`)
	}
	body.WriteString(`<table:table><table:table-row>`)
	for _, cell := range row {
		body.WriteString(`<table:table-cell><text:p>` + escape(cell) + `</text:p></table:table-cell>`)
	}
	body.WriteString(`</table:table-row></table:table>`)
	return Zip(tb, File{Name: "mimetype", Text: "application/vnd.oasis.opendocument.text", Stored: true},
		File{Name: "content.xml", Text: prolog + `<office:document-content ` + odf + `><office:body><office:text>` + body.String() + `</office:text></office:body></office:document-content>`})
}

// Notebook makes one of code cells: source and what it printed.
func Notebook(cells ...[2]string) []byte {
	var list []string
	for _, c := range cells {
		list = append(list, fmt.Sprintf(`{"cell_type": "code", "execution_count": 1, "metadata": {"note": "of a cell"}, "source": %s,
   "outputs": [{"output_type": "stream", "name": "stdout", "text": %s}, {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}}]}`, lines(c[0]), lines(c[1])))
	}
	return []byte(`{"cells": [` + strings.Join(list, ",\n") + `],
 "metadata": {"kernelspec": {"name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}`)
}

// lines writes a text as a list of lines, as notebooks do.
func lines(text string) string {
	var out []string
	for l := range strings.SplitAfterSeq(text, "\n") {
		if l != "" {
			out = append(out, fmt.Sprintf("%q", l))
		}
	}
	return "[" + strings.Join(out, ", ") + "]"
}
