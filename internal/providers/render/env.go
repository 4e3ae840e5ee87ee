package render

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// errAnswer means that an answer was JSON of another thing than was asked for.
var errAnswer = errors.New("the answer is not about what was asked for")

func varPath(pl providers.Placement) string {
	kind := "/services/"
	if pl.Level == levelGroup {
		kind = "/env-groups/"
	}
	return kind + url.PathEscape(pl.Resource) + "/env-vars/" + url.PathEscape(pl.Key)
}

// Read returns one variable.
func (p *Provider) Read(ctx context.Context, pl providers.Placement) (secret.Text, error) {
	var v envVar
	op := "read " + pl.Key
	if err := p.call(ctx, op, http.MethodGet, varPath(pl), nil, &v); err != nil {
		return secret.Text{}, err
	}
	if v.Key != pl.Key {
		return secret.Text{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	return secret.New(v.Value), nil
}

// Store sets one variable and leaves all others. It may be repeated. A service
// answers with the variable, a group with the whole group.
func (p *Provider) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	var stored struct {
		envVar

		Group []envVar `json:"envVars"`
	}
	op := "store " + pl.Key
	err := p.call(ctx, op, http.MethodPut, varPath(pl), map[string]string{"value": v.Reveal()}, &stored)
	if err == nil && !slices.Contains(append(stored.Group, stored.envVar), envVar{pl.Key, v.Reveal()}) {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errAnswer}
	}
	return err
}
