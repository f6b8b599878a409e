package github

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"code.dny.dev/ssrf"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
)

func TestGuard(t *testing.T) {
	t.Parallel()
	refused := func(t *testing.T, base, addr string) bool {
		t.Helper()
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		g := newGuard(u)
		if g.trusted[addr] {
			return false // asked without a connection, since addr may be anywhere
		}
		conn, err := g.dial(t.Context(), "tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return errors.Is(err, ssrf.ErrProhibitedIP)
	}
	for _, addr := range []string{
		"10.0.0.1:443", "172.16.0.1:80", "192.168.1.1:443", "169.254.169.254:80", "100.64.0.1:443", "0.0.0.0:80",
		"127.0.0.1:6379", "localhost:6379", "198.18.0.1:443", "224.0.0.1:443", "240.0.0.1:443", "255.255.255.255:80",
		"[::1]:443", "[::]:443", "[fe80::1]:443", "[fc00::1]:443", "[::ffff:10.0.0.1]:443", "[::ffff:127.0.0.1]:443",
		"[64:ff9b::a00:1]:443", "[2002:a00:1::]:443", "[2001:db8::1]:443",
	} {
		if !refused(t, "https://api.github.com/", addr) {
			t.Errorf("%s is not refused", addr)
		}
	}
	if refused(t, "https://10.0.0.1/api/v3/", "10.0.0.1:443") {
		t.Error("a GitHub of one's own in a private network is refused")
	}
	if !refused(t, "https://10.0.0.1/api/v3/", "10.0.0.1:6379") || !refused(t, "https://10.0.0.1/api/v3/", "10.0.0.2:443") {
		t.Error("its neighbours are not refused")
	}
	if refused(t, "http://127.0.0.1:9090/", "127.0.0.1:1") {
		t.Error("loopback is refused though GitHub is there")
	}
	if !refused(t, "http://127.0.0.1:9090/", "10.0.0.1:443") {
		t.Error("a private network is not refused to a GitHub on loopback")
	}
}

// A redirect into a private network ends the scan for good: no retry helps.
func TestRedirectIntoAPrivateNetwork(t *testing.T) {
	t.Parallel()
	g := server(t)
	g.Fault(testkit.GitHubFault{Path: "tarball", Status: http.StatusFound, Header: map[string]string{"Location": "http://169.254.169.254/latest/meta-data/"}})
	_, err := client(t, g.URL, "T1").Archive(t.Context(), "acme/tools", strings.Repeat("a", 40))
	if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "not on the public internet") {
		t.Fatalf("got %v", err)
	}
}
