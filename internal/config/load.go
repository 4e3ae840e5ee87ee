package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// The names looked for in a target, and the largest file read.
const (
	OwnName      = ".secretguard.toml"
	GitleaksName = ".gitleaks.toml"
	maxFile      = 4 << 20
)

// ErrTarget means that the target's folder cannot be opened, so that nobody knows
// what configuration it holds.
var ErrTarget = errors.New("the target cannot be read")

// Options says where to look.
type Options struct {
	// Target is the folder that is scanned; empty when there is none.
	Target string
	// Explicit is the file named with --config. A name that ends in
	// "secretguard.toml" is ours, any other is a gitleaks configuration.
	Explicit string
	// Env reads an environment variable; os.Getenv outside tests.
	Env func(string) string
	// Providers are the provider names that exist; empty skips that check.
	Providers []string
}

// Load finds and merges, the heaviest first: the explicit file, GITLEAKS_CONFIG or
// GITLEAKS_CONFIG_TOML, .secretguard.toml and .gitleaks.toml in the target, the
// user's file. An absent file is no error unless it was named. Every mistake is
// returned, joined, as an *[Error]. Load changes nothing and may be repeated.
func Load(o Options) (Config, error) {
	l := loader{o: o, cfg: Config{providers: map[string]Provider{}, env: o.Env}}
	l.user()
	l.target()
	l.environment()
	l.explicit()
	if err := errors.Join(l.errs...); err != nil {
		return Config{}, err
	}
	return l.cfg, nil
}

// loader collects; later calls weigh more.
type loader struct {
	o    Options
	cfg  Config
	errs []error
}

func (l *loader) fail(err error) { l.errs = append(l.errs, err) }

func (l *loader) user() {
	path := UserFile(l.o.Env)
	if path == "" {
		return
	}
	data, err := readUser(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		l.fail(err)
		return
	}
	l.own(path, data, FromUser, userOpener(path))
}

func (l *loader) target() {
	if l.o.Target == "" {
		return
	}
	info, err := os.Stat(l.o.Target)
	if err != nil || !info.IsDir() {
		return // the scan itself says what is wrong with its target
	}
	// A root keeps a link in the repository from leading out of it.
	root, err := os.OpenRoot(l.o.Target)
	if err != nil {
		l.fail(fmt.Errorf("%w: %q: %s", ErrTarget, l.o.Target, cause(err)))
		return
	}
	defer func() { _ = root.Close() }()
	read := func(name string) ([]byte, error) { return readRooted(root, name) }
	l.fromTarget(GitleaksName, read, func(path string, data []byte) {
		l.rules(Rules{Path: path, Data: data, Trust: FromTarget, Read: l.insideTarget})
	})
	l.fromTarget(OwnName, read, func(path string, data []byte) { l.own(path, data, FromTarget, read) })
}

// insideTarget reads a file of the target again, after the root was closed.
func (l *loader) insideTarget(path string) ([]byte, error) {
	name, err := filepath.Rel(l.o.Target, path)
	if err != nil {
		return nil, fmt.Errorf("find it in the target: %w", err)
	}
	root, err := os.OpenRoot(l.o.Target)
	if err != nil {
		return nil, fmt.Errorf("open the target: %w", err)
	}
	defer func() { _ = root.Close() }()
	return readRooted(root, name)
}

func (l *loader) fromTarget(name string, read opener, use func(string, []byte)) {
	path := filepath.Join(l.o.Target, name)
	data, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		// Unread configuration could hold rules that find more: never skip it silently.
		l.fail(&Error{File: path, Msg: cause(err)})
		return
	}
	use(path, data)
}

func (l *loader) explicit() {
	path := l.o.Explicit
	if path == "" {
		return
	}
	data, err := readFile(path)
	if err != nil {
		l.fail(&Error{File: path, Msg: cause(err)})
		return
	}
	if strings.HasSuffix(filepath.Base(path), "secretguard.toml") {
		l.own(path, data, FromUser, userOpener(path))
		return
	}
	if ownTables.Match(data) {
		l.fail(&Error{
			File: path, Msg: "it has tables of SecretGuard's own, and for its name it would be read as gitleaks' rules",
			Try: "rename it to " + strings.TrimSuffix(filepath.Base(path), ".toml") + ".secretguard.toml",
		})
		return
	}
	l.rules(Rules{Path: path, Data: data, Trust: FromUser, Read: readFile})
}

// ownTables begin what no rules of gitleaks have.
var ownTables = regexp.MustCompile(`(?m)^[ \t]*\[\[?[ \t]*(?:consumer|providers?|journal|scan)[ \t]*[].]`)

// environment keeps gitleaks' variables.
func (l *loader) environment() {
	if l.o.Env == nil {
		return
	}
	if path := l.o.Env("GITLEAKS_CONFIG"); path != "" {
		data, err := readFile(path)
		if err != nil {
			l.fail(&Error{File: path, Msg: cause(err), Try: "unset GITLEAKS_CONFIG or correct it"})
			return
		}
		l.rules(Rules{Path: path, Data: data, Trust: FromUser, Read: readFile})
		return
	}
	if text := l.o.Env("GITLEAKS_CONFIG_TOML"); text != "" {
		l.rules(Rules{Path: "GITLEAKS_CONFIG_TOML", Data: []byte(text), Trust: FromUser, Read: readFile})
	}
}

func (l *loader) rules(r Rules) {
	l.cfg.Rules = &r
	l.cfg.Files = append(l.cfg.Files, File{Path: r.Path, Trust: r.Trust})
}

// opener reads a file that a configuration file names, relative to it.
type opener func(name string) ([]byte, error)

func userOpener(config string) opener {
	return func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(config), name)
		}
		return readFile(name)
	}
}

// own takes one of our own files in.
func (l *loader) own(path string, data []byte, trust Trust, read opener) {
	doc, err := parse(path, data, trust, l.o.Providers)
	if err != nil {
		l.fail(err)
		return
	}
	l.cfg.Files = append(l.cfg.Files, File{Path: path, Trust: trust})
	if n := doc.Scan.MaxTargetMegabytes; n > 0 {
		old := l.cfg.Scan.MaxTargetMegabytes
		if trust == FromUser || old == 0 || n < old {
			l.cfg.Scan.MaxTargetMegabytes = n
		}
	}
	switch {
	case len(doc.Consumers) == 0:
	case trust == FromTarget: // they say where keys are sent to: a person must have taken them over
		l.cfg.ForeignConsumers = path
	default:
		l.cfg.Consumers = doc.Consumers
	}
	if doc.Journal.Identity != "" {
		l.cfg.Journal = doc.Journal
	}
	for name, p := range doc.Providers {
		l.cfg.providers[name] = p
	}
	if doc.Scan.Rules == "" {
		return
	}
	rules, err := read(doc.Scan.Rules)
	if err != nil {
		l.fail(&Error{File: path, Key: "scan.rules", Msg: "the file it names: " + cause(err)})
		return
	}
	l.cfg.Scan.Rules = doc.Scan.Rules
	reader := readFile
	if trust == FromTarget {
		reader = l.insideTarget
	}
	l.rules(Rules{Path: filepath.Join(filepath.Dir(path), doc.Scan.Rules), Data: rules, Trust: trust, Read: reader})
}

func readRooted(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("look at it: %w", err)
	}
	if err := plainFile(info); err != nil {
		return nil, err
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open it: %w", err)
	}
	return readAll(f)
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look at it: %w", err)
	}
	if err := plainFile(info); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open it: %w", err)
	}
	return readAll(f)
}

// readUser refuses a file that others may write to: it says where our tokens go.
func readUser(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("look at %q: %w", path, fs.ErrNotExist)
		}
		return nil, &Error{File: path, Msg: cause(err), Try: tryOwnFolder(err)}
	}
	if othersMayWrite(info) {
		return nil, &Error{File: path, Msg: "others may write to it", Try: fmt.Sprintf("try: chmod go-w %q", path)}
	}
	data, err := readFile(path)
	if err != nil {
		return nil, &Error{File: path, Msg: cause(err), Try: tryOwnFolder(err)}
	}
	return data, nil
}

// tryOwnFolder is for a process that runs with the home of somebody else, as in a
// container.
func tryOwnFolder(err error) string {
	if errors.Is(err, fs.ErrPermission) {
		return "point XDG_CONFIG_HOME or HOME at a folder that you may read"
	}
	return ""
}

func othersMayWrite(info fs.FileInfo) bool {
	const groupAndOthersWrite = 0o022
	return runtime.GOOS != "windows" && info.Mode().Perm()&groupAndOthersWrite != 0
}

// plainFile refuses folders, pipes and devices before they are opened: opening a
// pipe would wait for ever.
func plainFile(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("it is not a plain file")
	}
	if info.Size() > maxFile {
		return fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return nil
}

func readAll(f *os.File) ([]byte, error) {
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return data, nil
}

// cause words a file error without its path, which is foreign and shown quoted.
func cause(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file"
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Op + ": " + pe.Err.Error()
	}
	return err.Error()
}
