package secret

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// plain is long enough that any four characters of its middle are telling.
func plain() string { return "Xq7" + strings.Repeat("vK9mZ2", 6) + "w4Tn" }

// leaks reports whether out shows the middle of the value.
func leaks(out string) bool {
	v := plain()
	for i := 0; i+6 <= len(v)-tail; i++ {
		if strings.Contains(out, v[i:i+6]) {
			return true
		}
	}
	return false
}

func TestNoDoorShowsTheValue(t *testing.T) {
	t.Parallel()
	s := New(plain())
	type outer struct {
		Public Text
		hidden Text
	}
	o := outer{Public: s, hidden: s}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", s, "outer", o)
	doors := map[string]string{"slog": logged.String(), "error": fmt.Errorf("with %w", fmt.Errorf("%v", s)).Error()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T %v"} {
		doors["fmt "+verb] = fmt.Sprintf(verb, s)
		doors["fmt struct "+verb] = fmt.Sprintf(verb, o)
		doors["fmt pointer "+verb] = fmt.Sprintf(verb, &o)
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "xml": xml.Marshal} {
		b, err := marshal(s)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		doors[name] = string(b)
	}
	for name, out := range doors {
		if leaks(out) {
			t.Errorf("%s shows the value: %s", name, out)
		}
	}
	if err := gob.NewEncoder(&bytes.Buffer{}).Encode(s); err == nil {
		t.Error("gob encodes a secret")
	}
	if s.Reveal() != plain() {
		t.Error("Reveal does not give the value back")
	}
}

func TestMaskedTextDoesNotComeBack(t *testing.T) {
	t.Parallel()
	var s Text
	if err := json.Unmarshal([]byte(`"AKIA****"`), &s); err == nil {
		t.Fatal("a mask was read as a secret")
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                   "",
		"short":                              "*****",
		strings.Repeat("a", 19):              strings.Repeat("*", 19),
		"AKIA" + strings.Repeat("B", 16):     "AKIA************BBBB",
		strings.Repeat("c", 36) + "\n\x1b[m": strings.Repeat("*", 36) + "****",
	} {
		if got := Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	a, b := New(plain()), New(plain()+"x")
	if FindingID("r", a) != FindingID("r", New(plain())) {
		t.Error("the id is not stable")
	}
	if FindingID("r", a) == FindingID("r", b) || FindingID("r", a) == FindingID("s", a) {
		t.Error("ids collide")
	}
	k1, err1 := NewKey()
	k2, err2 := NewKey()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if k1.HMAC(a) == k2.HMAC(a) || k1.HMAC(a) != k1.HMAC(New(plain())) || k1.HMAC(a) == k1.HMAC(b) {
		t.Error("the keyed hash does not depend on key and value")
	}
	if _, err := KeyFromBytes([]byte("short")); err == nil {
		t.Error("a short key was taken")
	}
	if !a.Equal(New(plain())) || a.Equal(b) || !(Text{}).Equal(New("")) {
		t.Error("Equal is wrong")
	}
}

func FuzzMask(f *testing.F) {
	f.Add("AKIA" + strings.Repeat("B", 16))
	f.Add("\x00\x1b]0;title\a")
	f.Fuzz(func(t *testing.T, in string) {
		got := Mask(in)
		for i := range len(got) {
			if got[i] < 0x20 || got[i] > 0x7e {
				t.Fatalf("Mask(%q) = %q holds a control or non-ASCII byte", in, got)
			}
		}
		if len(in) < minShown && strings.Trim(got, "*") != "" {
			t.Fatalf("Mask(%q) = %q shows a part of a short value", in, got)
		}
	})
}
