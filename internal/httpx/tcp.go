package httpx

import (
	"context"
	"errors"
	"net"
)

// Dial opens a connection for a protocol that is not HTTP. The rules for addresses are
// the same, also for the one that a name stands for; no proxy is used. plain says that
// nothing will encrypt what is sent: that is for private addresses only, where they are
// allowed. Who dials sends nothing that changes something: the read-only mode cannot see it.
func (c *Client) Dial(ctx context.Context, address string, plain bool) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return nil, errors.Join(ErrNotSent, errAddress)
	case !c.private && literallyPrivate(host):
		return nil, errors.Join(ErrNotSent, ErrPrivate)
	case !c.private && plain:
		return nil, errors.Join(ErrNotSent, ErrPlain)
	}
	conn, err := dialer(c.private).DialContext(context.WithValue(ctx, routeKey{}, route{plain: plain}), "tcp", address)
	if err != nil {
		return nil, errors.Join(ErrNotSent, err)
	}
	return conn, nil
}
