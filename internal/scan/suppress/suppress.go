// Package suppress says which findings were accepted: by an inline comment, by a
// .gitleaksignore file, or by a baseline. A suppressed finding is marked with its
// reason, never dropped.
package suppress

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/secret"
)

// List is what was accepted. The zero value accepts nothing.
type List struct {
	// Now decides whether an entry has ended; time.Now when nil.
	Now func() time.Time

	prints map[string]bool   // gitleaks fingerprints
	files  []*Baseline       // also entries that have ended
	values map[valueKey]bool // of a gitleaks report
}

// valueKey is a secret of a gitleaks report under a rule: its SHA-256, in memory only.
type valueKey struct {
	rule string
	sum  [sha256.Size]byte
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

// addReport takes the findings of a gitleaks report as accepted: by rule and secret,
// wherever that stands now, and by fingerprint where the report is redacted.
func (l *List) addReport(b []byte, path string) error {
	var list []struct{ RuleID, Secret, Fingerprint string }
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("the baseline %s: %w", path, err)
	}
	if l.values == nil {
		l.values = map[valueKey]bool{}
	}
	for _, f := range list {
		if f.RuleID == "" || f.Secret == "" && f.Fingerprint == "" {
			return fmt.Errorf("the baseline %s is a list, and not one of gitleaks' findings", path)
		}
		l.values[valueKey{f.RuleID, sha256.Sum256([]byte(f.Secret))}] = true
		l.addPrints([]byte(f.Fingerprint))
	}
	if len(list) == 0 {
		return fmt.Errorf("the baseline %s is an empty list", path)
	}
	return nil
}

func (l *List) now() time.Time {
	if l.Now != nil {
		return l.Now()
	}
	return time.Now()
}

// Subject is a finding as far as an entry can name it.
type Subject struct {
	ID     string   // of the finding
	Rules  []string // its rule, and gitleaks' rules that found the same
	File   string
	Shown  string // File with secrets masked
	Lines  []int  // 1-based; where the secret begins, and where gitleaks counts
	Commit string // empty outside history
	// Secret is what was found; of a file that is a finding by its name, the name.
	Secret secret.Text
}

// Why tells whether a finding was accepted, by what, and with which reason.
func (l *List) Why(s Subject) (by, reason string, ok bool) {
	if l == nil {
		return "", "", false
	}
	for e := range l.entries(s) {
		if e.holdsFor(s) && !e.Ended(l.now()) {
			return "baseline", e.Reason, true
		}
	}
	var sum [sha256.Size]byte
	if len(l.values) > 0 {
		sum = sha256.Sum256([]byte(s.Secret.Reveal()))
	}
	for _, rule := range s.Rules {
		if l.values[valueKey{rule, sum}] {
			return "baseline", "in a report of gitleaks", true
		}
		for _, line := range s.Lines {
			global := s.File + ":" + rule + ":" + strconv.Itoa(line)
			if l.prints[global] || s.Commit != "" && l.prints[s.Commit+":"+global] {
				return "ignore-file", "", true
			}
		}
	}
	return "", "", false
}

// Entries returns the entries that name the secret of a finding under its rule,
// whether or not they hold for its file and today.
func (l *List) Entries(s Subject) []Entry { return slices.Collect(l.entries(s)) }

func (l *List) entries(s Subject) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if l == nil {
			return
		}
		for _, f := range l.files {
			for _, i := range f.match(s) {
				if !yield(f.Entries[i]) {
					return
				}
			}
		}
	}
}

// Ended returns the last day of an entry that would accept the finding and has
// ended; empty when there is none. The finding counts, and whoever sees it should
// know that it was accepted once.
func (l *List) Ended(s Subject) string {
	for e := range l.entries(s) {
		if e.holdsFor(s) && e.Ended(l.now()) {
			return e.Until
		}
	}
	return ""
}

// Weigh works out beforehand, with all processors, what Why must know of findings
// whose values are guessable: each of them costs time on purpose. It returns how many
// distinct values were left out because there are more than [MaxSlow]: those are not
// accepted by a baseline.
func (l *List) Weigh(subjects []Subject) (left int) {
	if l == nil || len(l.files) == 0 {
		return 0
	}
	var wait sync.WaitGroup
	work := make(chan Subject)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for s := range work {
				for _, f := range l.files {
					f.match(s)
				}
			}
		})
	}
	for _, s := range subjects {
		work <- s
	}
	close(work)
	wait.Wait()
	for _, f := range l.files {
		left += f.refused()
	}
	return left
}
