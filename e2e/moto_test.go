//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/secretguard/secretguard/internal/secret"
)

// moto starts a moto server and returns its address.
func moto(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_MOTO")
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("moto is not installed (%v); run: make e2e", err)
	}
	return peer(t, bin, func(port string) []string { return []string{"-H", "127.0.0.1", "-p", port} })
}

// peer starts a program that listens on a port of this machine, with the arguments for
// it, and returns its address when it answers; it ends with the test.
func peer(t *testing.T, bin string, args func(port string) []string) string {
	t.Helper()
	port := freePort(t)
	launch(t, exec.Command(bin, args(port)...), port)
	return "http://127.0.0.1:" + port
}

// freePort returns a port that nobody listens on now. It is below those that the system
// gives out by itself: one of these may be another test's before our program has it, and
// we would talk to that one.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no port is free")
	return ""
}

// launch starts a program and waits until it listens; stop ends it, and may be called
// twice. It ends with the test.
func launch(t *testing.T, cmd *exec.Cmd, port string) (stop func()) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(stop)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); ; <-tick.C {
		if c, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			_ = c.Close()
			return stop
		}
		if time.Now().After(deadline) {
			t.Fatal(cmd.Path + " did not start")
		}
	}
}

// unwrapped stands before moto and takes one layer off its errors: moto wraps
// those of its access checks in <Errors>, which STS and IAM do not do, and the
// SDK then reads no code. TestMotoStillWrapsItsErrors tells when it is not needed
// any more.
func unwrapped(t *testing.T, moto string) string {
	t.Helper()
	to, err := url.Parse(moto)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }, // the host is signed
		ModifyResponse: func(res *http.Response) error {
			body, err := io.ReadAll(res.Body)
			if err != nil {
				return err
			}
			text := strings.NewReplacer("<Errors>", "", "</Errors>", "").Replace(string(body))
			res.Body, res.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			res.Header.Set("Content-Length", strconv.Itoa(len(text)))
			return nil
		},
	}
	srv := httptest.NewServer(proxy)
	t.Cleanup(srv.Close)
	return srv.URL
}

// iamClient returns a client with a key of its own; moto takes any key until its
// checks are switched on.
func iamClient(url, id, key string) *iam.Client {
	return iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(id, key, "")})
}

// motoUser makes a user with one key; policy is empty for a user without rights.
func motoUser(t *testing.T, c *iam.Client, user, policy string) (id, key string) {
	t.Helper()
	if _, err := c.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &user}); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		name := "all"
		if _, err := c.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: &name, PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &user})
	if err != nil {
		t.Fatal(err)
	}
	return *out.AccessKey.AccessKeyId, *out.AccessKey.SecretAccessKey
}

// enforce lets moto check credentials and policies from now on.
func enforce(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/moto-api/reset-auth", strings.NewReader("0"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := new(http.Client).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("moto did not switch its checks on: %s", res.Status)
	}
}

// When this fails, moto's errors have the real form: remove unwrapped.
func TestMotoStillWrapsItsErrors(t *testing.T) {
	url := moto(t)
	enforce(t, url)
	ask := func(url string) string {
		user := "nobody"
		_, err := iamClient(url, "AKIA"+strings.Repeat("X", 16), "none").ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &user})
		var api smithy.APIError
		if !errors.As(err, &api) {
			t.Fatalf("a key that moto does not know: %v", err)
		}
		return api.ErrorCode()
	}
	if code := ask(url); code == "InvalidClientTokenId" {
		t.Errorf("moto's own answer has the code %s now: the proxy in front of it is needed no more", code)
	}
	if code := ask(unwrapped(t, url)); code != "InvalidClientTokenId" {
		t.Errorf("through the proxy the code is %q", code)
	}
}

// leakedRepository is a git repository in which a key stood and was "removed".
func leakedRepository(t *testing.T, id, key string) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.invalid", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.invalid")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "deploy.env"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		git("add", "deploy.env")
	}
	git("init", "-q")
	write("AWS_ACCESS_KEY_ID=" + id + "\nAWS_SECRET_ACCESS_KEY=" + key + "\n")
	git("commit", "-q", "-m", "Settings")
	write("# ask the team\n")
	git("commit", "-q", "-m", "Remove secrets")
	return dir
}

// user runs the built program in the leaked repository, as a person would.
type user struct {
	t    *testing.T
	bin  string
	repo string
	env  []string
	in   string // on stdin
}

// run wants an exit code and returns stdout; stderr is in the log.
func (u user) run(want int, args ...string) string {
	u.t.Helper()
	cmd := exec.Command(u.bin, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = u.repo, u.env, strings.NewReader(u.in)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code says it
	u.t.Logf("$ secretguard %s\n%s%s", strings.Join(args, " "), out.String(), errs.String())
	if got := cmd.ProcessState.ExitCode(); got != want {
		u.t.Fatalf("exit code %d, want %d", got, want)
	}
	return out.String() + errs.String()
}

// json runs a command and decodes the last document of its stdout.
func (u user) json(want int, into any, args ...string) {
	u.t.Helper()
	out := strings.TrimSpace(u.run(want, append(args, "--json", "-q")...))
	if json.Unmarshal([]byte(out), into) != nil {
		lines := strings.Split(out, "\n")
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), into); err != nil {
			u.t.Fatal(err)
		}
	}
}

// A key that leaked into a history is rotated at moto by the built program, from
// the scan to the proof. moto refuses a deleted key but accepts an inactive one,
// so the run is held at the disable step, as it must be, until a person waives it.
func TestRotateAgainstMoto(t *testing.T) {
	url := unwrapped(t, moto(t))
	root := iamClient(url, "test", "test")
	adminID, adminKey := motoUser(t, root, "secretguard-admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	leakedID, leakedKey := motoUser(t, root, "deploy-bot", "")
	enforce(t, url)

	home := t.TempDir()
	lab := filepath.Join(home, "moto.json")
	doc, err := json.Marshal(map[string]any{"lab_url": url, "env": map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": adminID, "AWS_SECRET_ACCESS_KEY": adminKey, "AWS_REGION": "us-east-1",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lab, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	u := user{t: t, bin: normalBinary(t), repo: leakedRepository(t, leakedID, leakedKey), env: []string{"HOME=" + home, "SECRETGUARD_LAB=" + lab}}

	var scan struct {
		Cases []struct {
			ID       string
			Complete bool
		}
	}
	u.json(1, &scan, "scan")
	if len(scan.Cases) != 1 || !scan.Cases[0].Complete {
		t.Fatalf("cases: %+v, want the one AWS key, whole", scan.Cases)
	}
	id := scan.Cases[0].ID
	if out := u.run(1, "verify", id, "--yes"); !strings.Contains(out, "LIVE") {
		t.Fatal("the leaked key works, and verify does not say so")
	}
	var plan struct{ ID, Digest string }
	u.json(0, &plan, "plan", id, "-o", filepath.Join(home, "plan.json"))
	u.run(2, "rotate", filepath.Join(home, "plan.json"), "--approve", "0000-0000")
	out := u.run(6, "rotate", filepath.Join(home, "plan.json"), "--approve", plan.Digest)
	if !strings.Contains(out, "the disabled key is still accepted") || !strings.Contains(out, "secretguard rotate waive "+plan.ID+" disable --reason") {
		t.Fatal("moto accepts inactive keys: the run must be held there and name the way on")
	}
	u.run(2, "rotate", "waive", plan.ID, "disable") // not without a reason
	u.run(0, "rotate", "waive", plan.ID, "disable", "--reason", "moto does not look at a key's status")
	u.run(0, "rotate", "resume", plan.ID)
	if out := u.run(0, "verify", id, "--yes"); !strings.Contains(out, "DEAD") {
		t.Error("the old key is gone, and verify does not say so")
	}

	owner := "deploy-bot"
	keys, err := iamClient(url, adminID, adminKey).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &owner})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.AccessKeyMetadata {
		t.Logf("moto lists %s %s of %s", secret.Mask(*k.AccessKeyId), k.Status, *k.UserName)
	}
	if n := len(keys.AccessKeyMetadata); n != 1 || *keys.AccessKeyMetadata[0].AccessKeyId == leakedID || keys.AccessKeyMetadata[0].Status != "Active" {
		t.Fatalf("moto lists %d keys, want the new one only, active", n)
	}
}
