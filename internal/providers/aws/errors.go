package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
)

// classes maps the codes of IAM and STS (API references, "Common errors" and the
// errors of each operation). A code that is not here, with a status of 4xx, means
// that the request was understood and refused.
var classes = map[string]error{
	"InvalidClientTokenId": providers.ErrAuth, "SignatureDoesNotMatch": providers.ErrAuth, "ExpiredToken": providers.ErrAuth,
	"AccessDenied": providers.ErrForbidden, "NoSuchEntity": providers.ErrNotFound, "LimitExceeded": providers.ErrQuota,
	"Throttling": providers.ErrRateLimited, "ThrottlingException": providers.ErrRateLimited, "RequestLimitExceeded": providers.ErrRateLimited,
	"RequestThrottled": providers.ErrRateLimited, "TooManyRequestsException": providers.ErrRateLimited,
	"EntityTemporarilyUnmodifiable": providers.ErrConflict, "ConcurrentModification": providers.ErrConflict,
}

// errorCode returns the service's error code, or "" when no service answered.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) && code.MatchString(api.ErrorCode()) && api.ErrorCode() != "UnknownError" {
		return api.ErrorCode()
	}
	return ""
}

// code is what an error code or a request id looks like; anything else is not
// passed on.
var code = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// classify turns an SDK error into ours. The SDK's own text is not passed on: it
// holds addresses, and a service's message may quote what it was sent.
func classify(ctx context.Context, op string, err error, read bool) error {
	if err == nil {
		return nil
	}
	var res *awshttp.ResponseError
	if !errors.As(err, &res) || res.HTTPStatusCode() == 0 { // no answer
		return providers.Classify(Name, httpx.Lost(ctx, op, read, err))
	}
	e := &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Code: errorCode(err), Status: res.HTTPStatusCode()}
	if read {
		e.Class = providers.ErrTransient
	}
	if id := res.ServiceRequestID(); code.MatchString(id) {
		e.RequestID = id
	}
	skew := skewed(err)
	switch {
	case skew:
		e.Class, e.Err = providers.ErrRefused, clockError(res.Response.Header)
	case classes[e.Code] != nil:
		e.Class = classes[e.Code]
	case e.Code != "" && e.Status >= 400 && e.Status < 500:
		e.Class = providers.ErrRefused
	case errors.Is(err, errAnswer):
		e.Err = errAnswer
	case e.Status/100 == 2:
		e.Err = httpx.Cause(ctx, err)
	}
	switch {
	case errors.Is(e.Class, providers.ErrForbidden):
		e.Need = need(err)
	case errors.Is(e.Class, providers.ErrRateLimited):
		e.RetryAfter = httpx.Wait(res.Response.Header, time.Now())
	}
	return e
}

// skewCodes are refusals of the signature's time.
var skewCodes = []string{"RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"}

// skewed reports that a signature was refused for its time. IAM and STS give the
// code of a wrong secret then and tell the reason in the text only.
func skewed(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	text := api.ErrorMessage()
	return slices.Contains(skewCodes, api.ErrorCode()) ||
		api.ErrorCode() == "SignatureDoesNotMatch" && (strings.HasPrefix(text, "Signature expired") || strings.HasPrefix(text, "Signature not yet current"))
}

func clockError(h http.Header) error {
	off := ""
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		off = fmt.Sprintf(" by about %s", time.Since(t).Abs().Round(time.Minute))
	}
	return fmt.Errorf("the clock of this machine is wrong%s, so that its signatures are refused; set the clock, then try again", off)
}

// need takes the missing permission out of IAM's message, whose form is
// "… is not authorized to perform: iam:CreateAccessKey on resource: …".
func need(err error) string {
	_, rest, _ := strings.Cut(err.Error(), "not authorized to perform: ")
	word, _, _ := strings.Cut(rest, " ")
	if !permission.MatchString(word) {
		return ""
	}
	return word
}

var permission = regexp.MustCompile(`^[a-z0-9-]{1,30}:[A-Za-z]{1,60}$`)
