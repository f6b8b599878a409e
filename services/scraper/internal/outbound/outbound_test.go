package outbound

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
)

func guard(t testing.TB, trusted ...string) *Guard {
	t.Helper()
	var list []*url.URL
	for _, text := range trusted {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, u)
	}
	return New(list...)
}

// refused asks the check that runs at dial time, after a name was looked up,
// without a connection.
func refused(g *Guard, addr string) bool {
	if g.trusted[addr] {
		return false
	}
	network := "tcp4"
	if a, err := netip.ParseAddrPort(addr); err == nil && a.Addr().Is6() {
		network = "tcp6"
	}
	return Refused(g.public.Control(network, addr, nil))
}

// One address at least of every range that IANA's two registries set aside, and
// those through which an IPv4 address can be reached in IPv6's clothes.
func TestSpecialAddressesAreRefused(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for _, ip := range []string{
		// IPv4
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255", "127.0.0.1", "127.255.255.254",
		"169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.0.192",
		"192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.254", "255.255.255.255",
		// IPv6
		"::", "::1", "100::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "3fff::1", "5f00::1",
		"fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "fec0::1", "ff02::1",
		// IPv4 inside of IPv6: mapped, compatible, translated, NAT64 with both
		// prefixes, 6to4, Teredo, ISATAP on a link
		"::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::1", "64:ff9b:1:fffe::a9fe:a9fe",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "2001:0:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "fe80::5efe:10.0.0.1",
	} {
		if !refused(g, netip.AddrPortFrom(netip.MustParseAddr(ip), 443).String()) {
			t.Errorf("%s is not refused", ip)
		}
	}
	for _, ip := range []string{"8.8.8.8", "140.82.121.4", "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "2606:4700::1111", "2a00:1450:4001::1"} {
		if refused(g, netip.AddrPortFrom(netip.MustParseAddr(ip), 443).String()) {
			t.Errorf("%s is refused", ip)
		}
	}
}

func TestPorts(t *testing.T) {
	t.Parallel()
	g := guard(t)
	for _, port := range []string{"22", "25", "80", "3306", "5432", "6379", "9200", "11211"} {
		if !refused(g, "8.8.8.8:"+port) {
			t.Errorf("port %s is not refused", port)
		}
	}
	if refused(g, "8.8.8.8:443") || refused(g, "8.8.8.8:8443") {
		t.Error("a port of https is refused")
	}
}

func TestTrustedServers(t *testing.T) {
	t.Parallel()
	own := guard(t, "https://10.0.0.1/api/v3/")
	if refused(own, "10.0.0.1:443") {
		t.Error("a server that the operator named is refused")
	}
	if !refused(own, "10.0.0.1:6379") || !refused(own, "10.0.0.2:443") || !refused(own, "127.0.0.1:443") {
		t.Error("its neighbours are not refused")
	}
	local := guard(t, "http://127.0.0.1:9090/")
	if refused(local, "127.0.0.1:1") || refused(local, "[::1]:1") {
		t.Error("this machine is refused though GitHub is there")
	}
	if !refused(local, "10.0.0.1:443") || !refused(local, "169.254.169.254:80") {
		t.Error("a private network is not refused to a GitHub on this machine")
	}
}

// The check is made of what a name leads to, not of the name.
func TestANameThatLeadsToThisMachine(t *testing.T) {
	t.Parallel()
	_, err := guard(t).Client().Get("https://localhost/")
	if !Refused(err) {
		t.Fatalf("got %v", err)
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(other.Close)
	to := ""
	first := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }))
	t.Cleanup(first.Close)
	get := func(address string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, first.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer secret")
		req.Header.Set("Cookie", "secret")
		to = address
		resp, err := guard(t, first.URL).Client().Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		return err
	}
	t.Run("credentials stay behind when the port changes", func(t *testing.T) {
		if err := get(other.URL); err != nil || got == nil || got.Get("Authorization") != "" || got.Get("Cookie") != "" {
			t.Errorf("got %v, %v", got, err)
		}
	})
	for _, address := range []string{"http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "https://[64:ff9b::a9fe:a9fe]/", "http://example.com/", "ftp://127.0.0.1/", "file:///etc/passwd"} {
		t.Run("none leads to "+address, func(t *testing.T) {
			if err := get(address); err == nil {
				t.Error("it was followed")
			}
		})
	}
	t.Run("a circle ends", func(t *testing.T) {
		if err := get(first.URL); err == nil || !strings.Contains(err.Error(), "too many redirects") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("https is not left", func(t *testing.T) {
		req := &http.Request{URL: &url.URL{Scheme: "http", Host: "127.0.0.1"}, Header: http.Header{}}
		if err := redirect(req, []*http.Request{{URL: &url.URL{Scheme: "https", Host: "example.com"}}}); errs.KindOf(err) != errs.Forbidden {
			t.Errorf("got %v", err)
		}
	})
}

func TestPlainHTTPIsForThisMachineOnly(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	if _, err := guard(t).Client().Get(s.URL); !Refused(err) {
		t.Errorf("got %v", err)
	}
	resp, err := guard(t, "http://localhost:1/").Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// No proxy of the environment is used, or it would dial what nobody judged.
func TestNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	if guard(t).Client().Transport.(checked).next.(*http.Transport).Proxy != nil {
		t.Error("the client has a proxy")
	}
}
