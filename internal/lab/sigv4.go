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

// authenticate checks a Signature Version 4 (AWS General Reference, "Signing AWS
// API requests") and returns the calling key, or the error code that the real
// services give.
func (a *AWS) authenticate(r *http.Request, body []byte) (*awsKey, string) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil, "MissingAuthenticationToken"
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = value
	}
	scope := strings.Split(fields["Credential"], "/") // id, date, region, service, aws4_request
	if len(scope) != 5 {
		return nil, "IncompleteSignature"
	}
	k := a.keys[scope[0]]
	if k == nil || !a.works(k, time.Now()) {
		return nil, "InvalidClientTokenId"
	}
	want := sign(r, body, k.secret, scope[1:], strings.Split(fields["SignedHeaders"], ";"))
	if !hmac.Equal([]byte(want), []byte(fields["Signature"])) {
		return nil, "SignatureDoesNotMatch"
	}
	return k, ""
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
