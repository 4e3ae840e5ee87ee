package supabase

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/providers/tokens"
	"github.com/secretguard/secretguard/internal/secret"
)

// DatabaseName is the provider of the password of a project's database role postgres. One
// password is there at a time: setting a new one ends the old one at once
// (https://supabase.com/docs/guides/database/managing-passwords). Connections that are open
// go on. Whether a password works only a log-in tells, and Supabase shuts an address out
// that is refused a few times.
const DatabaseName = "supabase-database"

// role is the one database role whose password the call sets.
const role = "postgres"

// DatabaseDescriptor returns the provider of the database password as data.
func DatabaseDescriptor() providers.Descriptor {
	d := Descriptor()
	d.Name, d.Title, d.Kinds, d.Overlap = DatabaseName, "Supabase database password (role postgres)", []credential.Kind{credential.SupabaseDatabase}, false
	d.Settings = []providers.Setting{
		d.Settings[0], d.Settings[1], d.Settings[2],
		{Env: "SUPABASE_DATABASE_CA", Help: "the certificate with which Supabase signs those of its databases, as text or with _FILE as a file: Database Settings, SSL Configuration"},
		{Env: "SECRETGUARD_SUPABASE_DATABASE_URL", Help: "another address of the database, postgres://HOST:PORT; without TLS only at a private address"},
	}
	d.Can = []providers.Ability{providers.CanVerify, providers.CanInspect, providers.CanIssue, providers.CanReplace}
	d.Permissions = []string{"database_config_write (OAuth: database:write)", "database_pooling_config_read (OAuth: database:read), which tells where the pooler is"}
	d.Limits = append(databaseRisks(),
		"Only the role postgres has this password. That of another role is changed with ALTER ROLE by a person.",
		"Whether the old password is refused is asked once, between two log-ins with the new one: Supabase shuts out the address of whoever is refused a few times. A time-out, a ban, too many connections or a broken TLS are no refusal. For the same reason verify tries one password that is refused in ten minutes, and no more.",
		"The database is asked at db.REF.supabase.co, which has an IPv6 address only, or else at the project's pooler; at no other host.",
		"Supabase signs its databases' certificates itself: without SUPABASE_DATABASE_CA nothing can be asked.",
	)
	d.Links = []string{"https://supabase.com/docs/guides/database/managing-passwords", "https://supabase.com/docs/reference/api/v1-update-database-password", "https://supabase.com/docs/guides/platform/ssl-enforcement"}
	d.Proof = providers.ProofPolicy{Refusals: 1, Once: true}
	d.ReadyWithin = 2 * time.Minute
	d.VerifyCall = "GET /v1/projects/{ref}/config/database/pooler, and one log-in to the database"
	return d
}

// databaseRisks are what a person approves, in the plan and on the page.
func databaseRisks() []string {
	return []string{
		"THE GAP: the old password is dead the moment the new one is set. Every consumer fails to connect from then until it is deployed with the new one; connections that are open go on until they are opened anew.",
		"Consumers that go on with the old password make Supabase shut their address out, pooler and database, for minutes, also for the new password: where that matters, stop them before, or lift the ban (Database Settings, Network Bans).",
		"There is no way back once the new password is set: the run goes on.",
	}
}

// Database replaces the password of a project's database. It may be used from many
// goroutines.
type Database struct {
	tokens.Caller

	ref   string
	turn  sync.Mutex // one password at a time: what is said of one decides about the next
	door  *door
	rest  *rest
	clock func() time.Time
}

var (
	_ providers.Verifier  = (*Database)(nil)
	_ providers.Inspector = (*Database)(nil)
	_ providers.Issuer    = (*Database)(nil)
	_ providers.Replacer  = (*Database)(nil)
)

// NewDatabase returns the provider of the database password; it does no I/O.
func NewDatabase(cfg Config) (providers.Provider, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	d, err := newDoor(cfg)
	if err != nil {
		return nil, err
	}
	return &Database{
		Caller: tokens.Caller{Provider: DatabaseName, Base: cmp.Or(cfg.BaseURL, DefaultURL) + "/v1/projects/" + url.PathEscape(cfg.Ref), Client: cfg.Client, Auth: tokens.Bearer(cfg.AccessToken.Reveal())},
		ref:    cfg.Ref, door: d, rest: newRest(), clock: time.Now,
	}, nil
}

// Describe returns what this provider is.
func (d *Database) Describe() providers.Descriptor { return DatabaseDescriptor() }

// DatabaseID names a password by its role and four digits of a hash: the end of a password
// that a person chose would tell too much of it.
func DatabaseID(password secret.Text) string {
	sum := sha256.Sum256([]byte("supabase database\x00" + password.Reveal()))
	return role + ":…" + hex.EncodeToString(sum[:2])
}

func (d *Database) refKey(password secret.Text) providers.KeyRef {
	return providers.KeyRef{Kind: credential.SupabaseDatabase, ID: DatabaseID(password), Owner: d.ref}
}

func (d *Database) failure(op string, class error, why string) error {
	return &providers.Error{Provider: DatabaseName, Op: op, Class: class, Err: errors.New(why)}
}

// Verify logs in once. A password that was refused is not sent again for a while: what was
// said then is said again; and no other one is tried soon after.
func (d *Database) Verify(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	now, password := d.clock(), plain(c.Part(credential.PartToken))
	_, said := d.rest.refused(password, now)
	if wait := d.rest.wait(password, now); wait > 0 && !said {
		return providers.Verdict{Liveness: providers.Unknown, At: now.UTC()}, &providers.Error{
			Provider: DatabaseName, Op: logIn, Class: providers.ErrRateLimited, RetryAfter: wait,
			Err: errors.New("another password was refused just now, and Supabase shuts out whoever is refused a few times: not asked"),
		}
	}
	return d.ask(ctx, c)
}

const logIn = "log in to the database"

// ask is Verify for the one whose turn it is.
func (d *Database) ask(ctx context.Context, c credential.Credential) (providers.Verdict, error) {
	v := providers.Verdict{Liveness: providers.Unknown, At: d.clock().UTC()}
	password := plain(c.Part(credential.PartToken))
	switch {
	case !fits(password):
		return v, d.failure(logIn, providers.ErrRefused, "the value has not the form of a password")
	case c.Project != "" && c.Project != d.ref:
		return v, d.failure(logIn, providers.ErrRefused, "it stands with another project than SUPABASE_PROJECT_REF: set that one, if it is yours")
	}
	if known, ok := d.rest.refused(password, d.clock()); ok {
		return known, nil
	}
	at, err := d.addresses(ctx)
	if err != nil {
		return v, err
	}
	code, err := d.door.open(ctx, at, password)
	if err != nil {
		return v, d.classify(ctx, logIn, err)
	}
	v.Liveness, v.Grade, v.Detail = providers.Live, providers.GradeIdentity, "it logs in"
	v.Identity = providers.Identity{Account: d.ref, Who: role, Project: d.ref}
	if code != "" {
		v.Liveness, v.Grade, v.Code, v.Detail = providers.Dead, providers.GradeAnswer, code, "the database refuses the password for the role "+role
		v.Identity = providers.Identity{}
	}
	d.rest.note(password, v)
	return v, nil
}

// Inspect tells whether the password is that of the role postgres of our project: the call
// that sets a new one changes no other.
func (d *Database) Inspect(ctx context.Context, c credential.Credential) (providers.KeyState, error) {
	d.turn.Lock()
	defer d.turn.Unlock()
	v, err := d.ask(ctx, c)
	if err != nil {
		return providers.KeyState{}, err
	}
	st := providers.KeyState{
		Key:      providers.KeyInfo{Ref: d.refKey(c.Part(credential.PartToken)), Active: v.Liveness == providers.Live},
		Identity: providers.Identity{Account: d.ref, Who: role + " of the project " + d.ref}, Warnings: databaseRisks(),
	}
	if v.Liveness != providers.Live {
		return st, d.failure("look whose password it is", providers.ErrAuth, "the role "+role+" of the project SUPABASE_PROJECT_REF does not log in with it: it is dead already, or of another project or another role, which this call does not change")
	}
	return st, nil
}

// passwordBytes is how much of chance is in a new password. Hex digits are safe in every
// part of a URL, in a shell and in a .env file.
const passwordBytes = 24

// Choose makes up the next password; its name differs from the old one's.
func (d *Database) Choose(old providers.KeyRef) (secret.Text, error) {
	for {
		b := make([]byte, passwordBytes)
		_, _ = rand.Read(b) // never fails: crypto/rand ends the program first
		if value := secret.New(hex.EncodeToString(b)); DatabaseID(value) != old.ID {
			return value, nil
		}
	}
}

// said is the answer to a new password.
type said struct {
	Message string `json:"message"`
}

// Whole implements tokens.Checked.
func (s *said) Whole() bool { return s.Message != "" }

// Issue sets the new password, which ends the old one. One attempt.
func (d *Database) Issue(ctx context.Context, req providers.IssueRequest) (providers.Issued, error) {
	const op = "set the database's password"
	switch {
	case !fits(req.Value):
		return providers.Issued{}, d.failure(op, providers.ErrRefused, "no new password was chosen: a mistake in the program; please report it")
	case req.Old.Owner != d.ref:
		return providers.Issued{}, d.failure(op, providers.ErrRefused, "the plan is of another project than SUPABASE_PROJECT_REF")
	}
	d.rest.forget(req.Value) // what was refused before says nothing of what is now
	if err := d.Do(ctx, op, http.MethodPatch, "/database/password", map[string]string{"password": req.Value.Reveal()}, new(said)); err != nil {
		return providers.Issued{}, err
	}
	ref := d.refKey(req.Value)
	return providers.Issued{Ref: ref, Credential: credential.Credential{
		Kind: ref.Kind, ID: ref.ID, Parts: map[credential.Part]secret.Text{credential.PartToken: req.Value},
	}}, nil
}

// Reconcile has nothing to find out: the same password is set once more, with the same end
// whatever the lost request did. A log-in to see it could be one refusal too many.
func (d *Database) Reconcile(context.Context, providers.IssueRequest) (providers.Reconciliation, error) {
	return providers.Reconciliation{Outcome: providers.Superseded, Detail: "the same password is set again"}, nil
}

// classify says what it means that the database could not be asked.
func (d *Database) classify(ctx context.Context, op string, err error) error {
	var no *noAnswer
	if errors.As(err, &no) {
		return &providers.Error{Provider: DatabaseName, Op: op, Class: no.class, Code: no.code, RetryAfter: no.wait, Err: errors.New(no.why)}
	}
	return providers.Classify(DatabaseName, httpx.Lost(ctx, op, true, err))
}
