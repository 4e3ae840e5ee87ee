package actions

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/crypto/nacl/box"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

var (
	errAnswer = errors.New("the answer is not about what was asked for")
	errNoKey  = errors.New("the answer holds no key to seal a secret with")
)

// place is the address of the secrets and variables that a placement belongs to.
func place(pl providers.Placement) string {
	switch pl.Level {
	case levelOrgSecret, levelOrgVariable:
		return "/orgs/" + url.PathEscape(pl.Account) + "/actions"
	case levelEnvSecret, levelEnvVariable:
		return "/repos/" + pl.Resource + "/environments/" + url.PathEscape(pl.Context)
	default:
		return "/repos/" + pl.Resource + "/actions"
	}
}

// Read returns a variable; a secret cannot be read.
func (p *Provider) Read(ctx context.Context, pl providers.Placement) (secret.Text, error) {
	op := "read " + pl.Key
	if pl.WriteOnly {
		return secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrUnreadable}
	}
	var v variable
	if err := p.get(ctx, op, place(pl)+"/variables/"+url.PathEscape(pl.Key), &v); err != nil {
		return secret.Text{}, err
	}
	if v.Name != pl.Key {
		return secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	return secret.New(v.Value), nil
}

// Store sets one secret or variable and leaves all others. It may be repeated. One that
// is gone is ErrNotFound: the call for a secret would make it anew, for nobody.
func (p *Provider) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	op := "store " + pl.Key
	if !pl.WriteOnly {
		body := map[string]string{"name": pl.Key, "value": v.Reveal()}
		return p.write(ctx, op, http.MethodPatch, place(pl)+"/variables/"+url.PathEscape(pl.Key), body)
	}
	var now hidden
	path := place(pl) + "/secrets/" + url.PathEscape(pl.Key)
	if err := p.get(ctx, op+" (is it there?)", path, &now); err != nil {
		return err
	}
	if now.Name != pl.Key {
		return &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	body, err := p.sealed(ctx, op, pl, v)
	if err != nil {
		return err
	}
	if pl.Level == levelOrgSecret { // who sees it is a part of the call, and must stay
		if body["visibility"] = now.Visibility; now.Visibility == "selected" {
			if body["selected_repository_ids"], err = p.selected(ctx, op, path); err != nil {
				return err
			}
		}
	}
	return p.write(ctx, op, http.MethodPut, path, body)
}

// sealed is a value as GitHub takes it: only GitHub can open it.
func (p *Provider) sealed(ctx context.Context, op string, pl providers.Placement, v secret.Text) (map[string]any, error) {
	var key struct {
		ID  string `json:"key_id"`
		Key string `json:"key"`
	}
	if err := p.get(ctx, op+" (the key to seal it with)", place(pl)+"/secrets/public-key", &key); err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(key.Key)
	if err != nil || len(raw) != 32 || key.ID == "" {
		return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errNoKey}
	}
	out, err := box.SealAnonymous(nil, []byte(v.Reveal()), (*[32]byte)(raw), rand.Reader)
	if err != nil {
		return nil, &providers.Error{Provider: Name, Op: op, Class: providers.ErrRefused, Err: err}
	}
	return map[string]any{"encrypted_value": base64.StdEncoding.EncodeToString(out), "key_id": key.ID}, nil
}

// selected lists the repositories that see a secret of an organisation.
func (p *Provider) selected(ctx context.Context, op, path string) ([]int64, error) {
	var ids []int64
	err := pages(ctx, p, op+" (who sees it)", path+"/repositories", "repositories", func(r repository) { ids = append(ids, r.ID) })
	return ids, err
}
