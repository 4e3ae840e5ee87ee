//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/secretguard/secretguard/internal/lab"
)

// postgres is a real PostgreSQL whose role postgres logs in with a password.
type postgres struct {
	port   string
	socket string // the folder of the socket, over which no password is asked for
}

// asPostgres lets a program run as the user of that name where we are root: PostgreSQL
// refuses to run as root.
func asPostgres(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := osuser.Lookup("postgres")
	if err != nil {
		t.Fatalf("PostgreSQL does not run as root, and there is no user postgres: %v", err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	cmd.Dir = dir
}

// startPostgres makes a cluster with SCRAM and a first password, and serves it.
func startPostgres(t *testing.T, password string) postgres {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_POSTGRES")
	if bin == "" {
		t.Skip("NOT CHECKED: no PostgreSQL could be installed; see what make e2e said")
	}
	dir, err := os.MkdirTemp("", "sg-postgres-") //nolint:usetesting // a test's own folder is closed to other users, and too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	first, data := filepath.Join(dir, "first"), filepath.Join(dir, "data")
	if err := os.WriteFile(first, []byte(password), 0o644); err != nil {
		t.Fatal(err)
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=trust", "--pwfile="+first, "--locale=C", "--encoding=UTF8", "--no-sync")
	asPostgres(t, initdb, dir)
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p := postgres{port: freePort(t), socket: dir}
	cmd := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-p", p.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir, "-c", "fsync=off", "-c", "password_encryption=scram-sha-256")
	asPostgres(t, cmd, dir)
	launch(t, cmd, p.port)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); p.alter(password) != nil; <-tick.C {
		if time.Now().After(end) {
			t.Fatal("PostgreSQL does not answer")
		}
	}
	return p
}

// alter sets the password as Supabase does it.
func (p postgres) alter(password string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := pgconn.Connect(ctx, "host="+p.socket+" port="+p.port+" user=postgres dbname=postgres sslmode=disable")
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	if strings.ContainsAny(password, `'\`) {
		return errors.New("the password is not safe in a statement")
	}
	_, err = c.Exec(ctx, "ALTER ROLE postgres PASSWORD '"+password+"'").ReadAll()
	return err
}

// logIn returns the code with which PostgreSQL refuses a password; empty when it does not.
func (p postgres) logIn(t *testing.T, password string) string {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), "host=127.0.0.1 port="+p.port+" user=postgres dbname=postgres sslmode=disable password="+password)
	if err == nil {
		_ = c.Close(t.Context())
		return ""
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		t.Fatalf("no answer: %v", err)
	}
	return refused.Code
}

// The password of a Supabase database leaked in a connection string. The built program
// finds it, plans with the gap in plain words, sets another one through the Management
// API's twin, which sets it in a real PostgreSQL, changes the string in place, and proves
// that PostgreSQL refuses the old password.
func TestRotateDatabasePasswordAgainstPostgres(t *testing.T) {
	old := lab.MadeUp("", 24)
	p := startPostgres(t, old)
	l := startLab(t)
	l.Supabase.Database.Start(old)
	l.Supabase.Database.OnSet(p.alter)
	before, after := "postgresql://postgres:", "@db."+l.Supabase.Ref()+".supabase.co:5432/postgres?sslmode=require"
	home := t.TempDir()
	u := leakInto(t, l, home, "DATABASE_URL", before+old+after, map[string]string{"SECRETGUARD_SUPABASE_DATABASE_URL": "postgres://127.0.0.1:" + p.port})
	id := u.finds()
	if out := u.run(1, "verify", "--yes", "--no-cache"); !strings.Contains(out, "LIVE") {
		t.Error("the password logs in, and verify does not say so")
	}
	file, run, digest := u.plans(id)
	plan, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(plan), "THE OUTAGE BEGINS") || !strings.Contains(string(plan), "which ends the old one") {
		t.Errorf("the plan does not show the gap (%v)", err)
	}
	if got := p.logIn(t, old); got != "" {
		t.Fatalf("the plan changed something: %s", got)
	}
	out := u.run(0, "rotate", file, "--approve", digest)
	fresh := strings.TrimSuffix(strings.TrimPrefix(u.stored(), before), after)
	if fresh == old || len(fresh) != 48 || before+fresh+after != u.stored() {
		t.Fatalf("the string was not changed in place: %d characters", len(u.stored()))
	}
	if code := p.logIn(t, old); code != "28P01" {
		t.Errorf("PostgreSQL does not refuse the old password: %q", code)
	}
	if code := p.logIn(t, fresh); code != "" {
		t.Errorf("PostgreSQL refuses the new password: %s", code)
	}
	out += u.run(0, "report", run)
	if !strings.Contains(out, "## Proof of death") || !strings.Contains(out, "28P01") {
		t.Error("no proof")
	}
	if strings.Contains(out, old) || strings.Contains(out, fresh) {
		t.Error("a password is in what was said")
	}
	if n := l.Supabase.Database.Logins(); n != 0 {
		t.Errorf("%d log-ins went to the twin", n)
	}
}
