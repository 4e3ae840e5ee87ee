package archive

import "github.com/secretguard/secretguard/internal/scan/charset"

// keptBuffer is the largest buffer that is kept for the next text.
const keptBuffer = 4 << 20

// Binary is the kind of what holds no text.
const Binary = "binary"

// Texts makes texts of contents, one after the other. The zero value is ready; it is
// used by one goroutine.
type Texts struct{ buf []byte }

// Text returns data as UTF-8 text, nil when it is none, good until the next call; see
// [charset.Text]. The kind says what is not read: [Binary], or what [Unread] names,
// which may be text in part. It is empty when all of it is text.
func (t *Texts) Text(data []byte) (text []byte, kind string) {
	text, ok := charset.Text(data, t.buf)
	if ok && len(text) > 0 && &text[0] != &data[0] {
		t.buf = nil
		if cap(text) <= keptBuffer {
			t.buf = text
		}
	}
	switch name := Unread(data); {
	case name != "":
		kind = name
	case !ok:
		kind = Binary
	}
	if !ok {
		text = nil
	}
	return text, kind
}

// WhyUnread says of a kind, as Texts returns it, why it was not read.
func WhyUnread(kind string) string {
	if kind == Binary {
		return kind
	}
	return kind + ": text in it is not read"
}
