package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

func TestReadOnlySendsNothingThatChanges(t *testing.T) {
	t.Parallel()
	a := &answers{list: []http.HandlerFunc{status(200)}}
	c, _, url := serve(t, a.ServeHTTP)
	ctx := ReadOnly(t.Context())
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "PROPFIND"} {
		if _, err := c.Do(ctx, Request{Op: "op", Method: method, URL: url}); !errors.Is(err, ErrReadOnly) || classOf(err) != Refused {
			t.Errorf("%s: %v", method, err)
		}
		req, _ := http.NewRequestWithContext(ctx, method, url, strings.NewReader("x"))
		if _, err := c.HTTP().Do(req); !errors.Is(err, ErrReadOnly) || !errors.Is(err, ErrNotSent) {
			t.Errorf("%s by an SDK: %v", method, err)
		}
	}
	if a.served() != 0 {
		t.Fatalf("%d requests went out", a.served())
	}
	if _, err := c.Do(ctx, Request{Op: "op", Method: "GET", URL: url}); err != nil {
		t.Error(err)
	}
	if _, err := c.Do(ctx, Request{Op: "op", Method: "POST", URL: url, Reads: true}); err != nil {
		t.Error(err)
	}
	req, _ := http.NewRequestWithContext(Reading(ctx), "POST", url, nil)
	res, err := c.HTTP().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if a.served() != 3 {
		t.Errorf("%d reads went out, want 3", a.served())
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	var bodies atomic.Value
	mux := http.NewServeMux()
	mux.HandleFunc("/end", func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies.Store(r.Method + " " + string(b))
	})
	for path, to := range map[string]string{"/same": "/end", "/other": other.URL, "/loop": "/loop"} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			to := to
			if path == "/loop" {
				to += strconv.Itoa(code)
			}
			mux.HandleFunc(path+strconv.Itoa(code), func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, code) })
		}
	}
	c, _, base := serve(t, mux.ServeHTTP)
	for _, code := range []int{301, 302, 303, 307, 308} {
		keeps := code >= 307 // the method and the body
		for _, tc := range []struct {
			method, path string
			want         Class
		}{
			{"GET", "/same", ""},
			{"GET", "/other", Refused},
			{"GET", "/loop", Refused},
			{"POST", "/same", map[bool]Class{true: "", false: Ambiguous}[keeps]},
			{"POST", "/other", Ambiguous},
		} {
			bodies.Store("")
			_, err := c.Do(t.Context(), Request{Op: "op", Method: tc.method, URL: base + tc.path + strconv.Itoa(code), Body: map[string]int{"a": 1}})
			if classOf(err) != tc.want {
				t.Errorf("%s %s%d: %v, want %q", tc.method, tc.path, code, err, tc.want)
			}
			if tc.method == "POST" && tc.want == "" && bodies.Load() != `POST {"a":1}` {
				t.Errorf("%d: the body did not arrive: %q", code, bodies.Load())
			}
		}
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("another host got %d requests", n)
	}
}

func TestNoRedirectToPlainHTTP(t *testing.T) {
	t.Parallel()
	var s *httptest.Server
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(s.URL, "https", "http", 1)+"/x", http.StatusFound)
	}))
	t.Cleanup(s.Close)
	c := newClient(t, Options{AllowPrivate: true})
	c.http.Transport.(*guard).base.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig
	_, err := c.Do(t.Context(), Request{Op: "op", Method: "GET", URL: s.URL})
	if !errors.Is(err, errRedirect) {
		t.Fatalf("got %v", err)
	}
}

// quiet takes what a server says about handshakes that are meant to fail.
var quiet = log.New(io.Discard, "", 0)

func TestCertificatesAndStrangeSchemes(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = quiet
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	n := &naps{}
	c := newClient(t, Options{AllowPrivate: true, Sleep: n.sleep})
	for name, tc := range map[string]struct {
		url   string
		class Class
		cause error
	}{
		"unknown authority": {secure.URL, Refused, errCertificate},
		"no TLS there":      {strings.Replace(plain.URL, "http:", "https:", 1), Refused, errNoTLS},
		"old TLS":           {old.URL, Transient, errBroken},
		"ftp":               {"ftp://example.com/", Refused, errAddress},
		"no scheme":         {"example.com", Refused, errAddress},
		"no address":        {"http://a b/", Refused, errAddress},
	} {
		for _, method := range []string{"GET", "POST"} {
			_, err := c.Do(t.Context(), Request{Op: "op", Method: method, URL: tc.url})
			if classOf(err) != tc.class || !errors.Is(err, tc.cause) {
				t.Errorf("%s %s: %v", name, method, err)
			}
		}
	}
}

// A write that no connection came up for was certainly not done.
func TestNeverSentIsNeverAmbiguous(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	gone := s.URL
	s.Close()
	c := newClient(t, Options{AllowPrivate: true})
	for name, url := range map[string]string{"refused": gone, "no such host": "https://nowhere.invalid/"} {
		_, err := c.Do(t.Context(), Request{Op: "op", Method: "POST", URL: url})
		if classOf(err) != Transient || strings.Contains(err.Error(), "nowhere") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Do(ctx, Request{Op: "op", Method: "POST", URL: gone})
	if classOf(err) != Transient || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	// The same for code that sends through HTTP().
	req, _ := http.NewRequestWithContext(t.Context(), "POST", gone, nil)
	_, err = c.HTTP().Do(req)
	if e := Lost(t.Context(), "op", false, err); e.Class != Transient || !errors.Is(e, errNoConn) {
		t.Errorf("by an SDK: %v", e)
	}
}

func TestStatusClasses(t *testing.T) {
	t.Parallel()
	for code, want := range map[int][2]Class{ // read, write
		301: {Transient, Ambiguous}, 304: {Transient, Ambiguous}, 400: {Refused, Refused}, 401: {Auth, Auth}, 402: {Refused, Refused}, 403: {Forbidden, Forbidden},
		404: {NotFound, NotFound}, 405: {Refused, Refused}, 408: {Transient, Ambiguous}, 409: {Conflict, Conflict}, 410: {NotFound, NotFound},
		422: {Refused, Refused}, 423: {Conflict, Conflict}, 425: {Conflict, Conflict}, 429: {RateLimited, RateLimited},
		500: {Transient, Ambiguous}, 502: {Transient, Ambiguous}, 503: {Transient, Ambiguous}, 504: {Transient, Ambiguous}, 599: {Transient, Ambiguous},
	} {
		c, _, url := serve(t, status(code))
		for i, method := range []string{"GET", "DELETE"} {
			_, err := c.Do(t.Context(), Request{Op: "op", Method: method, URL: url})
			var e *Error
			if !errors.As(err, &e) || e.Class != want[i] || e.Status != code {
				t.Errorf("%d %s: %v, want %s", code, method, err, want[i])
			}
		}
	}
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	a := &answers{list: []http.HandlerFunc{status(200), status(503), body("text/html", "<html>fine</html>")}}
	c, _, url := serve(t, a.ServeHTTP)
	for i, want := range []bool{true, false, true} {
		if err := c.Healthy(t.Context(), url); (err == nil) != want {
			t.Errorf("answer %d: %v", i, err)
		}
	}
	if a.served() != 3 {
		t.Errorf("%d requests: a health URL is asked once", a.served())
	}
}
