package triage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// LocalPlacement is a file of the target from which something runs with the key: it
// is changed by a person.
type LocalPlacement struct {
	File string // relative to the target, foreign text
	Line int
	Part credential.Part
	// Form is empty where the value stands as it is; else how it is written.
	Form string
}

// Bounds on the files that are looked at, and the folders that are not: what is
// installed there runs with no key of its own.
const (
	maxLocalFile  = 4 << 20
	maxLocalFiles = 100_000
)

var (
	localSkip = []string{".git", "node_modules", "vendor", ".venv", "venv", "__pycache__"}
	localFile = regexp.MustCompile(`(?i)^(\.env.*|.*\.env|\.envrc|\.dev\.vars|netlify\.toml|render\.ya?ml|(docker-)?compose.*\.ya?ml|dockerfile.*|.*\.dockerfile|prefect\.ya?ml|` +
		`\.gitlab-ci\.ya?ml|\.travis\.ya?ml|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|jenkinsfile|procfile|credentials|.*\.tfvars(\.json)?|fly\.toml|vercel\.json|wrangler\.toml|serverless\.ya?ml)$`)
	localPath = regexp.MustCompile(`(^|/)(\.github/(workflows|actions)/.+|\.circleci/.+|\.buildkite/.+|\.netlify/.+)\.(ya?ml|json)$`)
)

// LocateLocal looks for the wanted values in the files that services are started or
// built from, also those that git ignores: .env files, netlify.toml, render.yaml,
// Dockerfiles, files of CI. It follows no link. What could not be read is a gap.
func LocateLocal(root fs.FS, wanted []providers.Wanted) ([]LocalPlacement, []providers.Gap) {
	var out []LocalPlacement
	var gaps []providers.Gap
	gap := func(what, why string) { gaps = append(gaps, providers.Gap{What: "file " + what, Why: why}) }
	seen := 0
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			gap(name, "it cannot be read")
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case e.IsDir():
			if slices.Contains(localSkip, e.Name()) {
				return fs.SkipDir
			}
			return nil
		case !localFile.MatchString(path.Base(name)) && !localPath.MatchString(name) || !e.Type().IsRegular():
			return nil
		}
		if seen++; seen > maxLocalFiles {
			return errTooMany
		}
		data, why := readLocal(root, name, e)
		if why != "" {
			gap(name, why)
		}
		out = append(out, inFile(name, data, wanted)...)
		return nil
	})
	if err != nil {
		gap("of the target", fmt.Sprintf("not all were looked at: %v", err))
	}
	return out, gaps
}

var errTooMany = errors.New("there are too many")

// readLocal reads a file, or says why it could not be.
func readLocal(root fs.FS, name string, e fs.DirEntry) (data []byte, why string) {
	info, err := e.Info()
	if err != nil || info.Size() > maxLocalFile {
		return nil, "it is too large, or gone"
	}
	if data, err = fs.ReadFile(root, name); err != nil {
		return nil, "it cannot be read"
	}
	return data, ""
}

// escaped names the form of a part that a line holds, and not as it is.
func escaped(line string, part credential.Part, wanted []providers.Wanted) string {
	for _, w := range wanted {
		if w.Part == part && !strings.Contains(line, w.Value.Reveal()) {
			return "url-encoded"
		}
	}
	return ""
}

// inFile finds the values line by line.
func inFile(name string, data []byte, wanted []providers.Wanted) []LocalPlacement {
	var out []LocalPlacement
	add := func(line int, text string) {
		value := secret.New(text)
		for _, m := range providers.MatchValue(value, wanted) {
			out = append(out, LocalPlacement{File: name, Line: line, Part: m.Part, Form: escaped(text, m.Part, wanted)})
		}
		for _, m := range providers.MatchEncoded(value, wanted) {
			out = append(out, LocalPlacement{File: name, Line: line, Part: m.Part, Form: m.Form})
		}
	}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		add(n, strings.TrimRight(string(line), "\r\n"))
	}
	return out
}
