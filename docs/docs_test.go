// Package docs_test keeps the documentation true: links lead somewhere, and the
// rooms in architecture.md are those of the code and of the linter.
package docs_test

import (
	"bufio"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

const module = "github.com/secretguard/secretguard/"

// pages returns every Markdown page of the repository, relative to its root.
func pages(t *testing.T) []string {
	t.Helper()
	var out []string
	walk(t, func(name string) {
		if strings.HasSuffix(name, ".md") {
			out = append(out, name)
		}
	})
	if len(out) < 5 {
		t.Fatalf("only %d pages", len(out))
	}
	return out
}

// walk visits the files of the repository, relative to its root.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (strings.HasPrefix(e.Name(), ".") && name != "." && name != ".ci" || e.Name() == "testdata" || name == "bin"):
			return fs.SkipDir
		case !e.IsDir():
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var link = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)

// Every relative link leads to a file, and to a heading where it names one.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s: %s has no heading %q", page, target, anchor)
			}
		}
	}
}

// anchors returns the names that headings of a page have on the web.
func anchors(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 0x7f:
				return r
			}
			return -1
		}, strings.ToLower(strings.TrimSpace(title)))
		out = append(out, name)
	}
	return out
}

// What the pages say of files in the repository is there: `path/with.ext` in
// backticks, from the root.
func TestNamedFilesExist(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("`((?:internal|cmd|docs|e2e|rules|\\.ci)/[A-Za-z0-9_./-]+)`")
	for _, page := range pages(t) {
		if page == "docs/architecture.md" {
			continue // the room test knows better
		}
		for _, m := range named.FindAllStringSubmatch(read(t, page), -1) {
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s names %s, which is not there", page, m[1])
			}
		}
	}
}

// room is one row of the table in architecture.md.
type room struct {
	folder string
	toCome bool
	any    bool
	may    []string // below internal/; "x/*" for what is below x
}

func rooms(t *testing.T) []room {
	t.Helper()
	row := regexp.MustCompile("^\\| `([a-z0-9/*]+)` \\| (.+) \\| ([^|]+) \\|$")
	var out []room
	in := bufio.NewScanner(strings.NewReader(read(t, "docs/architecture.md")))
	for in.Scan() {
		m := row.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		r := room{folder: m[1], toCome: strings.Contains(m[2], "*(to come)*"), any: m[3] == "everything"}
		if !r.any && m[3] != "nothing" {
			for name := range strings.FieldsSeq(m[3]) {
				r.may = append(r.may, strings.Trim(name, "`"))
			}
		}
		slices.Sort(r.may)
		out = append(out, r)
	}
	if len(out) < 20 {
		t.Fatalf("only %d rooms: was the table's form changed?", len(out))
	}
	return out
}

// of returns the room of a folder: its own row, or a row "x/*".
func of(list []room, folder string) (room, bool) {
	patterns := []string{folder, path.Dir(folder) + "/*"}
	if strings.HasPrefix(folder, "internal/tui/") {
		patterns = append(patterns, "internal/tui")
	}
	for _, pattern := range patterns {
		if i := slices.IndexFunc(list, func(r room) bool { return r.folder == pattern }); i >= 0 {
			return list[i], true
		}
	}
	return room{}, false
}

// allows reports whether the room may import a folder below internal/.
func (r room) allows(folder string) bool {
	if r.any || "internal/"+folder == r.folder {
		return true
	}
	for _, m := range r.may {
		if m == folder || strings.HasSuffix(m, "/*") && strings.HasPrefix(folder, strings.TrimSuffix(m, "*")) {
			return true
		}
	}
	return false
}

// imports returns, for each folder with Go code, the folders below internal/ that
// its code imports; tests may import what they need.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		folder := path.Dir(name)
		out[folder] = append(out[folder], "")
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if below, ours := strings.CutPrefix(p, module+"internal/"); ours {
				out[folder] = append(out[folder], below)
			}
		}
	})
	return out
}

// The table of rooms and the code agree: no folder without a row, no row without
// a folder, no import that the table does not allow.
func TestRoomsAreThoseOfTheCode(t *testing.T) {
	t.Parallel()
	list, code := rooms(t), imports(t)
	for _, folder := range slices.Sorted(maps.Keys(code)) {
		r, ok := of(list, folder)
		if !ok {
			t.Errorf("the folder %s has no row in docs/architecture.md", folder)
			continue
		}
		for _, i := range code[folder] {
			if i != "" && !r.allows(i) && "internal/"+i != folder {
				t.Errorf("%s imports internal/%s, which docs/architecture.md does not allow", folder, i)
			}
		}
	}
	for _, r := range list {
		_, there := code[strings.TrimSuffix(r.folder, "/*")]
		switch {
		case there && r.toCome:
			t.Errorf("%s is there: take \"(to come)\" out of its row in docs/architecture.md", r.folder)
		case !there && !r.toCome:
			t.Errorf("docs/architecture.md describes %s, which is not there", r.folder)
		}
	}
}

// depguard is the part of .golangci.yml that holds the arrows.
type depguard struct {
	Linters struct {
		Settings struct {
			Depguard struct {
				Rules map[string]struct {
					Files []string
					Allow []string
				}
			}
		}
	}
}

// The linter allows what the table allows, room by room.
func TestRoomsAreThoseOfTheLinter(t *testing.T) {
	t.Parallel()
	var cfg depguard
	if err := yaml.Unmarshal([]byte(read(t, ".golangci.yml")), &cfg); err != nil {
		t.Fatal(err)
	}
	rules := cfg.Linters.Settings.Depguard.Rules
	guarded := 0
	for _, r := range rooms(t) {
		if !strings.HasPrefix(r.folder, "internal/") || r.any {
			continue
		}
		var allowed [][]string
		for _, name := range slices.Sorted(maps.Keys(rules)) {
			if strings.HasPrefix(name, "room-") && covers(rules[name].Files, r.folder) {
				allowed = append(allowed, names(rules[name].Allow, r.folder))
			}
		}
		if len(allowed) != 1 {
			t.Errorf("%s has %d rules in .golangci.yml, want one", r.folder, len(allowed))
			continue
		}
		guarded++
		if got := fmt.Sprint(allowed[0]); got != fmt.Sprint(r.may) {
			t.Errorf("%s may import %v by docs/architecture.md and %s by .golangci.yml", r.folder, r.may, got)
		}
	}
	if guarded < 15 {
		t.Errorf("only %d rooms are guarded", guarded)
	}
}

// covers reports whether a rule's file patterns take in the code of a folder.
func covers(patterns []string, folder string) bool {
	hit := false
	for _, p := range patterns {
		not := strings.HasPrefix(p, "!")
		p = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(p, "!"), "**/"), "/*.go")
		// "x/*/*.go" and "x/**/*.go" stand for the folders below x.
		p = strings.Replace(p, "/**", "/*", 1)
		if p == folder || strings.HasSuffix(p, "/*") && path.Dir(p) == path.Dir(folder) && !strings.HasSuffix(folder, "/*") && p != folder {
			hit = !not
		}
	}
	return hit
}

// names turns a rule's list into that of the table: below internal/, without the
// room itself.
func names(allow []string, folder string) []string {
	var out []string
	for _, a := range allow {
		below := strings.TrimPrefix(a, module+"internal/")
		if strings.HasSuffix(below, "/") {
			below += "*"
		}
		below = strings.TrimSuffix(below, "$")
		if "internal/"+below != folder || strings.HasSuffix(folder, "/*") {
			out = append(out, below)
		}
	}
	slices.Sort(out)
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
