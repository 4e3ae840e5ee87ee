package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Database is the twin of a Supabase project's database, as far as logging in goes: one
// password for the role postgres, which a call of the management API sets, and which is in
// force at once. It speaks PostgreSQL's protocol on a port of its own, and like Supabase it
// shuts out the address of whoever is refused twice.
type Database struct {
	of *Supabase

	mu      sync.Mutex
	now     databasePassword
	before  []databasePassword // newest last
	failed  int
	banned  bool
	planned []DatabaseFault
	hook    func(password string) error
	open    map[net.Conn]bool
	logins  int
}

type databasePassword struct {
	value string
	set   time.Time // zero: long ago
	ended time.Time
}

// DatabaseFault is what the database does with one log-in in place of judging it.
type DatabaseFault struct {
	Code, Message string // answers with this error
	Trust         bool   // lets everybody in, without a password
	Cleartext     bool   // wants the password as it is
	Garbage       bool   // answers with what is not its protocol
	Cut           bool   // breaks off when it has what proves the password
	Silent        bool   // says nothing until the lab is closed
}

// mostRefusals is how many wrong passwords an address may try.
const mostRefusals = 2

// passwordCall is the name of the call that sets the password, as in Request.Op.
const passwordCall = "set database password"

func newDatabase(s *Supabase) *Database {
	d := &Database{of: s, now: databasePassword{value: MadeUp("", 24)}, open: map[net.Conn]bool{}}
	s.on("GET /v1/projects/{ref}/config/database/pooler", op{"pooler settings", true, d.settings})
	s.on("PATCH /v1/projects/{ref}/database/password", op{passwordCall, false, d.change})
	return d
}

// Password returns the password that is in force.
func (d *Database) Password() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now.value
}

// Start sets the password that has always been there.
func (d *Database) Start(password string) {
	d.dial(func() { d.now = databasePassword{value: password} })
}

// OnSet lets something else happen when a password is set, such as setting it in a real
// database; an error of it is the call's.
func (d *Database) OnSet(hook func(password string) error) { d.dial(func() { d.hook = hook }) }

// Plan plans what the next log-ins meet.
func (d *Database) Plan(f ...DatabaseFault) { d.dial(func() { d.planned = append(d.planned, f...) }) }

// Refused returns how many log-ins were refused for a wrong password, and whether the
// address of whoever tried is shut out.
func (d *Database) Refused() (times int, banned bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed, d.banned
}

// Logins returns how many log-ins were accepted.
func (d *Database) Logins() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.logins
}

// Unban lets everybody in again.
func (d *Database) Unban() { d.dial(func() { d.failed, d.banned = 0, false }) }

// Accepts reports whether a password logs in now.
func (d *Database) Accepts(password string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	ok, code := d.judge(func(p string) bool { return p == password })
	return ok && code == ""
}

func (d *Database) dial(set func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set()
}

// judge says what becomes of a log-in whose password fits a test; the caller holds the
// lock. A password of which the pooler does not know yet is refused with another code.
func (d *Database) judge(fits func(password string) bool) (ok bool, code string) {
	if fits(d.now.value) {
		if !d.now.set.IsZero() && time.Since(d.now.set) < d.of.lab.opts.KeyDelay {
			return false, "XX000"
		}
		return true, ""
	}
	for _, p := range slices.Backward(d.before) {
		if fits(p.value) && time.Since(p.ended) < d.of.lab.opts.DisableDelay {
			return true, ""
		}
	}
	return false, "28P01"
}

func (d *Database) settings(w http.ResponseWriter, r *http.Request) {
	if r.PathValue("ref") != d.of.ref {
		refuseMessage(w, http.StatusNotFound, "not found")
		return
	}
	host := "aws-0-eu-central-1.pooler.supabase.com"
	text := "postgresql://postgres." + d.of.ref + ":[YOUR-PASSWORD]@" + host + ":6543/postgres"
	writeJSON(w, http.StatusOK, []map[string]any{{
		"identifier": d.of.ref, "database_type": "PRIMARY", "is_using_scram_auth": true, "db_user": "postgres", "db_host": host, "db_port": 6543, "db_name": "postgres",
		"connection_string": text, "connectionString": text, "default_pool_size": nil, "max_client_conn": nil, "pool_mode": "transaction",
	}})
}

func (d *Database) change(w http.ResponseWriter, r *http.Request) {
	const least = 4
	password := word(bodyOf(r), "password")
	switch {
	case r.PathValue("ref") != d.of.ref:
		refuseMessage(w, http.StatusNotFound, "not found")
		return
	case len(password) < least:
		refuseMessage(w, http.StatusBadRequest, "password is too short")
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hook != nil {
		if err := d.hook(password); err != nil {
			refuseMessage(w, http.StatusInternalServerError, "the database did not take it")
			return
		}
	}
	if password != d.now.value {
		was := d.now
		was.ended = time.Now()
		d.before = append(d.before, was)
		d.now = databasePassword{value: password, set: time.Now()}
	}
	writeJSON(w, http.StatusOK, map[string]any{"message": "Successfully updated password"})
}

// listen serves until the lab is closed; ctx bounds only the start.
func (d *Database) listen(ctx context.Context) error {
	l := d.of.lab
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the database twin: %w", err)
	}
	l.urls["database"] = "postgres://" + ln.Addr().String()
	l.wg.Go(func() {
		<-l.closed
		_ = ln.Close() // nothing is left to do with it
		d.mu.Lock()
		defer d.mu.Unlock()
		for c := range d.open {
			_ = c.Close() // ends who serves it
		}
	})
	l.wg.Go(func() {
		for {
			c, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			if d.takes(c) {
				l.wg.Go(func() { d.serve(c) })
			}
		}
	})
	return nil
}

// takes reports whether a connection is served: not after the end, and not one of an
// address that is shut out.
func (d *Database) takes(c net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	over := false
	select {
	case <-d.of.lab.closed:
		over = true
	default:
	}
	if over || d.banned {
		_ = c.Close() // as a firewall does
		return false
	}
	d.open[c] = true
	return true
}
