package github

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
)

func TestSearchCode(t *testing.T) {
	t.Parallel()
	c, g, _ := timed(t)
	g.Write("acme/a", ".claude-plugin/marketplace.json", `{"name":"a"}`)
	g.Write("acme/b", "deep/.claude-plugin/marketplace.json", `{"name":"b", "license":"MIT"}`)
	g.Write("acme/b", "marketplace.json", `{}`)
	ask := func(query string) (got []string) {
		t.Helper()
		p, err := c.SearchCode(t.Context(), query, 1)
		if err != nil || p.Incomplete || p.Total != len(p.Hits) || p.Unusable != 0 {
			t.Fatalf("%s: %+v, %v", query, p, err)
		}
		for _, h := range p.Hits {
			if h.ID == 0 {
				t.Errorf("no id in %+v", h)
			}
			got = append(got, h.Repo+"/"+h.Path)
		}
		return got
	}
	const base = "filename:marketplace.json path:.claude-plugin"
	const a, b = "acme/a/.claude-plugin/marketplace.json", "acme/b/deep/.claude-plugin/marketplace.json"
	for query, want := range map[string][]string{
		base + " size:0..12":      {a},
		base + " size:>=13":       {b},
		base + " license":         {b},
		base + " NOT license":     {a},
		base + " license NOT mit": nil,
	} {
		if diff := cmp.Diff(want, ask(query)); diff != "" {
			t.Errorf("%s:\n%s", query, diff)
		}
	}
	if got := ask(base); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

func TestSearchRepositories(t *testing.T) {
	t.Parallel()
	c, g, _ := timed(t)
	g.Write("acme/a", "README.md", "a")
	g.Topics("acme/a", "claude-plugins")
	p, err := c.SearchRepositories(t.Context(), "topic:claude-plugins", 1)
	if err != nil || p.Total != 1 || len(p.Hits) != 1 || p.Hits[0].Repo != "acme/a" || p.Hits[0].ID == 0 || p.Hits[0].Path != "" {
		t.Errorf("got %+v, %v", p, err)
	}
}

// A search that has used up its minute waits for the next one, and is refused
// not even once, because GitHub tells what is left.
func TestSearchKeepsItsLimit(t *testing.T) {
	t.Parallel()
	c, g, clk := timed(t)
	begun := clk.Now()
	for range 25 {
		if _, err := c.SearchCode(t.Context(), "filename:x", 1); err != nil {
			t.Fatal(err)
		}
		if _, err := c.SearchRepositories(t.Context(), "topic:x", 1); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range g.Requests() {
		if r.Status != 200 {
			t.Errorf("%s was answered %d", r.Path, r.Status)
		}
	}
	if took := clk.Now().Sub(begun); took < 2*time.Minute || took > 3*time.Minute {
		t.Errorf("25 code searches took %s", took)
	}
}

// Another scraper with the same token may have used the limit up.
func TestSearchIsRefused(t *testing.T) {
	t.Parallel()
	c, g, clk := timed(t)
	other, err := New(Options{BaseURL: g.URL, Token: "T1", Now: clk.Now, Wait: clk.Wait})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := other.SearchCode(t.Context(), "filename:x", 1); err != nil {
			t.Fatal(err)
		}
	}
	g.Requests()
	if _, err := c.SearchCode(t.Context(), "filename:x", 1); err != nil {
		t.Fatal(err)
	}
	if r := g.Requests(); len(r) != 2 || r[0].Status != 403 || r[1].Status != 200 {
		t.Errorf("asked %+v", r)
	}
	if len(clk.waited) != 1 || clk.waited[0] < 50*time.Second {
		t.Errorf("waited %s", clk.waited)
	}
}

// The search's limit is no reason for a scan to wait, nor the other way round.
func TestLimitsStandAlone(t *testing.T) {
	t.Parallel()
	c, g, clk := timed(t)
	g.Fault(testkit.GitHubFault{Path: "/search/code", Status: 403, Times: 1, Header: map[string]string{"Retry-After": "40"},
		Body: `{"message":"You have exceeded a secondary rate limit.","documentation_url":"https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`})
	c.wait = func(ctx context.Context, d time.Duration) error {
		if _, _, err := c.Repository(ctx, "acme/tools", ""); err != nil {
			t.Errorf("a scan during the search's wait: %v", err)
		}
		if _, err := c.SearchRepositories(ctx, "topic:x", 1); err != nil {
			t.Errorf("the other search during the wait: %v", err)
		}
		return clk.Wait(ctx, d)
	}
	if _, err := c.SearchCode(t.Context(), "filename:x", 1); err != nil {
		t.Fatal(err)
	}
	if len(clk.waited) != 1 {
		t.Errorf("waited %s", clk.waited)
	}
	c.wait = clk.Wait
	g.Fault(testkit.GitHubFault{Path: "/repos/", Status: 429, Times: 1, Header: map[string]string{"Retry-After": "600"}})
	if _, _, err := c.Repository(t.Context(), "acme/tools", ""); errs.KindOf(err) != errs.TooMany {
		t.Fatalf("got %v", err)
	}
	if _, err := c.SearchCode(t.Context(), "filename:x", 1); err != nil || len(clk.waited) != 1 {
		t.Errorf("the search waited for the core's limit: %v, %s", err, clk.waited)
	}
}

func TestSearchTriesAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		prepare    func(g *testkit.GitHubServer)
		waits      int
		found      int
		incomplete bool
		kind       errs.Kind // Internal for none
	}{
		{"a server error passes", func(g *testkit.GitHubServer) { g.Fault(testkit.GitHubFault{Path: "search", Status: 502, Times: 2}) }, 2, 4, false, errs.Internal},
		{"a dropped connection passes", func(g *testkit.GitHubServer) { g.Fault(testkit.GitHubFault{Path: "search", Drop: true, Times: 1}) }, 1, 4, false, errs.Internal},
		{"a refusal passes", func(g *testkit.GitHubServer) { g.Fault(testkit.GitHubFault{Path: "search", Status: 422, Times: 1}) }, 1, 4, false, errs.Internal},
		{"garbage passes", func(g *testkit.GitHubServer) {
			g.Fault(testkit.GitHubFault{Path: "search", Status: 200, Body: "<html>", Times: 1})
		}, 1, 4, false, errs.Internal},
		{"an incomplete answer becomes complete", func(g *testkit.GitHubServer) { g.GiveUpSearches(2) }, 2, 4, false, errs.Internal},
		{"an answer that stays incomplete is taken as it is", func(g *testkit.GitHubServer) { g.GiveUpSearches(99) }, 3, 2, true, errs.Internal},
		{"an error that stays is one", func(g *testkit.GitHubServer) { g.Fault(testkit.GitHubFault{Path: "search", Status: 500}) }, 3, 0, false, errs.Unavailable},
		{"a refusal that stays is one", func(g *testkit.GitHubServer) { g.Fault(testkit.GitHubFault{Path: "search", Status: 422}) }, 3, 0, false, errs.Invalid},
		{"a bad token is not tried again", func(g *testkit.GitHubServer) { g.RequireToken("T2") }, 0, 0, false, errs.Unauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, g, clk := timed(t)
			for i := range 4 {
				g.Write(fmt.Sprintf("acme/r%d", i), "x.json", "{}")
			}
			tt.prepare(g)
			p, err := c.SearchCode(t.Context(), "filename:x.json", 1)
			if errs.KindOf(err) != tt.kind || len(p.Hits) != tt.found || p.Incomplete != tt.incomplete || len(clk.waited) != tt.waits {
				t.Errorf("got %d hits, incomplete %t, %v after %s", len(p.Hits), p.Incomplete, err, clk.waited)
			}
		})
	}
}

func TestSearchResultsAreBounded(t *testing.T) {
	t.Parallel()
	c, g, _ := timed(t)
	item := func(repo string) string {
		return fmt.Sprintf(`{"path":"p","repository":{"id":5,"full_name":%q}}`, repo)
	}
	items := []string{item("a/b"), item("a/../b"), item("a b/c"), item(""), `{"path":"p","repository":{"id":6,"full_name":"a/p","private":true}}`, `{"path":"p"}`, `null`}
	for range 300 {
		items = append(items, item("x/y"))
	}
	g.Fault(testkit.GitHubFault{Path: "search", Status: 200, Body: `{"total_count":307,"items":[` + strings.Join(items, ",") + `]}`})
	p, err := c.SearchCode(t.Context(), "x", 1)
	if err != nil || len(p.Hits) != PageSize || p.Unusable != PageSize || p.Hits[0].Repo != "a/b" || p.Hits[1].Repo != "x/y" {
		t.Errorf("got %d hits, %d unusable, %v", len(p.Hits), p.Unusable, err)
	}
}
