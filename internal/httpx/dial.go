package httpx

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// dialer checks the address after name resolution and on every dial, so that a
// name cannot be rebound to an inside address between check and use.
func dialer(private bool) *net.Dialer {
	return &net.Dialer{
		Timeout: 10 * time.Second, KeepAlive: 30 * time.Second,
		ControlContext: func(ctx context.Context, _, address string, _ syscall.RawConn) error {
			r, _ := ctx.Value(routeKey{}).(route)
			return r.allowed(address, private)
		},
	}
}

// allowed judges a resolved address. A proxy's own may be private: it is the
// user's, from the environment.
func (r route) allowed(address string, private bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("check the address: %w", err)
	}
	inside := !public(ap.Addr().Unmap())
	switch {
	case r.proxied:
		return nil
	case inside && !private:
		return ErrPrivate
	case !inside && r.plain:
		return ErrPlain
	}
	return nil
}

// inside holds ranges that netip does not name. Sources: IANA's registries of
// special-purpose IPv4 and IPv6 addresses.
var inside = prefixes(
	"0.0.0.0/8",        // this network
	"100.64.0.0/10",    // carrier-grade NAT, and a cloud's metadata service in it
	"168.63.129.16/32", // Azure's host
	"192.0.0.0/24",     // protocol assignments
	"198.18.0.0/15",    // benchmarking
	"240.0.0.0/4",      // reserved, and broadcast
	"::/96",            // IPv4-compatible
	"64:ff9b::/96",     // NAT64
	"64:ff9b:1::/48",   // NAT64 within a site
	"2001::/32",        // Teredo
	"2002::/16",        // 6to4
	"fec0::/10",        // site-local
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
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

// literallyPrivate judges a host by its spelling, before anything is resolved: a
// proxy would resolve it out of our sight, and system resolvers read numbers such
// as 2130706433, 0177.1 and 0x7f.0.0.1 as addresses. A host whose last label is a
// number is refused unless it is an ordinary public address.
func literallyPrivate(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return !public(a.WithZone("").Unmap())
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	digits := strings.TrimPrefix(last, "0x")
	number := last != "" && (strings.Trim(last, "0123456789") == "" || digits != last && strings.Trim(digits, "0123456789abcdef") == "")
	return number || last == "localhost"
}
