package scan

import (
	"fmt"

	"github.com/secretguard/secretguard/internal/scan/suppress"
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
// was accepted once holds for this secret in this file from then on.
func (s *Scanner) accept(list []Finding) {
	accepted := map[acceptKey]acceptance{}
	for i := range list {
		f := &list[i]
		if f.Suppressed == nil {
			by, reason, ok := s.opts.Accepted.Why(suppress.Subject{
				ID: f.ID, Rules: append([]string{f.Rule}, f.also...), File: f.Path(), Lines: []int{f.Line, f.countedAt}, Commit: f.Commit,
			})
			if !ok {
				continue
			}
			f.Suppressed = &Suppression{By: by, Reason: reason}
		}
		if f.Suppressed.By == "inline" {
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
}
