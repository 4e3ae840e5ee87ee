package probe

import (
	"net/http"

	"github.com/secretguard/secretguard/internal/credential"
)

// twilioProbes are those of Twilio's pairs. An account has a token of its own in each
// region (www.twilio.com/docs/global-infrastructure), so one that refuses it proves
// nothing before the others do.
func twilioProbes() []probe {
	refused := is(http.StatusUnauthorized, "message", "authenticate", "authentication error").and("code", float64(20003))
	account := probe{
		name: "twilio", title: "Twilio", kind: credential.TwilioAccount, form: whole(`AC[a-f0-9]{32}:[a-f0-9]{32}`),
		base: "https://api.twilio.com", call: "GET /2010-04-01/Accounts/{id}.json", header: basic, docs: "https://www.twilio.com/docs/iam/api/account",
		live: has("sid status", whom{account: "sid", who: "friendly_name"}), dead: refused,
	}
	dublin, sydney := account, account
	dublin.name, dublin.title, dublin.base = "twilio_ie1", "Twilio in Ireland", "https://api.dublin.ie1.twilio.com"
	sydney.name, sydney.title, sydney.base = "twilio_au1", "Twilio in Australia", "https://api.sydney.au1.twilio.com"
	return []probe{account, dublin, sydney, {
		// The one list that needs no account in its address; it exists in one region only.
		name: "twilio_verify", title: "Twilio", kind: credential.TwilioKey, form: whole(`SK[a-f0-9]{32}:[A-Za-z0-9]{32}`),
		base: "https://verify.twilio.com", call: "GET /v2/Services?PageSize=1", header: basic, docs: "https://www.twilio.com/docs/verify/api/service",
		live: has("services meta", whom{account: "services.0.account_sid"}), but: "it may be of a region where this is not, or be a restricted key",
	}}
}
