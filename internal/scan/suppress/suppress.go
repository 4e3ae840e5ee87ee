// Package suppress says which findings were accepted: by an inline comment, by a
// .gitleaksignore file, or by a baseline. A suppressed finding is marked with its
// reason, never dropped.
package suppress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
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

// maxFile is the largest ignore file or baseline that is read, in bytes.
const maxFile = 64 << 20

// AddIgnoreFile reads gitleaks fingerprints, one a line: "commit:file:rule:line"
// or "file:rule:line".
func (l *List) AddIgnoreFile(path string) error {
	b, err := readPlain(os.Stat, os.Open, path)
	if err != nil {
		return fmt.Errorf("read the ignore file %s: %w", path, err)
	}
	l.addPrints(b)
	return nil
}

// AddIgnoreFileOf reads .gitleaksignore in a folder that is scanned, if there is
// one. A link that leads out of the folder is not followed.
func (l *List) AddIgnoreFileOf(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil // the scan itself says what is wrong with its target
	}
	defer root.Close()
	const name = ".gitleaksignore"
	b, err := readPlain(root.Stat, root.Open, name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the ignore file %s: %w", filepath.Join(folder, name), err)
	}
	l.addPrints(b)
	return nil
}

func (l *List) addPrints(b []byte) {
	if l.prints == nil {
		l.prints = map[string]bool{}
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			l.prints[strings.ReplaceAll(line, "\\", "/")] = true
		}
	}
}

// readPlain reads a file that is no pipe, which would wait for ever, no device,
// and not too large.
func readPlain(stat func(string) (os.FileInfo, error), open func(string) (*os.File, error), path string) ([]byte, error) {
	info, err := stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a plain file")
	}
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it is larger than %d MB", maxFile>>20)
	}
	return b, err
}

// AddBaseline reads a baseline that WriteBaseline made.
func (l *List) AddBaseline(path string) error {
	b, err := readPlain(os.Stat, os.Open, path)
	if err != nil {
		return fmt.Errorf("read the baseline %s: %w", path, err)
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
