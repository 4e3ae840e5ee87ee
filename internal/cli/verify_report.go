package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/report/document"
	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/ruleset"
	"github.com/secretguard/secretguard/internal/secret"
	"github.com/secretguard/secretguard/internal/term"
)

// peeked is how much of a stream tells whether it is a report, in bytes.
const peeked = 512

// looksLikeReport tells a report on stdin from pasted keys: its schema stands first.
func looksLikeReport(start []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(start), []byte("{")) && bytes.Contains(start, []byte(`"secretguard.scan/`))
}

// isReport tells a saved report from the name of a case, and a path that is neither.
func isReport(arg string) (bool, error) {
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return false, problem{code: ExitUsage, err: fmt.Errorf("%s is a folder, and a report or a case is wanted here", quote(arg)), try: "secretguard verify --target " + shellWord(arg)}
	case err != nil && strings.HasSuffix(arg, ".json"):
		return false, problem{code: ExitUsage, err: fmt.Errorf("there is no report %s", quote(arg)), try: "secretguard scan PATH --report-path " + shellWord(arg)}
	}
	return err == nil, nil
}

// reported returns the findings of a saved report with their values: from the report,
// if it was written with them, else from its target, which is read again.
func (a *app) reported(ctx context.Context, path string, req verifyRequest) (scan.Result, error) {
	doc, err := a.savedScan(path)
	if err != nil {
		return scan.Result{}, err
	}
	whole, masked, err := restore(doc, a.Now)
	if err != nil {
		return scan.Result{}, err
	}
	res := scan.Result{Target: doc.Target, Findings: whole, Coverage: scan.Coverage{Complete: doc.Coverage.Complete}}
	if !doc.Coverage.Complete {
		a.talk("note: the scan behind the report did not see everything")
	}
	if len(masked) == 0 {
		if len(whole) > 0 {
			a.talk("the values are those of the report; nothing is read again")
		}
		return res, nil
	}
	again, err := a.readAgain(ctx, doc.Target, path, req)
	if err != nil {
		return scan.Result{}, err
	}
	for _, f := range again.Active() {
		if masked[f.ID] {
			res.Findings = append(res.Findings, f)
		}
	}
	for _, f := range res.Findings {
		delete(masked, f.ID)
	}
	if n := len(masked); n > 0 {
		res.Coverage.Complete = false
		a.talk("note: secrets of the report that were not found again in %s: %d (removed or accepted since, or in what was not read)", term.Clean(again.Target.Path), n)
	}
	res.Coverage.Complete = res.Coverage.Complete && again.Coverage.Complete
	return res, nil
}

// readAgain scans the target of a report, as the report's scan did.
func (a *app) readAgain(ctx context.Context, t scan.Target, path string, req verifyRequest) (scan.Result, error) {
	kind, at := t.Kind, t.Path
	if req.targeted {
		at = req.target
	}
	if kind == "repository" {
		kind = "auto"
	}
	_, err := os.Stat(at)
	switch {
	case !slices.Contains([]string{"auto", "git", "dir", "staged"}, kind):
		return scan.Result{}, problem{
			code: ExitUsage, err: fmt.Errorf("the report %s holds only masks, and what stood on stdin cannot be read again", quote(path)),
			try: "secretguard verify - --yes < FILE",
		}
	case errors.Is(err, os.ErrNotExist):
		return scan.Result{}, problem{
			code: ExitUsage, err: fmt.Errorf("the report %s holds only masks, and its target %s is not here to be read again", quote(path), quote(at)),
			try: "secretguard verify " + shellWord(path) + " --target WHERE-IT-IS-NOW",
		}
	case err != nil:
		return scan.Result{}, usagef("look at the report's target: %w", err)
	}
	if full, err := filepath.Abs(at); err == nil {
		a.talk("the report holds only masks: the values are read again from %s", term.Clean(full))
	}
	return a.scanTarget(ctx, newScanRequest(kind, at))
}

// restore makes findings of those in a report that hold their values, and names the
// others by their ids. An id is a hash of the rule and the value: it proves that a
// value is whole. Of which kind a value is, only our own rules say, and not the file.
func restore(doc document.Scan, now func() time.Time) (whole []scan.Finding, masked map[string]bool, err error) {
	set, err := ruleset.Load(nil, "", nil)
	if err != nil {
		return nil, nil, err
	}
	kinds := map[string]credential.Kind{}
	for _, r := range set.Rules() {
		if r.Own && r.Kind != "" {
			kinds[r.ID] = r.Kind
		}
	}
	var projects []string
	for _, f := range doc.Findings {
		if f.Proof.Project != "" {
			projects = append(projects, f.Proof.Project)
		}
	}
	masked = map[string]bool{}
	for _, f := range doc.Findings {
		switch value := secret.New(f.Secret); {
		case !f.Active():
		case strings.Contains(f.Secret, "****"): // a mask, without working out a hash
			masked[f.ID] = true
		case secret.FindingID(f.Rule, value) != f.ID:
			masked[f.ID] = true
		default:
			g := scan.Finding{
				ID: f.ID, Rule: f.Rule, Kind: kinds[f.Rule], Part: credential.Part(f.Part), Severity: scan.Severity(f.Severity), Secret: value,
				File: f.File, Name: f.Name, PathInArchive: f.PathInArchive, Line: f.Line, Column: f.Column, EndLine: f.EndLine, EndColumn: f.EndColumn,
				Where: scan.Where(f.Where), Commit: f.Commit, Blob: f.Blob, Refs: scan.Reach{Head: f.InHead, Branch: f.OnBranch},
				Proof: scan.Proof{Near: f.Proof.Near},
			}
			if g.Kind == "" {
				g.Kind = credential.Kind("generic." + f.Rule)
			}
			g.Prove(projects, now())
			whole = append(whole, g)
		}
	}
	return whole, masked, nil
}
