package archive

import (
	"bytes"
	"slices"
)

// Kind is what a file is, judged by its content.
type Kind string

// Kinds that are opened. Jars, packages and office documents are zips.
const (
	None     Kind = ""
	Zip      Kind = "zip"
	Tar      Kind = "tar"
	Gzip     Kind = "gzip"
	Bzip2    Kind = "bzip2"
	XZ       Kind = "xz"
	Zstd     Kind = "zstd"
	SevenZip Kind = "7z"
	Notebook Kind = "notebook"
)

// Detect tells what a file is by its content, whatever its name. It costs little
// for files that are none of these, and reads only its argument.
func Detect(data []byte) Kind {
	for _, m := range []struct {
		magic string
		kind  Kind
	}{
		{"PK\x03\x04", Zip},
		{"PK\x05\x06", Zip},
		{"PK\x07\x08PK\x03\x04", Zip},
		{"\x1f\x8b\x08", Gzip},
		{"\xfd7zXZ\x00", XZ},
		{"\x28\xb5\x2f\xfd", Zstd},
		{"7z\xbc\xaf\x27\x1c", SevenZip},
	} {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case isBzip2(data):
		return Bzip2
	case isSkippable(data):
		return Zstd
	case isTar(data):
		return Tar
	case endsAsZip(data):
		return Zip
	case isNotebook(data):
		return Notebook
	}
	return None
}

// isBzip2 looks for the marks of the stream and of its first block or its end.
func isBzip2(data []byte) bool {
	return len(data) >= 10 && bytes.HasPrefix(data, []byte("BZh")) && data[3] >= '1' && data[3] <= '9' &&
		(string(data[4:10]) == "1AY&SY" || string(data[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// isSkippable looks for a frame that zstd allows in front of the data (RFC 8878,
// 3.1.2).
func isSkippable(data []byte) bool {
	return len(data) >= 8 && data[0]&0xf0 == 0x50 && string(data[1:4]) == "\x2a\x4d\x18"
}

const tarBlock = 512

// isTar checks the sum in the first header: the oldest tars have no mark
// (pax(1), ustar interchange format).
func isTar(data []byte) bool {
	if len(data) < tarBlock || data[0] == 0 {
		return false
	}
	want, digits := 0, 0
	for _, c := range bytes.Trim(data[148:156], " \x00") {
		if c < '0' || c > '7' {
			return false
		}
		want, digits = want<<3|int(c-'0'), digits+1
	}
	if digits == 0 {
		return false
	}
	sum := 8 * int(' ') // the field itself counts as blanks
	for i, c := range data[:tarBlock] {
		if i < 148 || i >= 156 {
			sum += int(c)
		}
	}
	return sum == want
}

const (
	zipLocal   = "PK\x03\x04"
	zipCentral = "PK\x01\x02"
	zipEnd     = "PK\x05\x06"
	zipEndSize = 22
)

// endsAsZip looks for the end of a directory as it stands when there is no comment
// behind it: a program may stand in front of a zip (APPNOTE.TXT 4.1.9).
func endsAsZip(data []byte) bool {
	n := len(data)
	return n > zipEndSize && string(data[n-zipEndSize:n-zipEndSize+4]) == zipEnd && bytes.Contains(data, []byte(zipLocal))
}

// Unread names what data is when it holds text that is not read, by choice: it is
// empty for everything else. It reads only its argument.
func Unread(data []byte) string {
	for _, m := range unread {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.name
		}
	}
	if len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP" {
		return "image"
	}
	return ""
}

// UnreadKinds lists every name that Unread may return.
func UnreadKinds() []string {
	var out []string
	for _, m := range unread {
		if !slices.Contains(out, m.name) {
			out = append(out, m.name)
		}
	}
	return out
}

var unread = []struct{ magic, name string }{
	{"\x89PNG\r\n\x1a\n", "image"},
	{"\xff\xd8\xff", "image"},
	{"GIF87a", "image"},
	{"GIF89a", "image"},
	{"II*\x00", "image"},
	{"MM\x00*", "image"},
	{"%PDF-", "PDF document"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office document in the old or an encrypted form"},
	{"Rar!\x1a\x07", "RAR archive"},
	{"!<arch>\n", "ar archive"},
	{"\xed\xab\xee\xdb", "RPM package"},
	{"MSCF\x00\x00\x00\x00", "cabinet"},
	{"\x04\x22\x4d\x18", "lz4 file"},
	{"LZIP\x01", "lzip file"},
	{"\x1f\x9d", "compress file"},
	{"070701", "cpio archive"},
	{"\xc7\x71", "cpio archive"},
	{"SQLite format 3\x00", "SQLite database"},
}
