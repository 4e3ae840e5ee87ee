package cli_test

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/secretguard/secretguard/internal/lab"
	"github.com/secretguard/secretguard/internal/scan/sample"
)

// githubToken makes a token whose checksum is right.
func githubToken() string {
	tm, err := sample.Parse("ghp_{crc32:30}")
	if err != nil {
		panic(err)
	}
	return tm.Make(sample.Source(lab.MadeUp("", 20)))
}

// canaryPair makes a key of an account that makes canaries.
func canaryPair() string {
	var wide [8]byte
	binary.BigEndian.PutUint64(wide[:], 171436882533<<7|1<<47)
	id := "AKIA" + base32.StdEncoding.EncodeToString(append(wide[2:], 0x11, 0x22, 0x33, 0x44))
	return "AWS_ACCESS_KEY_ID=" + id + "\nAWS_SECRET_ACCESS_KEY=" + lab.MadeUp("", 40) + "\n"
}

// A canary and what everybody knows are found, said, and never sent anywhere: not by
// verify, with and without an access of one's own, from a folder, stdin or a report, and
// not for a rotation.
func TestNothingIsSentAboutACanary(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int32
	listener := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(listener.Close)
	for name := range w.lab.Env() {
		if strings.HasSuffix(name, "_URL") {
			w.env[name] = listener.URL
		}
	}
	delete(w.env, "SECRETGUARD_LAB")
	w.env["AWS_ENDPOINT_URL"] = listener.URL
	known := "AWS_ACCESS_KEY_ID=AKIA" + "IOSFODNN7" + "EXAMPLE\nAWS_SECRET_ACCESS_KEY=wJalr" + "XUtnFEMI/K7" + "MDENG/bPx" + "RfiCYEXAMPLEKEY\n" +
		"SUPABASE_SECRET_KEY=sb_" + "secret_N7UND0UgjK" + "TVK-Uodkm0" + "Hg_xSvEMPvz\n"
	bedrock := "AWS_BEARER_TOKEN_BEDROCK=ABSK" + base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "BedrockAPIKey-ab12-at-171436882533:%s", lab.MadeUp("", 60))) + "\n"
	for name, text := range map[string]string{"a canary": canaryPair(), "a Bedrock key of a canary's account": bedrock, "known constants": known} {
		dir := t.TempDir()
		write(t, dir, "a.env", text)
		report := t.TempDir() + "/scan.json"
		_, scan, _ := w.run("scan", "dir", dir, "--json", "--report-path", report, "--show-secrets")
		if name != "known constants" && !strings.Contains(scan, `"canary": true`) {
			t.Fatalf("%s: it is not known as one: %s", name, scan)
		}
		run := func(args ...string) string {
			_, out, errs := w.run(append(args, "--allow-private")...)
			if n := asked.Load(); n != 0 {
				t.Fatalf("%s: secretguard %s made %d requests", name, strings.Join(args, " "), n)
			}
			return out + errs
		}
		for _, access := range []string{"", "ours"} {
			w.env["AWS_ACCESS_KEY_ID"], w.env["AWS_SECRET_ACCESS_KEY"] = access, access
			out := run("verify", "-t", dir, "--yes", "--no-cache")
			run("verify", report, "--yes", "--no-cache")
			w.stdin = text
			run("verify", "-", "--yes", "--no-cache")
			w.stdin = ""
			if name == "known constants" {
				continue
			}
			if !strings.Contains(out, "UNKNOWN") {
				t.Errorf("%s: %s", name, out)
			}
			if out := run("plan", strings.Fields(out)[1], "-t", dir); access != "" && name == "a canary" && !strings.Contains(out, "is a canary: it opens nothing") {
				t.Errorf("%s can be planned: %s", name, out)
			}
		}
	}
	// The listener does count: a key that is no canary is asked about.
	dir := t.TempDir()
	write(t, dir, "a.env", "GITHUB_TOKEN="+githubToken()+"\n")
	w.run("verify", "-t", dir, "--yes", "--no-cache", "--allow-private")
	if asked.Load() == 0 {
		t.Error("the listener was never reached")
	}
}
