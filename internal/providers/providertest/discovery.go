package providertest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// discovery is a Google discovery document, as far as a contract needs it.
type discovery struct {
	Version   string              `json:"discoveryVersion"`
	Resources map[string]resource `json:"resources"`
	Schemas   map[string]any      `json:"schemas"`
}

type resource struct {
	Methods   map[string]method   `json:"methods"`
	Resources map[string]resource `json:"resources"`
}

type method struct {
	ID         string                    `json:"id"`
	FlatPath   string                    `json:"flatPath"`
	HTTPMethod string                    `json:"httpMethod"`
	Parameters map[string]map[string]any `json:"parameters"`
	Request    any                       `json:"request"`
	Response   any                       `json:"response"`
}

var (
	inBraces   = regexp.MustCompile(`\{(\w+)\}`)
	toSchema   = regexp.MustCompile(`"\$ref":\s*"(\w+)"`)
	anySchema  = regexp.MustCompile(`"type":\s*"any"`)
	googleOnly = regexp.MustCompile(`"format":\s*"google-[a-z]+"`) // kin-openapi knows none of them
)

// openAPI makes an OpenAPI document of a discovery document. Every method has one answer
// there, and no word about errors.
func (d discovery) openAPI() (*openapi3.T, error) {
	paths := map[string]map[string]any{}
	var walk func(resource)
	walk = func(r resource) {
		for _, m := range r.Methods {
			path := "/" + m.FlatPath
			if paths[path] == nil {
				paths[path] = map[string]any{}
			}
			paths[path][strings.ToLower(m.HTTPMethod)] = m.operation()
		}
		for _, below := range r.Resources {
			walk(below)
		}
	}
	walk(resource{Resources: d.Resources})
	b, err := json.Marshal(map[string]any{
		"openapi": "3.0.3", "info": map[string]string{"title": "discovery", "version": d.Version}, "paths": paths, "components": map[string]any{"schemas": d.Schemas},
	})
	if err != nil {
		return nil, err
	}
	text := toSchema.ReplaceAllString(string(b), `"$$ref":"#/components/schemas/$1"`)
	text = googleOnly.ReplaceAllString(anySchema.ReplaceAllString(text, `"nullable":true`), `"nullable":false`)
	doc, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("made of a discovery document: %w", err)
	}
	return doc, nil
}

func (m method) operation() map[string]any {
	params := []any{}
	for _, name := range inBraces.FindAllStringSubmatch(m.FlatPath, -1) {
		params = append(params, map[string]any{"name": name[1], "in": "path", "required": true, "schema": map[string]string{"type": "string"}})
	}
	for name, p := range m.Parameters {
		if p["location"] == "query" {
			params = append(params, map[string]any{"name": name, "in": "query", "schema": map[string]any{"type": p["type"]}})
		}
	}
	body := func(schema any) map[string]any {
		return map[string]any{"application/json": map[string]any{"schema": schema}}
	}
	out := map[string]any{
		"operationId": m.ID, "parameters": params,
		"responses": map[string]any{"200": map[string]any{"description": "the answer", "content": body(m.Response)}},
	}
	if m.Request != nil {
		out["requestBody"] = map[string]any{"content": body(m.Request)}
	}
	return out
}
