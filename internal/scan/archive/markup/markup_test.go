package markup_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/secretguard/secretguard/internal/scan/archive/markup"
)

const (
	word = `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">`
	most = 1 << 20
)

func text(tb testing.TB, body string) string {
	tb.Helper()
	b, err := markup.Text(tb.Context(), []byte(word+body+"</w:document>"), nil, nil, most)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func TestLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"runs", `<w:p><w:r><w:t>one</w:t></w:r><w:ins><w:r><w:t>two</w:t></w:r></w:ins></w:p>`, "onetwo\n"},
		{"laid out", "<w:p>\n  <w:r>\n <w:t>one</w:t>\n</w:r>\n<w:r><w:t> two</w:t></w:r></w:p>\n", "one two\n"},
		{"breaks", `<w:p><w:r><w:t>a</w:t><w:br/><w:t>b</w:t><w:tab/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>`, "a\nb\tc-d\n"},
		{"tab stops", `<w:p><w:tabs><w:tab/></w:tabs><w:tab/><w:t>a</w:t></w:p>`, "\ta\n"},
		{"deleted text and field", `<w:p><w:del><w:delText>gone</w:delText></w:del><w:instrText>HYPERLINK</w:instrText></w:p>`, "goneHYPERLINK\n"},
		{"box in a paragraph", `<w:p><w:t>out</w:t><w:txbxContent><w:p><w:t>box</w:t></w:p></w:txbxContent><w:t>er</w:t></w:p>`, "box\nouter\n"},
		{"two paragraphs in a cell", `<w:tr><w:tc><w:p><w:t>a</w:t></w:p><w:p><w:t>b</w:t></w:p></w:tc><w:tc><w:p><w:t>c</w:t></w:p></w:tc></w:tr>`, "a\nb\t,\tc\n"},
		{"table in a table", `<w:tr><w:tc><w:p><w:t>a</w:t></w:p><w:tbl><w:tr><w:tc><w:p><w:t>in</w:t></w:p></w:tc></w:tr></w:tbl></w:tc><w:tc><w:p><w:t>b</w:t></w:p></w:tc></w:tr>`, "in\na\t,\tb\n"},
		{"empty cells", `<w:tr><w:tc/><w:tc/><w:tc><w:p><w:t>a</w:t></w:p></w:tc><w:tc/><w:tc><w:p><w:t>b</w:t></w:p></w:tc></w:tr>`, "a\t,\tb\n"},
		{"outside of paragraphs", `<title>one</title><creator> two </creator>`, "one\ntwo\n"},
		{"attributes", `<w:docVar w:name="key" w:val="of nine+"/><w:jc w:val="distribute"/>`, ""},
		{"long attributes", `<w:docVar w:name="key" w:val="more than nine"/>`, "docVar name=\"key\" val=\"more than nine\"\n"},
		{"comment", `<w:p><w:t>a</w:t><!-- said --></w:p>`, "a\nsaid\n"},
		{"references", `<w:p><w:t>&lt;&#65;&amp;</w:t><w:t><![CDATA[<b>]]></w:t></w:p>`, "<A&<b>\n"},
		{"ends that do not match", `</w:p></w:tc><w:p><w:t>a</w:r></w:tr></w:p></w:p>`, "a\n"},
		{"not ended", `<w:p><w:t>a`, "a\n"},
	} {
		if got := text(t, c.body); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestNoTextIsLost: the letters of any markup are those that a plain reader finds.
func TestNoTextIsLost(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"w:p", "w:r", "w:t", "w:tr", "w:tc", "h", "si", "row", "c", "is", "text", "w:body", "x"})
	var tree func(t *rapid.T, depth int) string
	tree = func(t *rapid.T, depth int) string {
		if depth == 0 || rapid.Bool().Draw(t, "leaf") {
			return rapid.StringMatching(`[a-z]{0,4}`).Draw(t, "text")
		}
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "children") {
			n := names.Draw(t, "name")
			b.WriteString("<" + n + ">" + tree(t, depth-1) + "</" + n + ">")
		}
		return b.String()
	}
	rapid.Check(t, func(t *rapid.T) {
		body := tree(t, 6)
		want := map[rune]int{}
		d := xml.NewDecoder(strings.NewReader("<x>" + body + "</x>"))
		for {
			tok, err := d.Token()
			if err != nil {
				break
			}
			if c, ok := tok.(xml.CharData); ok {
				for _, r := range string(c) {
					want[r]++
				}
			}
		}
		b, err := markup.Text(context.Background(), []byte(word+body+"</w:document>"), nil, nil, most)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range string(b) {
			if r >= 'a' && r <= 'z' {
				want[r]--
			}
		}
		for r, n := range want {
			if n != 0 {
				t.Fatalf("%q: %d times too few in %q of %q", r, n, b, body)
			}
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		data string
		want error
	}{
		"another language": {"<config/>", markup.ErrForeign},
		"no prefix":        {`<w:document xmlns="http://schemas.openxmlformats.org/"/>`, markup.ErrForeign},
		"no markup":        {word + "<<", markup.ErrUnsound},
		"long tag":         {word + "<a " + strings.Repeat(`b="" `, 300_000) + ">", markup.ErrUnsound},
		"long tag, quoted": {word + "<a " + strings.Repeat(`b='>' `, 300_000) + ">", markup.ErrUnsound},
		"too much":         {word + strings.Repeat("<p>text</p>", most/4+1), markup.ErrLarge},
	} {
		if _, err := markup.Text(t.Context(), []byte(c.data), nil, nil, most); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := markup.Text(ctx, []byte(word), nil, nil, most); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestDeep: depth costs nothing.
func TestDeep(t *testing.T) {
	t.Parallel()
	const depth = 50_000
	got := text(t, strings.Repeat("<w:p>", depth)+"end"+strings.Repeat("</w:p>", depth))
	if !strings.Contains(got, "end") || len(got) > 1000 {
		t.Errorf("%d bytes", len(got))
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(word + `<w:p><w:t>a</w:t></w:p><c t="s"><v>0</v></c></w:document>`))
	f.Add([]byte(`<sst xmlns="http://schemas.openxmlformats.org/s"><si><t>a</t></si><si/></sst>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 64 << 10
		table, err := markup.Table(t.Context(), data, most)
		if err != nil {
			return
		}
		b, err := markup.Text(t.Context(), data, nil, table, most)
		if err == nil && len(b) > 2*most+len(data)+1000 {
			t.Errorf("%d bytes", len(b))
		}
		if n := bytes.Count(table.Unused(nil), []byte("\n")); n > len(data)+1 {
			t.Errorf("%d strings of %d bytes", n, len(data))
		}
	})
}
