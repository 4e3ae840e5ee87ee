//go:build e2e

package e2e

import (
	"context"
	"errors"
	"io"
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
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/secretguard/secretguard/internal/credential"
	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers/all"
	"github.com/secretguard/secretguard/internal/rotate"
	"github.com/secretguard/secretguard/internal/rotate/journal"
	"github.com/secretguard/secretguard/internal/secret"
)

// moto starts a moto server and returns its address.
func moto(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("SECRETGUARD_MOTO")
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("moto is not installed (%v); run: make e2e", err)
	}
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "-H", "127.0.0.1", "-p", port)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return "http://" + addr
		}
		if time.Now().After(deadline) {
			t.Fatal("moto did not start")
		}
	}
}

// unwrapped stands before moto and takes one layer off its errors: moto wraps
// them in <Errors>, which STS does not do, and the SDK then reads no code.
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

// asRoot returns an IAM client for a moto that checks no one yet.
func asRoot(url string) *iam.Client {
	return iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
}

// motoUser makes a user with one key; policy is empty for a user without rights.
func motoUser(t *testing.T, c *iam.Client, user, policy string) credential.Credential {
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
	return credential.Credential{Kind: credential.AWSAccessKey, ID: *out.AccessKey.AccessKeyId, Parts: map[credential.Part]secret.Text{
		credential.PartID: secret.New(*out.AccessKey.AccessKeyId), credential.PartSecret: secret.New(*out.AccessKey.SecretAccessKey),
	}}
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

// moto refuses a deleted key but not an inactive one, so the run is held at the
// disable step, as it must be, until a person accepts that.
func TestRotateAgainstMoto(t *testing.T) {
	url := unwrapped(t, moto(t))
	root := asRoot(url)
	admin := motoUser(t, root, "secretguard-admin", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	leaked := motoUser(t, root, "deploy-bot", "")
	enforce(t, url)
	env := map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": admin.ID, "AWS_SECRET_ACCESS_KEY": admin.Part(credential.PartSecret).Reveal(),
	}
	reg, _ := all.Registry(all.Options{Env: func(n string) string { return env[n] }, AllowPrivate: true})
	j, err := journal.Open(t.Context(), filepath.Join(t.TempDir(), "state"), "e2e")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	policy := rotate.LabPolicy()
	policy.DisableWithin = 3 * time.Second
	pl := &rotate.Planner{Registry: reg, Key: j.HashKey(), Guard: httpx.ReadOnly, Now: time.Now}
	p, err := pl.Plan(t.Context(), rotate.Request{Case: "c-e2e", Credential: leaked, Strategy: rotate.KeepRunning, Policy: &policy})
	if err != nil {
		t.Fatal(err)
	}
	if err := rotate.Save(t.Context(), j, p, leaked, "e2e"); err != nil {
		t.Fatal(err)
	}
	x := &rotate.Executor{
		Registry: reg, Journal: j, Actor: "e2e", Sleep: httpx.Sleep, Now: time.Now,
		Health:  func(context.Context, string) error { return nil },
		OnEvent: func(e rotate.Event) { t.Logf("%s: %s", e.Text, e.Detail) },
	}
	err = x.Start(t.Context(), p, rotate.Approval{Digest: p.Digest, Who: "e2e"})
	if !errors.Is(err, rotate.ErrHeld) || !strings.Contains(err.Error(), "still accepted") {
		t.Fatalf("moto accepts inactive keys, so the run must be held there: %v", err)
	}
	if err := x.Waive(t.Context(), p.ID, "disable", 0, "moto does not look at a key's status"); err != nil {
		t.Fatal(err)
	}
	if err := x.Resume(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	owner := iam.New(iam.Options{
		Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(admin.ID, admin.Part(credential.PartSecret).Reveal(), ""),
	})
	keys, err := owner.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &p.Old.Owner})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys.AccessKeyMetadata {
		t.Logf("moto lists %s %s", secret.Mask(*k.AccessKeyId), k.Status)
	}
	if n := len(keys.AccessKeyMetadata); n != 1 || *keys.AccessKeyMetadata[0].AccessKeyId == leaked.ID || keys.AccessKeyMetadata[0].Status != "Active" {
		t.Fatalf("moto lists %d keys, want the new one only, active", n)
	}
}
