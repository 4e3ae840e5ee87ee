// Package rules holds the embedded rule packs: gitleaks' TOML format with our
// metadata (kind, part, severity, link, context) and, for each rule, templates of
// texts that it finds and of near misses.
package rules

import "embed"

//go:embed *.toml
var files embed.FS

// Pack is one file of rules.
type Pack struct {
	Name string // "core.toml"
	Data []byte // its fragments are written out
}

// Packs returns the embedded packs, by name.
func Packs() []Pack {
	var out []Pack
	entries, err := files.ReadDir(".")
	for _, e := range entries {
		var b []byte
		if b, err = files.ReadFile(e.Name()); err != nil {
			break
		}
		out = append(out, Pack{e.Name(), []byte(written(string(b)))})
	}
	if err != nil {
		panic("rules: " + err.Error()) // the files are part of the program
	}
	return out
}
