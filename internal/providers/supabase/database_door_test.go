package supabase

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/providers"
	"github.com/secretguard/secretguard/internal/secret"
)

// Nothing is dialled but the project's database and Supabase's own poolers, and nobody is
// logged in but the role postgres.
func TestOnlyTheProjectsAddresses(t *testing.T) {
	t.Parallel()
	ref := lab.MadeUpOf("abcdefghijklmnopqrstuvwxyz", 20)
	good := pooler{Type: "PRIMARY", User: "postgres", Host: "aws-0-eu-central-1.pooler.supabase.com", Port: 6543}
	with := func(change func(*pooler)) pooler {
		p := good
		change(&p)
		return p
	}
	direct := address{host: "db." + ref + ".supabase.co", port: "5432", user: "postgres"}
	shared := address{host: good.Host, port: "6543", user: "postgres." + ref}
	for name, tc := range map[string]struct {
		list []pooler
		want []address
	}{
		"none":               {nil, []address{direct}},
		"the shared one":     {[]pooler{good}, []address{direct, shared}},
		"user with project":  {[]pooler{with(func(p *pooler) { p.User += "." + ref })}, []address{direct, shared}},
		"another role":       {[]pooler{with(func(p *pooler) { p.User = "supabase_admin" })}, []address{direct}},
		"another project":    {[]pooler{with(func(p *pooler) { p.User = "postgres." + strings.Repeat("a", 20) })}, []address{direct}},
		"a replica":          {[]pooler{with(func(p *pooler) { p.Type = "READ_REPLICA" })}, []address{direct}},
		"another host":       {[]pooler{with(func(p *pooler) { p.Host = "pooler.supabase.com.example.net" })}, []address{direct}},
		"a host in a host":   {[]pooler{with(func(p *pooler) { p.Host = "example.net/x.pooler.supabase.com" })}, []address{direct}},
		"a metadata service": {[]pooler{with(func(p *pooler) { p.Host = "169.254.169.254" })}, []address{direct}},
		"another port":       {[]pooler{with(func(p *pooler) { p.Port = 22 })}, []address{direct}},
	} {
		if got := addressesOf(ref, tc.list); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// behindTLS stands before a database and does what Supabase does: it takes TLS first.
func behindTLS(t *testing.T, database string) (port, ca string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil) // for its certificate, of 127.0.0.1
	s.StartTLS()
	t.Cleanup(s.Close)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go through(t.Context(), c, s.TLS, database)
		}
	}()
	_, port, _ = net.SplitHostPort(ln.Addr().String())
	return port, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

func through(ctx context.Context, c net.Conn, cfg *tls.Config, database string) {
	defer c.Close()
	want := make([]byte, 8) // PostgreSQL's wish for TLS
	if _, err := io.ReadFull(c, want); err != nil {
		return
	}
	if _, err := c.Write([]byte("S")); err != nil {
		return
	}
	open := tls.Server(c, &tls.Config{Certificates: cfg.Certificates, MinVersion: tls.VersionTLS12})
	back, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(database, "postgres://"))
	if err != nil {
		return
	}
	defer back.Close()
	go func() { _, _ = io.Copy(back, open); _ = back.Close() }()
	_, _ = io.Copy(open, back)
}

// A certificate that nobody known has signed ends it before anything is sent; with
// Supabase's own the password is asked for inside.
func TestDatabaseIsKnownByItsCertificate(t *testing.T) {
	t.Parallel()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port, ca := behindTLS(t, l.URL("database"))
	client := httpx.New(httpx.Options{AllowPrivate: true})
	password := secret.New(l.Supabase.Database.Password())
	log := func(ca, host string) (string, error) {
		d, err := newDoor(Config{Client: client, DatabaseCA: ca})
		if err != nil {
			t.Fatal(err)
		}
		return d.open(t.Context(), []address{{host: host, port: port, user: role}}, password)
	}
	var no *noAnswer
	if _, err := log("", "127.0.0.1"); !errors.As(err, &no) || !errors.Is(no.class, providers.ErrRefused) || !strings.Contains(no.why, "SUPABASE_DATABASE_CA") {
		t.Errorf("an unknown certificate: %v", err)
	}
	if _, err := log(ca, "localhost"); !errors.As(err, &no) || !errors.Is(no.class, providers.ErrRefused) {
		t.Errorf("a certificate of another name: %v", err)
	}
	if n := l.Supabase.Database.Logins(); n != 0 {
		t.Fatalf("%d log-ins", n)
	}
	if code, err := log(ca, "127.0.0.1"); err != nil || code != "" || l.Supabase.Database.Logins() != 1 {
		t.Errorf("%q, %v", code, err)
	}
	// Without TLS at the other side nothing is sent.
	_, plainPort, _ := net.SplitHostPort(strings.TrimPrefix(l.URL("database"), "postgres://"))
	d, err := newDoor(Config{Client: client, DatabaseCA: ca})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.open(t.Context(), []address{{host: "127.0.0.1", port: plainPort, user: role}}, password); !errors.As(err, &no) || l.Supabase.Database.Logins() != 1 {
		t.Errorf("without TLS: %v", err)
	}
}

// The first address that is reached is the one that is asked from then on, so that a proof
// and its control are of one place; private ones are refused where nobody allows them.
func TestDatabaseStaysWhereItIs(t *testing.T) {
	t.Parallel()
	l, err := lab.Start(t.Context(), lab.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(l.URL("database"), "postgres://"))
	here, nowhere := address{host: host, port: port, user: role, plain: true}, address{host: host, port: "1", user: role, plain: true}
	d, err := newDoor(Config{Client: httpx.New(httpx.Options{AllowPrivate: true})})
	if err != nil {
		t.Fatal(err)
	}
	password := secret.New(l.Supabase.Database.Password())
	if code, err := d.open(t.Context(), []address{nowhere, here}, password); err != nil || code != "" {
		t.Fatalf("%q, %v", code, err)
	}
	if code, err := d.open(t.Context(), []address{nowhere}, password); err != nil || code != "" || *d.at != here {
		t.Errorf("%q, %v, at %+v", code, err, d.at)
	}
	var no *noAnswer
	if d, err = newDoor(Config{Client: httpx.New(httpx.Options{})}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.open(t.Context(), []address{here}, password); !errors.As(err, &no) || !errors.Is(no.class, providers.ErrRefused) || !strings.Contains(no.why, "private") {
		t.Errorf("a private address: %v", err)
	}
	if _, err := d.open(t.Context(), []address{{host: host, port: port, user: role}}, password); !errors.As(err, &no) || !errors.Is(no.class, providers.ErrRefused) {
		t.Errorf("a private address, with TLS: %v", err)
	}
}
