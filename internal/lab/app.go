package lab

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// app serves the consumers: /netlify/NAME/… and /render/NAME/….
//
//	…/publish  takes work for the queue and answers 201 whether it sent it or not
//	…/echo     shows which keys the live deploy has (docs/consumers.md); the other echo, of
//	           attestation, stands at its own path (docs/attestation.md)
//	…          health
func (l *Lab) app(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.TrimPrefix(r.URL.Path, "/"), "/", 3)
	if len(parts) < 2 {
		http.NotFound(w, r)
		return
	}
	c := l.consumers()[parts[0]+"/"+parts[1]]
	switch {
	case c == nil:
		http.NotFound(w, r)
	case len(parts) == 3 && parts[2] == "publish":
		env := c.running(l)
		l.AWS.Send(env["SQS_QUEUE_URL"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]) // what became of it, nobody is told
		w.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintln(w, "created") // the client may be gone
	case len(parts) == 3 && "/"+parts[2] == echoPath:
		c.echo(l, w, r)
	case len(parts) == 3 && parts[2] == "echo":
		echoFrom(w, r, c.running(l))
	case len(parts) == 3 && "/"+parts[2] == echoPath:
		c.echo(l, w, r)
	case c.well(l):
		_, _ = fmt.Fprintln(w, "ok") // the client may be gone
	default:
		http.Error(w, "the queue refused our key", http.StatusInternalServerError)
	}
}

// running returns what the live deploy runs with.
func (c *consumer) running(l *Lab) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(l)
	return c.env
}

// echoFrom answers by the convention of docs/consumers.md, in code of its own.
func echoFrom(w http.ResponseWriter, r *http.Request, env map[string]string) {
	var q struct {
		Version         int `json:"secretguard"`
		Variable, Nonce string
		Time            int64
		Proof           string
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	key := env[q.Variable]
	sign := func(lines ...string) string { return hex.EncodeToString(mac([]byte(key), strings.Join(lines, "\n"))) }
	out := map[string]any{"secretguard": 1, "variable": q.Variable}
	asked := sign("secretguard-ask-v1", q.Variable, q.Nonce, strconv.FormatInt(q.Time, 10))
	switch {
	case key == "":
		out["error"] = "not-set"
		writeJSON(w, http.StatusServiceUnavailable, out)
	case q.Version != 1 || time.Since(time.Unix(q.Time, 0)).Abs() > 5*time.Minute || !hmac.Equal([]byte(asked), []byte(q.Proof)):
		out["error"] = "refused"
		writeJSON(w, http.StatusUnauthorized, out)
	default:
		out["proof"] = sign("secretguard-answer-v1", q.Variable, q.Nonce)
		writeJSON(w, http.StatusOK, out)
	}
}
