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
	b, err := readPlain(os.Stat, os.Open, path)
	if err != nil {
		return nil, fmt.Errorf("read the baseline %s: %w", path, err)
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
