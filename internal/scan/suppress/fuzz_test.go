package suppress

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/secretguard/secretguard/internal/secret"
)

// FuzzIgnoreFile: whatever the file holds, an entry accepts only what it names.
func FuzzIgnoreFile(f *testing.F) {
	f.Add([]byte("# c\n0123456789012345678901234567890123456789:a b:c.txt:rule:7\r\na.txt:rule:1\n"), "a.txt", "rule", 1)
	f.Add([]byte("a\\b.txt:rule:1\n\xff\x00:::\n"), "a/b.txt", "rule", 1)
	f.Add([]byte(":::"), "", "", 0)
	f.Fuzz(func(t *testing.T, file []byte, path, rule string, line int) {
		name := filepath.Join(t.TempDir(), "ignore")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var l List
		if err := l.AddIgnoreFile(name); err != nil {
			t.Fatal(err)
		}
		by, _, ok := l.Why(Subject{ID: "sg1:x", Rules: []string{rule}, File: path, Lines: []int{line}})
		if ok && (by != "ignore-file" || !bytes.Contains(bytes.ReplaceAll(file, []byte("\\"), []byte("/")), []byte(path+":"+rule+":"))) {
			t.Errorf("%q accepts %q %q %d by %q", file, path, rule, line, by)
		}
	})
}

// FuzzBaseline: a baseline is read whole or refused.
func FuzzBaseline(f *testing.F) {
	var good bytes.Buffer
	doc, err := NewBaseline(secret.Key{})
	if err != nil {
		f.Fatal(err)
	}
	doc.Waive([]Waiver{waiver(random, Entry{Reason: "why"}), waiver(random, Entry{Path: "p"})})
	if err := doc.Write(&good); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	f.Add([]byte(`{"schema":"secretguard.baseline/2","salt":"AAAA","accepted":[]}`))
	f.Add([]byte(`{"schema":"secretguard.baseline/1","accepted":[{"id":5}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		name := filepath.Join(t.TempDir(), "baseline")
		if err := os.WriteFile(name, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var l List
		err := l.AddBaseline(name)
		if _, _, ok := l.Why(about(random)); ok && err != nil {
			t.Errorf("%q accepts, error %v", file, err)
		}
	})
}
