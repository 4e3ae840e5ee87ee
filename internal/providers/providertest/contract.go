package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"go.yaml.in/yaml/v4"
)

// Contract holds requests and answers to a provider's official OpenAPI document.
type Contract struct {
	twin   string
	router routers.Router
	known  []Deviation

	mu      sync.Mutex
	covered map[string]int // answers by operation and status
	faults  []string
	met     map[string]bool // deviations that occurred
}

// Deviation is a place where the real service is known to differ from its own
// document: Real is what it sends, Document what the document wants there.
type Deviation struct{ Real, Document, Why string }

// OpenContract reads a document out of the folder with the official ones, which
// lies beside the repository and not in it: without it the test is skipped. twin
// is the name of the twin that serves the document, base its path there.
func OpenContract(t *testing.T, file, twin, base string, known ...Deviation) *Contract {
	t.Helper()
	doc, err := load(Spec(t, file))
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	for _, ref := range doc.Components.Schemas {
		relax(ref.Value, map[*openapi3.Schema]bool{})
	}
	for _, item := range doc.Paths.Map() {
		for _, o := range item.Operations() {
			o.Security = openapi3.NewSecurityRequirements() // twins check access themselves
			formsAsJSON(o)
		}
	}
	doc.Servers = openapi3.Servers{{URL: base}}
	r, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	return &Contract{twin: twin, router: r, known: known, covered: map[string]int{}, met: map[string]bool{}}
}

// Spec returns a file of the folder with the official documents, and skips the
// test where it is absent.
func Spec(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(specs(t), file))
	if err != nil {
		t.Skipf("NOT CHECKED: the official document %s is not here (%v); put it into shared/specs beside the repository", file, err)
	}
	return data
}

// specs is the folder with the official documents, beside the repository's root.
func specs(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "..", "shared", "specs")
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// load reads OpenAPI 3 in JSON, or Swagger 2.0 in YAML.
func load(data []byte) (*openapi3.T, error) {
	var google discovery
	if json.Unmarshal(data, &google) == nil && google.Version != "" {
		return google.openAPI()
	}
	if json.Valid(data) {
		return openapi3.NewLoader().LoadFromData(data)
	}
	var tree any
	if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, err
	}
	plain, err := json.Marshal(tree)
	if err != nil {
		return nil, err
	}
	var old openapi2.T
	if err := json.Unmarshal(plain, &old); err != nil {
		return nil, err
	}
	return openapi2conv.ToV3(&old)
}

// relax turns "exactly one of" into "at least one of": the forms that documents
// list so overlap, and real answers then fit several of them.
func relax(s *openapi3.Schema, seen map[*openapi3.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	s.AnyOf, s.OneOf = append(s.AnyOf, s.OneOf...), nil
	for _, list := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf} {
		for _, ref := range list {
			relax(ref.Value, seen)
		}
	}
	for _, ref := range s.Properties {
		relax(ref.Value, seen)
	}
	if s.Items != nil {
		relax(s.Items.Value, seen)
	}
}

// Wrap is for lab.Options: it stands before the twin and notes every request and
// answer that the document does not allow.
func (c *Contract) Wrap(service string, twin http.Handler) http.Handler {
	if service != c.twin {
		return twin
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		rec := httptest.NewRecorder()
		twin.ServeHTTP(rec, r)
		c.Exchange(r, body, rec.Code, rec.Header(), rec.Body.Bytes())
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes()) // the client may be gone
	})
}

// Exchange checks one request and its answer.
func (c *Contract) Exchange(r *http.Request, body []byte, status int, header http.Header, answer []byte) {
	name := r.Method + " " + r.URL.Path
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		c.note(name + ": the document has no such operation")
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r.Clone(r.Context()), PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true},
	}
	body = formBody(in.Request, route.Operation, body)
	in.Request.Body = io.NopCloser(bytes.NewReader(body))
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		c.note(fmt.Sprintf("%s: request: %v", name, err))
	}
	c.undeclaredQuery(name, route, r.URL.Query())
	if rb := route.Operation.RequestBody; rb != nil && len(body) > 0 {
		c.undeclared(name+": request", rb.Value.Content.Get("application/json"), body)
	}
	spelt := c.rewrite(answer)
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: status, Header: header, Options: in.Options}
	out.SetBodyBytes(spelt)
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		c.note(fmt.Sprintf("%s: answer %d: %v", name, status, err))
	}
	if res := route.Operation.Responses.Status(status); res != nil && len(spelt) > 0 {
		c.undeclared(fmt.Sprintf("%s: answer %d", name, status), res.Value.Content.Get("application/json"), spelt)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.covered[fmt.Sprintf("%s %d", route.Operation.OperationID, status)]++
}

// rewrite puts the document's spelling where the real service is known to have
// another one.
func (c *Contract) rewrite(answer []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.known {
		if bytes.Contains(answer, []byte(d.Real)) {
			c.met[d.Real] = true
			answer = bytes.ReplaceAll(answer, []byte(d.Real), []byte(d.Document))
		}
	}
	return answer
}

func (c *Contract) undeclaredQuery(name string, route *routers.Route, q url.Values) {
	declared := append(slices.Clone(route.Operation.Parameters), route.PathItem.Parameters...)
	for key := range q {
		if !slices.ContainsFunc(declared, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" && p.Value.Name == key }) {
			c.note(name + ": request: the document has no query parameter " + key)
		}
	}
}

// undeclared notes fields that the document does not have: a validator lets them
// pass, and a misspelt field with them.
func (c *Contract) undeclared(name string, media *openapi3.MediaType, body []byte) {
	var v any
	if media == nil || media.Schema == nil || json.Unmarshal(body, &v) != nil {
		return
	}
	c.fields(name, media.Schema.Value, v)
}

func (c *Contract) fields(name string, schema *openapi3.Schema, v any) {
	switch v := v.(type) {
	case []any:
		if schema.Items == nil {
			return
		}
		for _, x := range v {
			c.fields(name+"[]", schema.Items.Value, x)
		}
	case map[string]any:
		props := map[string][]*openapi3.Schema{}
		properties(schema, props)
		if len(props) == 0 {
			return // any object
		}
		for key, x := range v {
			if len(props[key]) == 0 && !slices.Contains(schema.Required, key) { // Render's document requires a field that it does not describe
				c.note(name + ": the document has no field " + key)
			}
			if len(props[key]) == 1 {
				c.fields(name+"."+key, props[key][0], x)
			}
		}
	}
}

// properties gathers an object's fields over all ways to compose it.
func properties(s *openapi3.Schema, out map[string][]*openapi3.Schema) {
	for name, p := range s.Properties {
		out[name] = append(out[name], p.Value)
	}
	for _, list := range []openapi3.SchemaRefs{s.AllOf, s.AnyOf, s.OneOf} {
		for _, p := range list {
			properties(p.Value, out)
		}
	}
}

func (c *Contract) note(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.faults, text) {
		c.faults = append(c.faults, text)
	}
}

// Check reports what the document does not allow, and that every one of the
// operations was seen with its status ("getEnvVar 200"): an exchange that did not
// happen was not checked. A known deviation that did not occur is reported too.
func (c *Contract) Check(t *testing.T, operations ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults {
		t.Error(strings.ReplaceAll(f, "\n", " "))
	}
	for _, o := range operations {
		if c.covered[o] == 0 {
			t.Errorf("%s did not happen; seen: %v", o, c.covered)
		}
	}
	for _, d := range c.known {
		if !c.met[d.Real] {
			t.Errorf("the deviation %s (%s) did not occur: is it gone?", d.Real, d.Why)
		}
	}
}
