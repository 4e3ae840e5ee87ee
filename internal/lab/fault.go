package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Fault is a planned misbehaviour of one operation.
type Fault struct {
	Times int // how many requests it hits; 0 means one
	Skip  int // how many requests pass first
	// Delay is how long nothing happens at first; a client that gives up in it
	// has changed nothing.
	Delay time.Duration

	// DropBefore cuts the connection and does nothing; DropAfter does the effect
	// and cuts the connection instead of answering; Hang does the effect and
	// keeps the client waiting for ever.
	DropBefore, DropAfter, Hang bool
	// Cut does the effect and sends the first Keep bytes of the answer's body.
	Cut  bool
	Keep int

	// Status answers with this instead, in the service's own form; LieAfter does
	// the effect first.
	Status     int
	LieAfter   bool
	Code       string // the service's own error code; each twin has a default
	RetryAfter string
	Header     map[string]string // further headers
	// Body replaces the service's own form; ContentType is text/html if empty.
	Body, ContentType string
}

// Fault plans a misbehaviour: service is aws, netlify or render, op as in
// Request.Op. Several for one operation are used up in order.
func (l *Lab) Fault(service, op string, f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := service + " " + op
	l.faults[key] = append(l.faults[key], f)
}

// Calm drops all planned faults.
func (l *Lab) Calm() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.faults)
}

func (l *Lab) takeFault(service, op string) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := service + " " + op
	list := l.faults[key]
	if len(list) == 0 {
		return Fault{}, false
	}
	if list[0].Skip > 0 {
		list[0].Skip--
		return Fault{}, false
	}
	f := list[0]
	if list[0].Times--; list[0].Times == 0 {
		l.faults[key] = list[1:]
	}
	return f, true
}

// maxRequest is the most that a twin reads of a request, in bytes.
const maxRequest = 1 << 20

// serve records the request, plays a planned fault, and calls do. It reports a
// fault to the client through refuse, in the service's own form.
func (l *Lab) serve(w http.ResponseWriter, r *http.Request, req Request, do func(http.ResponseWriter), refuse func(http.ResponseWriter, Fault)) {
	req.Method, req.Path, req.URL = r.Method, r.URL.Path, r.URL.RequestURI()
	l.record(req)
	// Only a request that is read to its end tells when its client goes away.
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f, ok := l.takeFault(req.Service, req.Op)
	if !ok {
		do(w)
		return
	}
	if f.Delay > 0 && !l.pause(r.Context(), f.Delay) {
		panic(http.ErrAbortHandler) // net/http cuts the connection and logs nothing
	}
	if f.DropAfter || f.LieAfter || f.Hang {
		do(&answer{header: http.Header{}})
	}
	switch {
	case f.Hang:
		l.pause(r.Context(), time.Hour)
		panic(http.ErrAbortHandler)
	case f.DropBefore, f.DropAfter:
		panic(http.ErrAbortHandler)
	case f.Cut:
		f.cut(w, do)
	case f.Status != 0:
		f.refuse(w, refuse)
	default:
		do(w)
	}
}

// pause waits; it reports whether it was left in peace.
func (l *Lab) pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.closed:
	case <-ctx.Done():
	}
	return false
}

func (f Fault) refuse(w http.ResponseWriter, form func(http.ResponseWriter, Fault)) {
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	for k, v := range f.Header {
		w.Header().Set(k, v)
	}
	if f.Body == "" {
		form(w, f)
		return
	}
	if f.ContentType == "" {
		f.ContentType = "text/html"
	}
	w.Header().Set("Content-Type", f.ContentType)
	w.WriteHeader(f.Status)
	_, _ = io.WriteString(w, f.Body) // the client may be gone
}

// cut announces the whole answer and breaks off in it.
func (f Fault) cut(w http.ResponseWriter, do func(http.ResponseWriter)) {
	a := &answer{header: http.Header{}, status: http.StatusOK}
	do(a)
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes()[:min(f.Keep, a.body.Len())])
	if f.Keep < a.body.Len() {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// answer takes an answer that the client must not see, or not whole.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// refuseJSON answers a planned fault in JSON.
func refuseJSON(w http.ResponseWriter, f Fault, field string) {
	code := any(f.Status)
	if f.Code != "" {
		code = f.Code
	}
	writeJSON(w, f.Status, map[string]any{field: "planned fault", "code": code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
