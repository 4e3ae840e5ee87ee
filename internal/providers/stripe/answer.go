package stripe

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/secretguard/secretguard/internal/httpx"
)

// answer is what Stripe says of a key, or of an endpoint. All of it empty means that it was not Stripe who
// answered, or that it said something else: a firewall, too, answers with 401 and 403.
type answer struct {
	account string // of a key that works
	refused bool   // Stripe does not know the key
	narrow  bool   // the key works, and may not read its account

	endpoint endpoint // that was asked for
	missing  bool     // Stripe does not know what was asked for
}

// answerOf reads Stripe's own errors (https://docs.stripe.com/api/errors): a key that is
// not known is 401 "Invalid API Key provided", one that has ended has the code
// api_key_expired, and a restricted one "does not have the required permissions".
func answerOf(res httpx.Response, err error) answer {
	var body struct {
		endpoint

		Error struct{ Type, Code, Message string }
	}
	kind, _, bad := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if cut(err) || bad != nil || kind != "application/json" || json.Unmarshal(res.Body, &body) != nil {
		return answer{}
	}
	e := body.Error
	ours, message := e.Type == "invalid_request_error", strings.ToLower(e.Message)
	switch {
	case res.Status/100 == 2 && strings.HasPrefix(body.ID, "acct_"):
		return answer{account: body.ID}
	case res.Status/100 == 2 && body.Whole():
		return answer{endpoint: body.endpoint}
	case res.Status == http.StatusNotFound && ours:
		return answer{missing: e.Code == "resource_missing"}
	case res.Status == http.StatusUnauthorized && ours:
		return answer{refused: e.Code == "api_key_expired" || strings.HasPrefix(message, "invalid api key provided") || strings.HasPrefix(message, "expired api key provided")}
	case res.Status == http.StatusForbidden && ours:
		return answer{narrow: strings.HasPrefix(e.Code, "more_permissions_required") || strings.Contains(message, "does not have the required permissions")}
	}
	return answer{}
}

// cut tells whether an answer is not whole.
func cut(err error) bool {
	var e *httpx.Error
	return err != nil && (!errors.As(err, &e) || e.Err != nil)
}
