package stripe

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/tokens"
)

const path = "/v1/webhook_endpoints"

func one(id string) string { return path + "/" + url.PathEscape(id) }

// endpoint is a webhook endpoint; Secret is there when it was made.
type endpoint struct {
	ID            string            `json:"id"`
	URL           string            `json:"url"`
	Status        string            `json:"status"`
	EnabledEvents []string          `json:"enabled_events"`
	APIVersion    string            `json:"api_version"`
	Application   string            `json:"application"`
	Description   string            `json:"description"`
	Metadata      map[string]string `json:"metadata"`
	Created       int64             `json:"created"`
	Secret        string            `json:"secret"`
}

// Whole implements tokens.Checked.
func (e *endpoint) Whole() bool { return e.ID != "" && e.URL != "" && e.Status != "" }

// owner is the address without its query, in which a service may have put a secret.
func (e *endpoint) owner() string {
	u, err := url.Parse(e.URL)
	if err != nil || u.Host == "" {
		return "an address of no known form"
	}
	return u.Host + u.Path
}

func (e *endpoint) key() tokens.Key {
	return tokens.Key{Name: e.Metadata[mark], KeyInfo: providers.KeyInfo{
		Ref:    providers.KeyRef{Kind: credential.StripeWebhook, ID: e.ID, Owner: e.owner()},
		Active: e.Status == "enabled", Created: time.Unix(e.Created, 0),
	}}
}

// copied is the form that makes an endpoint like this one, under a run's name. The
// version is a part of it: events have another form in another one.
func (e *endpoint) copied(name string, connect bool) url.Values {
	form := url.Values{"url": {e.URL}, "enabled_events[]": e.EnabledEvents}
	if e.APIVersion != "" {
		form.Set("api_version", e.APIVersion)
	}
	if e.Description != "" {
		form.Set("description", e.Description)
	}
	if connect {
		form.Set("connect", "true")
	}
	for k, v := range e.Metadata {
		form.Set("metadata["+k+"]", v)
	}
	form.Set("metadata["+mark+"]", name)
	return form
}

type deleted struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// Whole implements tokens.Checked.
func (d *deleted) Whole() bool { return d.ID != "" && d.Deleted }

// listing is a page of endpoints.
type listing struct {
	Data    *[]endpoint `json:"data"`
	HasMore bool        `json:"has_more"`
}

// Whole implements tokens.Checked.
func (l *listing) Whole() bool { return l.Data != nil }

// maxPages bounds a listing whose end never comes.
const maxPages = 100

// all lists the account's endpoints of our key's mode.
func (h webhooks) all(ctx context.Context) ([]endpoint, error) {
	const op = "list the endpoints"
	var out []endpoint
	after := ""
	for range maxPages {
		var l listing
		if err := h.Do(ctx, op, http.MethodGet, path+"?limit=100"+after, nil, &l); err != nil {
			return nil, err
		}
		out = append(out, *l.Data...)
		if !l.HasMore || len(*l.Data) == 0 {
			return out, nil
		}
		after = "&starting_after=" + url.QueryEscape(out[len(out)-1].ID)
	}
	return nil, &providers.Error{Provider: WebhookName, Op: op, Class: providers.ErrTransient, Err: errors.New("the listing does not end")}
}
