// Package outbound makes every connection that leaves the scraper. Nothing else
// in the scraper may have a dialer or an HTTP client of its own, and a test
// holds that.
//
// What is fetched is named by strangers, so an address is judged after its name
// was looked up, at the moment of dialling and at every redirect: it has to be
// on the public internet, at a port for https. A server that the operator
// named may be anywhere. Only where the operator's GitHub is on this machine,
// as in development, may other addresses be on it too, and without TLS. No
// proxy is taken from the environment: what a proxy dials, nobody here judges.
package outbound

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"code.dny.dev/ssrf"

	"github.com/plugpack/plugpack/libs/errs"
)

// MaxHops is how many redirects are followed.
const MaxHops = 5

// ports are those of https, and of hosts that cannot have the usual one.
var ports = []uint16{443, 8443}

// Guard decides what may be dialled.
type Guard struct {
	trusted  map[string]bool // host:port
	loopback bool
	plain    net.Dialer
	public   net.Dialer
}

// New makes the guard of connections to trusted servers and, for all else, to
// the public internet. A trusted server on this machine opens all of it.
func New(trusted ...*url.URL) *Guard {
	dialer := net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	g := &Guard{trusted: map[string]bool{}, plain: dialer, public: dialer}
	for _, u := range trusted {
		if IsLoopback(u.Hostname()) {
			g.loopback = true
		}
		g.trusted[hostPort(u)] = true
	}
	options := []ssrf.Option{ssrf.WithPorts(ports...)}
	if g.loopback {
		options = []ssrf.Option{
			ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(netip.MustParsePrefix("127.0.0.0/8")),
			ssrf.WithAllowedV6Prefixes(netip.MustParsePrefix("::1/128")),
		}
	}
	g.public.Control = ssrf.New(options...).Safe
	return g
}

func (g *Guard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if g.trusted[addr] {
		return g.plain.DialContext(ctx, network, addr)
	}
	return g.public.DialContext(ctx, network, addr)
}

// Client gives an HTTP client whose connections the guard decides on. It
// follows a few redirects and leaves credentials behind where the host or the
// port changes; net/http alone would hand them to another port of the same
// machine, and to hosts below the first one.
func (g *Guard) Client() *http.Client {
	return &http.Client{
		Transport: checked{g, &http.Transport{
			DialContext:         g.dial,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			// A host may have to make a large archive first; whoever asks a small
			// question gives it a time of its own.
			ResponseHeaderTimeout: time.Minute,
			IdleConnTimeout:       90 * time.Second,
			MaxIdleConnsPerHost:   16,
		}},
		CheckRedirect: redirect,
	}
}

func redirect(req *http.Request, via []*http.Request) error {
	if len(via) > MaxHops {
		return errors.New("too many redirects")
	}
	first := via[0].URL
	if first.Scheme == "https" && req.URL.Scheme != "https" {
		return errs.New(errs.Forbidden, "redirected from https to %s", req.URL.Scheme)
	}
	if req.URL.Host != first.Host {
		req.Header.Del("Authorization")
		req.Header.Del("Cookie")
	}
	return nil
}

// checked looks at the scheme of every request, redirected ones too.
type checked struct {
	*Guard
	next http.RoundTripper
}

// RoundTrip sends what is https, or goes to a trusted server or this machine.
func (c checked) RoundTrip(req *http.Request) (*http.Response, error) {
	plainAllowed := c.trusted[hostPort(req.URL)] || c.loopback && IsLoopback(req.URL.Hostname())
	if req.URL.Scheme != "https" && !(req.URL.Scheme == "http" && plainAllowed) {
		return nil, errs.New(errs.Forbidden, "%s is not asked without https", req.URL.Hostname())
	}
	return c.next.RoundTrip(req)
}

// Refused says whether the guard was the reason for err.
func Refused(err error) bool {
	return errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrProhibitedPort) ||
		errs.KindOf(err) == errs.Forbidden
}

// hostPort gives what net/http dials for u.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// IsLoopback says whether host, a name or an address, is this machine.
func IsLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}
