package propose

import (
	"regexp"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
)

// codeFiles are the endings of files whose reads of the environment are known.
var codeFiles = []string{".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".jsx", ".py", ".go"}

// readers find names of variables that code reads. The second group, where it takes
// part, shows that the code has a value of its own for it: then it may be missing.
var readers = []*regexp.Regexp{
	regexp.MustCompile(`process\.env\.([A-Za-z_]\w*)(\s*(?:\|\||\?\?)=?\s*[^\s)}])?`),
	regexp.MustCompile(`process\.env\[\s*["'\x60]([A-Za-z_]\w*)["'\x60]\s*\](\s*(?:\|\||\?\?)=?\s*[^\s)}])?`),
	regexp.MustCompile(`(?:Netlify|Deno)\.env\.get\(\s*["'\x60]([A-Za-z_]\w*)["'\x60]\s*\)(\s*(?:\|\||\?\?)=?\s*[^\s)}])?`),
	regexp.MustCompile(`os\.environ\[\s*["']([A-Za-z_]\w*)["']\s*\]()`),
	regexp.MustCompile(`(?:os\.environ\.get|os\.getenv|\bgetenv)\(\s*["']([A-Za-z_]\w*)["']\s*(,)?`),
	regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\(\s*["\x60]([A-Za-z_]\w*)["\x60]\s*()\)`),
}

var (
	destructured = regexp.MustCompile(`\{([^{}]*)\}\s*=\s*process\.env\b`)
	// assigned is code that sets a variable: it does not read it.
	assigned = regexp.MustCompile(`^\s*=[^=>]`)
	deploys  = regexp.MustCompile(`run_deployment\(\s*(?:name\s*=\s*)?["']([\p{L}\p{N} ._-]{1,100}/[\p{L}\p{N} ._/-]{1,100})["']`)
)

// acts are calls of SDKs that say what the code does with a queue.
var acts = map[string]*regexp.Regexp{
	"send":    regexp.MustCompile(`\b(SendMessage(Batch)?Command|send_message(_batch)?|SendMessage(Batch)?|sendMessage)\(`),
	"receive": regexp.MustCompile(`\b(ReceiveMessageCommand|receive_messages?|ReceiveMessage|receiveMessage)\(`),
	"delete":  regexp.MustCompile(`\b(DeleteMessage(Batch)?Command|delete_message(_batch)?|DeleteMessage(Batch)?|deleteMessage)\(`),
}

// code finds what a file reads from the environment, and what it does with it.
func (g *gathering) code(name, text string) {
	before := len(g.reads)
	add := func(what string) { g.reads = append(g.reads, read{name, what}) }
	for _, re := range readers {
		for _, m := range re.FindAllStringSubmatchIndex(text, -1) {
			optional := m[4] >= 0 && m[5] > m[4]
			if key := text[m[2]:m[3]]; wanted(key) && !optional && !assigned.MatchString(text[m[1]:]) {
				add(key)
			}
		}
	}
	for _, m := range destructured.FindAllStringSubmatch(text, -1) {
		for part := range strings.SplitSeq(m[1], ",") {
			key, _, _ := strings.Cut(part, ":")
			if key = strings.TrimSpace(key); variable.MatchString(key) && wanted(key) { // "KEY = default" may be missing
				add(key)
			}
		}
	}
	for what, re := range acts {
		if re.MatchString(text) {
			add("_does:" + what)
		}
	}
	for _, m := range deploys.FindAllStringSubmatch(text, -1) {
		add("_does:deployment:" + m[1])
	}
	if len(g.reads) > before {
		g.said(name)
	}
}

var (
	variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{1,127}$`)
	queueURL = regexp.MustCompile(`^[A-Z0-9_]*(SQS|QUEUE)[A-Z0-9_]*URL$`)
)

// services turns what the variables open into checks of their own.
func (p *place) services(does map[string]bool, deployment string) {
	has := func(name string) bool { return slices.Contains(p.Variables, name) }
	first := func(names ...string) string {
		for _, n := range names {
			if has(n) {
				return n
			}
		}
		return ""
	}
	if i := slices.IndexFunc(p.Variables, queueURL.MatchString); i >= 0 && has("AWS_ACCESS_KEY_ID") {
		p.Queue = &config.Queue{URL: p.Variables[i], KeyID: "AWS_ACCESS_KEY_ID", Secret: "AWS_SECRET_ACCESS_KEY", Region: first("AWS_REGION", "AWS_DEFAULT_REGION")} //nolint:gosec // names of variables
		for _, a := range config.QueueActions {
			if does[a] {
				p.Queue.Actions = append(p.Queue.Actions, a)
			}
		}
	}
	if has("PREFECT_API_URL") {
		p.Prefect = &config.Prefect{URL: "PREFECT_API_URL", Deployment: deployment}
		if p.Prefect.Auth = first("PREFECT_API_AUTH_STRING"); p.Prefect.Auth == "" {
			p.Prefect.Key = "PREFECT_API_KEY"
		}
	}
	if url := first("SUPABASE_URL", "NEXT_PUBLIC_SUPABASE_URL", "VITE_SUPABASE_URL"); url != "" {
		if key := first("SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SERVICE_KEY", "SUPABASE_SECRET_KEY", "SUPABASE_KEY", "SUPABASE_ANON_KEY"); key != "" {
			p.Supabase = &config.Supabase{URL: url, Key: key}
		}
	}
	covered := (&config.Consumer{Queue: p.Queue, Prefect: p.Prefect, Supabase: p.Supabase}).Needs()
	p.Variables = slices.DeleteFunc(p.Variables, func(v string) bool { return slices.Contains(covered, v) })
}
