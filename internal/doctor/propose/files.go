package propose

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"
)

// renderService is a service of a Blueprint (render.com/docs/blueprint-spec).
type renderService struct {
	Name    string         `yaml:"name"`
	Type    string         `yaml:"type"`
	Root    string         `yaml:"rootDir"`
	EnvVars []renderEnvVar `yaml:"envVars"`

	keys []string
}

type renderEnvVar struct {
	Key   string `yaml:"key"`
	Group string `yaml:"fromGroup"`
}

// placeName is a name that a declaration may hold.
var placeName = regexp.MustCompile(`^[\p{L}\p{N}._@+-]{1,128}$`)

func (g *gathering) renderYAML(name, text string) {
	var doc struct {
		Services []renderService `yaml:"services"`
		Groups   []struct {
			Name    string         `yaml:"name"`
			EnvVars []renderEnvVar `yaml:"envVars"`
		} `yaml:"envVarGroups"`
	}
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		g.unread(name + " (no YAML)")
		return
	}
	groups := map[string][]renderEnvVar{}
	for _, x := range doc.Groups {
		groups[x.Name] = x.EnvVars
	}
	g.said(name)
	for _, s := range doc.Services {
		twice := slices.ContainsFunc(g.render, func(o renderService) bool { return o.Name == s.Name })
		if twice || !placeName.MatchString(s.Name) || s.Type == "redis" || s.Type == "keyvalue" {
			continue
		}
		for _, v := range append(s.EnvVars, linkedTo(s.EnvVars, groups)...) {
			if variable.MatchString(v.Key) {
				s.keys = append(s.keys, v.Key)
			}
		}
		g.render = append(g.render, s)
	}
}

func linkedTo(vars []renderEnvVar, groups map[string][]renderEnvVar) []renderEnvVar {
	var out []renderEnvVar
	for _, v := range vars {
		out = append(out, groups[v.Group]...)
	}
	return out
}

// netlifySite is the site that a netlify.toml belongs to.
type netlifySite struct {
	id, functions string
}

// name is the site's id where the folder is linked to one; else a person fills it in.
func (n *netlifySite) name() string { return cmp.Or(n.id, "YOUR-SITE") }

func (g *gathering) site() *netlifySite {
	if g.netlify == nil {
		g.netlify = &netlifySite{functions: "netlify/functions"}
	}
	return g.netlify
}

// netlifyState is what netlify's own command line leaves in a folder it has linked.
func (g *gathering) netlifyState(text string) {
	var doc struct {
		SiteID string `json:"siteId"`
	}
	if json.Unmarshal([]byte(text), &doc) == nil && placeName.MatchString(doc.SiteID) {
		g.site().id = doc.SiteID
	}
}

func (g *gathering) netlifyTOML(name, text string) {
	var doc struct {
		Functions map[string]any `toml:"functions"`
		Build     struct {
			Functions string `toml:"functions"`
			Base      string `toml:"base"`
		} `toml:"build"`
	}
	if toml.Unmarshal([]byte(text), &doc) != nil {
		g.unread(name + " (no TOML)")
		return
	}
	g.said(name)
	s := g.site()
	if dir, ok := doc.Functions["directory"].(string); ok {
		s.functions = dir
	} else if doc.Build.Functions != "" {
		s.functions = doc.Build.Functions
	}
	s.functions = strings.TrimPrefix(strings.Trim(doc.Build.Base, "/")+"/"+strings.Trim(s.functions, "./"), "/")
}

// TOML writes the draft as a configuration file. Names were checked when they were
// taken over; they are quoted all the same.
func (d Draft) TOML() string {
	var b strings.Builder
	b.WriteString("# A draft: read it, correct the names, then: secretguard doctor -c THIS-FILE (docs/consumers.md)\n")
	list := func(key string, names []string) {
		if len(names) == 0 {
			return
		}
		quoted := make([]string, len(names))
		for i, n := range names {
			quoted[i] = fmt.Sprintf("%q", n)
		}
		fmt.Fprintf(&b, "%s = [%s]\n", key, strings.Join(quoted, ", "))
	}
	text := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %q\n", key, value)
		}
	}
	for _, c := range d.Consumers {
		b.WriteString("\n[[consumer]]\n")
		text("name", c.Name)
		text("where", c.Where)
		list("variables", c.Variables)
		list("same", c.Same)
		if q := c.Queue; q != nil {
			b.WriteString("\n[consumer.queue]\n")
			text("url", q.URL)
			list("actions", q.Actions)
			text("region", q.Region)
		}
		if p := c.Prefect; p != nil {
			b.WriteString("\n[consumer.prefect]\n")
			text("url", p.URL)
			text("key", p.Key)
			text("auth", p.Auth)
			text("deployment", p.Deployment)
		}
		if s := c.Supabase; s != nil {
			b.WriteString("\n[consumer.supabase]\n")
			text("url", s.URL)
			text("key", s.Key)
		}
	}
	return b.String()
}
