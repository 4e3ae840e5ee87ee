//go:build e2e

// Package e2e runs SecretGuard against real peers: moto for AWS, tmux for the
// terminal, and its own binary under kill -9.
package e2e

import (
	"encoding/json"
	"net/http"
	"time"
)

// get reads a JSON document; false when nobody answers.
func get(url string, into any) bool {
	client := &http.Client{Timeout: 5 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return json.NewDecoder(res.Body).Decode(into) == nil
}
