package scan

import (
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/secret"
)

// acceptKey is a secret of a rule in a file, whatever its line.
type acceptKey struct{ rule, id, file string }

// acceptance is the first finding of a secret in a file that was accepted.
type acceptance struct {
	order int64
	line  int
	by    string
}

// accept marks what a baseline, an ignore file or an allowlist for a commit
// accepts. The last two name one line of one version of a file. A patch shows a
// line once; we see it in every later version, perhaps at another line, so what
// was accepted once holds for this secret in this file from then on. It returns how
// many values were not held against a baseline; their findings count.
func (s *Scanner) accept(list []Finding) (left int) {
	var open []suppress.Subject
	for _, f := range list {
		if f.Suppressed == nil {
			open = append(open, f.Subject())
		}
	}
	left = s.opts.Accepted.Weigh(open)
	accepted := map[acceptKey]acceptance{}
	for i := range list {
		f := &list[i]
		if f.Suppressed == nil {
			about := f.Subject()
			by, reason, ok := s.opts.Accepted.Why(about)
			if !ok {
				f.WaiverEnded = s.opts.Accepted.Ended(about)
				continue
			}
			f.Suppressed = &Suppression{By: by, Reason: reason}
		}
		if f.Suppressed.By == "inline" || f.Suppressed.SetAside() {
			continue
		}
		k := acceptKey{f.Rule, f.ID, f.Path()}
		if a, ok := accepted[k]; !ok || f.order < a.order {
			accepted[k] = acceptance{f.order, f.Line, f.Suppressed.By}
		}
	}
	for i := range list {
		f := &list[i]
		if a, ok := accepted[acceptKey{f.Rule, f.ID, f.Path()}]; ok && f.Suppressed == nil && f.order >= a.order {
			f.Suppressed = &Suppression{By: a.by, Reason: fmt.Sprintf("accepted in line %d of this file", a.line)}
		}
	}
	return left
}

// Subject is the finding as a list of accepted ones sees it.
func (f Finding) Subject() suppress.Subject {
	value := f.Secret
	if value.Empty() { // the name of the file is the finding
		value = secret.New(f.Path())
	}
	return suppress.Subject{
		ID: f.ID, Rules: append([]string{f.Rule}, f.also...), File: f.Path(), Shown: f.Shown(), Lines: []int{f.Line, f.countedAt}, Commit: f.Commit, Secret: value,
	}
}
