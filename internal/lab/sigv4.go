package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// tolerance is how far a signature's time may be off (IAM and STS say "15 min."
// in the refusal).
const tolerance = 15 * time.Minute

// authenticate checks a Signature Version 4 (AWS General Reference, "Signing AWS
// API requests") and returns the calling key, or the error code and text that
// the real services give.
func (a *AWS) authenticate(r *http.Request, body []byte) (k *awsKey, code, message string) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, "MissingAuthenticationToken", "Request is missing Authentication Token"
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/") // id, date, region, service, aws4_request
	if len(scope) != 5 {
		return nil, "IncompleteSignature", "Credential must have exactly 5 slash-delimited elements"
	}
	k = a.keys[scope[0]]
	if k == nil || !a.worksIn(scope[2], k, time.Now()) {
		return nil, "InvalidClientTokenId", "The security token included in the request is invalid."
	}
	if text := a.badTime(r.Header.Get("X-Amz-Date")); text != "" {
		return nil, "SignatureDoesNotMatch", text
	}
	want := sign(r, body, k.secret, scope[1:], strings.Split(fields["SignedHeaders"], ";"))
	if !hmac.Equal([]byte(want), []byte(fields["Signature"])) {
		return nil, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
	}
	return k, "", ""
}

// badTime words the refusal of a signature that is too old or of the future.
func (a *AWS) badTime(stamp string) string {
	const form = "20060102T150405Z"
	signed, err := time.Parse(form, stamp)
	if err != nil {
		return "Date in Credential scope does not match"
	}
	now := a.now().UTC()
	switch {
	case now.Sub(signed) > tolerance:
		return "Signature expired: " + stamp + " is now earlier than " + now.Add(-tolerance).Format(form) + " (" + now.Format(form) + " - 15 min.)"
	case signed.Sub(now) > tolerance:
		return "Signature not yet current: " + stamp + " is still later than " + now.Add(tolerance).Format(form) + " (" + now.Format(form) + " + 15 min.)"
	}
	return ""
}

func sign(r *http.Request, body []byte, secret string, scope, headers []string) string {
	slices.Sort(headers)
	var canonical strings.Builder
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	canonical.WriteString(r.Method + "\n" + path + "\n" + r.URL.RawQuery + "\n")
	for _, h := range headers {
		v := strings.Join(r.Header.Values(h), ",")
		switch h {
		case "host":
			v = r.Host
		case "content-length":
			v = r.Header.Get("Content-Length")
		}
		canonical.WriteString(h + ":" + strings.TrimSpace(v) + "\n")
	}
	canonical.WriteString("\n" + strings.Join(headers, ";") + "\n" + hexHash(body))
	text := strings.Join([]string{
		"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), strings.Join(scope, "/"), hexHash([]byte(canonical.String())),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, s := range scope {
		key = mac(key, s)
	}
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
