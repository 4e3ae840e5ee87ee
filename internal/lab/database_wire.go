package lab

import (
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

// session is one connection to the database.
type session struct {
	of   *Database
	conn net.Conn
	pg   *pgproto3.Backend
}

// serve speaks until the client leaves.
func (d *Database) serve(c net.Conn) {
	defer func() {
		d.dial(func() { delete(d.open, c) })
		_ = c.Close() // the client may have closed it
	}()
	d.of.lab.record(Request{Service: "services", Method: "LOGIN", Op: "supabase log in"})
	_ = c.SetDeadline(time.Now().Add(time.Minute)) // who stays for longer is cut off
	s := &session{of: d, conn: c, pg: pgproto3.NewBackend(c, c)}
	user, ok := s.greet()
	if !ok {
		return
	}
	f := d.takePlanned()
	switch {
	case f.Silent:
		<-d.of.lab.closed
		return
	case f.Garbage:
		_, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n<html>")) // the client may be gone
		return
	case f.Code != "":
		s.fail(f.Code, f.Message)
		return
	case f.Cleartext:
		s.pg.Send(&pgproto3.AuthenticationCleartextPassword{})
		if s.flush() == nil {
			_, _ = s.pg.Receive() // whatever comes is not looked at
		}
		return
	case !f.Trust && !s.authenticate(user, f.Cut):
		return
	}
	s.converse()
}

func (d *Database) takePlanned() (f DatabaseFault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.planned) > 0 {
		f, d.planned = d.planned[0], d.planned[1:]
	}
	return f
}

// greet reads who wants in; TLS is not offered.
func (s *session) greet() (user string, ok bool) {
	for {
		m, err := s.pg.ReceiveStartupMessage()
		if err != nil {
			return "", false
		}
		switch m := m.(type) {
		case *pgproto3.SSLRequest:
			if _, err := s.conn.Write([]byte("N")); err != nil {
				return "", false
			}
		case *pgproto3.StartupMessage:
			return m.Parameters["user"], true
		default:
			return "", false
		}
	}
}

func (s *session) flush() error { return s.pg.Flush() }

func (s *session) fail(code, message string) {
	s.pg.Send(&pgproto3.ErrorResponse{Severity: "FATAL", SeverityUnlocalized: "FATAL", Code: code, Message: message})
	_ = s.flush() // the client may be gone
}

// authenticate wants the password, by SCRAM-SHA-256.
func (s *session) authenticate(user string, cut bool) bool {
	proof, ok := s.scram()
	if !ok || cut {
		return false
	}
	d := s.of
	d.mu.Lock()
	accepted := ""
	ok, code := d.judge(func(p string) bool {
		if !proof.fits(p) {
			return false
		}
		accepted = p
		return true
	})
	if name, tenant, _ := strings.Cut(user, "."); name != "postgres" || tenant != "" && tenant != d.of.ref {
		ok, code = false, "28P01"
	}
	switch {
	case ok:
		d.logins++
	case code == "28P01":
		d.failed++
		d.banned = d.banned || d.failed >= mostRefusals
	}
	d.mu.Unlock()
	if !ok {
		s.fail(code, map[string]string{"28P01": `password authentication failed for user "postgres"`}[code])
		return false
	}
	s.pg.Send(&pgproto3.AuthenticationSASLFinal{Data: proof.answer(accepted)})
	return true
}

// converse answers empty queries.
func (s *session) converse() {
	s.pg.Send(&pgproto3.AuthenticationOk{})
	s.pg.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	s.pg.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for s.flush() == nil {
		m, err := s.pg.Receive()
		if err != nil {
			return
		}
		switch m.(type) {
		case *pgproto3.Query:
			s.pg.Send(&pgproto3.EmptyQueryResponse{})
			s.pg.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		default: // the end
			return
		}
	}
}
