package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/guided"
	"github.com/secretguard/secretguard/internal/providers/probe"
	"github.com/secretguard/secretguard/internal/secret"
)

// User replaces keys that a user owns: a person makes the new one, a call deletes the
// old one.
type User struct {
	*guided.Provider

	api api
}

var (
	_ providers.Guide   = (*User)(nil)
	_ providers.Deleter = (*User)(nil)
)

func userRow() guided.Service {
	s := row(Name, "OpenAI keys of users", credential.OpenAIKey, "sk-proj-", "sk-None-", "sk-")
	s.Limits = []string{"Better than another user's key is a service account's: the next leak is then replaced without a person."}
	return s
}

// Descriptor returns the provider as data, without any configuration.
func Descriptor() providers.Descriptor {
	d := userRow().Descriptor()
	d.Settings, d.ByHand = settings(), true
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssueByHand, providers.CanDelete}
	d.Limits[0] = "There is no call that makes a user's key: a person does, and hands it in. With an admin key the old one is deleted by a call."
	d.Permissions = append(d.Permissions, "an admin key with the right to manage the organisation, to delete the old key by a call")
	return d
}

// New returns the provider of users' keys; without an admin key everything is by hand.
func New(cfg Config) (providers.Provider, error) {
	d := Descriptor()
	g := guided.New(userRow(), guided.Config{Base: probe.At(cfg.BaseURL), Client: cfg.Client, Descriptor: &d})
	if cfg.AdminKey.Empty() {
		return g, nil
	}
	return &User{Provider: g, api: cfg.api(Name)}, nil
}

// Inspect finds the key among those of all projects.
func (u *User) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	token := c.Part(credential.PartToken)
	e, project, err := u.api.projectKey(ctx, token)
	if err != nil {
		return providers.KeyState{}, err
	}
	if e.Owner.Type == "service_account" {
		return providers.KeyState{}, &providers.Error{
			Provider: Name, Op: "look at the key", Class: providers.ErrUnsupported,
			Err: errors.New("it belongs to a service account, and its form does not say so: delete that account in the project's settings when its consumers have a new key"),
		}
	}
	k := e.key(credential.OpenAIKey, e.ID, project)
	k.Ref.ID += "…" + end(token) // a call needs the id, a person the end
	st := providers.KeyState{Key: k.KeyInfo, Identity: providers.Identity{Who: e.Name}}
	if k.Usage != nil {
		st.Usage = *k.Usage
	}
	return st, nil
}

// Delete deletes a user's key; one that is gone already is success. A new key that a
// person handed in is looked for by its ends: nobody was told its id.
func (u *User) Delete(ctx context.Context, k providers.KeyRef) error {
	id, tail, _ := strings.Cut(k.ID, "…")
	if strings.HasPrefix(id, "sk-") {
		var err error
		if id, err = u.byEnds(ctx, k.Owner, id, tail); err != nil {
			return err
		}
	}
	err := u.api.Do(ctx, "delete the key", http.MethodDelete, "/projects/"+url.PathEscape(k.Owner)+"/api_keys/"+url.PathEscape(id), nil, new(deleted))
	if errors.Is(err, providers.ErrNotFound) {
		return nil
	}
	return err
}

// byEnds finds the one key of a project that is shown with these ends. None is no
// success: the service may show ends in another way than we know.
func (u *User) byEnds(ctx context.Context, project, head, tail string) (string, error) {
	keys, err := u.api.all(ctx, "list the keys of a project", "/projects/"+url.PathEscape(project)+"/api_keys")
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range keys {
		if tail != "" && strings.HasPrefix(e.RedactedValue, head) && strings.HasSuffix(e.RedactedValue, tail) {
			found = append(found, e.ID)
		}
	}
	if len(found) != 1 {
		return "", &providers.Error{Provider: Name, Op: "look for the key " + head + "…" + tail, Class: providers.ErrRefused, Err: fmt.Errorf("%d keys of the project are shown like that; delete it by hand at %s", len(found), userRow().Link)}
	}
	return found[0], nil
}

// Pasted keeps the project of the old key, whose id does not tell how it began.
func (u *User) Pasted(old providers.KeyRef, value secret.Text) (providers.Issued, error) {
	return u.Provider.Pasted(providers.KeyRef{Kind: old.Kind, Owner: old.Owner}, value)
}

// end is how a person finds a key on the page.
func end(token secret.Text) string {
	plain := token.Reveal()
	return plain[max(0, len(plain)-4):]
}
