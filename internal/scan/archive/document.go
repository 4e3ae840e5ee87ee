package archive

import (
	"archive/zip"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/archive/markup"
)

// isDocument reports whether a zip is an office document: Office Open XML has a
// list of types (ECMA-376-2, 10.1.2), OpenDocument its type as the first entry
// (OpenDocument 1.3, part 2, 3.3).
func isDocument(r *zip.Reader) bool {
	for i, f := range r.File {
		if f.Name == "[Content_Types].xml" {
			return true
		}
		if i == 0 && f.Name == "mimetype" && f.Method == zip.Store && f.UncompressedSize64 < 200 {
			return hasType(f, "application/vnd.oasis.opendocument.")
		}
	}
	return false
}

func hasType(f *zip.File, prefix string) bool {
	r, err := f.Open()
	if err != nil {
		return false
	}
	defer r.Close()
	b := make([]byte, len(prefix))
	_, err = io.ReadFull(r, b)
	return err == nil && string(b) == prefix
}

// document is an office document that is being read.
type document struct {
	*opening

	shared *markup.Strings // nil when there is no table
}

// document reads the parts of a document as text. Cells of a workbook name their
// text by a number in a table, which is read first; what no cell names (text of
// cells that were deleted) is visited as the table's own.
func (o *opening) document(files []zipFile) error {
	d := &document{opening: o}
	table := slices.IndexFunc(files, func(f zipFile) bool { return strings.EqualFold(f.Name, "xl/sharedStrings.xml") })
	if table < 0 {
		return o.zipEntries(files, d.part)
	}
	if err := o.zipEntries(files[table:table+1], d.table); err != nil {
		return err
	}
	if err := o.zipEntries(slices.Delete(slices.Clone(files), table, table+1), d.part); err != nil {
		return err
	}
	if d.shared == nil {
		return nil
	}
	rest := d.shared.Unused(o.buffer())
	defer o.giveBack(rest)
	if len(rest) == 0 {
		return nil
	}
	return o.leaf(files[table].at, rest)
}

// part takes one part of the document.
func (d *document) part(at string, r io.Reader) error {
	data, err := d.read(r, d.buffer())
	defer func() { d.giveBack(data) }()
	if err := d.spoilt(at, err); err != nil {
		return err
	}
	switch {
	case errors.Is(err, errLarge), err != nil && len(data) == 0:
		return nil
	case !markup.Is(data):
		return d.inside(at, data)
	}
	text, err := d.text(data, d.buffer())
	defer func() { d.giveBack(text) }()
	return d.converted(at, data, text, err)
}

// spoilt reports an error of a part that was read. It returns one that ends the
// archive.
func (d *document) spoilt(at string, err error) error {
	switch err = d.cause(err); {
	case err == nil:
		return nil
	case d.ends(err):
		return err
	case errors.Is(err, errLarge):
		d.large(at)
		return nil
	}
	d.lost("archive entry", at, err)
	return nil
}

// converted visits the text of a part. One that is no sound markup is visited as
// it is: all of it is there, but perhaps in pieces.
func (d *document) converted(at string, data, text []byte, err error) error {
	switch err = d.cause(err); {
	case err == nil:
		return d.leaf(at, text)
	case errors.Is(err, markup.ErrForeign):
		return d.inside(at, data)
	case d.ends(err):
		return err
	}
	d.skip(Skip{What: "document part", Why: err.Error() + "; scanned as it is, so text may be in pieces", Path: at, Gap: true})
	return d.leaf(at, data)
}

// text converts markup, and takes what it makes of it from the budget.
func (d *document) text(data, out []byte) ([]byte, error) {
	text, err := markup.Text(d.ctx, data, out, d.shared, d.limits.Entry)
	if extra := int64(len(text) - len(data)); extra > 0 { // shared strings, many times
		if over := d.budget.spend(extra); over != nil {
			return text, over
		}
	}
	return text, err
}

// table reads the shared strings of a workbook.
func (d *document) table(at string, r io.Reader) error {
	data, err := d.read(r, d.buffer())
	defer func() { d.giveBack(data) }()
	if err := d.spoilt(at, err); err != nil {
		return err
	}
	if errors.Is(err, errLarge) {
		return nil
	}
	if d.shared, err = markup.Table(d.ctx, data, d.limits.Entry); err != nil {
		return d.converted(at, data, nil, err)
	}
	return nil
}
