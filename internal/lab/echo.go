package lab

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// echoPath is where a consumer that has an echo endpoint answers.
const echoPath = "/.well-known/secretguard-echo"

// Echo gives a consumer ("render/shop-subscriber") an echo endpoint for one variable,
// as its developers do with a few lines; an empty variable takes it away.
func (l *Lab) Echo(consumer, variable string) {
	c := l.consumers()[consumer]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.echoes = variable
}

// echo answers as docs/examples/echo.mjs does: with what the running deploy
// holds, not with what is stored.
func (c *consumer) echo(l *Lab, w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle(l)
	variable, nonce := r.URL.Query().Get("variable"), r.URL.Query().Get("nonce")
	value := c.env[variable]
	if variable != c.echoes || variable == "" || value == "" || len(nonce) < 16 {
		http.NotFound(w, r)
		return
	}
	m := hmac.New(sha256.New, []byte(value))
	m.Write([]byte("secretguard echo v1\x00" + variable + "\x00" + nonce))
	writeJSON(w, http.StatusOK, map[string]string{"hmac": hex.EncodeToString(m.Sum(nil))})
}
