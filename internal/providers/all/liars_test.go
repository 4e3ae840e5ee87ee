package all_test

import (
	"strings"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/secret"
)

// leaked are a key of AWS and one of Stripe, that work or not.
func leaked(t *testing.T, l *lab.Lab, known bool) map[string]credential.Credential {
	t.Helper()
	pair := func(id, sec string) credential.Credential {
		return credential.Credential{Kind: credential.AWSAccessKey, Parts: map[credential.Part]secret.Text{credential.PartID: secret.New(id), credential.PartSecret: secret.New(sec)}}
	}
	token := func(v string) credential.Credential {
		return credential.Credential{Kind: credential.StripeSecretKey, Parts: map[credential.Part]secret.Text{credential.PartToken: secret.New(v)}}
	}
	if !known {
		return map[string]credential.Credential{"aws": pair("AKIA"+lab.MadeUpOf("ABCDEFGH234567", 16), lab.MadeUp("", 40)), "stripe": token(lab.MadeUp("sk_live_", 99))}
	}
	estate, err := lab.DemoEstate(l)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]credential.Credential{"aws": pair(estate.LeakedID, estate.LeakedSecret), "stripe": token(l.Stripe.MakeKey("sk_live_"))}
}

// AWS and Stripe, who are asked through their own providers: what is not their own
// answer makes no key live or dead, with and without an access of one's own.
func TestLiars(t *testing.T) {
	t.Parallel()
	const page = "<html><body>Request blocked</body></html>"
	typed := func(status int, kind, body string) lab.Fault {
		return lab.Fault{Status: status, ContentType: kind, Body: body}
	}
	const sts = `<Error><Code>InvalidClientTokenId</Code></Error>`
	for name, f := range map[string]lab.Fault{
		"HTML with 200": typed(200, "text/html", page), "HTML with 200, named JSON": typed(200, "application/json", page), "HTML with 200, named XML": typed(200, "text/xml", page),
		"a firewall's 403": typed(403, "text/html", page), "a firewall's 401": typed(401, "text/html", page),
		"a firewall's 403 in JSON": typed(403, "application/json", `{"message":"Forbidden"}`), "a firewall's 401 in JSON": typed(401, "application/json", `{"error":{"message":"no"}}`),
		"a gateway's 401": typed(401, "application/json", `{"message":"Unauthorized"}`), "another service's 401": typed(401, "application/json", `{"error":{"type":"authentication_error","message":"invalid x-api-key"}}`),
		"another service's 200": typed(200, "application/json", `{"id":"u1","email":"jo@example.com"}`), "a bucket's 403": typed(403, "application/xml", `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`),
		"XML in a page": typed(403, "text/html", page+sts), "XML that is cut": typed(403, "text/xml", `<ErrorResponse>`+sts),
		"an empty answer": typed(200, "application/json", " "), "null": typed(200, "application/json", "null"), "an empty account": typed(200, "text/xml", `<GetCallerIdentityResponse/>`),
		"a storm": {Status: 429, RetryAfter: "3600"}, "out of order": {Status: 503}, "hung up": {DropBefore: true}, "cut": {Cut: true, Keep: 12},
		"a huge answer": typed(200, "application/json", `{"id":"acct_1","x":"`+strings.Repeat("a", 5<<20)+`"}`), "a redirect": {Status: 302, Header: map[string]string{"Location": "http://127.0.0.1:1/"}},
		"slow": {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, known := range []bool{false, true} {
				for _, own := range []bool{false, true} {
					ask(t, f, known, own)
				}
			}
		})
	}
}

func ask(t *testing.T, f lab.Fault, known, own bool) {
	t.Helper()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	keys, settings := leaked(t, l, known), l.Env()
	if !own {
		settings["AWS_ACCESS_KEY_ID"], settings["AWS_SECRET_ACCESS_KEY"] = "", ""
	}
	timeout := 5 * time.Second
	if f.Delay > 0 {
		timeout = 20 * time.Millisecond
	}
	reg, _ := all.Registry(all.Options{Env: env(settings), AllowPrivate: true, Timeout: timeout, BackOff: time.Millisecond})
	f.Times = 99
	l.Fault("aws", "GetCallerIdentity", f)
	l.Fault("stripe", "GET account", f)
	for service, c := range keys {
		v, _, _, ok := reg.VerifierOf(c)
		if !ok {
			t.Fatalf("%s is not asked", service)
		}
		got, err := v.Verify(t.Context(), c)
		if got.Liveness != providers.Unknown {
			t.Errorf("%s, known: %v: %+v", service, known, got)
		}
		for _, part := range c.PartNames() {
			if err != nil && strings.Contains(err.Error(), c.Part(part).Reveal()) {
				t.Errorf("%s: the error holds the %s", service, part)
			}
		}
	}
}
