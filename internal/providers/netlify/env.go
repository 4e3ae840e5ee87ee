package netlify

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

type variable struct {
	Key      string   `json:"key"`
	IsSecret bool     `json:"is_secret"`
	Scopes   []string `json:"scopes"`
	Values   []value  `json:"values"`
	// UpdatedAt is when any of the values was changed last.
	UpdatedAt time.Time `json:"updated_at"`
}

type value struct {
	Value   string `json:"value"`
	Context string `json:"context"`
	Param   string `json:"context_parameter"`
}

// in returns the value of one context.
func (v variable) in(context, param string) (value, bool) {
	i := slices.IndexFunc(v.Values, func(x value) bool { return x.Context == context && x.Param == param })
	if i < 0 {
		return value{}, false
	}
	return v.Values[i], true
}

// production returns the value that a production deploy sees.
func (v variable) production() (value, bool) {
	if x, ok := v.in("production", ""); ok {
		return x, true
	}
	return v.in("all", "")
}

// Read returns the value of one context.
func (p *Provider) Read(ctx context.Context, pl providers.Placement) (secret.Text, error) {
	v, x, err := p.read(ctx, "read "+pl.Key, pl)
	if err != nil {
		return secret.Text{}, err
	}
	if v.IsSecret && pl.Context != "dev" { // what came back is a mask
		return secret.Text{}, &providers.Error{Provider: Name, Op: "read " + pl.Key, Class: providers.ErrUnreadable}
	}
	return secret.New(x.Value), nil
}

func (p *Provider) read(ctx context.Context, op string, pl providers.Placement) (variable, value, error) {
	var v variable
	if err := p.call(ctx, op, http.MethodGet, envPath(pl.Account, pl.Key, pl.Resource), nil, &v); err != nil {
		return v, value{}, err
	}
	if v.Key != pl.Key {
		return v, value{}, &providers.Error{Provider: Name, Op: op, Class: providers.ErrTransient, Err: errAnswer}
	}
	x, ok := v.in(pl.Context, pl.ContextParam)
	if !ok {
		return v, x, &providers.Error{
			Provider: Name, Op: op, Class: providers.ErrNotFound,
			Err: fmt.Errorf("it holds no value for the context %s any more", strings.TrimSpace(pl.Context+" "+pl.ContextParam)),
		}
	}
	return v, x, nil
}

// Store sets one context of one variable. Other contexts, the scopes and the
// secret flag stay as they are. It may be repeated. A context that the variable
// does not hold is ErrNotFound and nothing is sent: the call would create it, and
// what it then does with a value for all contexts is not documented.
func (p *Provider) Store(ctx context.Context, pl providers.Placement, v secret.Text) error {
	op := "store " + pl.Key
	if _, _, err := p.read(ctx, op, pl); err != nil {
		return err
	}
	body := map[string]string{"context": pl.Context, "value": v.Reveal()}
	if pl.ContextParam != "" {
		body["context_parameter"] = pl.ContextParam
	}
	var stored variable
	err := p.call(ctx, op, http.MethodPatch, envPath(pl.Account, pl.Key, pl.Resource), body, &stored)
	if err == nil && stored.Key != pl.Key {
		err = &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Err: errAnswer}
	}
	return err
}

// functionsLimit is what the names and values of all variables of a site's
// functions may take together, in bytes: AWS Lambda's limit. Netlify adds a few
// of its own, so we speak up before it is reached. (netlify/cli issues 6791, 6962)
const (
	functionsLimit = 4096
	functionsWarn  = 3584
)

// noteFull warns at the placements of sites whose functions have little room
// left: a longer value would make the deploy fail.
func noteFull(found []providers.Placement, sites []site, own map[string][]variable, team []variable) {
	full := map[string]int{}
	for _, s := range sites {
		if n := functionBytes(own[s.ID], team); n >= functionsWarn {
			full[s.ID] = n
		}
	}
	for i := range found {
		for _, t := range found[i].Targets {
			if n := full[t.ID]; n > 0 {
				found[i].Notes = append(found[i].Notes, fmt.Sprintf(
					"the variables of the functions of %s take about %d of %d bytes: a longer value can make its deploy fail", t.Name, n, functionsLimit))
			}
		}
	}
}

// functionBytes sums up what a production deploy hands to functions. The length
// of a secret value is that of its mask, the best that can be known.
func functionBytes(own, team []variable) int {
	sum := 0
	add := func(v variable) {
		if x, ok := v.production(); ok && (len(v.Scopes) == 0 || slices.Contains(v.Scopes, "functions")) {
			sum += len(v.Key) + len(x.Value)
		}
	}
	for _, v := range own {
		add(v)
	}
	for _, v := range team {
		if !hides(own, v.Key) {
			add(v)
		}
	}
	return sum
}
