package render

import (
	"context"
	"net/http"
	"net/url"

	"github.com/secretguard/secretguard/internal/providers"
)

// roles says what a member's role in a workspace means for variables and deploys.
// The names are of Render's OpenAPI document (teamMemberRole). Whether a developer
// or a contributor may change a service hangs on its project and environment, of
// which the API tells nothing.
var roles = map[string]providers.May{
	"ADMIN": providers.MayYes, "WORKSPACE_VIEWER": providers.MayNo, "WORKSPACE_BILLING": providers.MayNo,
	"DEVELOPER": providers.MayUnknown, "WORKSPACE_CONTRIBUTOR": providers.MayUnknown,
}

// Rights reads which role the user of our key has in each workspace.
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

// role answers for one workspace.
func (p *Provider) role(ctx context.Context, workspace string) providers.Right {
	untold := func(why string) providers.Right { return providers.Right{May: providers.MayUnknown, Why: why} }
	var user struct {
		Email string `json:"email"`
	}
	if err := p.call(ctx, "ask whose API key it is", http.MethodGet, "/users", nil, &user); err != nil {
		return untold("not told: " + err.Error())
	}
	var members []struct {
		Email  string `json:"email"`
		Role   string `json:"role"`
		Status string `json:"status"`
	}
	if err := p.call(ctx, "list the members of a workspace", http.MethodGet, "/owners/"+url.PathEscape(workspace)+"/members", nil, &members); err != nil {
		return untold("not told: " + err.Error())
	}
	for _, m := range members {
		if m.Email != user.Email || user.Email == "" {
			continue
		}
		may, known := roles[m.Role]
		switch {
		case m.Status != "active":
			return untold("the user of our key is no active member of the workspace")
		case !known || may == providers.MayUnknown:
			return untold("the user of our key is " + m.Role + " of the workspace; what that allows here is not told")
		}
		return providers.Right{May: may, Why: "the user of our key is " + m.Role + " of the workspace"}
	}
	return untold("the user of our key is not among the members of the workspace")
}
