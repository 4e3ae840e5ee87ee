package supabase

import (
	"context"
	"crypto/tls"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// noAnswer is a log-in that tells nothing of the password.
type noAnswer struct {
	class error
	code  string // SQLSTATE
	wait  time.Duration
	why   string
}

func (n *noAnswer) Error() string { return n.why }

// breaker is how long Supabase's pooler shuts an address out
// (https://supabase.com/docs/guides/troubleshooting/supavisor-error-circuit-breaker).
const breaker = 2 * time.Minute

var sqlState = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// judged tells a refusal of the password from everything else. What the server says in
// words is not passed on.
func judged(ctx context.Context, err error) (code string, _ error) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == refusedCode {
		return refusedCode, nil
	}
	return "", because(ctx, err)
}

func because(ctx context.Context, err error) error {
	var pg *pgconn.PgError
	var cert *tls.CertificateVerificationError
	switch {
	case errors.As(err, &pg):
		return answered(pg)
	case errors.As(err, &cert):
		return &noAnswer{class: providers.ErrRefused, why: "the database's certificate is not signed by anybody who is known here: set SUPABASE_DATABASE_CA (Database Settings, SSL Configuration)"}
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	}
	return &noAnswer{class: providers.ErrTransient, why: "the log-in was not answered: " + httpx.Cause(ctx, err).Error()}
}

// answered is a refusal for another reason than the password.
func answered(pg *pgconn.PgError) error {
	n := &noAnswer{class: providers.ErrTransient, why: "the database refuses the log-in for another reason than the password"}
	if sqlState.MatchString(pg.Code) {
		n.code = "SQLSTATE " + pg.Code
	}
	if strings.Contains(strings.ToLower(pg.Message), "circuit breaker") {
		n.class, n.wait, n.why = providers.ErrRateLimited, breaker, "Supabase's pooler shuts out whoever logged in with a wrong password, this address or a consumer's"
	}
	return n
}

// unreached is a database to which no connection came up.
func unreached(ctx context.Context, err error) error {
	cause := httpx.Cause(ctx, err)
	switch {
	case errors.Is(cause, context.Canceled):
		return cause
	case errors.Is(cause, httpx.ErrPrivate), errors.Is(cause, httpx.ErrPlain):
		return &noAnswer{class: providers.ErrRefused, why: cause.Error()}
	}
	return &noAnswer{class: providers.ErrTransient, why: "the database is not reached (" + cause.Error() + "); Supabase also refuses an address that it has banned: Database Settings, Network Bans"}
}

// longestPassword is more than PostgreSQL's clients send.
const longestPassword = 1000

func fits(password secret.Text) bool {
	p := password.Reveal()
	return len(p) >= 4 && len(p) <= longestPassword && !strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// plain takes the escapes of a URL off a password that was found in one: there a "%" that
// stands for itself is escaped too.
func plain(password secret.Text) secret.Text {
	if p, err := url.PathUnescape(password.Reveal()); err == nil {
		return secret.New(p)
	}
	return password
}
