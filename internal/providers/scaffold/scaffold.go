// Package scaffold makes the first files of a new provider in this repository: the
// provider, its twin in the lab, and a test that runs the conformance suite. What it
// makes compiles and passes, and talks to a made-up service: its author then makes
// twin and client true to the vendor's documentation.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed templates/*.tmpl
var templates embed.FS

// File is one file, below the repository's root.
type File struct {
	Path    string
	Content []byte
}

// name is what a provider may be called: it becomes a package, a type and settings.
var name = regexp.MustCompile(`^[a-z][a-z0-9]{1,20}$`)

// Files returns the files of a provider called n. It writes nothing.
func Files(n string) ([]File, error) {
	if !name.MatchString(n) {
		return nil, errors.New("a provider's name is 2 to 21 lower-case letters and digits, and begins with a letter")
	}
	title := strings.ToUpper(n[:1]) + n[1:]
	data := map[string]string{"Name": n, "Type": title, "Title": title, "Env": strings.ToUpper(n)}
	var out []File
	for _, f := range []struct{ template, path string }{
		{"provider.go.tmpl", "internal/providers/" + n + "/" + n + ".go"},
		{"provider_test.go.tmpl", "internal/providers/" + n + "/" + n + "_test.go"},
		{"twin.go.tmpl", "internal/lab/vault_" + n + ".go"},
	} {
		t, err := template.ParseFS(templates, "templates/"+f.template)
		if err != nil {
			return nil, fmt.Errorf("read the template %s: %w", f.template, err)
		}
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, fmt.Errorf("fill the template %s: %w", f.template, err)
		}
		text, err := format.Source(b.Bytes())
		if err != nil {
			return nil, fmt.Errorf("format %s: %w", f.path, err)
		}
		out = append(out, File{f.path, text})
	}
	return out, nil
}

// module is the first line of this repository's go.mod.
const module = "module github.com/secretguard/secretguard"

// Write writes the files of a provider below root, which must be this repository. It
// overwrites nothing: when one of them is there, none is written.
func Write(root, n string) ([]File, error) {
	files, err := Files(n)
	if err != nil {
		return nil, err
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), module+"\n") {
		return nil, fmt.Errorf("%s is not the root of SecretGuard's own source: a provider is compiled in", root)
	}
	if _, err := os.Lstat(filepath.Join(root, "internal", "providers", n)); err == nil {
		return nil, fmt.Errorf("a provider called %s is there", n)
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(f.Path))); err == nil {
			return nil, fmt.Errorf("%s is there, and is not overwritten", f.Path)
		}
	}
	for _, f := range files {
		path := filepath.Join(root, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("make the folder of %s: %w", f.Path, err)
		}
		if err := os.WriteFile(path, f.Content, 0o644); err != nil {
			return nil, fmt.Errorf("write %s: %w", f.Path, err)
		}
	}
	return files, nil
}
