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
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// List is what was accepted. The zero value accepts nothing.
type List struct {
	// Now decides whether an entry has ended; time.Now when nil.
	Now func() time.Time

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
	Owner  string `json:"owner,omitempty"`
	// Until is the last day on which the entry holds, "2006-01-02" in UTC; empty
	// for no end.
	Until string `json:"until,omitempty"`
}

// ended reports whether an entry's last day is over. A day that cannot be read
// ends the entry: a mistake must not hide a finding for ever.
func (e Entry) ended(now time.Time) bool {
	if e.Until == "" {
		return false
	}
	day, err := time.Parse(time.DateOnly, e.Until)
	return err != nil || !now.Before(day.AddDate(0, 0, 1))
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

// AddBaseline reads a baseline that WriteBaseline made. Entries whose last day is
// over do not count.
func (l *List) AddBaseline(path string) error {
	entries, err := ReadBaseline(path)
	if err != nil {
		return err
	}
	if l.ids == nil {
		l.ids = map[string]string{}
	}
	now := time.Now
	if l.Now != nil {
		now = l.Now
	}
	for _, e := range entries {
		if !e.ended(now()) {
			l.ids[e.ID] = e.Reason
		}
	}
	return nil
}

// ReadBaseline returns all entries of a baseline, also those that have ended.
func ReadBaseline(path string) ([]Entry, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	var doc baseline
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("the baseline %s: %w", path, err)
	}
	if doc.Schema != BaselineSchema {
		return nil, fmt.Errorf("the baseline %s has the schema %q; this version reads %q", path, doc.Schema, BaselineSchema)
	}
	return doc.Accepted, nil
}

// Accept adds entries to the baseline at path, which need not exist, and keeps
// what stands there. The file is replaced as a whole, so that a crash leaves the
// old one or the new one.
func Accept(path string, entries []Entry) error {
	old, err := ReadBaseline(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// The newest word about an id comes first and wins.
	tmp, err := os.CreateTemp(filepath.Dir(path), ".baseline-*")
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	err = errors.Join(WriteBaseline(tmp, append(slices.Clone(entries), old...)), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the baseline: %w", err), os.Remove(tmp.Name()))
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

// Why tells whether a finding was accepted, by what, and with which reason. line
// is 1-based; commit is empty outside history.
func (l *List) Why(id, rule, file string, line int, commit string) (by, reason string, ok bool) {
	if l == nil {
		return "", "", false
	}
	if reason, ok := l.ids[id]; ok {
		return "baseline", reason, true
	}
	global := file + ":" + rule + ":" + strconv.Itoa(line)
	if l.prints[global] || commit != "" && l.prints[commit+":"+global] {
		return "ignore-file", "", true
	}
	return "", "", false
}
