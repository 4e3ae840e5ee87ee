package archive

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

// localHeader is what stands in front of each file of a zip (APPNOTE.TXT, 4.3.7).
type localHeader struct {
	flags, method uint16
	sum           uint32
	packed        int64 // 0 when it is not known yet
	name          string
	start         int // of the content
}

const (
	localHeaderSize = 30
	flagEncrypted   = 1
	flagLater       = 8 // sum and sizes stand behind the content
)

// salvage reads what can be read of a zip whose directory is lost, as of one that
// was cut off: the files up to there, by the headers in front of them.
func (o *opening) salvage(data []byte) error {
	for at := bytes.Index(data, []byte(zipLocal)); at >= 0; {
		h, ok := parseLocal(data, at)
		if !ok {
			return nil
		}
		next := h.start
		if h.packed > 0 && h.packed <= int64(len(data)-h.start) {
			next += int(h.packed)
		}
		if err := o.salvaged(data, h); err != nil {
			return err
		}
		found := bytes.Index(data[next:], []byte(zipLocal))
		if found < 0 {
			return nil
		}
		at = next + found
	}
	return nil
}

func parseLocal(data []byte, at int) (localHeader, bool) {
	if len(data)-at < localHeaderSize {
		return localHeader{}, false
	}
	b := data[at:]
	le := binary.LittleEndian
	h := localHeader{flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), sum: le.Uint32(b[14:]), packed: int64(le.Uint32(b[18:]))}
	name := int(le.Uint16(b[26:]))
	h.start = at + localHeaderSize + name + int(le.Uint16(b[28:]))
	if h.start > len(data) {
		return h, false
	}
	h.name = string(b[localHeaderSize : localHeaderSize+name])
	return h, true
}

// salvaged reads one file.
func (o *opening) salvaged(data []byte, h localHeader) error {
	at, err := o.entry(strings.ReplaceAll(h.name, `\`, "/"))
	if err != nil || strings.HasSuffix(h.name, "/") {
		return err
	}
	if h.flags&flagEncrypted != 0 {
		o.lost("archive entry", at, errEncrypted)
		return nil
	}
	content := data[h.start:]
	later := h.flags&flagLater != 0
	if !later {
		content = content[:min(h.packed, int64(len(content)))]
	}
	r, done, err := o.method(h.method, bytes.NewReader(content))
	switch {
	case err != nil:
		o.lost("archive entry", at, explain(err))
		return nil
	case later && h.method == 0: // nothing says where it ends; the archive is a gap already
		return nil
	}
	defer done()
	var in io.Reader = explained{r}
	if !later {
		in = &summed{r: in, want: h.sum}
	}
	return o.take(at, &meter{o: o, r: in})
}
