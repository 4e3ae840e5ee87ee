package supabase

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// address is where the database lets one in, and as whom.
type address struct {
	host, port, user string
	plain            bool // without TLS: at a private address only
}

// poolerHost is the form of the shared poolers' names. Nothing else that the Management API
// may answer is dialled.
var poolerHost = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}\.pooler\.supabase\.com$`)

// projectRef is the form of a project's reference, which becomes a part of a host's name.
var projectRef = regexp.MustCompile(`^[a-z]{20}$`)

// pooler is a pooler of the project as the Management API tells it.
type pooler struct {
	Type string `json:"database_type"`
	User string `json:"db_user"`
	Host string `json:"db_host"`
	Port int    `json:"db_port"`
}

type poolers []pooler

// Whole implements tokens.Checked.
func (l *poolers) Whole() bool { return *l != nil }

// addresses returns where the project's database is asked, the best place first. That our
// own access belongs to the project is seen on the way.
func (d *Database) addresses(ctx context.Context) ([]address, error) {
	var list poolers
	if err := d.Do(ctx, "ask where the database's pooler is", http.MethodGet, "/config/database/pooler", nil, &list); err != nil {
		return nil, err
	}
	if d.door.other != nil {
		return []address{*d.door.other}, nil
	}
	if !projectRef.MatchString(d.ref) {
		return nil, d.failure("look for the database", providers.ErrRefused, "SUPABASE_PROJECT_REF has not the form of a reference: 20 small letters")
	}
	return addressesOf(d.ref, list), nil
}

// addressesOf are the database itself, and the poolers that can be a project's own.
func addressesOf(ref string, list []pooler) []address {
	out := []address{{host: "db." + ref + ".supabase.co", port: "5432", user: role}}
	for _, p := range list {
		user := strings.TrimSuffix(p.User, "."+ref)
		if p.Type == "PRIMARY" && user == role && poolerHost.MatchString(p.Host) && (p.Port == 5432 || p.Port == 6543) {
			out = append(out, address{host: p.Host, port: strconv.Itoa(p.Port), user: role + "." + ref})
		}
	}
	return out
}

// door logs in to a database, one at a time.
type door struct {
	client *httpx.Client
	other  *address       // instead of Supabase's own; nil for those
	ca     *x509.CertPool // in place of the system's; nil for none

	at *address // where the first connection came up: a proof asks at one place
}

func newDoor(cfg Config) (*door, error) {
	d := &door{client: cfg.Client}
	if cfg.DatabaseURL != "" {
		u, err := url.Parse(cfg.DatabaseURL)
		if err != nil || u.Scheme != "postgres" || u.Hostname() == "" || u.Port() == "" || u.User != nil {
			return nil, errors.New("SECRETGUARD_SUPABASE_DATABASE_URL is not of the form postgres://HOST:PORT")
		}
		ip := net.ParseIP(u.Hostname())
		d.other = &address{host: u.Hostname(), port: u.Port(), user: role, plain: u.Hostname() == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsPrivate())}
	}
	if cfg.DatabaseCA != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(cfg.DatabaseCA)) {
			return nil, errors.New("SUPABASE_DATABASE_CA holds no certificate in PEM form")
		}
		d.ca = pool
	}
	return d, nil
}

// loginLimit is how long one log-in may take, connecting included.
const loginLimit = 20 * time.Second

// refusedCode is invalid_password, the one SQLSTATE that says that the password is wrong.
const refusedCode = "28P01"

// open logs in once, at the first address that a connection comes up to. It returns the
// code with which the password was refused, empty when it was accepted; everything else is
// an error.
func (d *door) open(ctx context.Context, at []address, password secret.Text) (code string, err error) {
	ctx, cancel := context.WithTimeout(ctx, loginLimit)
	defer cancel()
	if d.at != nil {
		at = []address{*d.at}
	}
	for i, a := range at {
		var conn net.Conn
		if conn, err = d.client.Dial(ctx, net.JoinHostPort(a.host, a.port), a.plain); err == nil {
			d.at = &at[i]
			return d.login(ctx, a, conn, password)
		}
	}
	return "", unreached(ctx, err)
}

// login speaks on one connection, which it closes.
func (d *door) login(ctx context.Context, a address, conn net.Conn, password secret.Text) (code string, err error) {
	cfg, err := d.config(a, conn, password)
	if err != nil {
		_ = conn.Close() // nothing was said on it
		return "", err
	}
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		_ = conn.Close() // a failure may have left it open
		return judged(ctx, err)
	}
	defer func() { _ = pg.Close(context.WithoutCancel(ctx)) }() // it is let in; how it goes tells nothing
	// A pooler lets in before it has asked the database.
	if err := pg.Ping(ctx); err != nil {
		return "", because(ctx, err)
	}
	return "", nil
}

// config is a log-in that takes nothing from this machine's environment. A server that
// wants no password proves nothing, and one that wants it in the clear does not get it.
func (d *door) config(a address, conn net.Conn, password secret.Text) (*pgconn.Config, error) {
	cfg, err := pgconn.ParseConfig("host=localhost port=5432 user=" + role + " dbname=postgres sslmode=disable")
	if err != nil { // only the environment can be at fault; its words are not shown
		return nil, &noAnswer{class: providers.ErrRefused, why: "a setting of PostgreSQL's own in the environment (PGSERVICE, PGSSLROOTCERT and the like) is in the way: unset it"}
	}
	port, _ := strconv.ParseUint(a.port, 10, 16) // a connection is there already
	cfg.Host, cfg.Port, cfg.User, cfg.Password = a.host, uint16(port), a.user, password.Reveal()
	cfg.Fallbacks, cfg.RuntimeParams = nil, map[string]string{"application_name": "secretguard"}
	cfg.RequireAuth, cfg.SSLNegotiation = "scram-sha-256,md5", ""
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	if !a.plain {
		roots := d.ca
		if roots == nil {
			roots, err = x509.SystemCertPool()
		}
		if err != nil {
			return nil, &noAnswer{class: providers.ErrRefused, why: "this system's certificates cannot be read: set SUPABASE_DATABASE_CA"}
		}
		cfg.TLSConfig = &tls.Config{ServerName: a.host, RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return cfg, nil
}
