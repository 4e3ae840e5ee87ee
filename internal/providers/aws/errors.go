package aws

import (
	"context"
	"errors"
	"net"
	"strings"
	"syscall"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/secretguard/secretguard/internal/httpx"
	"github.com/secretguard/secretguard/internal/providers"
)

// errorCode returns the service's error code, or "" when no service answered.
func errorCode(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "UnknownError" {
		return api.ErrorCode()
	}
	return ""
}

// classes maps the codes of IAM and STS. A code that is not here means that the
// request was understood and refused.
var classes = map[string]error{
	"InvalidClientTokenId": providers.ErrAuth, "SignatureDoesNotMatch": providers.ErrAuth, "ExpiredToken": providers.ErrAuth,
	"AccessDenied": providers.ErrForbidden, "NoSuchEntity": providers.ErrNotFound, "LimitExceeded": providers.ErrQuota,
	"Throttling": providers.ErrRateLimited, "ThrottlingException": providers.ErrRateLimited, "RequestLimitExceeded": providers.ErrRateLimited,
	"EntityTemporarilyUnmodifiable": providers.ErrConflict, "ConcurrentModification": providers.ErrConflict,
}

// classify turns an SDK error into ours. The SDK's own text is not passed on: it
// holds request ids, and a service's message may quote what it was sent.
func classify(op string, err error, read bool) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, httpx.ErrReadOnly) {
		return &providers.Error{Provider: Name, Op: op, Class: providers.ErrRefused, Err: httpx.ErrReadOnly}
	}
	e := &providers.Error{Provider: Name, Op: op, Class: providers.ErrAmbiguous, Code: errorCode(err)}
	if read {
		e.Class = providers.ErrTransient
	}
	var res *awshttp.ResponseError
	if errors.As(err, &res) {
		e.Status = res.HTTPStatusCode()
	}
	switch {
	case classes[e.Code] != nil:
		e.Class = classes[e.Code]
	case e.Code != "" && e.Status >= 400 && e.Status < 500:
		e.Class = providers.ErrRefused
	case neverSent(err):
		e.Class = providers.ErrTransient
	}
	if e.Class == providers.ErrForbidden { //nolint:errorlint // our own value, not wrapped yet
		e.Need = need(err)
	}
	if errors.Is(err, httpx.ErrPrivate) {
		e.Class, e.Err = providers.ErrRefused, httpx.ErrPrivate
	}
	if errors.Is(err, context.Canceled) {
		e.Err = context.Canceled
	}
	return e
}

// neverSent reports that no connection came up.
func neverSent(err error) bool {
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.Is(err, syscall.ECONNREFUSED) || (errors.As(err, &op) && op.Op == "dial")
}

// need takes the missing permission out of IAM's message, whose form is
// "… is not authorized to perform: iam:CreateAccessKey on resource: …".
func need(err error) string {
	_, rest, ok := strings.Cut(err.Error(), "not authorized to perform: ")
	if !ok {
		return ""
	}
	word, _, _ := strings.Cut(rest, " ")
	if len(word) > 60 || strings.ContainsFunc(word, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return word
}
