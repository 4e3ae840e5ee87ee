package providertest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

const formType = "application/x-www-form-urlencoded"

// formsAsJSON lets a document's forms be checked as JSON: names such as
// "metadata[team]" and "events[]" are a convention that the validator does not read.
func formsAsJSON(o *openapi3.Operation) {
	for _, p := range o.Parameters {
		if p.Value.Style == "deepObject" && p.Value.Schema.Value.Type.Is("array") {
			p.Value.Style = "form"
		}
	}
	if o.RequestBody == nil {
		return
	}
	if form := o.RequestBody.Value.Content.Get(formType); form != nil {
		o.RequestBody.Value.Content["application/json"] = openapi3.NewMediaType().WithSchemaRef(form.Schema)
	}
}

// formBody turns a form into the JSON that it stands for, with the types that the
// document wants; what is no form comes back as it is.
func formBody(r *http.Request, o *openapi3.Operation, body []byte) []byte {
	if o.RequestBody == nil || r.Header.Get("Content-Type") != formType {
		return body
	}
	media := o.RequestBody.Value.Content.Get(formType)
	form, err := url.ParseQuery(string(body))
	if media == nil || err != nil {
		return body
	}
	r.Header.Set("Content-Type", "application/json")
	out := map[string]any{}
	for name, values := range form {
		field, rest, _ := strings.Cut(name, "[")
		switch key := strings.TrimSuffix(rest, "]"); {
		case rest == "":
			out[field] = typed(media.Schema.Value.Properties[field], values[0])
		case key == "":
			out[field] = values
		default:
			inner, _ := out[field].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			inner[key] = values[0]
			out[field] = inner
		}
	}
	text, _ := json.Marshal(out) // strings, booleans and maps of them
	return text
}

// typed is a form's text as the type that the document wants.
func typed(schema *openapi3.SchemaRef, text string) any {
	if schema == nil {
		return text
	}
	if b, err := strconv.ParseBool(text); err == nil && schema.Value.Type.Is("boolean") {
		return b
	}
	if n, err := strconv.Atoi(text); err == nil && schema.Value.Type.Is("integer") {
		return n
	}
	return text
}
