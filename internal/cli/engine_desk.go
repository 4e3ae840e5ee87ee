package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/report"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/runs"
	"github.com/secretguard/secretguard/internal/scan/suppress"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
	"github.com/secretguard/secretguard/internal/tui/screen"
)

// baselineName is the file that accepted findings go to when none is named.
const baselineName = "secretguard-baseline.json"

// baseline is the file of accepted findings: the one that was named, or the one
// beside the target's files.
func (e *engine) baseline() string {
	if e.req.baseline != "" {
		return e.req.baseline
	}
	return filepath.Join(e.root, baselineName)
}

// Accept writes a case's findings into the baseline.
func (e *engine) Accept(_ context.Context, id, reason, owner, until string) (string, error) {
	c, err := e.find(id)
	if err != nil {
		return "", err
	}
	keys, err := e.app.baselineKeys()
	if err != nil {
		return "", forPeople(err)
	}
	if _, err := os.Stat(e.baseline()); errors.Is(err, os.ErrNotExist) && e.app.Env(baselineKeyEnv) == "" && e.app.Env(baselineKeyFile) == "" {
		keys = nil // the key of another baseline is not one for this
	}
	w := waiver{reason: reason, owner: owner, until: until}
	path := e.baseline()
	return path, forPeople(suppress.Accept(path, w.waivers(c.Findings), keys...))
}

// Reveal writes down who looks at which key and then returns its value. When it
// cannot be written down, nothing is shown.
func (e *engine) Reveal(ctx context.Context, id string, part credential.Part) (secret.Text, error) {
	if e.app.readOnly {
		return secret.Text{}, screen.Problem{Text: "read-only mode shows no secret"}
	}
	c, err := e.find(id)
	if err != nil {
		return secret.Text{}, err
	}
	note := map[string]string{"case": c.ID, "kind": string(c.Kind), "part": string(part), "mask": c.Mask}
	if err := e.w.journal.Note(ctx, actor(), "reveal", note); err != nil {
		return secret.Text{}, forPeople(err)
	}
	return c.Credential.Part(part), nil
}

// SavePlan writes a plan into the current folder.
func (e *engine) SavePlan(_ context.Context, p rotate.Plan) (string, error) {
	path := "secretguard-plan-" + p.ID + ".json"
	return path, forPeople(writePlan(path, p))
}

// Report writes the report of a run as Markdown and JSON, or the scan's findings
// as JSON, into the current folder.
func (e *engine) Report(ctx context.Context, run string) ([]string, error) {
	if run == "" {
		return e.scanReport()
	}
	s, err := runs.Load(ctx, e.w.journal, run)
	if err != nil {
		return nil, forPeople(err)
	}
	snap := s.Snapshot()
	md, doc := "secretguard-incident-"+run+".md", "secretguard-incident-"+run+".json"
	err = errors.Join(
		writeNew(md, func(w io.Writer) error { return report.WriteIncident(w, snap) }),
		writeNew(doc, func(w io.Writer) error {
			enc := json.NewEncoder(w)
			enc.SetIndent("", "  ")
			return enc.Encode(snap)
		}))
	return []string{md, doc}, forPeople(err)
}

func (e *engine) scanReport() ([]string, error) {
	e.mu.Lock()
	res := e.result
	e.mu.Unlock()
	path := "secretguard-scan-" + e.app.Now().UTC().Format("20060102T150405Z") + ".json"
	err := writeNew(path, func(w io.Writer) error { return report.WriteScanJSON(w, res, report.ScanOptions{Version: Version()}) })
	return []string{path}, forPeople(err)
}

// writeNew writes a file for its owner only; one that is there is replaced as a
// whole.
func writeNew(path string, write func(io.Writer) error) error {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".secretguard-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(b.Bytes())
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

// Editor returns the command that opens a finding in the person's own editor.
func (e *engine) Editor(id string, i int) (*exec.Cmd, error) {
	c, err := e.find(id)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= len(c.Findings) {
		return nil, screen.Problem{Text: "there is no such finding"}
	}
	f := c.Findings[i]
	// Opened below the target only: a link in the repository must not lead out.
	root, err := os.OpenRoot(e.root)
	if err != nil {
		return nil, forPeople(err)
	}
	defer root.Close()
	if info, err := root.Lstat(filepath.FromSlash(f.File)); err != nil || !info.Mode().IsRegular() {
		return nil, screen.Problem{Text: term.Clean(f.File + " is no plain file in the working tree now")}
	}
	words := strings.Fields(editorOf(e.app.Env))
	if len(words) == 0 {
		return nil, screen.Problem{Text: "$EDITOR is not set", Try: "export EDITOR=vi"}
	}
	args := append(words[1:], atLine(filepath.Base(words[0]), filepath.Join(e.root, filepath.FromSlash(f.File)), f.Line)...)
	return exec.Command(words[0], args...), nil //nolint:noctx,gosec // the person's own editor, which ends when the person ends it
}

func editorOf(env func(string) string) string {
	if v := env("VISUAL"); v != "" {
		return v
	}
	return env("EDITOR")
}

// atLine says how an editor is told to open a file at a line.
func atLine(editor, file string, line int) []string {
	switch editor {
	case "code", "codium", "cursor":
		return []string{"--wait", "--goto", fmt.Sprintf("%s:%d", file, line)}
	case "hx", "helix", "subl", "zed":
		return []string{fmt.Sprintf("%s:%d", file, line)}
	case "vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "kak", "joe", "ed", "mg", "ne":
		return []string{fmt.Sprintf("+%d", line), file}
	}
	return []string{file}
}
