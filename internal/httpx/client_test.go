package httpx

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadsAreRetriedAndWritesAreSentOnce(t *testing.T) {
	t.Parallel()
	ok := body("application/json", `{"key":"v"}`)
	for name, tc := range map[string]struct {
		method string
		reads  bool
		list   []http.HandlerFunc
		sent   int
		class  Class // empty: success
	}{
		"read after 503s":               {"GET", false, []http.HandlerFunc{status(503), status(502), ok}, 3, ""},
		"read after a rate limit":       {"GET", false, []http.HandlerFunc{status(429), ok}, 2, ""},
		"read after broken answers":     {"GET", false, []http.HandlerFunc{drop, cut, ok}, 3, ""},
		"read after a log-in page":      {"GET", false, []http.HandlerFunc{body("text/html", "<html>log in</html>"), ok}, 2, ""},
		"read gives up":                 {"GET", false, []http.HandlerFunc{status(500)}, ReadTries, Transient},
		"read refused":                  {"GET", false, []http.HandlerFunc{status(401), ok}, 1, Auth},
		"search by POST":                {"POST", true, []http.HandlerFunc{status(503), ok}, 2, ""},
		"POST 503":                      {"POST", false, []http.HandlerFunc{status(503), ok}, 1, Ambiguous},
		"PUT rate limited":              {"PUT", false, []http.HandlerFunc{status(429), ok}, 1, RateLimited},
		"PATCH dropped":                 {"PATCH", false, []http.HandlerFunc{drop, ok}, 1, Ambiguous},
		"DELETE cut off":                {"DELETE", false, []http.HandlerFunc{cut, ok}, 1, Ambiguous},
		"POST answered by a page":       {"POST", false, []http.HandlerFunc{body("text/html", "<html>"), ok}, 1, Ambiguous},
		"POST answered by null":         {"POST", false, []http.HandlerFunc{body("application/json", " null\n"), ok}, 1, Ambiguous},
		"POST answered by other JSON":   {"POST", false, []http.HandlerFunc{body("application/json", `[1]`), ok}, 1, Ambiguous},
		"POST with an empty success":    {"POST", false, []http.HandlerFunc{status(200), ok}, 1, Ambiguous},
		"POST with a vendor's JSON":     {"POST", false, []http.HandlerFunc{body("application/vnd.api+json; charset=utf-8", `{"key":"v"}`)}, 1, ""},
		"DELETE with nothing to say":    {"DELETE", false, []http.HandlerFunc{status(204)}, 1, ""},
		"POST queued without an answer": {"POST", false, []http.HandlerFunc{status(202)}, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &answers{list: tc.list}
			c, _, url := serve(t, a.ServeHTTP)
			var out struct {
				Key string `json:"key"`
			}
			res, err := c.Do(t.Context(), Request{Op: "op", Method: tc.method, URL: url, Reads: tc.reads, Body: nil, Out: &out})
			if got := classOf(err); got != tc.class {
				t.Errorf("class %q (%v), want %q", got, err, tc.class)
			}
			if a.served() != tc.sent {
				t.Errorf("sent %d times, want %d", a.served(), tc.sent)
			}
			if tc.class == "" && len(res.Body) > 0 && out.Key != "v" {
				t.Errorf("answer not decoded: %+v", out)
			}
		})
	}
}

func classOf(err error) Class {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return ""
}

// A form is sent as one, and what it holds is in no error.
func TestForms(t *testing.T) {
	t.Parallel()
	var kind, sent string
	c, _, address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		kind, sent = r.Header.Get("Content-Type"), string(b)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"code":"value-0123456789"}`))
	})
	_, err := c.Do(t.Context(), Request{Op: "make it", Method: http.MethodPost, URL: address, Body: url.Values{"a[]": {"1", "2"}, "b": {"value-0123456789"}}})
	if kind != "application/x-www-form-urlencoded" || sent != "a%5B%5D=1&a%5B%5D=2&b=value-0123456789" {
		t.Errorf("%s: %s", kind, sent)
	}
	if err == nil || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("got %v", err)
	}
}

func TestWaitsAsAsked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer   http.HandlerFunc
		deadline time.Duration
		waits    int
		least    time.Duration
	}{
		"seconds":                        {status(429, "Retry-After", "7"), 0, ReadTries - 1, 7 * time.Second},
		"longer than our own bound":      {status(429, "Retry-After", "100"), 0, ReadTries - 1, 100 * time.Second},
		"too long for us":                {status(429, "Retry-After", "121"), 0, 0, 0},
		"longer than the caller has":     {status(429, "Retry-After", "60"), 30 * time.Second, 0, 0},
		"503 with a wait":                {status(503, "Retry-After", "9"), 0, ReadTries - 1, 9 * time.Second},
		"503 with rate-limit headers":    {status(503, "Ratelimit-Reset", "3600"), 0, ReadTries - 1, 0},
		"429 with rate-limit headers":    {status(429, "Ratelimit-Reset", "51"), 0, ReadTries - 1, 51 * time.Second},
		"429 that says nothing":          {status(429), 0, ReadTries - 1, 0},
		"429 that says something absurd": {status(429, "Retry-After", "soon"), 0, ReadTries - 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, n, url := serve(t, tc.answer)
			ctx := t.Context()
			if tc.deadline > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, tc.deadline)
				defer cancel()
			}
			_, err := c.Do(ctx, Request{Op: "op", Method: "GET", URL: url})
			var e *Error
			if !errors.As(err, &e) || e.Class != RateLimited && e.Class != Transient {
				t.Fatalf("got %v: a caller must learn of the wait, not of its own deadline", err)
			}
			if got := n.all(); len(got) != tc.waits {
				t.Fatalf("waited %v, want %d waits", got, tc.waits)
			}
			for i, d := range n.all() {
				if d < tc.least || tc.least == 0 && d > maxBackOff {
					t.Errorf("wait %d was %s", i, d)
				}
			}
			if tc.waits == 0 && e.RetryAfter == 0 {
				t.Error("the wait is not passed on")
			}
		})
	}
}

func TestBackOffDoublesUpToItsBound(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for n, bound := range []time.Duration{1: firstBackOff, 2: 2 * firstBackOff, 3: 4 * firstBackOff, 7: maxBackOff, 99: maxBackOff} {
		if n == 0 || bound == 0 {
			continue
		}
		longest := time.Duration(0)
		for range 200 {
			d := c.Wait(n)
			longest = max(longest, d)
			if d < 0 || d >= bound {
				t.Fatalf("wait %d is %s, bound %s", n, d, bound)
			}
		}
		if longest < bound/2 {
			t.Errorf("wait %d never reached half of %s: no full jitter", n, bound)
		}
	}
}

func TestAnswersAreCapped(t *testing.T) {
	t.Parallel()
	zeros := bytes.Repeat([]byte("0"), MaxBody)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	for range 8 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	if bomb.Len() > MaxBody/10 {
		t.Fatalf("no bomb: %d bytes", bomb.Len())
	}
	for name, tc := range map[string]struct {
		send func(http.ResponseWriter)
		fits bool
	}{
		"exactly the cap": {func(w http.ResponseWriter) { _, _ = w.Write(zeros) }, true},
		"one byte more":   {func(w http.ResponseWriter) { _, _ = w.Write(append(slices.Clone(zeros), '0')) }, false},
		"gzip bomb": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _, url := serve(t, func(w http.ResponseWriter, _ *http.Request) { tc.send(w) })
			for method, want := range map[string]Class{"GET": Refused, "POST": Ambiguous} {
				res, err := c.Do(t.Context(), Request{Op: "op", Method: method, URL: url})
				if tc.fits {
					if err != nil || len(res.Body) != MaxBody {
						t.Errorf("%s: %d bytes, %v", method, len(res.Body), err)
					}
					continue
				}
				if !errors.Is(err, ErrTooLarge) || classOf(err) != want {
					t.Errorf("%s: %v", method, err)
				}
			}
			// An SDK reads through the same cap.
			req, _ := http.NewRequestWithContext(t.Context(), "GET", url, nil)
			res, err := c.HTTP().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			n, err := io.Copy(io.Discard, res.Body)
			if n > MaxBody || errors.Is(err, ErrTooLarge) == tc.fits {
				t.Errorf("an SDK read %d bytes, %v", n, err)
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	hangInBody := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, h := range map[string]http.HandlerFunc{"before the answer": hang, "inside the answer": hangInBody} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, url := serve(t, h)
			c := newClient(t, Options{AllowPrivate: true, Timeout: 30 * time.Millisecond, BackOff: time.Nanosecond})
			for method, want := range map[string]Class{"GET": Transient, "PUT": Ambiguous} {
				_, err := c.Do(t.Context(), Request{Op: "op", Method: method, URL: url})
				if classOf(err) != want || !errors.Is(err, errTimeout) {
					t.Errorf("%s: %v", method, err)
				}
			}
		})
	}
}

func TestCancelReturnsAtOnce(t *testing.T) {
	t.Parallel()
	seen := make(chan struct{}, 1)
	_, _, url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		seen <- struct{}{}
		<-r.Context().Done()
	})
	c := newClient(t, Options{AllowPrivate: true})
	for method, want := range map[string]Class{"GET": "", "POST": Ambiguous} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := c.Do(ctx, Request{Op: "op", Method: method, URL: url})
			done <- err
		}()
		<-seen
		cancel()
		err := <-done // the test's own time limit is the alarm
		if !errors.Is(err, context.Canceled) || want != "" && classOf(err) != want {
			t.Errorf("%s: %v", method, err)
		}
	}
}

func TestErrorsHoldNoAddressAndNothingThatWasSent(t *testing.T) {
	t.Parallel()
	const token, value = "tok-0123456789abcdef", "value-0123456789"
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			sent, _ := io.ReadAll(r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Request-Id", token)
			w.WriteHeader(code)
			_, _ = w.Write([]byte(`{"code":"` + value + `","message":"bad ` + token + `","sent":` + string(sent) + `}`))
		}
	}
	bad := http.NotFoundHandler().ServeHTTP
	handlers := []http.HandlerFunc{
		echo(400), echo(401), echo(403), echo(404), echo(409), echo(429), echo(500), bad, drop, cut, body("text/html", token), body("application/json", "["+token),
		status(302, "Location", "http://elsewhere.invalid/?t="+token), status(302, "Location", "http://%zz/"+token),
	}
	for i, h := range handlers {
		c, _, url := serve(t, h)
		for _, method := range []string{"GET", "POST"} {
			r := Request{
				Op: "store it", Method: method, URL: url + "/secret-path?key=" + value, Out: &struct{}{},
				Header: http.Header{"Authorization": {"Bearer " + token}}, Body: map[string]string{"value": value},
			}
			_, err := c.Do(t.Context(), r)
			if err == nil {
				t.Fatalf("handler %d: no error", i)
			}
			for _, leak := range []string{token, value, "secret-path", "?", "127.0.0.1", "elsewhere"} {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("handler %d, %s: %q is in %q", i, method, leak, err)
				}
			}
		}
	}
}

func TestRequestIDAndCodeAreKept(t *testing.T) {
	t.Parallel()
	c, _, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Render-Request-Id", "a1b2-c3")
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`{"code":"deploy_running","message":"free text"}`))
	})
	_, err := c.Do(t.Context(), Request{Op: "op", Method: "PUT", URL: url})
	if got, want := err.Error(), "op: conflict (HTTP 409): deploy_running [request a1b2-c3]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
