package netlify

import (
	"context"
	"net/http"
	"net/url"

	"github.com/secretguard/secretguard/internal/providers"
)

// roles says what a member's role in a team means for variables and deploys. The
// names are of Netlify's own document (accountAddMemberSetup). A developer may be
// kept from single sites and from variables, which the API does not tell.
var roles = map[string]providers.May{
	"Owner": providers.MayYes, "Reviewer": providers.MayNo, "Billing Admin": providers.MayNo, "Developer": providers.MayUnknown,
}

// Rights reads which role the user of our token has in each team.
func (p *Provider) Rights(ctx context.Context, asks []providers.Ask) []providers.Right {
	out := make([]providers.Right, len(asks))
	byAccount := map[string]providers.Right{}
	for i, a := range asks {
		r, ok := byAccount[a.Account()]
		if !ok {
			r = p.role(ctx, a.Account())
			byAccount[a.Account()] = r
		}
		out[i] = r
	}
	return out
}

// role answers for one team.
func (p *Provider) role(ctx context.Context, team string) providers.Right {
	untold := func(why string) providers.Right { return providers.Right{May: providers.MayUnknown, Why: why} }
	var user struct {
		Email string `json:"email"`
	}
	if err := p.call(ctx, "ask whose token it is", http.MethodGet, "/user", nil, &user); err != nil {
		return untold("not told: " + err.Error())
	}
	var members []struct {
		Email string `json:"email"`
		Role  string `json:"role"`
	}
	if err := p.call(ctx, "list the members of a team", http.MethodGet, "/"+url.PathEscape(team)+"/members", nil, &members); err != nil {
		return untold("not told: " + err.Error())
	}
	for _, m := range members {
		if m.Email != user.Email || user.Email == "" {
			continue
		}
		may, known := roles[m.Role]
		if !known || may == providers.MayUnknown {
			return untold("the user of our token is " + m.Role + " of the team; what that allows here is not told")
		}
		return providers.Right{May: may, Why: "the user of our token is " + m.Role + " of the team"}
	}
	return untold("the user of our token is not among the members of the team")
}
