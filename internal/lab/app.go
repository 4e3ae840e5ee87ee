package lab

import (
	"fmt"
	"net/http"
	"strings"
)

// app serves the consumers: /netlify/NAME/… and /render/NAME/….
//
//	…/publish  takes work for the queue and answers 201 whether it sent it or not
//	…          health, and the echo endpoint at its path (docs/attestation.md)
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
