package httpx

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
)

// ErrNoEcho means that what answered, whatever its status, made no echo.
var ErrNoEcho = errors.New("the answer of the echo endpoint is not that of one")

// Echo asks a service's echo endpoint what it makes of a variable and a nonce (docs:
// attestation.md). It makes one attempt, sends no secret, and returns the 64 hex
// digits that came back; what they prove is for the caller to compare.
func (c *Client) Echo(ctx context.Context, address, variable, nonce string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errors.New("the address of the echo endpoint cannot be read")
	}
	u.RawQuery = url.Values{"variable": {variable}, "nonce": {nonce}}.Encode()
	var answer struct {
		HMAC string `json:"hmac"`
	}
	res, err := c.once(allowPlain(ctx), Request{Op: "echo", Method: http.MethodGet, URL: u.String(), Out: &answer})
	if err != nil {
		return "", err
	}
	if raw, err := hex.DecodeString(answer.HMAC); err != nil || len(raw) != 32 {
		return "", &Error{Op: "echo", Class: Refused, Status: res.Status, Err: ErrNoEcho}
	}
	return answer.HMAC, nil
}
