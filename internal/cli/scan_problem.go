package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/secretguard/secretguard/internal/scan"
	"github.com/secretguard/secretguard/internal/scan/source"
)

// explainSource adds the exit code and the next command to the errors of a
// source. What is no mistake of the caller left something unseen.
func explainSource(err error, req scanRequest) error {
	p := problem{code: ExitIncomplete, err: err}
	path := shellWord(req.path)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, source.ErrNotRepository):
		p.code, p.try = ExitUsage, "secretguard scan dir "+path
	case errors.Is(err, source.ErrSelection):
		p.code, p.try = ExitUsage, "git -C "+path+" rev-list shows what git says to it"
	case errors.Is(err, source.ErrBare):
		p.code, p.try = ExitUsage, "secretguard scan git "+path
	case errors.Is(err, source.ErrNotPlain):
		p.code, p.try = ExitUsage, "secretguard scan stdin < "+path
	case errors.Is(err, source.ErrEmpty):
		p.try = "secretguard scan dir " + path
	case errors.Is(err, source.ErrUnsupported):
		p.try = fmt.Sprintf("git clone --mirror %s copy.git && secretguard scan git copy.git", path)
	case errors.Is(err, os.ErrNotExist):
		p.code, p.err, p.try = ExitUsage, fmt.Errorf("there is no file or folder %s", quote(req.path)), "check the path"
	case errors.Is(err, os.ErrPermission):
		p.try = "run as a user who may read it"
	case req.kind != "dir" && req.kind != "stdin":
		p.try = "secretguard scan dir " + path + " reads the files without the history"
	}
	return p
}

// nothingRead says what to do when a scan saw not one byte.
func nothingRead(res scan.Result, req scanRequest) string {
	switch gap := func(s scan.Skip) bool { return s.Gap }; {
	case req.kind == "stdin":
		return "pipe a text into it: git diff | secretguard scan stdin"
	case slices.ContainsFunc(res.Coverage.Skipped, gap):
		return "see what was not scanned, and why; when that is mended, scan again"
	}
	return "check the path: there was nothing to read in " + shellWord(req.path)
}
