package aws

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// errAnswer means that a success had no such body as the operation gives.
var errAnswer = errors.New("the answer is not the XML that was expected, or was cut off")

// wholeAnswer reads every answer to its end and refuses a success whose body is
// not the operation's own XML. The SDK takes an empty or foreign body of a
// success for an empty result, and does not look at it where the operation
// returns nothing: a log-in page would count as "deleted" or "alive".
func wholeAnswer(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("secretguardWholeAnswer",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, meta, err := next.HandleDeserialize(ctx, in)
			res, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok {
				return out, meta, err
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close() // read to its end, or broken
			res.Body = io.NopCloser(bytes.NewReader(body))
			if err != nil {
				return out, meta, err
			}
			if res.StatusCode/100 == 2 && !isAnswer(body, awsmiddleware.GetOperationName(ctx)) {
				return out, meta, errAnswer
			}
			return out, meta, nil
		}), middleware.After)
}

// isAnswer reports whether body is one whole XML document with the root element
// of the operation's answer.
func isAnswer(body []byte, operation string) bool {
	d := xml.NewDecoder(bytes.NewReader(body))
	root := ""
	for {
		t, err := d.Token()
		if err != nil {
			return errors.Is(err, io.EOF) && root == operation+"Response"
		}
		if e, ok := t.(xml.StartElement); ok && root == "" {
			root = e.Name.Local
		}
	}
}
