package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1.1.1.1", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(s)) {
			t.Errorf("%s is public", s)
		}
	}
	for _, s := range []string{
		"127.0.0.1", "127.8.9.10", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.1.1",
		"100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1",
	} {
		if public(netip.MustParseAddr(s)) {
			t.Errorf("%s is not public", s)
		}
	}
}

func TestLiterallyPrivate(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "127.0.0.1.", "1.2.3.0x4", "0", "1.0x",
		"::1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:a9fe:a9fe", "fe80::1%eth0", "localhost", "LOCALHOST.", "a.localhost", "169.254.169.254", "1.1.1.1.1",
	} {
		if !literallyPrivate(s) {
			t.Errorf("%q passes", s)
		}
	}
	for _, s := range []string{"api.netlify.com", "1.1.1.1", "::ffff:1.1.1.1", "2606:4700::1111", "x1", "a-1.example", "0x7f.example", "dead.beef"} {
		if literallyPrivate(s) {
			t.Errorf("%q is refused", s)
		}
	}
}

// Whatever spelling is used, no connection to this machine comes up.
func TestPrivateAddressesAreRefused(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(s.Close)
	port := s.Listener.Addr().(*net.TCPAddr).Port
	c := newClient(t, Options{BackOff: 1})
	for _, host := range []string{
		"127.0.0.1", "127.1", "2130706433", "017700000001", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
		"[::127.0.0.1]", "[64:ff9b::7f00:1]", "0.0.0.0", "localhost", "169.254.169.254", "[fd00:ec2::254]", "10.0.0.1",
	} {
		u := url.URL{Scheme: "https", Host: net.JoinHostPort(trim(host), itoa(port))}
		_, err := c.Do(t.Context(), Request{Op: "op", Method: "GET", URL: u.String()})
		if !errors.Is(err, ErrPrivate) || classOf(err) != Refused {
			t.Errorf("%s: %v", host, err)
		}
	}
	if hits.Load() != 0 {
		t.Error("this machine was reached")
	}
}

func trim(host string) string {
	if host[0] == '[' {
		return host[1 : len(host)-1]
	}
	return host
}

func itoa(n int) string {
	return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(n)).String()[len("0.0.0.0:"):]
}

// A name is judged by what it resolves to, and again on every dial: a resolver
// that answers with a public address first cannot lead us inside later.
func TestReboundNameIsRefused(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(s.Close)
	c := newClient(t, Options{BackOff: 1})
	d := dialer(false)
	answer := netip.MustParseAddr("127.0.0.1")
	var asked atomic.Int32
	d.Resolver = fakeDNS(t, func() netip.Addr { asked.Add(1); return answer })
	c.http.Transport.(*guard).base.DialContext = d.DialContext
	for range 2 {
		_, err := c.Do(t.Context(), Request{Op: "op", Method: "POST", URL: "https://rebound.example:" + itoa(s.Listener.Addr().(*net.TCPAddr).Port)})
		if !errors.Is(err, ErrPrivate) {
			t.Fatalf("got %v", err)
		}
	}
	if hits.Load() != 0 || asked.Load() < 2 {
		t.Errorf("reached %d times, resolved %d times", hits.Load(), asked.Load())
	}
}

// fakeDNS is a resolver whose every name has the given IPv4 address.
func fakeDNS(t *testing.T, answer func() netip.Addr) *net.Resolver {
	t.Helper()
	pc, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { pc.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: answer().As4()},
				}}
			}
			out, _ := m.Pack()
			_, _ = pc.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

func TestPlainHTTPGoesInsideOnly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route   route
		address string
		private bool
		want    error
	}{
		"https outside":                   {route{}, "1.1.1.1:443", false, nil},
		"https inside":                    {route{}, "10.0.0.1:443", false, ErrPrivate},
		"https inside, allowed":           {route{}, "10.0.0.1:443", true, nil},
		"http inside, allowed":            {route{plain: true}, "127.0.0.1:80", true, nil},
		"http outside, inside is allowed": {route{plain: true}, "1.1.1.1:80", true, ErrPlain},
		"mapped":                          {route{}, "[::ffff:10.0.0.1]:443", false, ErrPrivate},
		"the user's proxy inside":         {route{proxied: true}, "10.0.0.1:3128", false, nil},
	} {
		if err := tc.route.allowed(tc.address, tc.private); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	c := newClient(t, Options{})
	for _, u := range []string{"http://example.com/", "http://1.1.1.1/"} {
		if _, err := c.Do(t.Context(), Request{Op: "op", Method: "GET", URL: u}); !errors.Is(err, ErrPlain) {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// A proxy resolves names for us, so that only the spelling can be judged.
func TestThroughAProxy(t *testing.T) {
	t.Parallel()
	var asked atomic.Value
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Method + " " + r.Host)
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range []bool{false, true} {
		c := newClient(t, Options{AllowPrivate: private, BackOff: 1})
		c.http.Transport.(*guard).base.Proxy = http.ProxyURL(at)
		for u, want := range map[string]error{
			"http://example.com/": ErrPlain, "https://169.254.169.254/": ErrPrivate, "https://0x7f.1/": ErrPrivate,
		} {
			if private && errors.Is(want, ErrPrivate) {
				continue
			}
			if _, err := c.Do(t.Context(), Request{Op: "op", Method: "GET", URL: u}); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", u, err, want)
			}
		}
		asked.Store("")
		if _, err := c.Do(t.Context(), Request{Op: "op", Method: "POST", URL: "https://example.com/"}); classOf(err) != Transient {
			t.Errorf("a proxy that refuses the tunnel: %v", err)
		}
		if asked.Load() != "CONNECT example.com:443" {
			t.Errorf("the proxy was asked %q", asked.Load())
		}
	}
}
