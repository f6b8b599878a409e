package github

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/outbound"
)

func server(t *testing.T) *testkit.GitHubServer {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.txtar")
	if err := os.WriteFile(file, []byte("-- Acme/Tools/README.md --\nHello.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return testkit.GitHub(t, file)
}

func client(t *testing.T, url, token string) *Client {
	t.Helper()
	c, err := New(Options{BaseURL: url, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRepository(t *testing.T) {
	t.Parallel()
	g := server(t)
	// GitHub Enterprise has a path before all others.
	for _, prefix := range []string{"", "api/v3", "api/v3/"} {
		c := client(t, g.URL+prefix, "")
		r, ok, err := c.Repository(t.Context(), "acme/tools", "")
		if err != nil || !ok || r.FullName != "Acme/Tools" || r.Host != "github.com" || r.HostID == 0 || r.OwnerID != 7 || r.License != "MIT" || r.ETag == "" || r.PushedAt.IsZero() {
			t.Fatalf("%q: got %+v, %t, %v", prefix, r, ok, err)
		}
		if _, ok, err := c.Repository(t.Context(), "acme/tools", r.ETag); ok || err != nil {
			t.Errorf("%q: the second time: %t, %v", prefix, ok, err)
		}
		commit, etag, err := c.Head(t.Context(), r.FullName, "")
		if err != nil || len(commit) != 40 || etag == "" {
			t.Fatalf("%q: head %q, %q, %v", prefix, commit, etag, err)
		}
		if same, again, err := c.Head(t.Context(), r.FullName, etag); same != "" || again != etag || err != nil {
			t.Errorf("%q: the second time: %q, %q, %v", prefix, same, again, err)
		}
		body, err := c.Archive(t.Context(), r.FullName, commit)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(body)
		if err != nil || !strings.HasPrefix(string(b), "\x1f\x8b") || body.Close() != nil {
			t.Errorf("%q: archive of %d bytes, %v", prefix, len(b), err)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault testkit.GitHubFault
		kind  errs.Kind
		text  string
	}{
		{"not found", testkit.GitHubFault{Status: 404}, errs.NotFound, "no repository acme/tools"},
		{"for legal reasons", testkit.GitHubFault{Status: 451}, errs.NotFound, "legal"},
		{"empty", testkit.GitHubFault{Status: 409}, errs.Invalid, "empty"},
		{"bad token", testkit.GitHubFault{Status: 401}, errs.Unauthorized, "GITHUB_TOKEN"},
		{"forbidden", testkit.GitHubFault{Status: 403}, errs.Forbidden, "refuses access"},
		{"pause without a time", testkit.GitHubFault{Status: 403, Body: `{"message":"You have exceeded a secondary rate limit."}`}, errs.TooMany, "pause"},
		{"server error", testkit.GitHubFault{Status: 500}, errs.Unavailable, "500"},
		{"not ready", testkit.GitHubFault{Status: 202}, errs.Unavailable, ""},
		{"garbage", testkit.GitHubFault{Status: 200, Body: "<html>"}, errs.Unavailable, "damaged"},
		{"something else", testkit.GitHubFault{Status: 200, Body: "{}"}, errs.Unavailable, "not a repository"},
		{"dropped", testkit.GitHubFault{Drop: true}, errs.Unavailable, "cannot be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := server(t)
			g.Fault(tt.fault)
			_, _, err := client(t, g.URL, "T1").Repository(t.Context(), "acme/tools", `"etag"`)
			if errs.KindOf(err) != tt.kind || !strings.Contains(errs.Detail(err), tt.text) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %s: %v", errs.KindOf(err), err)
			}
		})
	}
}

func TestLimitEnds(t *testing.T) {
	t.Parallel()
	g := server(t)
	now := time.Now()
	c, err := New(Options{BaseURL: g.URL, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	g.Fault(testkit.GitHubFault{Status: 429, Times: 1, Header: map[string]string{"Retry-After": "30"}})
	for range 2 {
		if _, _, err := c.Repository(t.Context(), "acme/tools", ""); errs.KindOf(err) != errs.TooMany || errs.RetryAfter(err) < 30*time.Second {
			t.Fatalf("got %v", err)
		}
	}
	if n := len(g.Requests()); n != 1 {
		t.Errorf("asked %d times", n)
	}
	now = now.Add(31 * time.Second)
	if _, _, err := c.Repository(t.Context(), "acme/tools", ""); err != nil {
		t.Error(err)
	}
	for want, header := range map[time.Duration]string{minWait: "-5", maxWait: "999999999"} {
		g.Fault(testkit.GitHubFault{Status: 429, Times: 1, Header: map[string]string{"Retry-After": header}})
		_, _, err := c.Repository(t.Context(), "acme/tools", "")
		if d := errs.RetryAfter(err); d < want || d > want+22*time.Second {
			t.Errorf("Retry-After %s: %s", header, d)
		}
		now = now.Add(2 * maxWait)
	}
}

func TestTokenStaysWithItsHost(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"localhost", "127.0.0.1"} { // another host, and another port of the same one
		t.Run(name, func(t *testing.T) {
			var got []string
			other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) }))
			defer other.Close()
			api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = append(got, r.Header.Get("Authorization"))
				http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", name, 1)+"/x.tar.gz", http.StatusFound)
			}))
			defer api.Close()
			body, err := client(t, api.URL, "T1").Tarball(t.Context(), "acme/tools", "c1")
			if err != nil {
				t.Fatal(err)
			}
			defer body.Close()
			if len(got) != 2 || got[0] != "Bearer T1" || got[1] != "" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestRedirectsEnd(t *testing.T) {
	t.Parallel()
	n := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		http.Redirect(w, r, r.URL.Path, http.StatusMovedPermanently)
	}))
	defer api.Close()
	if _, _, err := client(t, api.URL, "").Repository(t.Context(), "acme/tools", ""); errs.KindOf(err) != errs.Unavailable || n > outbound.MaxHops+1 {
		t.Errorf("got %v after %d requests", err, n)
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	g := server(t)
	c := client(t, g.URL, "T1")
	if err := c.Reachable(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.Exhaust()
	if err := c.Reachable(t.Context()); errs.KindOf(err) != errs.TooMany || errs.RetryAfter(err) == 0 || !strings.HasSuffix(err.Error(), ": wait") {
		t.Errorf("got %v", err)
	}
	if err := client(t, g.URL, "").Reachable(t.Context()); !strings.Contains(err.Error(), "or set GITHUB_TOKEN") {
		t.Errorf("got %v", err)
	}
	g.Fault(testkit.GitHubFault{Path: "rate_limit", Times: 1, Status: 200, Body: "<html>sign in</html>"})
	if err := c.Reachable(t.Context()); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "not GitHub's API") {
		t.Errorf("got %v", err)
	}
	g.RequireToken("T2")
	if err := c.Reachable(t.Context()); errs.KindOf(err) != errs.Unauthorized {
		t.Errorf("got %v", err)
	}
	dead := client(t, "http://127.0.0.1:1/", "")
	if err := dead.Reachable(t.Context()); errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "http://127.0.0.1:1/ (connect: connection refused)") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesBadAddresses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "api.github.com", "ftp://x/", "http://", "://"} {
		if _, err := New(Options{BaseURL: url}); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "GITHUB_API_URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
}
