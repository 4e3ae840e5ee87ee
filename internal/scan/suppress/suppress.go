// Package suppress says which findings were accepted: by an inline comment, by a
// .gitleaksignore file, or by a baseline. A suppressed finding is marked with its
// reason, never dropped.
package suppress

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/secretguard/secretguard/internal/scan"
)

// List is what was accepted. The zero value accepts nothing.
type List struct {
	prints map[string]bool   // gitleaks fingerprints
	ids    map[string]string // finding id -> reason
}

// BaselineSchema names the format of a baseline file.
const BaselineSchema = "secretguard.baseline/1"

type baseline struct {
	Schema   string  `json:"schema"`
	Accepted []entry `json:"accepted"`
}

type entry struct {
	ID     string `json:"id"`
	Rule   string `json:"rule"`
	File   string `json:"file,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// AddIgnoreFile reads gitleaks fingerprints, one a line: "commit:file:rule:line"
// or "file:rule:line". An absent file is an error only when it was named.
func (l *List) AddIgnoreFile(path string, named bool) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) && !named {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ignore file: %w", err)
	}
	defer f.Close()
	if l.prints == nil {
		l.prints = map[string]bool{}
	}
	in := bufio.NewScanner(f)
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if line != "" && !strings.HasPrefix(line, "#") {
			l.prints[strings.ReplaceAll(line, "\\", "/")] = true
		}
	}
	if err := in.Err(); err != nil {
		return fmt.Errorf("read the ignore file %s: %w", path, err)
	}
	return nil
}

// AddBaseline reads a baseline that WriteBaseline made.
func (l *List) AddBaseline(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the baseline: %w", err)
	}
	var doc baseline
	if err := json.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("the baseline %s: %w", path, err)
	}
	if doc.Schema != BaselineSchema {
		return fmt.Errorf("the baseline %s has the schema %q; this version reads %q", path, doc.Schema, BaselineSchema)
	}
	if l.ids == nil {
		l.ids = map[string]string{}
	}
	for _, e := range doc.Accepted {
		l.ids[e.ID] = e.Reason
	}
	return nil
}

// WriteBaseline writes the ids of the findings; no secret is in the file. An id
// names a secret under a rule: it holds wherever the secret stands.
func WriteBaseline(w io.Writer, findings []scan.Finding, reason string) error {
	doc := baseline{Schema: BaselineSchema, Accepted: []entry{}}
	seen := map[string]bool{}
	for _, f := range findings {
		if !seen[f.ID] {
			seen[f.ID] = true
			doc.Accepted = append(doc.Accepted, entry{f.ID, f.Rule, f.File, reason})
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// Apply marks the findings that were accepted.
func (l *List) Apply(findings []scan.Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Suppressed != nil {
			continue
		}
		if reason, ok := l.ids[f.ID]; ok {
			f.Suppressed = &scan.Suppression{By: "baseline", Reason: reason}
			continue
		}
		global := f.File + ":" + f.Rule + ":" + strconv.Itoa(f.Line)
		if l.prints[global] || f.Commit != "" && l.prints[f.Commit+":"+global] {
			f.Suppressed = &scan.Suppression{By: "ignore-file"}
		}
	}
}
