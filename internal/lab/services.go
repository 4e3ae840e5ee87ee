package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Services is the twin of the services that a leaked key is asked about: each of
// them answers one request that only reads, as its documentation and its real
// answers to a made-up key have it. They live below /NAME.
type Services struct {
	lab *Lab

	// vaults are those of the services that also make and take away keys.
	vaults map[string]*Vault

	mu   sync.Mutex
	live map[string]string // service and key -> what the key may do: "all" or "little"
}

func newServices(l *Lab) *Services {
	return &Services{lab: l, live: map[string]string{}, vaults: map[string]*Vault{}}
}

// may says what a service lets a key do.
func (s *Services) may(name, key string) string {
	s.mu.Lock()
	may := s.live[name+" "+key]
	s.mu.Unlock()
	if v := s.vaults[name]; may == "" && v != nil && v.works(key) {
		return "all"
	}
	return may
}

// Know makes a service know a key.
func (s *Services) Know(name, key string) { s.set(name, key, "all") }

// KnowLittle makes a service know a key that may not make this request.
func (s *Services) KnowLittle(name, key string) { s.set(name, key, "little") }

// Forget makes a service refuse a key, as after a revocation.
func (s *Services) Forget(name, key string) { s.set(name, key, "") }

func (s *Services) set(name, key, may string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live[name+" "+key] = may
}

// service is one of them: its request, where the key stands in it, and its answers.
type serviceTwin struct {
	request string // "GET /v1/models"
	header  string // that holds the key; empty for Authorization: Bearer
	inBody  string // field of the JSON body that holds it instead
	good    string
	bad     int // status for a key that is not known
	badBody string
	// little is the answer to a key whose rights do not reach; empty where there is none.
	little     int
	littleBody string
}

const openAIStyle = `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`

var serviceTwins = map[string]serviceTwin{
	"openai": {
		"GET /v1/models", "", "", `{"object":"list","data":[{"id":"gpt-5","object":"model"}]}`, 401, openAIStyle,
		403, `{"error":{"message":"You have insufficient permissions for this operation.","code":"missing_scope"}}`,
	},
	"anthropic":        {"GET /v1/models", "X-Api-Key", "", `{"data":[{"type":"model","id":"claude"}],"has_more":false}`, 401, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`, 0, ""},
	"google":           {"GET /v1beta/models", "X-Goog-Api-Key", "", `{"models":[{"name":"models/gemini"}]}`, 400, `{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`, 403, `{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED"}]}}`},
	"github":           {"GET /user", "", "", `{"login":"jo","id":7}`, 401, `{"message":"Bad credentials","status":"401"}`, 0, ""},
	"slack":            {"POST /api/auth.test", "", "", `{"ok":true,"team":"shop","team_id":"T1","user":"bot","user_id":"U1"}`, 200, `{"ok":false,"error":"invalid_auth"}`, 0, ""},
	"huggingface":      {"GET /api/whoami-v2", "", "", `{"type":"user","id":"6","name":"jo"}`, 401, `{"error":"Invalid credentials in Authorization header"}`, 0, ""},
	"supabase":         {"GET /v1/projects", "", "", `[{"id":"p1","name":"shop"}]`, 401, `{"message":"Unauthorized"}`, 0, ""},
	"supabase_project": {"GET /auth/v1/settings", "Apikey", "", `{"external":{"email":true},"disable_signup":false}`, 401, `{"message":"Invalid API key"}`, 0, ""},
	"prefect":          {"GET /api/me/", "", "", `{"id":"0b","handle":"jo"}`, 401, `{"detail":"Invalid authentication credentials"}`, 0, ""},
	"groq":             {"GET /openai/v1/models", "", "", `{"object":"list","data":[]}`, 401, `{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}`, 0, ""},
	"openrouter":       {"GET /api/v1/key", "", "", `{"data":{"label":"sk-or-v1-0…1","usage":0}}`, 401, `{"error":{"message":"No auth credentials found","code":401}}`, 0, ""},
	"xai":              {"GET /v1/api-key", "", "", `{"redacted_api_key":"xai-…b","name":"k","team_id":"t1"}`, 400, `{"code":"invalid-argument","error":"Incorrect API key provided."}`, 0, ""},
	"replicate":        {"GET /v1/account", "", "", `{"type":"user","username":"jo"}`, 401, `{"title":"Unauthenticated","status":401}`, 0, ""},
	"elevenlabs":       {"GET /v1/user", "Xi-Api-Key", "", `{"user_id":"u1","first_name":"Jo"}`, 401, `{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}`, 401, `{"detail":{"status":"missing_permissions","message":"The API key you used is missing the permission user_read"}}`},
	"langsmith":        {"GET /api/v1/sessions", "X-Api-Key", "", `[{"id":"s1","name":"default"}]`, 401, `{"detail":"Invalid token"}`, 0, ""},
	"deepseek":         {"GET /user/balance", "", "", `{"is_available":true,"balance_infos":[]}`, 401, `{"error":{"message":"Authentication Fails","type":"authentication_error"}}`, 0, ""},
	"mistral":          {"GET /v1/models", "", "", `{"object":"list","data":[]}`, 401, `{"detail":"Unauthorized"}`, 0, ""},
	"cohere":           {"GET /v1/models", "", "", `{"models":[{"name":"command"}]}`, 401, `{"message":"invalid api token"}`, 0, ""},
	"twocaptcha":       {"POST /getBalance", "", "clientKey", `{"errorId":0,"balance":1.5}`, 200, `{"errorId":1,"errorCode":"ERROR_KEY_DOES_NOT_EXIST"}`, 0, ""},
	"netlify":          {"GET /user", "", "", `{"id":"u1","email":"jo@shop.example"}`, 401, `{"code":401,"message":"Access Denied: Invalid or missing authentication"}`, 0, ""},
	"render":           {"GET /owners", "", "", `[{"cursor":"c","owner":{"id":"tea-1","name":"shop"}}]`, 401, `{"message":"Unauthorized"}`, 0, ""},
	"railway":          {"POST /graphql/v2", "", "", `{"data":{"me":{"id":"u1","name":"Jo"}}}`, 200, `{"errors":[{"message":"Not Authorized"}],"data":null}`, 0, ""},
}

// ServeHTTP answers as the service that the path names.
func (s *Services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	t, ok := serviceTwins[name]
	if v := s.vaults[name]; v != nil {
		if o, _, ok := v.find(r, path); ok {
			s.manage(w, r, v, o, path)
			return
		}
	}
	answer := func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
	s.lab.serve(w, r, Request{Service: "services", Op: name}, func(w http.ResponseWriter) {
		var key string
		switch {
		case !ok || r.Method+" /"+path != t.request:
			answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
			return
		case t.inBody != "":
			var body map[string]any
			_ = json.NewDecoder(r.Body).Decode(&body) // a body that is none holds no key
			key, _ = body[t.inBody].(string)
		case t.header != "":
			key = r.Header.Get(t.header)
		default:
			key, _ = strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		}
		switch may := s.may(name, key); {
		case may == "all":
			answer(w, http.StatusOK, t.good)
		case may == "little" && t.little != 0:
			answer(w, t.little, t.littleBody)
		default:
			answer(w, t.bad, t.badBody)
		}
	}, func(w http.ResponseWriter, f Fault) {
		answer(w, f.Status, fmt.Sprintf(`{"message":%q}`, f.Code))
	})
}

// manage serves a call of a management API.
func (s *Services) manage(w http.ResponseWriter, r *http.Request, v *Vault, o op, path string) {
	req := Request{Service: "services", Op: v.name + " " + o.name, Mutates: !o.reads}
	s.lab.serve(w, r, req, func(w http.ResponseWriter) {
		_, below, _ := v.find(r, path) // with the body that serve has read
		v.mux.ServeHTTP(w, below)
	}, func(w http.ResponseWriter, f Fault) {
		code := f.Code
		if code == "" {
			code = "planned_fault"
		}
		v.refuse(w, f.Status, code)
	})
}

// ServiceNames lists the services of the twin.
func ServiceNames() []string {
	var out []string
	for name := range serviceTwins {
		out = append(out, name)
	}
	return out
}
