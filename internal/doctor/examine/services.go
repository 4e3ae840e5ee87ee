package examine

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/secretguard/secretguard/internal/config"
	"github.com/secretguard/secretguard/internal/doctor"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// prefect asks the API that the consumer's own variables name, with its own key.
func (e *Examiner) prefect(ctx context.Context, f *doctor.Facts) {
	p := f.Consumer.Prefect
	if p == nil {
		return
	}
	address, ok := value(f, p.URL)
	header, known := prefectHeader(f, *p)
	if !ok || !known {
		return
	}
	s := &doctor.Prefect{API: providers.AnswerUnknown, Key: providers.AnswerUnknown, Deployment: providers.AnswerUnknown, PoolThere: providers.AnswerUnknown, Workers: providers.AnswerUnknown}
	f.Prefect = s
	a := asker{e.HTTP, strings.TrimRight(address.Reveal(), "/"), header}
	if u, err := url.Parse(a.base); err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		s.API, s.Detail = providers.AnswerNo, "it is no plain http URL"
		return
	}
	// A search is the smallest request that every kind of server refuses to a wrong
	// key; /health answers anybody.
	var list []struct{}
	if !judge(s, a.send(ctx, http.MethodPost, "/deployments/filter", map[string]int{"limit": 1}, &list)) {
		return
	}
	e.deployment(ctx, a, *p, s)
	e.pool(ctx, a, *p, s)
}

// prefectHeader returns what authenticates; false when the value is not known.
func prefectHeader(f *doctor.Facts, p config.Prefect) (http.Header, bool) {
	if p.Auth != "" {
		v, ok := value(f, p.Auth)
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(v.Reveal()))}}, ok
	}
	v, ok := value(f, p.Key)
	return http.Header{"Authorization": {"Bearer " + v.Reveal()}}, ok
}

// asker sends reads to one API with one header.
type asker struct {
	client *httpx.Client
	base   string
	header http.Header
}

func (a asker) send(ctx context.Context, method, path string, body, out any) error {
	_, err := a.client.Do(ctx, httpx.Request{Op: "ask", Method: method, URL: a.base + path, Header: a.header, Body: body, Out: out, Reads: true})
	return err
}

// judge says what the first request showed; false ends the examination. A plain 404,
// or an answer that is no JSON, comes from something that is no Prefect API.
func judge(s *doctor.Prefect, err error) bool {
	var e *httpx.Error
	if err != nil && !errors.As(err, &e) {
		s.Detail = "no answer in time"
		return false
	}
	switch {
	case err == nil:
		s.API, s.Key = providers.AnswerYes, providers.AnswerYes
		return true
	case e.Class == httpx.Auth, e.Class == httpx.Forbidden:
		s.API, s.Key = providers.AnswerYes, providers.AnswerNo
	case e.Class == httpx.NotFound, e.Status/100 == 2, e.Status == http.StatusMethodNotAllowed:
		s.API, s.Detail = providers.AnswerNo, "what answers there is no Prefect API, or knows no such workspace"
	default:
		s.Detail = why(err)
	}
	return false
}

func (e *Examiner) deployment(ctx context.Context, a asker, p config.Prefect, s *doctor.Prefect) {
	flow, name, ok := strings.Cut(p.Deployment, "/")
	if !ok {
		return
	}
	var d struct {
		ID     string `json:"id"`
		Paused bool   `json:"paused"`
		Pool   string `json:"work_pool_name"`
	}
	err := a.send(ctx, http.MethodGet, "/deployments/name/"+url.PathEscape(flow)+"/"+url.PathEscape(name), nil, &d)
	s.Deployment = presence(s, err, d.ID)
	s.Paused, s.Pool = d.Paused, d.Pool
}

func (e *Examiner) pool(ctx context.Context, a asker, p config.Prefect, s *doctor.Prefect) {
	if p.Pool != "" {
		s.Pool = p.Pool
	}
	if s.Pool == "" {
		return
	}
	var pool struct {
		ID     string `json:"id"`
		Paused bool   `json:"is_paused"`
	}
	at := "/work_pools/" + url.PathEscape(s.Pool)
	err := a.send(ctx, http.MethodGet, at, nil, &pool)
	if s.PoolThere = presence(s, err, pool.ID); s.PoolThere != providers.AnswerYes {
		return
	}
	s.PoolPaused = pool.Paused
	var workers []struct {
		Status string `json:"status"`
	}
	if err := a.send(ctx, http.MethodPost, at+"/workers/filter", struct{}{}, &workers); err != nil {
		s.Detail = why(err)
		return
	}
	s.Workers = providers.AnswerYes
	for _, w := range workers {
		if w.Status == "ONLINE" {
			s.Online++
		}
	}
}

// presence says whether a thing is there: only a 404 says that it is not.
func presence(s *doctor.Prefect, err error, id string) providers.Answer {
	var e *httpx.Error
	switch {
	case err == nil && id != "":
		return providers.AnswerYes
	case errors.As(err, &e) && e.Class == httpx.NotFound:
		return providers.AnswerNo
	case err == nil:
		s.Detail = "the answer is not about what was asked for"
	default:
		s.Detail = why(err)
	}
	return providers.AnswerUnknown
}

// supabase asks the project's own gateway, which looks at the key before anything
// else; a key of another project is refused too.
func (e *Examiner) supabase(ctx context.Context, f *doctor.Facts) {
	p := f.Consumer.Supabase
	if p == nil {
		return
	}
	address, ok1 := value(f, p.URL)
	key, ok2 := value(f, p.Key)
	if !ok1 || !ok2 {
		return
	}
	f.Supabase = &doctor.Service{Key: providers.AnswerUnknown}
	a := asker{e.HTTP, strings.TrimRight(address.Reveal(), "/"), http.Header{"Apikey": {key.Reveal()}}}
	var settings struct {
		External map[string]any `json:"external"`
	}
	err := a.send(ctx, http.MethodGet, "/auth/v1/settings", nil, &settings)
	var he *httpx.Error
	switch {
	case err == nil && settings.External != nil:
		f.Supabase.Key = providers.AnswerYes
	case err == nil:
		f.Supabase.Detail = "what answers there is no Supabase project"
	case errors.As(err, &he) && (he.Class == httpx.Auth || he.Class == httpx.Forbidden):
		f.Supabase.Key = providers.AnswerNo
	default:
		f.Supabase.Detail = why(err)
	}
}

// endpoint asks the consumer itself to show its keys. A value that cannot be read
// where it is stored may be known from a consumer that must have the same.
func (e *Examiner) endpoint(ctx context.Context, f *doctor.Facts, all []doctor.Facts) {
	p := f.Consumer.Endpoint
	if p == nil {
		return
	}
	f.Endpoint = &doctor.Endpoint{Proofs: map[string]doctor.Proof{}}
	for _, name := range p.Proves {
		key, ok := known(f, name, all)
		if !ok { // a made-up one shows an endpoint that knows nothing, or has nothing
			key = secret.New(rand.Text())
		}
		if p := e.proof(ctx, p.URL, name, key); ok || !errors.Is(p.Err, doctor.ErrOtherKey) {
			f.Endpoint.Proofs[name] = p
		}
	}
}

func known(f *doctor.Facts, name string, all []doctor.Facts) (secret.Text, bool) {
	if v, set := f.Variables[name]; set && v.Readable {
		return v.Text, !v.Text.Empty()
	}
	for i := range all {
		if !slices.Contains(f.Consumer.Same, name) || !slices.Contains(all[i].Consumer.Same, name) {
			continue
		}
		if v, ok := value(&all[i], name); ok {
			return v, true
		}
	}
	return secret.Text{}, false
}

// proof asks once, with a nonce of its own.
func (e *Examiner) proof(ctx context.Context, address, name string, key secret.Text) doctor.Proof {
	nonce, err := secret.NewNonce()
	if err != nil {
		return doctor.Proof{Err: err, NoAnswer: true}
	}
	got, err := e.HTTP.Echo(ctx, echoAddress(address), name, nonce)
	if err == nil {
		if got != secret.Echo(key, name, nonce) {
			return doctor.Proof{Status: http.StatusOK, Err: doctor.ErrOtherKey}
		}
		return doctor.Proof{Status: http.StatusOK}
	}
	var he *httpx.Error
	switch {
	case !errors.As(err, &he), he.Status == 0, he.Status >= 500, he.Status == http.StatusTooManyRequests:
		return doctor.Proof{Err: errors.New(why(err)), NoAnswer: true}
	case he.Status == http.StatusNotFound:
		return doctor.Proof{Status: he.Status, Err: doctor.ErrNotSet}
	}
	return doctor.Proof{Status: he.Status, Err: doctor.ErrNoProof}
}

// echoAddress returns where to ask: below an address without a path, or one that ends
// in a slash, at the usual place; else at the address itself.
func echoAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path != "" && !strings.HasSuffix(u.Path, "/") {
		return address
	}
	u.Path = strings.TrimRight(u.Path, "/") + providers.EchoPath
	return u.String()
}
