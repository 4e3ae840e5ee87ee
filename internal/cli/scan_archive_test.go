package cli_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/secretguard/secretguard/internal/scan/archive/archivetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// spot is a finding in the JSON, as far as it says where.
type spot struct {
	File, Where   string
	Rule          string
	Line, Column  int
	PathInArchive string `json:"path_in_archive"`
}

func (f spot) String() string {
	return fmt.Sprintf("%s | %s | %s:%d:%d | %s", f.Where, f.File, f.PathInArchive, f.Line, f.Column, f.Rule)
}

// foundIn returns the findings of a scan with --json.
func foundIn(t *testing.T, r result) []spot {
	t.Helper()
	var doc struct{ Findings []spot }
	if err := json.Unmarshal([]byte(r.out), &doc); err != nil {
		t.Fatal(err, r)
	}
	return doc.Findings
}

// TestScanOfArchives: every kind, in a folder, on stdin and in the index.
func TestScanOfArchives(t *testing.T) {
	t.Parallel()
	inner := archivetest.File{Name: "conf/prod.env", Text: "nothing\n" + leak()}
	kinds := map[string][]byte{}
	for kind, pack := range archivetest.Containers() {
		kinds["a."+kind] = pack(t, inner)
	}
	for kind, squeeze := range archivetest.Compressors() {
		kinds["prod.env."+kind] = squeeze(t, []byte(inner.Text))
		kinds["a.tar."+kind] = squeeze(t, archivetest.Tar(t, inner))
	}
	kinds["nested.jar"] = archivetest.Zip(t, archivetest.File{Name: "lib/a.tgz", Text: string(archivetest.Gzip(t, archivetest.Tar(t, inner)))})
	kinds["no-ending"] = kinds["a.zip"]
	for name, data := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := "conf/prod.env"
			switch {
			case strings.HasPrefix(name, "prod.env"):
				want = "prod.env"
			case name == "nested.jar":
				want = "lib/a.tgz!conf/prod.env"
			}
			dir := repository(t, "nothing\n")
			write(t, dir, "x/"+name, string(data))
			run("scan", "dir", dir).expect(t, 1, "stripe-secret-key", fmt.Sprintf("x/%s!%s:2\n", name, want), "2 files with 1 archive entry", "complete")
			git(t, dir, "add", "-A")
			run("scan", "--staged", dir).expect(t, 1, fmt.Sprintf("x/%s!%s:2\n", name, want), "complete")
			git(t, dir, "commit", "-qm", "packed")
			run("scan", "git", dir).expect(t, 1, fmt.Sprintf("x/%s!%s:2 ", name, want), "with 1 archive entry", "complete")
			run("scan", "git", dir, "--max-archive-depth", "0").expect(t, 0, "complete")
			run("scan", "dir", filepath.Join(dir, "x", name)).expect(t, 1, name+"!"+want+":2\n")
			list := foundIn(t, run("scan", "dir", dir, "--json"))
			if len(list) != 1 || list[0] != (spot{File: "x/" + name, Where: "archive", Rule: "stripe-secret-key", Line: 2, Column: 8, PathInArchive: want}) {
				t.Errorf("%+v", list)
			}
			stdin := call{stdin: string(data)}.run("scan", "stdin", "--json")
			if list := foundIn(t, stdin); len(list) != 1 || list[0].File != "" || list[0].Where != "archive" {
				t.Errorf("stdin: %+v", list)
			}
			run("scan", "dir", dir, "--max-archive-depth", "0").expect(t, 0, "skipped: 1 × file: an archive; to look inside: --max-archive-depth 3 (x/"+name+")", "complete")
		})
	}
	run("scan", "dir", ".", "--max-archive-depth", "-1").expect(t, 2, "--max-archive-depth -1: give a number from 0 on")
}

// The same key in two entries is spot in both; an ignore file names one of them.
func TestIgnoreFileForArchives(t *testing.T) {
	t.Parallel()
	dir, value := t.TempDir(), leak()
	write(t, dir, "a.zip", string(archivetest.Zip(t, archivetest.File{Name: "one", Text: value}, archivetest.File{Name: "two", Text: value})))
	if list := foundIn(t, run("scan", "dir", dir, "--json")); len(list) != 2 {
		t.Fatalf("%+v", list)
	}
	write(t, dir, ".gitleaksignore", "a.zip!one:stripe-secret-key:1\n")
	run("scan", "dir", dir).expect(t, 1, "1 finding, 1 accepted", "a.zip!two:1")
}

// Rules about paths see the name of the archive, and those in it.
func TestPathRulesInArchives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.txt", "nothing\n")
	write(t, dir, "store.p12", string(archivetest.Zip(t, archivetest.File{Name: "keys/user.p12", Text: "\x00\x01"})))
	list := foundIn(t, run("scan", "dir", dir, "--json"))
	want := []spot{
		{File: "store.p12", Where: "worktree", Rule: "pkcs12-file", Line: 1, Column: 1},
		{File: "store.p12", Where: "archive", Rule: "pkcs12-file", Line: 1, Column: 1, PathInArchive: "keys/user.p12"},
	}
	if fmt.Sprint(list) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", list, want)
	}
}

// TestScanOfBombs: bounded, counted, exit 3, and what lies beside them is scanned.
func TestScanOfBombs(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 2<<20)
	var many []archivetest.File
	for i := range 40 {
		many = append(many, archivetest.File{Name: fmt.Sprint(i), Text: zeros[:1<<20]})
	}
	deep := []byte("end")
	for i := range 9 {
		deep = archivetest.Zip(t, archivetest.File{Name: fmt.Sprint(i), Text: string(deep)})
	}
	encrypted := archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"})
	encrypted[6] |= 1
	encrypted[bytes.Index(encrypted, []byte("PK\x01\x02"))+8] |= 1
	method := archivetest.Zip(t, archivetest.File{Name: "a", Text: "A"})
	binary.LittleEndian.PutUint16(method[8:], 97)
	binary.LittleEndian.PutUint16(method[bytes.Index(method, []byte("PK\x01\x02"))+10:], 97)
	lies := archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, FileCount: 1 << 31}.Bytes(t)
	dictionary := archivetest.Seven{Files: []archivetest.File{{Name: "a", Text: "A"}}, Dictionary: 1<<32 - 1}.Bytes(t)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"entry.zip":  {archivetest.Zip(t, archivetest.File{Name: "zeros", Text: zeros}), "archive entry: larger than 1 MB (entry.zip!zeros)"},
		"entry.gz":   {archivetest.Gzip(t, []byte(zeros)), "archive entry: larger than 1 MB (entry.gz!entry)"},
		"total.tgz":  {archivetest.Gzip(t, archivetest.Tar(t, many...)), "archive: unpacks to more than 10 MB; the rest was not read (total.tgz)"},
		"total.7z":   {archivetest.SevenZip(t, many...), "archive: unpacks to more than 10 MB; the rest was not read (total.7z)"},
		"deep.zip":   {deep, "archive: nested deeper than 3 (deep.zip!8!7!6)"},
		"locked.zip": {encrypted, "archive entry: encrypted (locked.zip!a)"},
		"method.zip": {method, "archive entry: compressed in a way that is not known (method 97) (method.zip!a)"},
		"lies.7z":    {lies, "archive: more than 200000 entries; the rest was not read (lies.7z)"},
		"memory.7z":  {dictionary, "archive entry: needs too much memory to be unpacked (memory.7z!a)"},
		"cut.zip":    {encrypted[:len(encrypted)-5], "archive: damaged (cut.zip)"},
		"cut.tar":    {archivetest.Tar(t, archivetest.File{Name: "a", Text: "A"})[:1024], "archive: its end is missing (cut.tar)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "nothing\n")
			write(t, dir, name, string(c.data))
			run("scan", "dir", dir, "--max-target-megabytes", "1").expect(t, 3, "NOT SCANNED: 1 × "+c.want, "INCOMPLETE")
			git(t, dir, "add", "-A")
			run("scan", "--staged", dir, "--max-target-megabytes", "1").expect(t, 3, "NOT SCANNED: 1 × "+c.want, "INCOMPLETE")
			write(t, dir, "z.txt", leak())
			run("scan", "dir", dir, "--max-target-megabytes", "1").expect(t, 1, "z.txt:1", "NOT SCANNED: 1 × "+c.want, "INCOMPLETE")
		})
	}
}

// What is not read by choice is named, and leaves the scan complete.
func TestScanNamesWhatItDoesNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.txt", "nothing\n")
	for name, text := range map[string]string{
		"p.png": "\x89PNG\r\n\x1a\n\x00", "d.pdf": "%PDF-1.7\n\x00", "old.doc": "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "x.rar": "Rar!\x1a\x07\x01\x00", "b.bin": "\x00\x01",
		"t.tar": string(archivetest.Tar(t, archivetest.File{Name: "l", Link: "/etc/passwd"}, archivetest.File{Name: "p.jpg", Text: "\xff\xd8\xff\x00"})),
	} {
		write(t, dir, name, text)
	}
	run("scan", "dir", dir).expect(t, 0, "complete", "skipped: 1 × file: image: text in it is not read (p.png)", "skipped: 1 × file: PDF document: text in it is not read (d.pdf)",
		"skipped: 1 × file: Office document in the old or an encrypted form: text in it is not read (old.doc)", "skipped: 1 × file: RAR archive: text in it is not read (x.rar)",
		"skipped: 1 × file: binary (b.bin)", "skipped: 1 × archive entry: a link (t.tar!l)", "skipped: 1 × archive entry: image: text in it is not read (t.tar!p.jpg)")
	write(t, dir, "print", "%PDF-1.7\n"+leak()) // what can be read of it is
	run("scan", "dir", dir).expect(t, 1, "print:2", "2 × file: PDF document: text in it is not read")
}

// TestScanOfDocuments: keys that the editor cut into pieces, at the lines where a
// person finds them.
func TestScanOfDocuments(t *testing.T) {
	t.Parallel()
	dir, value := t.TempDir(), key()
	mark := func(word string) string { return "-----" + word + " PRIVATE KEY-----" }
	pem := mark("BEGIN") + "\n" + strings.Repeat(strings.Repeat("aB3", 21)+"\n", 3) + mark("END")
	write(t, dir, "doc/letter.docx", string(archivetest.Docx{
		Paragraphs: []string{"Dear reader,", "", "the key is " + value + " for now"}, Table: [][]string{{"name", "value"}, {"live", value}},
		Comment: "use " + value, Link: "https://host.invalid/?key=" + value, Properties: map[string]string{"stripe": value},
	}.Bytes(t)))
	write(t, dir, "doc/list.xlsx", string(archivetest.Xlsx{Rows: [][]string{{"name", "value"}, {"live", value}, {"api_key", "zGJ4Wq9p" + "Lx7Rk2Vt" + "5Ys8Bn3"}}, Deleted: []string{value}, Comment: "was " + value}.Bytes(t)))
	write(t, dir, "doc/talk.pptx", string(archivetest.Pptx(t, "hello", "key: "+value)))
	write(t, dir, "doc/text.odt", string(archivetest.Odt(t, []string{"hello", value}, []string{"live", value})))
	write(t, dir, "doc/work.ipynb", string(archivetest.Notebook([2]string{"import os\nkey = '" + value + "'\n", ""}, [2]string{"print(pem)\n", pem})))
	var lines strings.Builder
	for _, f := range foundIn(t, run("scan", "dir", dir, "--json")) {
		fmt.Fprintln(&lines, f)
	}
	golden := filepath.Join("testdata", "documents.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(lines.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if lines.String() != string(want) {
		t.Errorf("findings\n%swant\n%s", lines.String(), want)
	}
	r := run("scan", "dir", dir)
	r.expect(t, 1, "doc/letter.docx!word/document.xml:3", "complete")
}

// Names inside an archive are as foreign as any.
func TestHostileNamesInArchives(t *testing.T) {
	t.Parallel()
	names := []string{"new\nline.txt", "\x1b[2J\x1b]0;owned\x07.txt", "bad\xff\xfe.txt", "../../up.txt", "/abs.txt", "right\u202eleft.txt", `back\slash.txt`, "a!b.txt"}
	var files []archivetest.File
	for _, name := range names {
		files = append(files, archivetest.File{Name: name, Text: leak()})
	}
	for kind, pack := range map[string]func(testing.TB, ...archivetest.File) []byte{"zip": archivetest.Zip, "tar": archivetest.Tar} {
		dir := t.TempDir()
		write(t, dir, "x."+kind, string(pack(t, files...)))
		r := run("scan", "dir", dir)
		r.expect(t, 1, "complete")
		if strings.ContainsAny(r.out+r.err, "\x1b\x07\r\u202e") || !utf8.ValidString(r.out) || strings.Count(r.out, ".txt:1") != len(names) {
			t.Errorf("%s: %q", kind, r.out+r.err)
		}
		if list := foundIn(t, run("scan", "dir", dir, "--json")); len(list) != len(names) {
			t.Errorf("%s: %d findings", kind, len(list))
		}
	}
}
