package probe

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/secret"
)

// probe is how keys of one form are asked about: one request that only reads, costs
// nothing and needs no other access.
//
// Several probes may fit one key, such as those of a service's regions: the key is
// live when one of them says so, and dead only when each of them does.
type probe struct {
	name  string // of the service: SECRETGUARD_<NAME>_URL, [providers.name]
	title string
	what  string // which sort of the kind's keys, in a word; empty for the ordinary one
	kind  credential.Kind
	// form is what the whole value must look like, or it is not sent: a kind alone is
	// only what a rule said. The value of a pair is "id:secret".
	form *regexp.Regexp
	// not is what it must not look like, where the form is wide; nil for nothing.
	not *regexp.Regexp
	// base is the service's address, empty for one that the operator runs, and call the
	// request below it, "GET /v1/models"; {id} in it is the id of a pair.
	base, call string
	// home returns the address for services that have one for each project or region,
	// from what the key itself says or was found beside; nil otherwise.
	home   func(c credential.Credential) (string, bool)
	header func(h http.Header, key string)
	body   func(key string) any // of a POST that only reads; nil for a GET
	// live is the answer to a key that works. dead is the answer to one that the service
	// does not know. scoped is the answer to one that works and may not do this.
	live         good
	dead, scoped sign
	// refused is the answer to one that the service does not know where other keys get it
	// too: it tells something only beside a key of the same account that works.
	refused sign
	// but says what a refusal leaves open.
	but  string
	docs string
}

// table lists what is known, with the vendor's description of the request. It is made
// once, since its expressions take a while, and nobody changes it.
var table = sync.OnceValue(func() []probe { return slices.Concat(aiProbes(), platformProbes(), contextProbes(), twilioProbes()) })

// sent is what a request is made with: a token, or both halves of a pair as basic
// authentication parts them, "id:secret". It is empty when a half is missing.
func sent(c credential.Credential) secret.Text {
	id, half := c.Part(credential.PartID), c.Part(credential.PartSecret)
	if !c.Kind.Paired() || id.Empty() || half.Empty() {
		return c.Part(credential.PartToken)
	}
	return secret.New(id.Reveal() + ":" + half.Reveal())
}

func basic(h http.Header, key string) {
	h.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(key)))
}

func bearer(h http.Header, key string) { h.Set("Authorization", "Bearer "+key) }

func header(name string) func(http.Header, string) {
	return func(h http.Header, key string) { h.Set(name, key) }
}

func nothing(string) any { return struct{}{} }

func query(q string) func(string) any {
	return func(string) any { return map[string]string{"query": q} }
}

// whole compiles an expression that must match all of a value.
func whole(expr string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + expr + `)$`) }

// otherService begins keys that tell whose they are.
var otherService = regexp.MustCompile(`^(?:gh[a-z]|[spr]k|xox[a-z]|xapp|hf|sbp?|pn[ub]|gsk|r8|nf[a-z]|rnd|lsv2|xai|pplx|whsec|github|glpat|npm|AKIA|ASIA)[_-]`)

var (
	projectRef = whole(`[a-z]{20}`)
	region     = whole(`[a-z]{2}(?:-[a-z]{2,5}){1,3}-[0-9]`)
)

// named returns the address of the Supabase project that a token names in its claims.
func named(c credential.Credential) (string, bool) {
	parts := strings.Split(c.Part(credential.PartToken).Reveal(), ".")
	if len(parts) != 3 {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Issuer string `json:"iss"`
		Ref    string `json:"ref"`
	}
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Issuer != "supabase" {
		return "", false
	}
	return projectHost(claims.Ref)
}

// found returns the address of the Supabase project that a key's checksum proves, or
// that stood near it.
func found(c credential.Credential) (string, bool) { return projectHost(c.Project) }

func projectHost(ref string) (string, bool) {
	return "https://" + ref + ".supabase.co", projectRef.MatchString(ref)
}

// bedrockPrefix stands before what a short-lived Bedrock key is: the address of a
// presigned request, in base64 (github.com/aws/aws-bedrock-token-generator-js).
const bedrockPrefix = "bedrock-api-key-"

// bedrockRegion returns the endpoint of the region in which a short-lived Bedrock key
// was made: X-Amz-Credential is "id/date/region/service/aws4_request".
func bedrockRegion(c credential.Credential) (string, bool) {
	encoded := strings.TrimPrefix(c.Part(credential.PartToken).Reveal(), bedrockPrefix)
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	_, q, _ := strings.Cut(string(plain), "?")
	values, err := url.ParseQuery(q)
	scope := strings.Split(values.Get("X-Amz-Credential"), "/")
	if err != nil || len(scope) != 5 || !region.MatchString(scope[2]) {
		return "", false
	}
	return "https://bedrock." + scope[2] + ".amazonaws.com", true
}
