package httpx

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrPrivate means that an address is loopback, private, link-local or a cloud's
// metadata service.
var ErrPrivate = errors.New("the address is private; allow it with --allow-private or allow_private in your own configuration")

// dialer checks the address after name resolution and on every dial, so that a
// name cannot be rebound to an inside address between check and use.
func dialer(private bool) *net.Dialer {
	d := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if private {
		return d
	}
	d.Control = func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("check the address: %w", err)
		}
		if !public(ap.Addr().Unmap()) {
			return ErrPrivate
		}
		return nil
	}
	return d
}

// inside holds ranges that netip does not name: carrier-grade NAT
// (RFC 6598), "this network", benchmarking, and the IPv6 forms that embed IPv4.
var inside = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("2002::/16"),
}

func public(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range inside {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
