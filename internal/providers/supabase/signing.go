package supabase

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// JWTName is the provider of the JWT secret, with which whoever has it makes tokens of
// any user and of service_role. It is replaced through the project's signing keys: a new
// one stands by, comes into use, and the old one is revoked when no token that it signed
// is good any more (https://supabase.com/docs/guides/auth/signing-keys).
const JWTName = "supabase-jwt"

// defaultWait is how long after the switch the old secret is revoked: an access token's
// usual lifetime of an hour, and the 15 minutes that the guide adds to it.
const defaultWait = time.Hour + 15*time.Minute

// JWTDescriptor returns the provider of the JWT secret as data.
func JWTDescriptor() providers.Descriptor {
	d := Descriptor()
	d.Name, d.Title, d.Kinds = JWTName, "Supabase JWT secret, replaced through signing keys", []credential.Kind{credential.SupabaseJWTSecret}
	d.Settings = []providers.Setting{
		d.Settings[0], d.Settings[1], d.Settings[2],
		{Env: "SUPABASE_JWT_WAIT", Help: "how long users' tokens live, and 15 minutes: the old secret is revoked so long after the new one signs; 1h15m when not set, 1s to sign everybody out for an attack that is under way"},
	}
	d.Permissions = []string{"auth_signing_keys_read", "auth_signing_keys_write", "data_api_config_read, which shows the legacy secret, to see that it is the leaked one", "api_gateway_keys_read"}
	d.Limits = append(jwtRisks(),
		"The legacy secret is imported into the signing keys when it is not there yet; after that it is never generated anew in the old way, nor can it be deleted.",
		"It cannot be revoked while anon and service_role are switched on, which are signed with it: the run waits until they are replaced (supabase-legacy).",
		"Supabase shows no signing key: only the legacy secret, and secrets that this program made, are known by their value. Another shared secret that a person imported is replaced by a person.",
		"The new secret is shared (HS256), so that consumers need no other code. Supabase recommends a key pair (ES256), whose verifiers ask for the public half: move to it when the incident is over.",
		"Supabase lets a key's state change once in about five minutes: the run waits.",
		"That it is dead is what Supabase says of its state; no token is made with the leaked secret.",
	)
	d.Links = []string{"https://supabase.com/docs/guides/auth/signing-keys", "https://supabase.com/docs/reference/api/v1-create-project-signing-key"}
	d.Proof = providers.ProofPolicy{Refusals: 10, Window: time.Minute}
	d.Gap = "if it checks users' tokens with the secret: down for everybody from its deploy until the switch, then for those whose token is older, until it is renewed; else it keeps running"
	d.VerifyCall = "GET /v1/projects/{ref}/config/auth/signing-keys"
	d.Restore = "move it to standby and rotate to it at https://supabase.com/dashboard/project/{owner}/settings/jwt"
	return d
}

// jwtRisks are what a person approves, in the plan and on the page.
func jwtRisks() []string {
	return []string{
		"BLAST RADIUS: every user's session is signed with it, and so are anon and service_role. Whoever has it is any user, and service_role, until it is revoked.",
		"A consumer that checks users' tokens with this secret knows one secret only: from its deploy until the switch it refuses every user, and after that those whose token is older than the switch, until it is renewed (an hour by default). Consumers that ask Supabase, or only use the database, notice nothing.",
		"Edge Functions with \"Verify JWT\" check with the legacy secret: turn that off before, or they refuse everybody after the switch.",
		"A consumer that makes tokens must name the new key in them (header kid: the id of the new signing key).",
	}
}

// NewJWT returns the provider of the JWT secret; it does no I/O.
func NewJWT(cfg Config) (providers.Provider, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := signing{
		Caller: tokens.Caller{Provider: JWTName, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/v1/projects/" + url.PathEscape(cfg.Ref), Client: cfg.Client, Auth: tokens.Bearer(cfg.AccessToken.Reveal())},
		ref:    cfg.Ref, wait: cmp.Or(cfg.JWTWait, defaultWait), now: time.Now,
	}
	return &JWT{Provider: tokens.New(tokens.Config{Descriptor: JWTDescriptor(), Service: s, Ask: s.ask}), keys: s}, nil
}

// JWT replaces the JWT secret. It may be used from many goroutines.
type JWT struct {
	*tokens.Provider

	keys signing
}

// signing are the project's signing keys. The reference of the project is their owner.
type signing struct {
	tokens.Caller

	ref  string
	wait time.Duration
	now  func() time.Time
}

// States of a signing key, in the order in which it goes through them.
const (
	standby = "standby" // trusted, signs nothing
	inUse   = "in_use"
	before  = "previously_used" // trusted, signs nothing any more
	revoked = "revoked"
)

// signingKey is one of them; its secret is never shown.
type signingKey struct {
	ID        string    `json:"id"`
	Algorithm string    `json:"algorithm"`
	Status    string    `json:"status"`
	Created   time.Time `json:"created_at"`
	Updated   time.Time `json:"updated_at"`
}

// Whole implements tokens.Checked.
func (k *signingKey) Whole() bool {
	switch k.Status {
	case standby, inUse, before, revoked:
		return k.ID != ""
	}
	return false
}

func (k signingKey) key(ref string) tokens.Key {
	return tokens.Key{Name: "signing key " + k.ID, KeyInfo: providers.KeyInfo{
		Ref: providers.KeyRef{Kind: credential.SupabaseJWTSecret, ID: k.ID, Owner: ref}, Active: true, Created: k.Created,
	}}
}

type signingKeys struct {
	Keys []signingKey `json:"keys"`
}

// Whole implements tokens.Checked.
func (l *signingKeys) Whole() bool { return l.Keys != nil }

// legacySecret names the legacy secret, also when it is not among the signing keys yet.
const legacySecret = "legacy"

const signingPath = "/config/auth/signing-keys"

// all lists the keys, also those that are revoked. The legacy secret goes by its name;
// before it is imported it is the one that signs.
func (s signing) all(ctx context.Context) (list []signingKey, imported bool, err error) {
	var l signingKeys
	if err := s.Do(ctx, "list the signing keys", http.MethodGet, signingPath, nil, &l); err != nil {
		return nil, false, err
	}
	id := ""
	if len(l.Keys) > 0 { // of a project without signing keys it is known; what is answered then is not documented
		if id, err = s.legacyID(ctx); err != nil {
			return nil, false, err
		}
	}
	if id == "" {
		list = append(list, signingKey{ID: legacySecret, Status: inUse})
	}
	for _, k := range l.Keys {
		if k.ID == id {
			k.ID = legacySecret
		}
		list = append(list, k)
	}
	return list, id != "", nil
}

// trusted are the keys that are not revoked.
func trusted(list []signingKey) (out []signingKey) {
	for _, k := range list {
		if k.Status != revoked {
			out = append(out, k)
		}
	}
	return out
}

// legacyID is the id of the legacy secret among the signing keys; empty when it is not
// there yet.
func (s signing) legacyID(ctx context.Context) (string, error) {
	var k signingKey
	err := s.Do(ctx, "look for the legacy secret among the signing keys", http.MethodGet, signingPath+"/legacy", nil, &k)
	if errors.Is(err, providers.ErrNotFound) {
		return "", nil
	}
	return k.ID, err
}

// shown is the part of the Data API's settings that holds the legacy secret.
type shown struct {
	Schema *string `json:"db_schema"`
	Secret string  `json:"jwt_secret"`
}

// Whole implements tokens.Checked.
func (s *shown) Whole() bool { return s.Schema != nil }

// which names the key that a secret is: one of ours, or the legacy one, by its value.
func (s signing) which(ctx context.Context, value secret.Text, list []signingKey) (string, error) {
	for _, k := range list {
		if tellsSecret(k.ID, value) {
			return k.ID, nil
		}
	}
	var conf shown
	if err := s.Do(ctx, "look whether it is the legacy secret", http.MethodGet, "/postgrest", nil, &conf); err != nil {
		return "", err
	}
	if conf.Secret != "" && value.Equal(secret.New(conf.Secret)) {
		return legacySecret, nil
	}
	return "", &providers.Error{Provider: JWTName, Op: "look which signing key it is", Class: providers.ErrRefused, Err: errors.New("it is not the legacy secret of the project SUPABASE_PROJECT_REF, nor a key that this program made there; of another one Supabase shows nothing: look at the project's JWT keys")}
}

// ask says what Supabase says of a key: whatever is not revoked is trusted. A key that
// is not listed may be too new to be.
func (s signing) ask(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v := providers.Verdict{Liveness: providers.Unknown, At: s.now().UTC()}
	list, _, err := s.all(ctx)
	if err != nil {
		return v, err
	}
	id := c.ID
	if id == "" {
		if id, err = s.which(ctx, c.Part(credential.PartToken), list); err != nil {
			return v, err
		}
	}
	switch k, there := named(list, id); {
	case !there:
		v.Detail = "it is not among the project's signing keys"
	case k.Status == revoked:
		v.Liveness, v.Grade, v.Code, v.Detail = providers.Dead, providers.GradeAnswer, revoked, "no token that it signed is trusted"
	default:
		v.Liveness, v.Grade, v.Detail = providers.Live, providers.GradeAnswer, k.Status
		v.Identity = providers.Identity{Account: s.ref, Who: "signing key " + id}
	}
	return v, nil
}

func (s signing) Find(ctx context.Context, value secret.Text) (tokens.Key, []tokens.Key, error) {
	list, imported, err := s.all(ctx)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	id, err := s.which(ctx, value, list)
	if err != nil {
		return tokens.Key{}, nil, err
	}
	var keys []tokens.Key
	for _, k := range trusted(list) {
		keys = append(keys, k.key(s.ref))
	}
	key, others, err := tokens.One(JWTName, keys, func(k tokens.Key) bool { return k.Ref.ID == id })
	if err != nil {
		return tokens.Key{}, nil, err
	}
	found, _ := named(list, id)
	key.Notes, err = s.notes(ctx, found, imported)
	return key, others, err
}

// notes are what a person approves with this key.
func (s signing) notes(ctx context.Context, k signingKey, imported bool) ([]string, error) {
	out := jwtRisks()
	if k.Status == inUse {
		out = append(out, "after the switch the run waits "+s.wait.String()+" before it revokes the old secret, so that nobody is signed out")
	}
	if !imported {
		out = append(out, "the legacy secret is imported into the signing keys, which cannot be undone and changes nothing by itself")
	}
	if k.ID != legacySecret {
		return out, nil
	}
	on, err := s.legacyKeysOn(ctx)
	if on {
		out = append(out, "anon and service_role are switched on, and are signed with it: it is not revoked before they are ended (supabase-legacy), also in every browser and app that has anon")
	}
	return out, err
}

func (s signing) Keys(ctx context.Context, _ string) ([]tokens.Key, error) {
	list, _, err := s.all(ctx)
	var out []tokens.Key
	for _, k := range trusted(list) {
		out = append(out, k.key(s.ref))
	}
	return out, err
}

// jwk is a shared secret as Supabase takes it.
type jwk struct {
	Type      string `json:"kty"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Key       string `json:"k"`
}

// secretBytes is how much of chance is in a new secret.
const secretBytes = 48

// Make makes a key that stands by, with a secret of our own: Supabase would not tell one
// that it makes itself.
func (s signing) Make(ctx context.Context, old providers.KeyRef, name string) (providers.KeyRef, secret.Text, error) {
	_, imported, err := s.all(ctx)
	if err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	if !imported {
		if err := s.Do(ctx, "import the legacy secret into the signing keys", http.MethodPost, signingPath+"/legacy", nil, new(signingKey)); err != nil {
			return providers.KeyRef{}, secret.Text{}, err
		}
	}
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program first
	value := secret.New(base64.RawURLEncoding.EncodeToString(b))
	kid := keyID(old.ID, name, value)
	// Verifiers take the text itself as the key, so these bytes are what is imported.
	key := jwk{Type: "oct", ID: kid, Algorithm: "HS256", Key: base64.RawURLEncoding.EncodeToString([]byte(value.Reveal()))}
	const op = "make a signing key that stands by"
	var out signingKey
	if err := s.Do(ctx, op, http.MethodPost, signingPath, map[string]any{"algorithm": "HS256", "status": standby, "private_jwk": key}, &out); err != nil {
		return providers.KeyRef{}, secret.Text{}, err
	}
	if out.ID != kid { // what is known of a key later is in its id
		return providers.KeyRef{}, secret.Text{}, &providers.Error{Provider: JWTName, Op: op, Class: providers.ErrAmbiguous, Err: errors.New("the answer is about another key")}
	}
	return providers.KeyRef{Kind: credential.SupabaseJWTSecret, ID: kid, Owner: s.ref}, value, nil
}
