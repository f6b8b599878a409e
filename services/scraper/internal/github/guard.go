package github

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"code.dny.dev/ssrf"
)

// guard dials for the client. GitHub's own address, and a proxy's, are whoever
// runs the scraper's choice and may be anywhere. Wherever a redirect leads
// besides, it has to be on the public internet: the address is judged after the
// name was looked up, so a name that points into a private network helps nobody.
// Only when GitHub itself is on this machine, as in development, may a redirect
// stay on it.
type guard struct {
	trusted map[string]bool // host:port
	plain   net.Dialer
	public  net.Dialer
}

func newGuard(base *url.URL) *guard {
	options := []ssrf.Option{ssrf.WithAnyPort()}
	if isLoopback(base.Hostname()) {
		options = append(options, ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128")))
	}
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	g := &guard{trusted: map[string]bool{hostPort(base): true}, plain: dialer, public: dialer}
	g.public.Control = ssrf.New(options...).Safe
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: base}); err == nil && proxy != nil {
		g.trusted[hostPort(proxy)] = true
	}
	return g
}

func (g *guard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if g.trusted[addr] {
		return g.plain.DialContext(ctx, network, addr)
	}
	return g.public.DialContext(ctx, network, addr)
}

// hostPort gives what net/http dials for u.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
