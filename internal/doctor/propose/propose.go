// Package propose drafts the declaration of consumers from what a repository holds:
// render.yaml, netlify.toml, examples of .env files, and code that reads the
// environment. It is a draft for a person: it reads names, never values, and nothing
// of the repository is run.
package propose

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
)

// Draft is what was found.
type Draft struct {
	Consumers []config.Consumer
	// Sources are the files that said something, for the head of the draft.
	Sources []string
	// Unread are files that could not be read, or were too large or too many.
	Unread []string
}

// Limits on what is read: a draft needs no more, and the repository is foreign.
const (
	maxFiles = 20_000
	maxBytes = 1 << 20
)

// skipped are folders that hold other people's code, or what was built.
var skipped = []string{
	"node_modules", "vendor", "dist", "build", "out", "venv", "__pycache__", "testdata", "site-packages", "coverage", "target",
}

// From reads a repository. It may be repeated and changes nothing; an error means
// that the folder itself cannot be read.
func From(root fs.FS) (Draft, error) {
	g := &gathering{root: root}
	err := fs.WalkDir(root, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			g.unread(name)
			return fs.SkipDir
		case e.IsDir():
			if name != "." && (strings.HasPrefix(e.Name(), ".") && e.Name() != ".netlify" || slices.Contains(skipped, e.Name())) {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular(): // a link could lead out of the repository
			return nil
		case g.files >= maxFiles:
			g.unread("more than 20000 files")
			return fs.SkipAll
		}
		g.file(name)
		return nil
	})
	if err != nil {
		return Draft{}, fmt.Errorf("read the folder: %w", err)
	}
	return g.draft(), nil
}

// gathering is one walk.
type gathering struct {
	root    fs.FS
	files   int
	out     Draft
	render  []renderService
	netlify *netlifySite
	reads   []read
	example []string // names in examples of .env files
}

// read is code that reads a variable, or does something worth knowing.
type read struct {
	file, name string
}

func (g *gathering) unread(what string) {
	if len(g.out.Unread) < 20 {
		g.out.Unread = append(g.out.Unread, what)
	}
}

// content reads a file within bounds.
func (g *gathering) content(name string) (string, bool) {
	info, err := fs.Stat(g.root, name)
	if err != nil || info.Size() > maxBytes {
		g.unread(name)
		return "", false
	}
	b, err := fs.ReadFile(g.root, name)
	if err != nil {
		g.unread(name)
		return "", false
	}
	g.files++
	return string(b), true
}

func (g *gathering) said(name string) { g.out.Sources = append(g.out.Sources, name) }

// file looks at one file, by its name.
func (g *gathering) file(name string) {
	base := path.Base(name)
	var use func(string)
	switch {
	case base == "render.yaml" || base == "render.yml":
		use = func(text string) { g.renderYAML(name, text) }
	case base == "netlify.toml":
		use = func(text string) { g.netlifyTOML(name, text) }
	case name == ".netlify/state.json":
		use = g.netlifyState
	case exampleFile.MatchString(base):
		use = func(text string) { g.dotenv(name, text) }
	case slices.Contains(codeFiles, path.Ext(base)) && !testFile.MatchString(name):
		use = func(text string) { g.code(name, text) }
	default:
		return
	}
	if text, ok := g.content(name); ok {
		use(text)
	}
}

var (
	exampleFile = regexp.MustCompile(`^\.?env[.-](example|sample|template|dist|defaults)$|^\.env\.[a-z]+\.example$`)
	testFile    = regexp.MustCompile(`(_test\.(go|py)|\.(test|spec)\.[a-z]+)$|(^|/)(tests?|__tests__|e2e)/`)
	exampleLine = regexp.MustCompile(`(?m)^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=`)
)

func (g *gathering) dotenv(name, text string) {
	for _, m := range exampleLine.FindAllStringSubmatch(text, -1) {
		if wanted(m[1]) {
			g.example = append(g.example, m[1])
		}
	}
	g.said(name)
}

// given are variables that the platform or the shell sets.
var given = regexp.MustCompile(`^(NODE_ENV|PORT|HOST|HOSTNAME|CI|HOME|PATH|USER|PWD|SHELL|LANG|TZ|TMPDIR|DEBUG|RENDER(_.*)?|NETLIFY(_DEV|_IMAGES.*)?|URL|DEPLOY_(PRIME_)?URL|DEPLOY_ID|SITE_(ID|NAME)|CONTEXT|BRANCH|COMMIT_REF|BUILD_ID|npm_.*|XDG_.*|VIRTUAL_ENV|PYTHON.*|GO(PATH|ROOT|FLAGS|OS|ARCH)|AWS_LAMBDA_.*|_.*)$`)

func wanted(name string) bool { return len(name) > 1 && !given.MatchString(name) }

// draft puts together what was found.
func (g *gathering) draft() Draft {
	var places []place
	for _, s := range g.render {
		places = append(places, place{config.Consumer{Name: s.Name, Where: "render:" + s.Name, Variables: s.keys}, s.Root})
	}
	if n := g.netlify; n != nil {
		places = append(places, place{config.Consumer{Name: n.name(), Where: "netlify:" + n.name()}, n.functions})
	}
	if len(places) == 0 {
		places = append(places, place{config.Consumer{Name: "this", Where: config.WhereHere, Variables: g.example}, "."})
	}
	for i := range places {
		g.fill(&places[i], len(places) == 1)
	}
	for _, p := range places {
		if len(p.Variables) > 0 || p.Queue != nil || p.Prefect != nil || p.Supabase != nil {
			g.out.Consumers = append(g.out.Consumers, p.Consumer)
		}
	}
	siblings(g.out.Consumers)
	slices.Sort(g.out.Sources)
	g.out.Sources = slices.Compact(g.out.Sources)
	return g.out
}

// place is a consumer and the folder that its code lies in.
type place struct {
	config.Consumer

	folder string
}

// fill adds what the consumer's code reads, and what its variables open.
func (g *gathering) fill(p *place, alone bool) {
	for _, r := range g.reads {
		if alone || within(r.file, p.folder) {
			p.Variables = append(p.Variables, r.name)
		}
	}
	if alone && !p.Here() {
		p.Variables = append(p.Variables, g.example...)
	}
	slices.Sort(p.Variables)
	p.Variables = slices.Compact(slices.DeleteFunc(p.Variables, func(v string) bool { return !wanted(v) && !strings.HasPrefix(v, "_does:") }))
	take := func(keep func(string) bool) {
		p.Variables = slices.DeleteFunc(p.Variables, func(v string) bool { return !keep(v) })
	}
	does := map[string]bool{}
	deployment := ""
	for _, v := range p.Variables {
		what, is := strings.CutPrefix(v, "_does:")
		if name, named := strings.CutPrefix(what, "deployment:"); is && named {
			deployment = name
		}
		does[what] = is
	}
	take(func(v string) bool { return !strings.HasPrefix(v, "_does:") })
	p.services(does, deployment)
}

// within reports whether a file lies in the folder; "" and "." hold everything.
func within(file, folder string) bool {
	folder = path.Clean(cmp.Or(folder, "."))
	return folder == "." || strings.HasPrefix(file, folder+"/")
}

// shared is what siblings must have alike: what names or opens a service.
var shared = regexp.MustCompile(`(KEY|SECRET|TOKEN|PASSWORD|URL|URI|DSN|_ID|REGION|AUTH)`)

// siblings moves variables that several consumers have to same.
func siblings(list []config.Consumer) {
	count := map[string]int{}
	for _, c := range list {
		for _, v := range c.Needs() {
			count[v]++
		}
	}
	for i := range list {
		c := &list[i]
		for _, v := range c.Needs() {
			if count[v] > 1 && shared.MatchString(v) {
				c.Same = append(c.Same, v)
			}
		}
		c.Variables = slices.DeleteFunc(c.Variables, func(v string) bool { return slices.Contains(c.Same, v) })
	}
}
