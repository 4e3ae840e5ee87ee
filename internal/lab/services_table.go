package lab

// serviceTwin is one request of a service: where the key stands in it, and the answers.
type serviceTwin struct {
	request string // "GET /v1/models"
	query   string // what the body's query holds, where one address serves several
	header  string // that holds the key; empty for Authorization: Bearer
	inBody  string // field of the JSON body that holds it instead
	basic   bool   // it is basic authentication, id:secret; {id} in request is its id
	good    string // empty where even a key that works cannot have it
	headers map[string]string
	bad     int // status for a key that is not known
	badBody string
	// little is the answer to a key whose rights do not reach; zero where there is none.
	little     int
	littleBody string
}

const (
	openAIStyle    = `{"error":{"message":"Incorrect API key provided","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`
	openAIScope    = `{"error":{"message":"You have insufficient permissions for this operation.","code":"missing_scope"}}`
	anthropicStyle = `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`
	anthropicOAuth = `{"type":"error","error":{"type":"permission_error","message":"OAuth token does not meet scope requirement user:profile"}}`
	badGitHub      = `{"message":"Bad credentials","documentation_url":"https://docs.github.com/rest","status":"401"}`
	badPrefect     = `{"detail":"Invalid authentication credentials"}`
	badServer      = `{"exception_message":"Unauthorized"}`
	badCaptcha     = `{"errorId":1,"errorCode":"ERROR_KEY_DOES_NOT_EXIST"}`
	badRailway     = `{"errors":[{"message":"Not Authorized"}],"data":null}`
	noBedrock      = `{"Message":"Authentication failed: Please make sure your API Key is valid."}`
	littleBedrock  = `{"Message":"User: arn:aws:iam::111122223333:user/BedrockAPIKey-ab12 is not authorized to perform: bedrock:ListFoundationModels"}`
	badTwilio      = `{"code":20003,"message":"Authentication Error - invalid username","more_info":"https://www.twilio.com/docs/errors/20003","status":401}`
	twilioAccount  = `{"sid":"AC1","friendly_name":"Shop","status":"active","type":"Full"}`
	langSmithList  = `[{"id":"w1","display_name":"Shop","organization_id":"o1","is_personal":false}]`
)

// serviceTwins are the services, with their answers as their documentation and their
// real answers to a made-up key have them.
var serviceTwins = map[string][]serviceTwin{
	"openai": {
		{
			request: "GET /v1/models", good: `{"object":"list","data":[{"id":"gpt-5","object":"model"}]}`, headers: map[string]string{"Openai-Organization": "shop-org", "Openai-Project": "proj_1"},
			bad: 401, badBody: openAIStyle, little: 403, littleBody: openAIScope,
		},
		{
			request: "GET /v1/organization/projects", good: `{"object":"list","data":[{"id":"proj_1","object":"organization.project","name":"Shop"}]}`,
			headers: map[string]string{"Openai-Organization": "shop-org"}, bad: 401, badBody: openAIStyle, little: 403, littleBody: openAIScope,
		},
	},
	"anthropic": {
		{
			request: "GET /v1/models", header: "X-Api-Key", good: `{"data":[{"type":"model","id":"claude"}],"has_more":false}`, headers: map[string]string{"Anthropic-Organization-Id": "org-1"},
			bad: 401, badBody: anthropicStyle,
		},
		{request: "GET /v1/organizations/me", header: "X-Api-Key", good: `{"id":"org-1","name":"Shop","type":"organization"}`, bad: 401, badBody: anthropicStyle},
		{
			request: "GET /api/oauth/profile", good: `{"account":{"uuid":"a1","email":"jo@example.com"},"organization":{"uuid":"org-1","name":"Shop"}}`, bad: 401, badBody: anthropicStyle,
			little: 403, littleBody: anthropicOAuth,
		},
	},
	"google": {{
		request: "GET /v1beta/models", header: "X-Goog-Api-Key", good: `{"models":[{"name":"models/gemini"}]}`,
		bad: 400, badBody: `{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`,
		little: 403, littleBody: `{"error":{"code":403,"status":"PERMISSION_DENIED","details":[{"reason":"SERVICE_DISABLED","metadata":{"consumer":"projects/7"}}]}}`,
	}},
	"github": {
		{request: "GET /user", good: `{"login":"jo","id":7}`, headers: map[string]string{"X-OAuth-Scopes": "repo, read:org"}, bad: 401, badBody: badGitHub},
		{request: "GET /installation/repositories", good: `{"total_count":1,"repositories":[{"owner":{"login":"shop"}}]}`, bad: 401, badBody: badGitHub},
	},
	"slack": {{
		request: "POST /api/auth.test", good: `{"ok":true,"team":"shop","team_id":"T1","user":"bot","user_id":"U1"}`, headers: map[string]string{"X-OAuth-Scopes": "chat:write,users:read"},
		bad: 200, badBody: `{"ok":false,"error":"invalid_auth"}`,
	}},
	"huggingface": {{
		request: "GET /api/whoami-v2", good: `{"type":"user","id":"6","name":"jo","auth":{"type":"access_token","accessToken":{"displayName":"ci","role":"write"}}}`,
		bad: 401, badBody: `{"error":"Invalid credentials in Authorization header"}`,
	}},
	"netlify": {{request: "GET /user", good: `{"id":"u1","email":"jo@example.com","full_name":"Jo"}`, bad: 401, badBody: `{"code":401,"message":"Access Denied"}`}},
	"render":  {{request: "GET /owners", good: `[{"owner":{"id":"tea-1","name":"Shop","type":"team"},"cursor":"c"}]`, bad: 401, badBody: `{"message":"Unauthorized"}`}},
	"supabase": {
		{request: "GET /v1/profile", good: `{"gotrue_id":"g1","primary_email":"jo@example.com","username":"jo"}`, bad: 401, badBody: `{"message":"Unauthorized"}`},
		{request: "GET /v1/organizations", good: `[{"id":"o1","slug":"shop","name":"Shop"}]`, bad: 401, badBody: `{"message":"Unauthorized"}`},
	},
	"supabase_project": {{
		request: "GET /auth/v1/settings", header: "Apikey", good: `{"external":{"email":true},"disable_signup":false}`,
		bad: 401, badBody: `{"message":"Unregistered API key","hint":"Double check the provided API key."}`,
	}},
	"prefect": {
		{request: "GET /api/me/", good: `{"id":"0b","handle":"jo"}`, bad: 401, badBody: badPrefect},
		{request: "GET /api/me/workspaces", good: `[{"account_id":"a1","account_handle":"shop","workspace_id":"w1","workspace_handle":"prod"}]`, bad: 401, badBody: badPrefect},
	},
	"stripe": {{request: "GET /v1/account", bad: 401, badBody: `{"error":{"message":"Invalid API Key provided: sk_org_****","type":"invalid_request_error"}}`}},
	"bedrock": {{
		request: "GET /foundation-models", good: `{"modelSummaries":[]}`, bad: 403, badBody: noBedrock, little: 403, littleBody: littleBedrock,
	}},
	"groq":       {{request: "GET /openai/v1/models", good: `{"object":"list","data":[]}`, bad: 401, badBody: `{"error":{"message":"Invalid API Key","type":"invalid_request_error","code":"invalid_api_key"}}`}},
	"openrouter": {{request: "GET /api/v1/key", good: `{"data":{"label":"sk-or-v1-0…1","usage":0}}`, bad: 401, badBody: `{"error":{"message":"User not found.","code":401}}`}},
	"xai": {{
		request: "GET /v1/api-key", good: `{"redacted_api_key":"xai-…b","name":"ci","team_id":"t1","acls":["api-key:model:*"],"api_key_blocked":false,"api_key_disabled":false,"team_blocked":false}`,
		bad: 400, badBody: `{"code":"invalid-argument","error":"Incorrect API key provided."}`,
	}},
	"replicate":    {{request: "GET /v1/account", good: `{"type":"user","username":"jo"}`, bad: 401, badBody: `{"title":"Unauthenticated","status":401}`}},
	"perplexity":   {{request: "GET /v1/async/sonar", good: `{"requests":[],"next_token":null}`, bad: 401, badBody: `{"error":{"message":"Invalid API key provided.","type":"invalid_api_key","code":401}}`}},
	"langsmith":    {{request: "GET /api/v1/workspaces", header: "X-Api-Key", good: langSmithList, bad: 401, badBody: `{"detail":"Invalid token"}`}},
	"langsmith_eu": {{request: "GET /api/v1/workspaces", header: "X-Api-Key", good: langSmithList, bad: 401, badBody: `{"detail":"Invalid token"}`}},
	"elevenlabs": {{
		request: "GET /v1/user", header: "Xi-Api-Key", good: `{"user_id":"u1","first_name":"Jo","subscription":{"tier":"free"}}`, bad: 401, badBody: `{"detail":{"status":"invalid_api_key","message":"Invalid API key"}}`,
		little: 401, littleBody: `{"detail":{"status":"missing_permissions","message":"The API key you used is missing the permission user_read"}}`,
	}},
	"deepseek":       {{request: "GET /user/balance", good: `{"is_available":true,"balance_infos":[]}`, bad: 401, badBody: `{"error":{"message":"Authentication Fails","type":"authentication_error"}}`}},
	"mistral":        {{request: "GET /v1/models", good: `{"object":"list","data":[]}`, bad: 401, badBody: `{"detail":"Unauthorized"}`}},
	"cohere":         {{request: "POST /v1/check-api-key", good: `{"valid":true,"organization_id":"o1","owner_id":"u1"}`, bad: 401, badBody: `{"message":"invalid api token"}`}},
	"twocaptcha":     {{request: "POST /getBalance", inBody: "clientKey", good: `{"errorId":0,"balance":1.5}`, bad: 200, badBody: badCaptcha}},
	"rucaptcha":      {{request: "POST /getBalance", inBody: "clientKey", good: `{"errorId":0,"balance":1.5}`, bad: 200, badBody: badCaptcha}},
	"prefect_server": {{request: "GET /admin/version", basic: true, good: `"3.4.25.dev12+g4f2a9c1e7b05"`, bad: 401, badBody: badServer}},
	"twilio":         {{request: "GET /2010-04-01/Accounts/{id}.json", basic: true, good: twilioAccount, bad: 401, badBody: badTwilio}},
	"twilio_ie1":     {{request: "GET /2010-04-01/Accounts/{id}.json", basic: true, good: twilioAccount, bad: 401, badBody: badTwilio}},
	"twilio_au1":     {{request: "GET /2010-04-01/Accounts/{id}.json", basic: true, good: twilioAccount, bad: 401, badBody: badTwilio}},
	"twilio_verify": {{
		request: "GET /v2/Services", basic: true, good: `{"services":[{"sid":"VA1","account_sid":"AC1"}],"meta":{"key":"services","page":0}}`, bad: 401, badBody: badTwilio,
	}},
	"railway": {
		{request: "POST /graphql/v2", query: "me {", good: `{"data":{"me":{"id":"u1","name":"Jo"}}}`, bad: 200, badBody: badRailway},
		{request: "POST /graphql/v2", query: "apiToken {", good: `{"data":{"apiToken":{"workspaces":[{"id":"w1","name":"Shop"}]}}}`, bad: 200, badBody: badRailway},
		{
			request: "POST /graphql/v2", query: "projectToken {", header: "Project-Access-Token", good: `{"data":{"projectToken":{"projectId":"p1","environmentId":"e1"}}}`,
			bad: 200, badBody: `{"errors":[{"message":"Project Token not found"}],"data":null}`,
		},
	},
}
