// Package google replaces Google API keys (Gemini and others) with the API Keys API.
//
// Protocol facts: the API's discovery document (apikeys v2). A change is a long-running
// operation; a deleted key can be restored for 30 days. The call that looks a key up by
// its value is not used: it puts the value into an address.
package google

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// Name is the provider's name.
const Name = "google"

// KeysURL is the public API that manages keys.
const KeysURL = "https://apikeys.googleapis.com"

// Config is what New needs.
type Config struct {
	AccessToken secret.Text // without it, or without a project, a person does what calls would do
	Project     string
	BaseURL     string // of the Gemini API; empty means Google's
	KeysURL     string // empty means the public one
	Client      *httpx.Client
	// Sleep replaces waiting between looks at an operation; nil means httpx.Sleep.
	Sleep func(context.Context, time.Duration) error
}

func row() guided.Service {
	return guided.Service{
		Name: Name, Title: "Google API keys (Gemini)", Kind: credential.GoogleAPIKey, Prefixes: []string{"AIza", "AQ."},
		Link: "https://console.cloud.google.com/apis/credentials", Docs: "https://cloud.google.com/docs/authentication/api-keys",
		Make: []string{
			"in the project of the key that ends with {end}, make a second key with the same restrictions; leave the old one alone for now",
			"copy the new key",
		},
		Retire: []string{"find the key that ends with {end}, and delete it"},
		Window: 5 * time.Minute,
	}
}

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	d := row().Descriptor()
	d.ByHand = true
	d.Settings = []providers.Setting{
		{Env: "GOOGLE_OAUTH_ACCESS_TOKEN", Help: "an OAuth access token, as \"gcloud auth print-access-token\" prints it; without it a person does what calls would do", Secret: true},
		{Env: "GOOGLE_CLOUD_PROJECT", Help: "the project that the keys belong to"},
		{Env: "SECRETGUARD_GOOGLE_URL", Help: "another base URL of the Gemini API"},
		{Env: "SECRETGUARD_GOOGLE_APIKEYS_URL", Help: "another base URL of the API Keys API"},
	}
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanDelete, providers.CanList}
	d.Permissions = []string{"apikeys.keys.create", "apikeys.keys.get", "apikeys.keys.getKeyString", "apikeys.keys.list", "apikeys.keys.delete"}
	d.Limits = []string{
		"An access token lives for an hour: a rotation that waits longer goes on with a new one.",
		"Restrictions are copied. A key without any is refused by Gemini, and the plan says so.",
		"Whether a key works is asked at Gemini; one that is restricted to other services (Maps, Firebase) cannot be checked there.",
		"A key that is bound to a service account (AQ.…) is not made here: a person does that.",
		"A deleted key can be restored for 30 days, by a person and not by a run; the plan shows the command. Until then whoever may do that can make the leaked key work again.",
		"New keys may need minutes until they work, deleted ones until they do not.",
	}
	d.Proof = providers.ProofPolicy{Refusals: 20, Window: 5 * time.Minute}
	d.ReadyWithin = 5 * time.Minute
	d.Restore = "a person, for 30 days: gcloud services api-keys undelete projects/{owner}/locations/global/keys/{id}"
	return d
}

// New returns a provider; it does no I/O. Without an access token and a project
// everything is by hand.
func New(cfg Config) (providers.Provider, error) {
	d := Descriptor()
	if cfg.AccessToken.Empty() || cfg.Project == "" {
		return guided.New(row(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d}), nil
	}
	if cfg.Sleep == nil {
		cfg.Sleep = httpx.Sleep
	}
	a := api{
		Caller: tokens.Caller{Provider: Name, Base: cmp.Or(cfg.KeysURL, KeysURL) + "/v2", Client: cfg.Client, Auth: tokens.Bearer(cfg.AccessToken.Reveal())},
		keys:   "/projects/" + url.PathEscape(cfg.Project) + "/locations/global/keys", project: cfg.Project, sleep: cfg.Sleep,
	}
	return tokens.New(tokens.Config{Descriptor: d, Service: a, Ask: probe.One{Provider: Name, Base: probe.At(cfg.BaseURL), Client: cfg.Client}.Ask}), nil
}

type api struct {
	tokens.Caller

	keys, project string
	sleep         func(context.Context, time.Duration) error
}

// key is a key without its value.
type key struct {
	Name         string          `json:"name"`
	DisplayName  string          `json:"displayName"`
	CreateTime   time.Time       `json:"createTime"`
	Restrictions json.RawMessage `json:"restrictions,omitempty"`
	Account      string          `json:"serviceAccountEmail"`
}

// Whole implements tokens.Checked.
func (k *key) Whole() bool { return k.Name != "" }

func (k key) id() string { return k.Name[strings.LastIndexByte(k.Name, '/')+1:] }

func (a api) info(k key) tokens.Key {
	out := tokens.Key{Name: k.DisplayName, KeyInfo: providers.KeyInfo{Ref: providers.KeyRef{Kind: credential.GoogleAPIKey, ID: k.id(), Owner: a.project}, Active: true, Created: k.CreateTime}}
	switch {
	case len(k.Restrictions) == 0 || string(k.Restrictions) == "{}":
		out.Notes = []string{"the key has no restrictions: it may be in use for any Google service, and Gemini refuses new keys like that"}
	case !strings.Contains(string(k.Restrictions), "generativelanguage.googleapis.com"):
		out.Notes = []string{"the key is not restricted to Gemini: whether it works cannot be told here for other services"}
	}
	return out
}

type listing struct {
	Keys []key  `json:"keys"`
	Next string `json:"nextPageToken"`
	// said tells that the answer has one of the fields; a project without keys has none.
	said bool
}

// UnmarshalJSON notes whether the answer looks like a listing.
func (l *listing) UnmarshalJSON(b []byte) error {
	var fields map[string]json.RawMessage
	type plain listing
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}
	_, l.said = fields["keys"]
	return json.Unmarshal(b, (*plain)(l))
}

// Whole implements tokens.Checked. A project without keys is no place to look for one.
func (l *listing) Whole() bool { return l.said }

// maxPages bounds a listing whose end never comes.
const maxPages = 1000

func (a api) all(ctx context.Context) ([]key, error) {
	const op = "list the project's keys"
	var out []key
	next := ""
	for range maxPages {
		var l listing
		if err := a.Do(ctx, op, http.MethodGet, a.keys+"?pageSize=300"+next, nil, &l); err != nil {
			return nil, err
		}
		if out = append(out, l.Keys...); l.Next == "" {
			return out, nil
		}
		next = "&pageToken=" + url.QueryEscape(l.Next)
	}
	return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errors.New("the listing does not end")}
}

type keyString struct {
	Value string `json:"keyString"`
}

// Whole implements tokens.Checked.
func (k *keyString) Whole() bool { return k.Value != "" }

func (a api) value(ctx context.Context, id string) (secret.Text, error) {
	var out keyString
	err := a.Do(ctx, "read a key's value", http.MethodGet, a.keys+"/"+url.PathEscape(id)+"/keyString", nil, &out)
	return secret.New(out.Value), err
}

// Find compares values, one request for each key: a look-up by value would put the leaked key
// into an address.
func (a api) Find(ctx context.Context, token secret.Text) (tokens.Key, []tokens.Key, error) {
	list, err := a.Keys(ctx, a.project)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	found := ""
	for _, k := range list {
		v, err := a.value(ctx, k.Ref.ID)
		switch {
		case errors.Is(err, providers.ErrNotFound): // deleted since it was listed
		case err != nil:
			return tokens.Key{}, nil, err
		case v.Equal(token):
			found = k.Ref.ID
		}
	}
	return tokens.One(Name, list, func(k tokens.Key) bool { return k.Ref.ID == found })
}

func (a api) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	list, err := a.all(ctx)
	var keys []tokens.Key
	for _, k := range list {
		keys = append(keys, a.info(k))
	}
	return keys, err
}

// operation is a change that takes its time.
type operation struct {
	Name  string `json:"name"`
	Done  bool   `json:"done"`
	Error *struct {
		Code int `json:"code"`
	} `json:"error"`
}

// operationName is what a name looks like: it becomes a part of an address.
var operationName = regexp.MustCompile(`^operations/[A-Za-z0-9._-]{1,200}$`)

// Whole implements tokens.Checked.
func (o *operation) Whole() bool { return operationName.MatchString(o.Name) }

// Make makes a key under an id of its own, with the restrictions of the old one, and
// waits for the operation. Whatever fails after the request went out leaves open whether
// the key is there.
func (a api) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	const op = "make a key"
	none := providers.KeyRef{}
	var was key
	if err := a.Do(ctx, "look at the old key", http.MethodGet, a.keys+"/"+url.PathEscape(old.ID), nil, &was); err != nil {
		return none, secret.Text{}, err
	}
	if was.Account != "" {
		return none, secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrUnsupported, Err: errors.New("the old key is bound to a service account: make its replacement by hand")}
	}
	id := strings.ReplaceAll(name, "_", "-")
	body := map[string]any{"displayName": name}
	if len(was.Restrictions) > 0 {
		body["restrictions"] = was.Restrictions
	}
	var o operation
	if err := a.Do(ctx, op, http.MethodPost, a.keys+"?keyId="+url.QueryEscape(id), body, &o); err != nil {
		return none, secret.Text{}, err
	}
	unclear := func(err error) (providers.KeyRef, secret.Text, error) {
		return none, secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: err}
	}
	if err := a.wait(ctx, &o); err != nil {
		return unclear(err)
	}
	value, err := a.value(ctx, id)
	if err != nil {
		return unclear(err)
	}
	return providers.KeyRef{Kind: old.Kind, ID: id, Owner: old.Owner}, value, nil
}

// looks is how often an operation is looked at, a second apart.
const looks = 60

func (a api) wait(ctx context.Context, o *operation) error {
	name := o.Name
	for range looks {
		switch {
		case o.Error != nil:
			return errors.New("the operation failed")
		case o.Done:
			return nil
		}
		if err := a.sleep(ctx, time.Second); err != nil {
			return err
		}
		*o = operation{}
		if err := a.Do(ctx, "look at the operation", http.MethodGet, "/"+name, nil, o); err != nil {
			return err
		}
	}
	return errors.New("the operation takes longer than a minute")
}

// Remove begins to delete the key; the proof of death waits for the end.
func (a api) Remove(ctx context.Context, k providers.KeyRef) error {
	return a.Do(ctx, "delete the key", http.MethodDelete, a.keys+"/"+url.PathEscape(k.ID), nil, new(operation))
}
