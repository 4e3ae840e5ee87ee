// Package markup makes lines of text of the markup that office documents hold. Start
// with [Text].
package markup

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// Errors of a conversion.
var (
	// ErrForeign means that it is markup, but of no document's language.
	ErrForeign = errors.New("not a document's markup")
	ErrUnsound = errors.New("not sound markup")
	ErrLarge   = errors.New("its text is too large")
)

// Is reports whether data begins as XML does.
func Is(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(data) > 1 && data[0] == '<' && (data[1] == '?' || data[1] == '!' || isNameStart(data[1]))
}

func isNameStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// Text appends the text of a document's part to out[:0]. A paragraph or a row is a
// line; inside it everything stands on the line, however deep, so that text which
// was split into runs is whole again. Cells stand between tabs and commas. Elsewhere
// each element with text has a line. Attributes and comments follow behind.
//
// Cells of a workbook take their text from shared, which may be nil. The text may
// have at most so many bytes, else the error is ErrLarge; with any error, the text
// is of no use. Memory is bounded by the sizes of data and text. Text may be called
// from many goroutines, each with shared strings of its own.
func Text(ctx context.Context, data, out []byte, shared *Strings, most int64) ([]byte, error) {
	x := &texter{out: out[:0], shared: shared, most: most}
	err := x.read(ctx, data)
	return x.out, err
}

// Table reads the shared strings of a workbook. The errors are those of Text.
func Table(ctx context.Context, data []byte, most int64) (*Strings, error) {
	x := &texter{table: &Strings{}, most: most}
	if err := x.read(ctx, data); err != nil {
		return nil, err
	}
	x.table.text = x.out
	return x.table, nil
}

// texter makes lines of markup.
type texter struct {
	out    []byte
	most   int64
	shared *Strings // that cells name
	table  *Strings // that is being read

	lines []openLine // innermost last
	extra []byte     // lines that follow the text: attributes, comments
	root  bool       // the root was seen
	elem  string     // where text stands
	kind  string     // of the value of the cell
	value []byte     // of the cell: a number of a shared string
	stops bool       // in a list of tab stops
	n     int64      // bytes made so far
}

// openLine is a paragraph or row that has not ended.
type openLine struct {
	buf   []byte
	name  string
	cells int // open cells inside
	gap   int // line ends that come before the next text
	sep   bool
}

const (
	// maxTag bounds the attributes of one element: the reader makes an object of each.
	maxTag = 1 << 20
	// maxOpen is how many paragraphs and rows may stand in each other.
	maxOpen = 100
	// cellGap stands between cells: what a rule takes for the end of a key, and for
	// the sign between a name and its value.
	cellGap = "\t,\t"
	// longAttribute is the shortest value that may be text, and no number, colour or
	// identifier.
	longAttribute = 9
)

// Elements by their local names: WordprocessingML, DrawingML and SpreadsheetML
// (ECMA-376-1, 17, 18 and 21), OpenDocument (1.3, part 3).
var (
	lineElements = set("p", "h", "si", "row", "tr", "table-row", "text", "property", "user-defined", "definedName")
	cellElements = set("c", "tc", "table-cell", "covered-table-cell")
	// inlineText are the elements that may stand for a character.
	inlineText = map[string]string{"br": "\n", "cr": "\n", "line-break": "\n", "tab": "\t", "s": " ", "noBreakHyphen": "-", "f": " "}
)

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// read converts a part. With an error nothing that it made is of use.
func (x *texter) read(ctx context.Context, data []byte) error {
	d := xml.NewDecoder(&tagGuard{r: bytes.NewReader(data)})
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		t, err := d.RawToken() // names are not matched: nothing grows with the depth
		switch {
		case errors.Is(err, io.EOF):
			x.finish()
			return nil
		case err != nil:
			return ErrUnsound
		}
		if err := x.token(t); err != nil {
			return err
		}
		if x.most > 0 && x.n > x.most {
			return ErrLarge
		}
	}
}

func (x *texter) token(t xml.Token) error {
	switch t := t.(type) {
	case xml.StartElement:
		if !x.root {
			x.root = true
			if !isVocabulary(t) {
				return ErrForeign
			}
		}
		x.start(t)
	case xml.EndElement:
		x.end(t.Name.Local)
	case xml.CharData:
		x.text(t)
	case xml.Comment:
		x.extra = append(append(x.extra, bytes.TrimSpace(t)...), '\n')
		x.n += int64(len(t))
	}
	return nil
}

// isVocabulary reports whether the root element is of a document's languages. What
// users put into a document themselves is better scanned as it is.
func isVocabulary(root xml.StartElement) bool {
	for _, a := range root.Attr {
		own := a.Name.Space == "xmlns" && a.Name.Local == root.Name.Space || a.Name.Space == "" && a.Name.Local == "xmlns" && root.Name.Space == ""
		if !own {
			continue
		}
		for _, known := range []string{"schemas.openxmlformats.org/", "schemas.microsoft.com/office/", "purl.oclc.org/ooxml/", "urn:oasis:names:tc:opendocument:"} {
			if strings.Contains(a.Value, known) {
				return true
			}
		}
	}
	return false
}

func (x *texter) start(t xml.StartElement) {
	name := t.Name.Local
	x.elem = name
	in := x.in()
	switch {
	case cellElements[name] && in != nil:
		in.cells++
		x.kind, x.value = attribute(t, "t"), x.value[:0]
	case lineElements[name] && t.Name.Space != "office" && len(x.lines) < maxOpen && (in == nil || in.cells == 0 || name == "tr" || name == "table-row"):
		x.lines = append(x.lines, openLine{name: name})
		if n := attribute(t, "name"); n != "" {
			x.write(n + "=")
		}
	case name == "tabs":
		x.stops = true
	case in != nil && name != "f" && !x.stops:
		x.write(inlineText[name])
	}
	x.attributes(t)
}

func (x *texter) end(name string) {
	in := x.in()
	x.elem = ""
	switch {
	case in == nil:
		if n := len(x.out); n > 0 && x.out[n-1] != '\n' { // an element with text, outside of lines
			x.out = append(x.out, '\n')
		}
	case cellElements[name] && in.cells > 0:
		x.endCell(in)
	case name == in.name && in.cells == 0:
		x.endLine()
	case lineElements[name]: // a paragraph in a cell
		in.gap++
	case name == "f":
		x.write(inlineText[name])
	case name == "tabs":
		x.stops = false
	}
}

// endCell writes the value of a cell, which may be the number of a shared string.
func (x *texter) endCell(in *openLine) {
	if len(x.value) > 0 {
		value := x.value
		if i, err := strconv.Atoi(string(value)); err == nil && x.kind == "s" && x.shared != nil {
			value = x.shared.get(i)
		}
		x.write(string(value))
		x.value = x.value[:0]
	}
	in.cells--
	in.gap, in.sep = 0, in.cells == 0 && len(in.buf) > 0
}

// endLine moves the innermost line to the text.
func (x *texter) endLine() {
	last := len(x.lines) - 1
	x.out = append(append(x.out, x.lines[last].buf...), '\n')
	x.lines[last] = openLine{}
	x.lines = x.lines[:last]
	if x.table != nil && last == 0 {
		x.table.add(len(x.out))
	}
}

// in returns the innermost line.
func (x *texter) in() *openLine {
	if len(x.lines) == 0 {
		return nil
	}
	return &x.lines[len(x.lines)-1]
}

// text takes characters between tags.
func (x *texter) text(b []byte) {
	blank := len(bytes.TrimSpace(b)) == 0
	in := x.in()
	switch {
	case blank && (in == nil || bytes.IndexByte(b, '\n') >= 0): // how the file is laid out
	case in == nil:
		x.out = append(x.out, bytes.TrimSpace(b)...)
		x.n += int64(len(b))
	case x.elem == "v" && in.cells > 0:
		x.value = append(x.value, b...)
	default:
		x.write(string(b))
	}
}

// write appends to the innermost line what stands on it.
func (x *texter) write(s string) {
	in := x.in()
	if in == nil || s == "" {
		return
	}
	if in.sep {
		in.buf = append(in.buf, cellGap...)
	}
	for range in.gap {
		in.buf = append(in.buf, '\n')
	}
	in.sep, in.gap = false, 0
	in.buf = append(in.buf, s...)
	x.n += int64(len(s))
}

// attributes keeps those of an element when one may be text: a link, a description,
// a variable.
func (x *texter) attributes(t xml.StartElement) {
	long := false
	for _, a := range t.Attr {
		long = long || len(a.Value) >= longAttribute && !isNamespace(a) && !isWord(a.Value)
	}
	if !long {
		return
	}
	x.extra = append(x.extra, t.Name.Local...)
	for _, a := range t.Attr {
		if !isNamespace(a) {
			x.extra = append(append(append(append(append(x.extra, ' '), a.Name.Local...), '=', '"'), a.Value...), '"')
			x.n += int64(len(a.Value))
		}
	}
	x.extra = append(x.extra, '\n')
}

// isWord reports whether a value is only letters, as the names of styles and states.
func isWord(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

func isNamespace(a xml.Attr) bool { return a.Name.Space == "xmlns" || a.Name.Local == "xmlns" }

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// finish ends what is open and appends what follows the text.
func (x *texter) finish() {
	for len(x.lines) > 0 {
		x.endLine()
	}
	if n := len(x.out); n > 0 && x.out[n-1] != '\n' {
		x.out = append(x.out, '\n')
	}
	if x.table == nil {
		x.out = append(x.out, x.extra...)
	}
}

// tagGuard ends the reading at a tag that is too long.
type tagGuard struct {
	r     *bytes.Reader
	in    byte // 0 outside of tags, '<' at the start of one, 'a' inside, else the quote
	bytes int
}

func (g *tagGuard) ReadByte() (byte, error) {
	c, err := g.r.ReadByte()
	if err != nil {
		return 0, err
	}
	switch g.in {
	case 0:
		if c == '<' {
			g.in, g.bytes = '<', 0
		}
		return c, nil
	case '<':
		if g.in = 0; isNameStart(c) {
			g.in = 'a'
		}
	case 'a':
		switch c {
		case '>':
			g.in = 0
		case '"', '\'':
			g.in = c
		}
	case c:
		g.in = 'a'
	}
	if g.bytes++; g.bytes > maxTag {
		return 0, ErrUnsound
	}
	return c, nil
}

// Read is not used: the decoder takes bytes.
func (g *tagGuard) Read([]byte) (int, error) { return 0, ErrUnsound }
