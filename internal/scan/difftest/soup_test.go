package difftest

import (
	"encoding/base64"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
)

// soupRules are the shapes that make patches and whole files differ: matches
// over several lines, greedy ones, context before and behind, decoded ones.
const soupRules = `
[[rules]]
id = "block"
regex = '''BEGIN BOX[\s\S]{12,}?BOX-'''
keywords = ["begin box"]
[[rules]]
id = "greedy"
regex = '''list:\s*((?:[a-z0-9]{20}\s*)+)'''
keywords = ["list:"]
[[rules]]
id = "key"
regex = '''(?i)(?:key|token)[\s'"]{0,3}[=:]\s*([a-z0-9_]{8,24})(?:['"\s;]|$)'''
keywords = ["key", "token"]
[[rules]]
id = "up-to-three-lines"
regex = '''\bfetch\b(?:.*|.*(?:\n.*){1,3})[ \t\n]-u\s*([a-z0-9]{6,20})(?:\s|\z)'''
keywords = ["fetch"]
[[rules]]
id = "first-in-line"
regex = '''(?:^|[\s"])(at[a-z0-9]{18})\b'''
keywords = ["at"]
[[rules]]
id = "any"
regex = '''\bnk_[a-z0-9]{18}\b'''
`

// soup returns a line that a rule, or a half of one, may like.
func (m maker) soup() string {
	v := m.lower(20)
	switch m.IntN(12) {
	case 0:
		return "BEGIN BOX"
	case 1:
		return "END BOX-"
	case 2:
		return "list: " + v
	case 3:
		return v
	case 4:
		return "key ="
	case 5:
		return "token: " + v + ";"
	case 6:
		return "fetch x"
	case 7:
		return " -u " + v
	case 8:
		return "at" + m.lower(18) + " nk_" + m.lower(18)
	case 9:
		return base64.StdEncoding.EncodeToString([]byte("key=" + v + "\nBEGIN BOX " + v))
	case 10:
		return `"key": token = ` + v
	}
	return ""
}

// edit changes some lines of a file: takes out, puts in, replaces.
func (m maker) edit(lines []string) []string {
	for range 1 + m.IntN(4) {
		at := m.IntN(len(lines) + 1)
		switch {
		case m.IntN(3) == 0 && at < len(lines):
			lines = slices.Delete(lines, at, min(len(lines), at+1+m.IntN(3)))
		case m.IntN(2) == 0 && at < len(lines):
			lines[at] = m.soup()
		default:
			lines = slices.Insert(lines, at, m.soup(), m.soup())
		}
	}
	return lines
}

// TestPatchesOfRandomFiles compares over a history of random edits: whatever a
// patch shows gitleaks by itself, a scan of whole files must find too. Another
// history: SECRETGUARD_SOUP_SEED=7 go test -run RandomFiles.
func TestPatchesOfRandomFiles(t *testing.T) {
	t.Parallel()
	seed := 1
	if s := os.Getenv("SECRETGUARD_SOUP_SEED"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	m := newMaker()
	for range seed { // move the generator on
		m.Uint64()
	}
	dir := newRepo(t)
	files := map[string][]string{}
	for i := range 12 {
		texts := map[string]string{}
		for f := range 8 {
			name := fmt.Sprintf("f%d.txt", f)
			files[name] = m.edit(files[name])
			end := "\n"
			if m.IntN(4) == 0 {
				end = ""
			}
			texts[name] = strings.Join(files[name], "\n") + end
		}
		commit(t, dir, fmt.Sprint("edit ", i), texts)
	}
	config, set := configure(t, soupRules)
	gl := gitleaksIn(t, dir, "git", ".", "--config", config)
	sg := scanGit(t, set, dir)
	byFile := map[string][]scan.Finding{}
	for _, f := range sg {
		byFile[f.File] = append(byFile[f.File], f)
	}
	exact := 0
	for _, g := range gl {
		if text := git(t, dir, "show", g.Commit+":"+g.File); endsOpen(text) && g.EndLine == g.StartLine {
			// gitleaks takes the first line for the last when a match ends in an open last line.
			g.EndLine = 1 + strings.Count(text, "\n")
		}
		switch {
		case slices.ContainsFunc(byFile[g.File], func(f scan.Finding) bool { return sameFinding(g, f) }):
			exact++
		case !slices.ContainsFunc(byFile[g.File], func(f scan.Finding) bool { return holds(f, g) }):
			t.Errorf("only gitleaks: %v", g)
		}
	}
	if len(gl) < 100 || exact < len(gl)*8/10 {
		t.Errorf("gitleaks reports %d, %d of them exactly as ours: the history is no test", len(gl), exact)
	}
}

// TestPatchAgainstWholeFile: what a patch alone shows gitleaks, because the lines
// around it are not there, a whole file must not hide.
func TestPatchAgainstWholeFile(t *testing.T) {
	t.Parallel()
	m := newMaker()
	v := func() string { return m.lower(20) }
	cases := []struct {
		name  string
		old   string // the lines that were there
		added string // the patch
		above bool   // the patch stands above the old lines
		exact bool   // else ours is longer
	}{
		{"a block without end above", "BEGIN BOX\n" + v() + "\n", "BEGIN BOX\n" + v() + "\nEND BOX-\n", false, true},
		{"another value below that a greedy rule takes", " -u " + v() + "\n", "fetch x\n -u " + v() + "\n", true, true},
		{"the first in a list that goes on", v() + "\n", "list: " + v() + "\n", true, false},
		{"a name at the end of the line above", "key:\n", "token: " + v() + "\n", false, true},
	}
	dir := newRepo(t)
	before, after := map[string]string{}, map[string]string{}
	for i, c := range cases {
		name := fmt.Sprint(i)
		before[name], after[name] = c.old, c.old+c.added
		if c.above {
			after[name] = c.added + c.old
		}
	}
	commit(t, dir, "before", before)
	second := commit(t, dir, "after", after)
	config, set := configure(t, soupRules)
	gl := gitleaksIn(t, dir, "git", ".", "--config", config)
	sg := scanGit(t, set, dir)
	for i, c := range cases {
		n := 0
		for _, g := range gl {
			if g.File != fmt.Sprint(i) || g.Commit != second {
				continue
			}
			n++
			if !slices.ContainsFunc(sg, func(f scan.Finding) bool {
				return f.File == g.File && (sameFinding(g, f) || !c.exact && holds(f, g))
			}) {
				t.Errorf("%s: only gitleaks: %v", c.name, g)
			}
		}
		if n == 0 {
			t.Errorf("%s: gitleaks reports nothing in the second commit", c.name)
		}
	}
}
