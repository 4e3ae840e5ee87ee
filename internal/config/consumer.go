package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Consumer is one [[consumer]] table: a service, and what must hold for it to work
// (docs/consumers.md). Values are named, never written: every field but the names is
// a variable of the consumer.
type Consumer struct {
	// Name is what people call it; unique among all tables.
	Name string `toml:"name"`
	// Where is "netlify:SITE", "render:SERVICE", by name or id, or "env" for the
	// process that SecretGuard itself runs in.
	Where string `toml:"where"`
	// Variables must be set.
	Variables []string `toml:"variables"`
	// Same must have the value that every other consumer has that names them here.
	Same []string `toml:"same"`

	Queue    *Queue    `toml:"queue"`
	Prefect  *Prefect  `toml:"prefect"`
	Supabase *Supabase `toml:"supabase"`
	Endpoint *Endpoint `toml:"endpoint"`
	Check    *Check    `toml:"check"`
}

// Queue is an SQS queue that the consumer works with. All but Actions are names of
// variables.
type Queue struct {
	URL     string   `toml:"url"`
	Actions []string `toml:"actions"` // send, receive, delete
	KeyID   string   `toml:"key_id"`
	Secret  string   `toml:"secret"`
	Region  string   `toml:"region"`
}

// Prefect is a Prefect API that the consumer works with. URL, Key and Auth are names
// of variables; Auth is one that holds "user:password" of a self-hosted server.
type Prefect struct {
	URL  string `toml:"url"`
	Key  string `toml:"key"`
	Auth string `toml:"auth"`
	// Deployment is "FLOW/NAME".
	Deployment string `toml:"deployment"`
	// Pool is the work pool; empty means the deployment's own.
	Pool string `toml:"pool"`
}

// Supabase is a project that the consumer works with, by names of variables.
type Supabase struct {
	URL string `toml:"url"`
	Key string `toml:"key"`
}

// Endpoint is an address of the consumer that shows which keys it has
// (docs/consumers.md, "A service shows that it has the key").
type Endpoint struct {
	URL    string   `toml:"url"`
	Proves []string `toml:"proves"` // variables
}

// Check is how a rotation sees that the consumer works (docs/attestation.md).
type Check struct {
	// URL is asked, or stands for {url} in the arguments of the command.
	URL string `toml:"url"`
	// Command is run without a shell: 0 is good, 1 is bad, any other end tells nothing.
	Command []string `toml:"command"`
	// Preview is the address of the same code with a wrong key.
	Preview string `toml:"preview"`
}

// Provider and Service split Where; both are empty for "env".
func (c Consumer) Provider() string {
	provider, _, found := strings.Cut(c.Where, ":")
	if !found {
		return ""
	}
	return provider
}

// Service is the name or id behind the provider.
func (c Consumer) Service() string {
	_, service, _ := strings.Cut(c.Where, ":")
	return service
}

// Here reports whether the consumer is the process that we run in.
func (c Consumer) Here() bool { return c.Where == WhereHere }

// WhereHere is the place of a consumer that is this very process.
const WhereHere = "env"

// Needs returns every variable that the tables of the consumer name, each once.
func (c Consumer) Needs() []string {
	list := slices.Concat(c.Variables, c.Same)
	if q := c.Queue; q != nil {
		list = append(list, q.URL, q.KeyID, q.Secret)
	}
	if p := c.Prefect; p != nil {
		list = append(list, p.URL, p.Key, p.Auth)
	}
	if s := c.Supabase; s != nil {
		list = append(list, s.URL, s.Key)
	}
	if e := c.Endpoint; e != nil {
		list = append(list, e.Proves...)
	}
	var out []string
	for _, v := range list {
		if v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// fill puts in the usual names of variables where none were given.
func (c *Consumer) fill() {
	usual := func(field *string, name string) {
		if *field == "" {
			*field = name
		}
	}
	if q := c.Queue; q != nil {
		usual(&q.URL, "SQS_QUEUE_URL")
		usual(&q.KeyID, "AWS_ACCESS_KEY_ID")
		usual(&q.Secret, "AWS_SECRET_ACCESS_KEY")
		usual(&q.Region, "AWS_REGION")
	}
	if p := c.Prefect; p != nil {
		usual(&p.URL, "PREFECT_API_URL")
		if p.Auth == "" {
			usual(&p.Key, "PREFECT_API_KEY")
		}
	}
	if s := c.Supabase; s != nil {
		usual(&s.URL, "SUPABASE_URL")
		usual(&s.Key, "SUPABASE_SERVICE_ROLE_KEY")
	}
}

var (
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)
	wherePlace   = regexp.MustCompile(`^(netlify|render):[^\s:/]{1,128}$`)
	flowName     = regexp.MustCompile(`^[^/\x00-\x1f]{1,200}/[^\x00-\x1f]{1,200}$`)
)

// QueueActions are the words of Queue.Actions.
var QueueActions = []string{"send", "receive", "delete"}

// checkConsumers says what is wrong with the tables of one file.
func checkConsumers(path string, list []Consumer) error {
	var errs []error
	seen := map[string]bool{}
	for i := range list {
		c := &list[i]
		fail := func(key, msg, try string) {
			errs = append(errs, &Error{File: path, Key: fmt.Sprintf("consumer[%d].%s", i+1, key), Msg: msg, Try: try})
		}
		switch {
		case c.Name == "":
			fail("name", "is missing", "")
		case seen[c.Name]:
			fail("name", fmt.Sprintf("%q is there twice", c.Name), "")
		}
		seen[c.Name] = true
		if c.Where != WhereHere && !wherePlace.MatchString(c.Where) {
			fail("where", fmt.Sprintf("%q names no place", c.Where), `write "netlify:SITE", "render:SERVICE" or "env"`)
		}
		if len(c.Needs()) == 0 && c.Queue == nil && c.Prefect == nil && c.Supabase == nil && c.Endpoint == nil && c.Check == nil {
			fail("variables", "is empty, and there is no other check: nothing would be looked at", "name the variables that it needs")
		}
		c.fill()
		for _, v := range c.Needs() {
			if !variableName.MatchString(v) {
				fail("variables", fmt.Sprintf("%q is no name of a variable; a value does not belong here", v), "")
			}
		}
		checkParts(c, fail)
	}
	return errors.Join(errs...)
}

func checkParts(c *Consumer, fail func(key, msg, try string)) {
	if q := c.Queue; q != nil {
		for _, a := range q.Actions {
			if !slices.Contains(QueueActions, a) {
				fail("queue.actions", fmt.Sprintf("%q is no action", a), "write "+strings.Join(QueueActions, ", "))
			}
		}
		if q.Region != "" && !variableName.MatchString(q.Region) {
			fail("queue.region", fmt.Sprintf("%q is no name of a variable", q.Region), "")
		}
	}
	if p := c.Prefect; p != nil {
		if p.Deployment != "" && !flowName.MatchString(p.Deployment) {
			fail("prefect.deployment", fmt.Sprintf("%q is not FLOW/NAME", p.Deployment), "")
		}
		if p.Key != "" && p.Auth != "" {
			fail("prefect.auth", "stands beside key: which of them wins is not the same in all clients of Prefect", "name one")
		}
	}
	if k := c.Check; k != nil {
		checkCheck(k, c.Here(), fail)
	}
	if e := c.Endpoint; e != nil {
		if !isAddress(e.URL) {
			fail("endpoint.url", "is not an absolute http or https URL without a password", "")
		}
		if len(e.Proves) == 0 {
			fail("endpoint.proves", "is empty: a status alone shows nothing", "name the variables whose keys it is to show")
		}
	}
}

// isAddress reports whether a text is an absolute http or https URL without a password.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && u.User == nil
}

func checkCheck(k *Check, here bool, fail func(key, msg, try string)) {
	const address = "is not an absolute http or https URL without a password"
	if !isAddress(k.URL) {
		fail("check.url", address, "")
	}
	if k.Preview != "" && (!isAddress(k.Preview) || k.Preview == k.URL) {
		fail("check.preview", address+", or is the same as url", "name the address of a deployment that has a wrong key")
	}
	if len(k.Command) > 0 && k.Command[0] == "" {
		fail("check.command", "has no program", `write ["program", "argument", "{url}"]`)
	}
	if here {
		fail("check", "is for services that a rotation deploys, not for the process itself", "")
	}
}
