package providers

import (
	"errors"

	"github.com/secretguard/secretguard/internal/httpx"
)

// Classify turns a failure of package httpx into an Error of this package. Other
// errors, such as a cancelled context, come back as they are.
func Classify(provider string, err error) error {
	var e *httpx.Error
	if !errors.As(err, &e) {
		return err
	}
	class := map[httpx.Class]error{
		httpx.Auth: ErrAuth, httpx.Forbidden: ErrForbidden, httpx.NotFound: ErrNotFound, httpx.Conflict: ErrConflict,
		httpx.RateLimited: ErrRateLimited, httpx.Transient: ErrTransient, httpx.Ambiguous: ErrAmbiguous, httpx.Refused: ErrRefused,
	}[e.Class]
	return &Error{
		Provider: provider, Op: e.Op, Class: class, Status: e.Status, Code: e.Code, RequestID: e.RequestID,
		RetryAfter: e.RetryAfter, Err: e.Err,
	}
}
