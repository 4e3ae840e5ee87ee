//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/secretguard/secretguard/internal/lab"
)

// prefectServer starts a real Prefect server that takes one auth string, and returns
// its API's address. stop ends it, as a restart does first.
func prefectServer(t *testing.T, home, port, auth string) (api string, stop func()) {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_PREFECT")
	if bin == "" {
		t.Skip("NOT CHECKED: no Prefect server could be installed; see what make e2e said")
	}
	cmd := exec.Command(bin, "server", "start", "--host", "127.0.0.1", "--port", port, "--no-services", "--no-ui")
	cmd.Env = []string{
		"HOME=" + home, "PATH=" + filepath.Dir(bin) + ":" + os.Getenv("PATH"), "PREFECT_HOME=" + filepath.Join(home, "prefect"),
		"PREFECT_SERVER_API_AUTH_STRING=" + auth, "PREFECT_SERVER_ANALYTICS_ENABLED=false", "DO_NOT_TRACK=1",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it starts another process, which serves
	end := sync.OnceFunc(func() {
		if cmd.Process != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	t.Cleanup(end)
	wait := launch(t, cmd, port)
	return "http://127.0.0.1:" + port + "/api", func() { end(); wait() }
}

// The string of a self-hosted Prefect server leaked. The built program finds it, sees
// that the server takes it, waits while a person gives the server another one, takes
// that, puts it where the old one is, and proves that the server refuses the old one.
func TestRotateAuthStringAgainstPrefect(t *testing.T) {
	digits := "0123456789abcdef"
	old, fresh := "admin:"+lab.MadeUpOf(digits, 32), "admin:"+lab.MadeUpOf(digits, 32)
	home, port := t.TempDir(), freePort(t)
	api, stop := prefectServer(t, home, port, old)
	u := leakIn(t, home, "PREFECT_API_AUTH_STRING", old, map[string]string{"SECRETGUARD_PREFECT_SERVER_URL": api})
	id := u.finds()
	if out := u.run(1, "verify", "--yes", "--no-cache"); !strings.Contains(out, "LIVE") {
		t.Error("the server takes the string, and verify does not say so")
	}
	file, run, digest := u.plans(id)
	u.run(6, "rotate", file, "--approve", digest)

	stop() // the person changes the string and restarts the server
	prefectServer(t, home, port, fresh)
	u.in = old + "\n"
	if out := u.run(2, "rotate", "supply", run); !strings.Contains(out, "that is the old key") {
		t.Error("the old string is refused for another reason")
	}
	u.in = fresh + "\n"
	out := u.run(0, "rotate", "supply", run)
	if u.stored() != fresh {
		t.Error("the new string is not stored")
	}
	out += u.run(0, "report", run)
	if !strings.Contains(out, "## Proof of death") {
		t.Error("no proof")
	}
	if strings.Contains(out, old[8:30]) || strings.Contains(out, fresh[8:30]) {
		t.Error("a password is in what was said")
	}
}

// doctor asks a real Prefect server with a consumer's own string: the string, the
// deployment, its pool and its workers, there and not there.
func TestDoctorAgainstPrefect(t *testing.T) {
	home, port, auth := t.TempDir(), freePort(t), "admin:"+lab.MadeUp("", 24)
	api, _ := prefectServer(t, home, port, auth)
	call := func(path string, body map[string]any) (out struct{ ID string }) {
		t.Helper()
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, api+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		user, password, _ := strings.Cut(auth, ":")
		req.SetBasicAuth(user, password)
		req.Header.Set("Content-Type", "application/json")
		res, err := (&http.Client{Timeout: time.Minute}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&out); res.StatusCode/100 != 2 || err != nil && res.StatusCode != http.StatusNoContent {
			t.Fatalf("%s: %s, %v", path, res.Status, err)
		}
		return out
	}
	declaration := filepath.Join(home, "my.secretguard.toml")
	text := "[[consumer]]\nname = \"worker\"\nwhere = \"env\"\n[consumer.prefect]\nurl = \"PREFECT_API_URL\"\nauth = \"PREFECT_API_AUTH_STRING\"\ndeployment = \"process_job/production\"\n"
	if err := os.WriteFile(declaration, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	doctor := func(auth, want string) {
		t.Helper()
		u := user{t: t, bin: normalBinary(t), repo: home, env: []string{"HOME=" + home, "PREFECT_API_URL=" + api, "PREFECT_API_AUTH_STRING=" + auth}}
		if out := u.run(1, "doctor", "-c", declaration, "-v", "--allow-private"); !strings.Contains(out, want) {
			t.Errorf("doctor does not say %q", want)
		}
	}
	doctor("admin:"+lab.MadeUp("", 24), "prefect.key")
	doctor(auth, "prefect.deployment")
	call("/work_pools/", map[string]any{"name": "jobs", "type": "process"})
	flow := call("/flows/", map[string]any{"name": "process_job"})
	call("/deployments/", map[string]any{"name": "production", "flow_id": flow.ID, "work_pool_name": "jobs"})
	doctor(auth, "no worker of the pool is online")
	call("/work_pools/jobs/workers/heartbeat", map[string]any{"name": "w1"})
	u := user{t: t, bin: normalBinary(t), repo: home, env: []string{"HOME=" + home, "PREFECT_API_URL=" + api, "PREFECT_API_AUTH_STRING=" + auth}}
	if out := u.run(0, "doctor", "-c", declaration, "-v", "--allow-private"); !strings.Contains(out, "workers online: 1") {
		t.Error("a worker is there, and doctor does not say so")
	}
}
