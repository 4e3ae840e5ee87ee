package lab

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Family is one sort of keys in the big demo: who issues it, and the variable in which
// a consumer of its own has the leaked one.
type Family struct {
	Provider string `json:"provider"`
	Variable string `json:"variable"`
	Leaked   string `json:"leaked"`
	// Others are the other variables of a key that has several parts.
	Others map[string]string `json:"others,omitempty"`
}

// Lines are the leak as a file of settings has it.
func (f Family) Lines() []string {
	lines := []string{f.Variable + "=" + f.Leaked}
	for _, name := range slices.Sorted(maps.Keys(f.Others)) {
		lines = append(lines, name+"="+f.Others[name])
	}
	return lines
}

// family is how a sort of keys is made and taken away by a person on the issuer's page;
// calls do the rest.
type family struct {
	provider, variable string
	leak               func(*Lab) string
	again              func(*Lab) string       // nil: a call makes the new key
	remove             func(*Lab, string) bool // nil: a call takes the old one away
	others             func(l *Lab, leaked string) map[string]string
}

const hexDigits = "0123456789abcdef"

// asked is a family whose issuer has no calls: a person does both halves.
func asked(provider, service, variable string, key func() string) family {
	known := func(l *Lab) string {
		k := key()
		l.Services.Know(service, k)
		return k
	}
	return family{provider: provider, variable: variable, leak: known, again: known, remove: func(l *Lab, k string) bool {
		there := l.Services.Knows(service, k)
		l.Services.Forget(service, k)
		return there
	}}
}

// onlyOne is such a family of a service that takes one key: the new one ends the old one.
func onlyOne(provider, service, variable string, key func() string) family {
	f := asked(provider, service, variable, key)
	f.again = func(l *Lab) string {
		l.Services.forgetAll(service)
		return f.leak(l)
	}
	return f
}

// ofPeople is a family whose keys are those of a platform's people.
func ofPeople(provider, variable, prefix string, length int, known func(*Lab) (*sync.Mutex, *[]string)) family {
	change := func(l *Lab, do func([]string) []string) {
		mu, list := known(l)
		mu.Lock()
		defer mu.Unlock()
		*list = do(*list)
	}
	another := func(l *Lab) string {
		key := MadeUp(prefix, length)
		change(l, func(list []string) []string { return append(list, key) })
		return key
	}
	return family{provider: provider, variable: variable, leak: another, again: another, remove: func(l *Lab, key string) (there bool) {
		change(l, func(list []string) []string {
			there = slices.Contains(list, key)
			return slices.DeleteFunc(list, func(k string) bool { return k == key })
		})
		return there
	}}
}

// takes reports whether a request comes with our own token or another known one.
func takes(r *http.Request, own string, known []string) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token == own || slices.Contains(known, token)
}

// githubToken makes up a token with the checksum that GitHub's have: CRC-32 of what is
// before it, in base 62.
func githubToken() string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	body := MadeUp("", 30)
	sum, tail := crc32.ChecksumIEEE([]byte(body)), make([]byte, 6)
	for i := len(tail) - 1; i >= 0; i-- {
		tail[i] = alphabet[sum%62]
		sum /= 62
	}
	return "ghp_" + body + string(tail)
}

func letters(prefix string, n int) func() string {
	return func() string { return MadeUp(prefix, n) }
}

func digits(prefix string, n int) func() string {
	return func() string { return prefix + MadeUpOf(hexDigits, n) }
}

func families() []family {
	github := asked("github", "github", "GITHUB_TOKEN", githubToken)
	github.remove = nil
	perplexity := asked("perplexity", "perplexity", "PERPLEXITY_API_KEY", letters("pplx-", 48))
	perplexity.remove = nil
	return []family{
		{provider: "aws-session", variable: "AWS_SESSION_TOKEN", leak: func(l *Lab) string { return l.AWS.leakSession() }, again: func(l *Lab) string {
			id, secret, token := l.AWS.Assume("deploy", "by-hand")
			return id + " " + secret + " " + token
		}, others: func(l *Lab, token string) map[string]string { return l.AWS.sessionOf(token) }},
		{provider: "supabase", variable: "SUPABASE_SECRET_KEY", leak: func(l *Lab) string { return l.Supabase.MakeKey("secret").Token }},
		{provider: "supabase-legacy", variable: "SUPABASE_SERVICE_ROLE_KEY", leak: func(l *Lab) string {
			key := legacyJWT(l.Supabase.Ref(), "service_role")
			l.Supabase.Legacy(legacyJWT(l.Supabase.Ref(), "anon"), key)
			return key
		}},
		{provider: "supabase-jwt", variable: "SUPABASE_JWT_SECRET", leak: func(l *Lab) string { return l.Supabase.Signing.Legacy() }},
		{provider: "supabase-database", variable: "SUPABASE_DB_PASSWORD", leak: func(l *Lab) string { return l.Supabase.Database.Password() }},
		{provider: "prefect", variable: "PREFECT_API_KEY", leak: func(l *Lab) string { return l.Prefect.UserKey().Token }},
		{provider: "prefect-bot", variable: "PREFECT_API_KEY", leak: func(l *Lab) string { return l.Prefect.Bot().Token }, remove: func(l *Lab, key string) bool {
			return l.Prefect.ended(key) // its lifetime passes
		}},
		{provider: "stripe", variable: "STRIPE_SECRET_KEY", leak: func(l *Lab) string { return l.Stripe.MakeKey("sk_live_") }, again: func(l *Lab) string { return l.Stripe.MakeKey("sk_live_") }, remove: func(l *Lab, key string) bool {
			l.Stripe.DeleteKey(key)
			return true
		}},
		{provider: "stripe-webhook", variable: "STRIPE_WEBHOOK_SECRET", leak: func(l *Lab) string {
			return l.Stripe.AddHook(StripeHook{URL: "https://shop.example/stripe", Version: "2024-06-20", Events: []string{"charge.succeeded"}}).Secret
		}},
		{provider: "openai", variable: "OPENAI_API_KEY", leak: func(l *Lab) string { return l.OpenAI.UserKey().Token }, again: func(l *Lab) string { return l.OpenAI.UserKey().Token }},
		{provider: "openai-service", variable: "OPENAI_API_KEY", leak: func(l *Lab) string { return l.OpenAI.ServiceKey().Token }},
		{provider: "openai-admin", variable: "OPENAI_ADMIN_KEY", leak: func(l *Lab) string { return l.OpenAI.AdminKey().Token }},
		{provider: "anthropic", variable: "ANTHROPIC_API_KEY", leak: func(l *Lab) string { return l.Anthropic.MakeKey("worker").Token }, again: func(l *Lab) string { return l.Anthropic.MakeKey("worker 2").Token }},
		{provider: "google", variable: "GEMINI_API_KEY", leak: func(l *Lab) string { return l.Google.MakeKey().Token }},
		{provider: "openrouter", variable: "OPENROUTER_API_KEY", leak: func(l *Lab) string { return l.OpenRouter.MakeKey(25).Token }},
		{provider: "xai", variable: "XAI_API_KEY", leak: func(l *Lab) string { return l.XAI.MakeKey("api-key:model:*").Token }},
		github, perplexity,
		onlyOne("twocaptcha", "twocaptcha", "TWOCAPTCHA_API_KEY", digits("", 32)),
		onlyOne("prefect-server", "prefect_server", "PREFECT_API_AUTH_STRING", digits("admin:", 32)),
		asked("cohere", "cohere", "COHERE_API_KEY", letters("", 40)),
		asked("mistral", "mistral", "MISTRAL_API_KEY", letters("", 32)),
		asked("groq", "groq", "GROQ_API_KEY", letters("gsk_", 52)),
		asked("huggingface", "huggingface", "HF_TOKEN", letters("hf_", 34)),
		asked("replicate", "replicate", "REPLICATE_API_TOKEN", letters("r8_", 37)),
		{provider: "elevenlabs", variable: "ELEVENLABS_API_KEY", leak: func(l *Lab) string { return l.ElevenLabs.MakeKey(1000).Token }},
		asked("deepseek", "deepseek", "DEEPSEEK_API_KEY", digits("sk-", 32)),
		ofPeople("netlify-token", "NETLIFY_AUTH_TOKEN", "nfp_", 36, func(l *Lab) (*sync.Mutex, *[]string) { return &l.Netlify.mu, &l.Netlify.known }),
		ofPeople("render-key", "RENDER_API_KEY", "rnd_", 28, func(l *Lab) (*sync.Mutex, *[]string) { return &l.Render.mu, &l.Render.known }),
		asked("supabase-token", "supabase", "SUPABASE_ACCESS_TOKEN", digits("sbp_", 40)),
		asked("langsmith", "langsmith", "LANGSMITH_API_KEY", func() string { return digits("lsv2_pt_", 32)() + digits("_", 10)() }),
	}
}

// legacyJWT is a legacy key of a Supabase project, with a made-up signature.
func legacyJWT(ref, role string) string {
	part := func(v map[string]any) string {
		b, _ := json.Marshal(v) // strings and numbers
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." +
		part(map[string]any{"iss": "supabase", "ref": ref, "role": role, "iat": 1700000000, "exp": 2000000000}) + "." + MadeUp("", 43)
}

// ended ends the lifetime of a service account's rotated key.
func (p *Prefect) ended(token string) bool {
	for _, id := range p.IDs("") {
		if k, ok := p.Key(id); ok && k.Token == token {
			p.End(id)
			time.Sleep(p.lab.opts.DisableDelay) //nolint:forbidigo // a person comes back when it is over
			_, still := p.Key(id)
			return !still
		}
	}
	return false
}

// Families leaks a key of every sort; a Netlify site of its own runs with each.
func (l *Lab) Families() ([]Family, error) {
	var names []string
	for _, f := range families() {
		names = append(names, f.provider)
	}
	return l.Leak(names...)
}

// Leak leaks a key of each of these issuers; a Netlify site of its own runs with each.
func (l *Lab) Leak(issuers ...string) ([]Family, error) {
	var out []Family
	var sites []string
	for _, f := range families() {
		if !slices.Contains(issuers, f.provider) {
			continue
		}
		one := Family{Provider: f.provider, Variable: f.variable, Leaked: f.leak(l)}
		if f.others != nil {
			one.Others = f.others(l, one.Leaked)
		}
		site := l.Netlify.AddSite("uses-" + f.provider)
		l.Netlify.SetVar(site, f.variable, "production", one.Leaked, false)
		for name, value := range one.Others {
			l.Netlify.SetVar(site, name, "production", value, false)
		}
		l.Netlify.Deploy(site)
		out, sites = append(out, one), append(sites, site)
	}
	if len(out) != len(issuers) {
		return nil, fmt.Errorf("the lab leaks no key of some of %v", issuers)
	}
	deadline := time.Now().Add(l.opts.DeployTime + 10*time.Second)
	for _, site := range sites {
		for l.Netlify.LiveDeploy(site) == "" {
			if time.Now().After(deadline) {
				return nil, errors.New("a site did not go live")
			}
			time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a twin runs on the real clock
		}
	}
	return out, nil
}

// person does on an issuer's page what a person does there: POST /_lab/person with
// {"provider"} answers with a new key, with {"provider","remove":KEY} takes one away.
func (l *Lab) person(w http.ResponseWriter, r *http.Request) {
	ask := bodyOf(r)
	for _, f := range families() {
		if f.provider != word(ask, "provider") {
			continue
		}
		switch key := word(ask, "remove"); {
		case key == "" && f.again != nil:
			writeJSON(w, http.StatusOK, map[string]string{"key": f.again(l)})
			return
		case key != "" && f.remove != nil && f.remove(l, key):
			writeJSON(w, http.StatusOK, map[string]string{})
			return
		}
	}
	writeJSON(w, http.StatusNotFound, map[string]string{"message": fmt.Sprintf("nobody does that by hand at %q", word(ask, "provider"))})
}
