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
	Accepted []Entry `json:"accepted"`
}

// Entry is one accepted finding of a baseline.
type Entry struct {
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
func WriteBaseline(w io.Writer, entries []Entry) error {
	doc := baseline{Schema: BaselineSchema, Accepted: []Entry{}}
	seen := map[string]bool{}
	for _, e := range entries {
		if !seen[e.ID] {
			seen[e.ID] = true
			doc.Accepted = append(doc.Accepted, e)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(doc)
}

// Subject is a finding as far as an entry can name it.
type Subject struct {
	ID     string
	Rules  []string // its rule, and gitleaks' rules that found the same
	File   string
	Lines  []int  // 1-based; where the secret begins, and where gitleaks counts
	Commit string // empty outside history
}

// Why tells whether a finding was accepted, by what, and with which reason.
func (l *List) Why(s Subject) (by, reason string, ok bool) {
	if l == nil {
		return "", "", false
	}
	if reason, ok := l.ids[s.ID]; ok {
		return "baseline", reason, true
	}
	for _, rule := range s.Rules {
		for _, line := range s.Lines {
			global := s.File + ":" + rule + ":" + strconv.Itoa(line)
			if l.prints[global] || s.Commit != "" && l.prints[s.Commit+":"+global] {
				return "ignore-file", "", true
			}
		}
	}
	return "", "", false
}
