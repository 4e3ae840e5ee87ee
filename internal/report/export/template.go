package export

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/secretguard/secretguard/internal/report/document"
)

// Template is a user's own format.
type Template struct{ t *template.Template }

// ReadTemplate reads a file with a Go template (text/template). It is executed with
// the document; its functions are active (the findings that count), path, place,
// clean, json, lower, upper and replace. It can reach no file and no network.
func ReadTemplate(file string) (Template, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Template{}, fmt.Errorf("read the template: %w", err)
	}
	t, err := template.New(filepath.Base(file)).Option("missingkey=error").Funcs(template.FuncMap{
		"active": active, "path": path, "place": place, "clean": clean, "lower": strings.ToLower, "upper": strings.ToUpper, "replace": strings.ReplaceAll,
		"json": func(v any) (string, error) { b, err := json.Marshal(v); return string(b), err },
	}).Parse(string(text))
	if err != nil {
		return Template{}, fmt.Errorf("the template cannot be understood: %w", err)
	}
	return Template{t}, nil
}

// Write writes a document. It may be called from many goroutines.
func (t Template) Write(w io.Writer, d document.Scan) error { return t.t.Execute(w, d) }
