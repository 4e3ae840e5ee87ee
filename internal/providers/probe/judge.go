package probe

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// judge makes a verdict of an answer. What is not the service's own documented
// answer is unknown, whatever its status.
func (p probe) judge(c credential.Credential, res httpx.Response) providers.Verdict {
	code := fmt.Sprintf("HTTP %d", res.Status)
	unknown := func(why string) providers.Verdict {
		return providers.Verdict{Liveness: providers.Unknown, Detail: why, Code: code}
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" && !strings.HasSuffix(kind, "+json") {
		return unknown("the answer is not the service's: no JSON")
	}
	var body any
	if json.Unmarshal(res.Body, &body) != nil {
		return unknown("the answer is not the service's: broken JSON")
	}
	switch {
	case p.dead.seen(res.Status, body):
		if p.home != nil && c.Project != "" && !c.Bound {
			return unknown("the project " + c.Project + " that was found near does not know it; it may be another's")
		}
		but := p.but
		if p.live.fits == nil { // it is about the other answer
			but = ""
		}
		return providers.Verdict{Liveness: providers.Dead, Grade: providers.GradeAnswer, Code: code, Detail: also("the service does not know it", but)}
	case p.scoped.seen(res.Status, body):
		return p.alive(c, code, "it works; its rights do not reach to this request", p.scoped.whom.read(body, res.Header))
	case res.Status/100 != 2:
		return unknown(also("the answer is not the one that the service gives to a key that it does not know", p.but))
	case p.live.fits != nil && p.live.fits(body):
		return p.alive(c, "", "", p.live.whom.read(body, res.Header))
	}
	return unknown("the answer is not the one that the service gives to a key that works")
}

func (p probe) alive(c credential.Credential, code, detail string, id providers.Identity) providers.Verdict {
	if p.home != nil && id.Project == "" {
		id.Project = c.Project
	}
	for _, part := range []credential.Part{credential.PartToken, credential.PartSecret} {
		id = withoutKey(id, c.Part(part))
	}
	v := providers.Verdict{Liveness: providers.Live, Grade: providers.GradeAnswer, Identity: id, Code: code, Detail: detail}
	if id.Account != "" || id.Who != "" || id.Project != "" {
		v.Grade = providers.GradeIdentity
	}
	return v
}

// longest is the most of a name or of rights that is taken from an answer, in bytes.
const longest = 200

// withoutKey masks the key where an answer repeats it, and shortens what is endless.
func withoutKey(id providers.Identity, key secret.Text) providers.Identity {
	if key.Empty() {
		return id
	}
	for _, s := range []*string{&id.Account, &id.Who, &id.Project, &id.Scopes} {
		*s = strings.ReplaceAll(*s, key.Reveal(), key.Mask())
		if len(*s) > longest {
			*s = strings.ToValidUTF8((*s)[:longest], "") + "…"
		}
	}
	return id
}

func also(s, but string) string {
	if s == "" || but == "" {
		return s + but
	}
	return s + "; " + but
}

// request is the one request of a probe.
func (p probe) request(base string, c credential.Credential) httpx.Request {
	method, path, _ := strings.Cut(p.call, " ")
	path = strings.ReplaceAll(path, "{id}", c.Part(credential.PartID).Reveal()) // the form holds it to letters and digits
	key := sent(c).Reveal()
	req := httpx.Request{Op: p.call, Method: method, URL: strings.TrimRight(base, "/") + path, Header: http.Header{"Accept": {"application/json"}}, Reads: true}
	p.header(req.Header, key)
	if p.body != nil {
		req.Body = p.body(key)
	}
	return req
}
