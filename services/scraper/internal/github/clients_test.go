package github

import (
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

func TestClients(t *testing.T) {
	t.Parallel()
	c, err := NewClients(Options{BaseURL: "https://api.github.com/", Token: "T0"},
		[]Server{{Host: "Git.Acme.example", Options: Options{BaseURL: "https://git.acme.example/api/v3/", Token: "T1", TokenName: "ACME_TOKEN"}}},
		[]Credential{
			{Marketplace: "github.com/acme/private", Token: "T2", TokenName: "P"},
			{Marketplace: "github.com/acme/second", Token: "T2", TokenName: "P"},
			{Marketplace: "git.acme.example/a/b", Token: "T3", TokenName: "Q"},
		})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[plugpack.MarketplaceKey][2]string{
		"github.com/acme/tools":   {"https://api.github.com/", "T0"},
		"github.com/acme/private": {"https://api.github.com/", "T2"},
		"git.acme.example/x/y":    {"https://git.acme.example/api/v3/", "T1"},
		"git.acme.example/a/b":    {"https://git.acme.example/api/v3/", "T3"},
		// A host that nobody named gets nothing but the usual question.
		"evil.example/x/y": {"https://api.github.com/", "T0"},
	} {
		if got := c.For(k); got.base.String() != want[0] || got.token != want[1] {
			t.Errorf("%s: asked at %s with %s", k, got.base, got.token)
		}
	}
	if c.For("github.com/acme/private") != c.For("github.com/acme/second") {
		t.Error("one token has two limits")
	}
	if c.Usual() != c.For("github.com/a/b") || c.UsualHost() != "github.com" {
		t.Errorf("the usual host is %s", c.UsualHost())
	}
	if _, err := NewClients(Options{BaseURL: "https://api.github.com/"}, []Server{{Options: Options{BaseURL: "x"}}}, nil); errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestUsualHost(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://api.github.com/": "github.com", "http://127.0.0.1:9090/": "github.com", "http://localhost:9090": "github.com",
		"https://git.acme.example/api/v3/": "git.acme.example",
	} {
		c, err := NewClients(Options{BaseURL: base}, nil, nil)
		if err != nil || c.UsualHost() != want {
			t.Errorf("%s: %v, %v", base, c, err)
		}
	}
}

func TestHostOf(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"https://Git.Acme.example:8443/api/v3/": "git.acme.example", "http://127.0.0.1:9/": "127.0.0.1",
		"http://git.acme.example/": "", "": "", "://": "",
	} {
		got, err := HostOf(address)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
	if got := EnterpriseAPI("git.acme.example"); got != "https://git.acme.example/api/v3/" {
		t.Errorf("got %s", got)
	}
}

// Whoever has to set another token is told which one.
func TestBadTokenIsNamed(t *testing.T) {
	t.Parallel()
	g := server(t)
	g.RequireToken("right")
	c, err := New(Options{BaseURL: g.URL, Token: "wrong", TokenName: "ACME_TOKEN"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Repository(t.Context(), "acme/tools", ""); err == nil || errs.Detail(err) != "GitHub refuses the token in ACME_TOKEN: it is wrong, expired or revoked" {
		t.Errorf("got %v", err)
	}
}

func TestLatestRelease(t *testing.T) {
	t.Parallel()
	g := server(t)
	c := client(t, g.URL, "T1")
	if tag, _, _, changed, err := c.LatestRelease(t.Context(), "acme/tools", ""); tag != "" || !changed || err != nil {
		t.Errorf("without one: %q, %t, %v", tag, changed, err)
	}
	g.Release("acme/tools", "v1.2.3")
	tag, at, etag, changed, err := c.LatestRelease(t.Context(), "acme/tools", "")
	if tag != "v1.2.3" || at.Year() != 2026 || at.Location() != time.UTC || etag == "" || !changed || err != nil {
		t.Fatalf("got %q, %s, %q, %t, %v", tag, at, etag, changed, err)
	}
	tag, _, again, changed, err := c.LatestRelease(t.Context(), "acme/tools", etag)
	if tag != "" || again != etag || changed || err != nil {
		t.Errorf("the second time: %q, %q, %t, %v", tag, again, changed, err)
	}
	g.Release("acme/tools", "v1.2.4")
	if tag, _, _, changed, err := c.LatestRelease(t.Context(), "acme/tools", etag); tag != "v1.2.4" || !changed || err != nil {
		t.Errorf("a newer one: %q, %t, %v", tag, changed, err)
	}
}

func TestHasFile(t *testing.T) {
	t.Parallel()
	g := server(t)
	c := client(t, g.URL, "T1")
	has, etag, err := c.HasFile(t.Context(), "acme/tools", "README.md", "")
	if !has || etag == "" || err != nil {
		t.Fatalf("got %t, %q, %v", has, etag, err)
	}
	if has, again, err := c.HasFile(t.Context(), "acme/tools", "README.md", etag); !has || again != etag || err != nil {
		t.Errorf("the second time: %t, %q, %v", has, again, err)
	}
	for _, path := range []string{".claude-plugin/marketplace.json", "no/such"} {
		if has, _, err := c.HasFile(t.Context(), "acme/tools", path, ""); has || err != nil {
			t.Errorf("%s: %t, %v", path, has, err)
		}
	}
	if has, _, err := c.HasFile(t.Context(), "acme/none", "README.md", ""); has || err != nil {
		t.Errorf("no repository: %t, %v", has, err)
	}
}
