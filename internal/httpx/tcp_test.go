package httpx

import (
	"errors"
	"net"
	"testing"
)

// Other protocols keep the rules for addresses: private ones only where they are allowed,
// nothing in the clear beyond them.
func TestDialKeepsTheRules(t *testing.T) {
	t.Parallel()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	here := ln.Addr().String()
	_, port, err := net.SplitHostPort(here)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		private, plain bool
		address        string
		want           error
	}{
		{true, true, here, nil},
		{true, false, here, nil},
		{false, false, here, ErrPrivate},
		{false, false, "localhost:" + port, ErrPrivate},
		{false, false, "2130706433:" + port, ErrPrivate},
		{false, true, "db.example.com:5432", ErrPlain},
		{true, true, "93.184.216.34:5432", ErrPlain},
		{true, true, "127.0.0.1", errAddress},
	} {
		conn, err := New(Options{AllowPrivate: tc.private}).Dial(t.Context(), tc.address, tc.plain)
		if err == nil {
			_ = conn.Close()
		}
		if !errors.Is(err, tc.want) || tc.want != nil && !errors.Is(err, ErrNotSent) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}
