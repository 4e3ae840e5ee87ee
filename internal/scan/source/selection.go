package source

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/scan/askgit"
)

// Selection says which commits of a history count: only what they brought is
// looked at. The zero value selects everything. git resolves it: it alone knows all
// the ways to name a commit.
type Selection struct {
	Since    string   // a date as git reads it
	Range    string   // A..B
	Branches []string // or tags, or any other names
	LogOpts  string   // options of git log, as in gitleaks
	// Without are commits that do not count, with all before them; one that is not
	// there is no error. Remote is a remote of whose branches, as they were last
	// seen, the same holds.
	Without []string
	Remote  string
}

// ErrSelection means that git does not understand a selection.
var ErrSelection = errors.New("git does not understand this selection of commits")

// Any reports whether something is selected.
func (s Selection) Any() bool {
	return s.Since != "" || s.Range != "" || len(s.Branches) > 0 || s.LogOpts != ""
}

// Select limits a repository to a selection.
func (r *Repository) Select(ctx context.Context, s Selection) error {
	args, err := s.args()
	if err != nil {
		return err
	}
	ids, err := askgit.RevList(ctx, r.Dir.Git, args)
	if errors.Is(err, askgit.ErrNoGit) || ctx.Err() != nil {
		return fmt.Errorf("select commits: %w", err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSelection, err)
	}
	r.Commits, r.Selected = ids, true
	return nil
}

func (s Selection) args() ([]string, error) {
	var out []string
	for _, name := range slices.Concat(s.Branches, s.Without, []string{s.Range, s.Remote}) {
		if strings.HasPrefix(name, "-") {
			return nil, fmt.Errorf("%w: a name starts with a dash: %q", ErrSelection, name)
		}
	}
	if s.Since != "" {
		out = append(out, "--since="+s.Since)
	}
	if s.Range != "" {
		out = append(out, s.Range)
	}
	out = append(out, s.Branches...)
	opts, err := logOpts(s.LogOpts)
	if err != nil {
		return nil, err
	}
	out = append(out, opts...)
	if s.Range == "" && len(s.Branches) == 0 && !namesCommits(opts) {
		out = append([]string{"--all"}, out...)
	}
	if len(s.Without) > 0 {
		out = append([]string{"--ignore-missing"}, out...)
	}
	for _, name := range s.Without {
		out = append(out, "^"+name)
	}
	if s.Remote != "" { // last: what follows --not counts against
		out = append(out, "--not", "--remotes="+s.Remote)
	}
	return out, nil
}

// namesCommits reports whether options say where to start.
func namesCommits(opts []string) bool {
	for _, o := range opts {
		switch {
		case o == "--":
			return false
		case !strings.HasPrefix(o, "-"), o == "--all", strings.HasPrefix(o, "--branches"), strings.HasPrefix(o, "--tags"),
			strings.HasPrefix(o, "--remotes"), strings.HasPrefix(o, "--glob"), o == "--reflog", o == "--not":
			return true
		}
	}
	return false
}

// shown are options of git log that say how a commit is shown, not which ones are;
// users of gitleaks have them in their scripts.
var shown = []string{
	"-p", "-u", "--patch", "-U", "--unified", "--full-history", "--stat", "--oneline", "--graph", "--decorate", "--no-decorate", "--pretty", "--format",
	"--abbrev-commit", "--no-color", "--color", "--name-only", "--name-status", "--no-ext-diff", "--no-textconv", "--diff-filter", "-m", "-c", "--cc",
	"--date", "--no-patch", "-s", "--find-renames", "-M", "--no-renames", "--quiet",
}

// logOpts splits options into words and leaves out those that only say how commits
// are shown.
func logOpts(line string) ([]string, error) {
	words, err := split(line)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, w := range words {
		if w == "--" {
			return append(out, words[i:]...), nil
		}
		name, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(name, "-U") || strings.HasPrefix(name, "-M") {
			name = name[:2]
		}
		if !slices.Contains(shown, name) {
			out = append(out, w)
		}
	}
	return out, nil
}

// split divides a line into words, with quotes as in a shell.
func split(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	in, quote := false, rune(0)
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			in, quote = true, r
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if in {
				out = append(out, word.String())
			}
			in = false
			word.Reset()
		default:
			in = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("%w: a quote without end in %q", ErrSelection, line)
	}
	if in {
		out = append(out, word.String())
	}
	return out, nil
}
