package difftest

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	templates "github.com/secretguard/secretguard/internal/scan/sample"
)

var update = flag.Bool("update", false, "write the measured table into docs/detection.md")

// How many keys of each form, and how many traps, each file type and each other shape
// holds.
const (
	keysPerType  = 10
	trapsPerType = 3
	keysPerShape = 1
)

// fileType writes one setting as a file of that type has it.
type fileType struct {
	path  string
	write func(name, value string) string
}

// camel is a name as program code has it.
func camel(name string) string {
	words := strings.Split(strings.ToLower(name), "_")
	for i := range words[1:] {
		words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
	}
	return strings.Join(words, "")
}

// fileTypes are the ten types; the lines around the setting are ordinary ones.
var fileTypes = []fileType{
	{"deploy/prod.env", func(n, v string) string { return "# production\nLOG_LEVEL=info\n" + n + "=" + v + "\nPORT=8080\n" }},
	{"config/app.yaml", func(n, v string) string {
		return "service:\n  port: 8080\n  " + strings.ToLower(n) + ": \"" + v + "\"\n  debug: false\n"
	}},
	{"config/app.json", func(n, v string) string {
		return "{\n  \"port\": 8080,\n  \"" + n + "\": \"" + v + "\",\n  \"debug\": false\n}\n"
	}},
	{"settings.toml", func(n, v string) string {
		return "[service]\nport = 8080\n" + strings.ToLower(n) + " = \"" + v + "\"\n"
	}},
	{"app/main.py", func(n, v string) string {
		return "import os\n\n" + n + " = \"" + v + "\"\n\n\ndef main():\n    return 0\n"
	}},
	{"src/client.js", func(n, v string) string {
		return "import { get } from './http';\nconst " + camel(n) + " = '" + v + "';\nexport default get;\n"
	}},
	{"cmd/main.go", func(n, v string) string {
		return "package main\n\nconst " + camel(n) + " = \"" + v + "\"\n\nfunc main() {}\n"
	}},
	{"scripts/run.sh", func(n, v string) string { return "#!/bin/sh\nset -eu\nexport " + n + "=" + v + "\nexec ./run\n" }},
	{"infra/main.tf", func(n, v string) string {
		return "locals {\n  region = \"eu-west-1\"\n  " + strings.ToLower(n) + " = \"" + v + "\"\n}\n"
	}},
	{"docs/setup.md", func(n, v string) string {
		return "# Set up\n\nPut this into the environment:\n\n    " + n + ": " + v + "\n\nThen start it.\n"
	}},
}

// text is one file of the corpus: with a planted key, or with a trap.
type text struct {
	name, body string
	family     int
	planted    string // empty in a trap
}

// corpus makes all texts in these file types: the same in every run.
func corpus(t *testing.T, types []fileType, keys, traps int) []text {
	t.Helper()
	var out []text
	add := func(i int, f form, times int, planted bool) {
		tm, err := templates.Parse(f.template)
		if err != nil {
			t.Fatal(err)
		}
		source := templates.Source(families[i].title + f.name + f.template)
		for k, ft := range types {
			for range times {
				v := tm.Make(source)
				x := text{name: fmt.Sprintf("%d/%d/%s", len(out), k, ft.path), body: ft.write(f.name, v), family: i}
				if planted {
					x.planted = v
				}
				out = append(out, x)
			}
		}
	}
	for i, fam := range families {
		for _, f := range fam.forms {
			add(i, f, keys, true)
		}
		for _, f := range fam.traps {
			add(i, f, traps, false)
		}
	}
	return out
}

// score is what a scanner did with a family.
type score struct{ keys, found, named, wrong int }

// judge counts one text. secrets are what was reported in it; named tells of each
// whether it was said to be of the family.
func (s *score) judge(x text, secrets []string, named []bool) {
	if x.planted != "" {
		s.keys++
	}
	found, right := false, false
	for i, v := range secrets {
		switch {
		case x.planted != "" && strings.Contains(v, x.planted):
			found, right = true, right || named[i] && v == x.planted // a sign more, and an issuer would not know it
		case strings.Contains(x.planted, "://") && strings.Contains(x.planted, ":"+v+"@"): // the password is what is to be found
			found, right = true, right || named[i]
		case x.planted != "" && strings.Contains(x.planted, v): // a part of it: not enough, and not wrong
		default:
			s.wrong++
		}
	}
	if found {
		s.found++
	}
	if right {
		s.named++
	}
}

// measure runs both scanners over texts.
func measure(t *testing.T, texts []text) (ours, gitleaks []score, details []string) {
	t.Helper()
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]string{}
	for _, x := range texts {
		byName[x.name] = x.body
	}
	sg := byFile(scanMemory(t, set, byName).Active())
	detect := detector(t)
	ours, gitleaks = make([]score, len(families)), make([]score, len(families))
	for _, x := range texts {
		var secrets []string
		var named []bool
		for _, f := range sg[x.name] {
			secrets = append(secrets, f.Secret.Reveal())
			named = append(named, strings.HasPrefix(string(f.Kind), families[x.family].kind))
		}
		ours[x.family].judge(x, secrets, named)
		secrets = nil
		for _, f := range detect(x.body, x.name) {
			secrets = append(secrets, f.Secret)
		}
		gitleaks[x.family].judge(x, secrets, make([]bool, len(secrets)))
	}
	return ours, gitleaks, describeMisses(sg, texts)
}

func percent(part, of int) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(of))
}

// add joins the scores of two families.
func (s score) add(o score) score {
	return score{s.keys + o.keys, s.found + o.found, s.named + o.named, s.wrong + o.wrong}
}

// detectionTable writes a table of docs/detection.md.
func detectionTable(ours, gitleaks []score) string {
	var b strings.Builder
	b.WriteString("| Family | Keys | Found | As what it is | False | Precision | gitleaks found | gitleaks false |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	var so, sg score
	row := func(title string, o, g score) {
		named := percent(o.named, o.keys)
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %d | %s | %s | %d |\n", title, o.keys, percent(o.found, o.keys), named, o.wrong,
			percent(o.found, o.found+o.wrong), percent(g.found, g.keys), g.wrong)
	}
	for i, f := range families {
		row(f.title, ours[i], gitleaks[i])
		so, sg = so.add(ours[i]), sg.add(gitleaks[i])
	}
	row("**all**", so, sg)
	return b.String()
}

// The markers in docs/detection.md around what is measured.
const (
	tableBegin  = "<!-- measured: make detection-table -->\n"
	tableEnd    = "<!-- end of what is measured -->"
	shapesBegin = "<!-- measured: make detection-table, other shapes -->\n"
	shapesEnd   = "<!-- end of what is measured in other shapes -->"
)

// Recall and precision for each family are what docs/detection.md says, and good
// enough, in ten types of file.
func TestDetectionTable(t *testing.T) {
	t.Parallel()
	detects(t, corpus(t, fileTypes, keysPerType, trapsPerType), tableBegin, tableEnd)
}

// And in the other shapes that files have.
func TestDetectionTableOfShapes(t *testing.T) {
	t.Parallel()
	detects(t, corpus(t, shapes, keysPerShape, 1), shapesBegin, shapesEnd)
}

func detects(t *testing.T, texts []text, begin, end string) {
	t.Helper()
	ours, gitleaks, details := measure(t, texts)
	for _, d := range details {
		t.Log(d)
	}
	for i, f := range families {
		o := ours[i]
		if float64(o.named) < 0.99*float64(o.keys) {
			t.Errorf("%s: %d of %d keys found as what they are", f.title, o.named, o.keys)
		}
		if f.kind != "" && float64(o.found) < 0.98*float64(o.found+o.wrong) {
			t.Errorf("%s: %d found, %d false", f.title, o.found, o.wrong)
		}
	}
	rewrite(t, begin, end, detectionTable(ours, gitleaks))
}

// describeMisses says what is wrong, for whoever works on a rule.
func describeMisses(sg map[string][]scan.Finding, texts []text) []string {
	var out []string
	for _, x := range texts {
		for _, f := range sg[x.name] {
			if x.planted == "" {
				out = append(out, fmt.Sprintf("%s: %s reports a trap in %s", families[x.family].title, f.Rule, x.name))
			}
		}
		if x.planted != "" && len(sg[x.name]) == 0 {
			out = append(out, fmt.Sprintf("%s: nothing in %s", families[x.family].title, x.name))
		}
		for _, f := range sg[x.name] {
			if x.planted != "" && !strings.HasPrefix(string(f.Kind), families[x.family].kind) {
				out = append(out, fmt.Sprintf("%s: only %s in %s", families[x.family].title, f.Rule, x.name))
			}
		}
	}
	return out
}
