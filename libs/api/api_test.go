package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, v any) {
	t.Helper()
	body, err := api.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := json.Indent(&got, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s is out of date, run with -update if the change is meant (-want +got):\n%s", path, diff)
	}
}

// elsewhere is a clock of another zone, as a database driver may give it.
var elsewhere = time.FixedZone("elsewhere", 5*3600)

func TestPluginPage(t *testing.T) {
	t.Parallel()
	p := sample.Plugin("acme/tools", "deploy", 3)
	p.Facts.Description, p.Facts.License = `Ships <it> & "more" – 插件`, ""
	p.Aliases = []string{"acme-tools-old"}
	p.FirstSeen, p.UpdatedAt = p.FirstSeen.In(elsewhere), p.UpdatedAt.In(elsewhere)
	golden(t, "plugin.json", api.NewPluginPage(p))
}

func TestBarePluginPage(t *testing.T) {
	t.Parallel()
	p := sample.Plugin("acme/tools", "deploy", 1)
	p.Facts = plugpack.Facts{State: plugpack.StateNotReadYet, StateReason: "it lives elsewhere", Source: plugpack.Source{Kind: plugpack.SourceNPM, Package: "deploy"}}
	golden(t, "plugin-bare.json", api.NewPluginPage(p))
}

func TestMarketplace(t *testing.T) {
	t.Parallel()
	l := sample.Listing("acme/tools", 1, "deploy", "lint")
	l.Repository.Topics, l.Repository.PushedAt = []string{"plugins"}, sample.At(-5).In(elsewhere)
	l.Repository.Release, l.Repository.ReleasedAt = "v1.2.0", sample.At(-6).In(elsewhere)
	golden(t, "marketplace.json", api.NewMarketplace(plugpack.Marketplace{
		ID: "018f0000-0000-7000-9000-000000000001", Key: l.Key, Name: l.Name, Description: l.Description, Owner: l.Owner,
		Repository: l.Repository, Commit: l.Commit, Entries: 3, Plugins: 2, Read: 1, FoundBy: "topics", State: plugpack.ScanDone,
		Skipped: []plugpack.Skipped{{Index: 2, Reason: "it has no name"}}, ScannedAt: l.ObservedAt.In(elsewhere),
	}, l.ObservedAt))
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		found, total int
		share        float64
	}{{998, 1003, 998.0 / 1003}, {0, 0, 1}, {5, 4, 1}, {0, 9, 0}} {
		d := api.NewDiscovery(plugpack.Discovery{Method: plugpack.MainDiscovery, Found: c.found, Total: c.total, FinishedAt: sample.Time.In(elsewhere)})
		if d.Share != c.share || d.FinishedAt != sample.Time {
			t.Errorf("%d of %d: %+v, want a share of %v", c.found, c.total, d, c.share)
		}
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, key, repository, want string }{
		{"github.com by the short name", "github.com/acme/tools", "Acme/Tools", "/plugin marketplace add Acme/Tools"},
		{"another host by its address", "gitlab.com/acme/tools", "Acme/Tools", "/plugin marketplace add https://gitlab.com/Acme/Tools.git"},
		{"a folder by its path", "local/srv/My Tools", "srv/My Tools", "/plugin marketplace add /srv/My Tools"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := sample.Plugin("acme/tools", "deploy", 1)
			p.Marketplace.Key, p.Marketplace.Repository = plugpack.MarketplaceKey(c.key), c.repository
			want := api.Install{AddMarketplace: c.want, InstallPlugin: "/plugin install deploy@acme-tools"}
			if diff := cmp.Diff(want, api.NewPlugin(p).Install); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestETag(t *testing.T) {
	t.Parallel()
	a, b := api.ETag([]byte("a")), api.ETag([]byte("b"))
	if want := `"ca978112ca1bbdcafac231b3"`; a != want {
		t.Errorf("tag %s, want %s: clients keep it over our releases", a, want)
	}
	if a == b {
		t.Errorf("two bodies have the tag %s", a)
	}
	p := sample.Plugin("acme/tools", "deploy", 1)
	one, err := api.Marshal(api.NewPluginPage(p))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // maps have no order
		two, err := api.Marshal(api.NewPluginPage(p))
		if err != nil || api.ETag(one) != api.ETag(two) {
			t.Fatalf("the same page has two tags, %v", err)
		}
	}
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]bool{
		`{"a":["b",1,null,{}]}`: true, `"\\u0000"`: true, "\"\u00e4\"": true,
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: true, `{"a":1,"A":1}`: true, `1e999`: true,
		`{"a":1,"a":1}`: false, `[{"a":1},{"a":1,"b":[],"a":1}]`: false, `{"a":1`: false, ``: true,
		strings.Repeat("[", 64) + strings.Repeat("]", 64): true, strings.Repeat("[", 65) + strings.Repeat("]", 65): false,
		`{"a":"x\u0000"}`: false, `{"\u0000":1}`: false, "\"\xff\"": false, `x`: false,
	} {
		if err := api.CheckText([]byte(document)); (err == nil) != want || err != nil && errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", document, err)
		}
	}
}

func TestCheckDocument(t *testing.T) {
	t.Parallel()
	document := "{\"a\":\"x\\u0000\",\"b\":[1,{\"c\":\"\xff\"},[\"\u0000\"]],\"d\":{\"\xff\":1},\"a\":2}"
	document = strings.ReplaceAll(document, "\x00", `\u0000`)
	const character = "it holds a character that no text may have"
	want := []api.ProblemField{
		{Location: "body.a", Message: character},
		{Location: "body.b[1].c", Message: character},
		{Location: "body.b[2][0]", Message: character},
		{Location: "body.d.?", Message: "the name of a member holds a character that no text may have"},
		{Location: "body.a", Message: "it is there twice"},
	}
	if diff := cmp.Diff(want, api.CheckDocument([]byte(document), "body")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if n := len(api.CheckDocument([]byte("["+strings.Repeat(`"\u0000",`, 1000)+"0]"), "body")); n != 20 {
		t.Errorf("%d faults are told, want 20", n)
	}
}

func TestCursor(t *testing.T) {
	t.Parallel()
	type position struct {
		Stars int
		Name  string
		At    time.Time
	}
	want := position{7, "a/b?c=ü", sample.Time}
	s, err := api.EncodeCursor(want)
	if err != nil {
		t.Fatal(err)
	}
	if url.QueryEscape(s) != s {
		t.Errorf("cursor %q does not fit an address as it is", s)
	}
	var got position
	if err := api.DecodeCursor(s, &got); err != nil || !cmp.Equal(want, got) {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, bad := range []string{"", "x", "%%%", s[1:], s + "x", s[:len(s)-4], "W10", "InRleHQi", "eyJTdGFycyI6IngifQ", strings.Repeat("A", 10000)} {
		if err := api.DecodeCursor(bad, &position{}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("cursor %.20q gives %v, want Invalid", bad, err)
		}
	}
	if _, err := api.EncodeCursor(func() {}); err == nil {
		t.Error("a function is encoded")
	}
}

func TestWriteProblem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		err        error
		status     int
		detail     string
		retryAfter string
	}{
		{"a kind shows its text", fmt.Errorf("get: %w", errs.New(errs.NotFound, "no plugin <x>")), 404, "no plugin <x>", ""},
		{"an internal error hides its text", errors.New("password is hunter2"), 500, "internal error", ""},
		{"so does the internal kind", errs.New(errs.Internal, "password is hunter2"), 500, "internal error", ""},
		{"a limit says when to come back, rounded up", errs.RetryLater(errs.TooMany, 1500*time.Millisecond, "slow down"), 429, "slow down", "2"},
		{"what is away says so without a time too", errs.New(errs.Unavailable, "search is away"), 503, "search is away", "5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			api.WriteProblem(w, c.err)
			var got api.Problem
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			want := api.Problem{Title: http.StatusText(c.status), Status: c.status, Detail: c.detail}
			if diff := cmp.Diff(want, got); diff != "" || w.Code != c.status {
				t.Errorf("status %d (-want +got):\n%s", w.Code, diff)
			}
			h := w.Result().Header
			if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("Retry-After") != c.retryAfter {
				t.Errorf("header %v", h)
			}
		})
	}
}

// serve gives a client of an API that h answers for.
func serve(t *testing.T, h http.HandlerFunc) *api.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return api.NewClient(s.URL + "/")
}

func TestClientGivesKindsBack(t *testing.T) {
	t.Parallel()
	for kind := errs.Invalid; kind <= errs.Unavailable; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				api.WriteProblem(w, errs.RetryLater(kind, 3*time.Second, "because of %s", kind))
			})
			_, err := c.Search(t.Context(), nil)
			if errs.KindOf(err) != kind || errs.Detail(err) != "because of "+kind.String() || errs.RetryAfter(err) != 3*time.Second {
				t.Errorf("got %v of kind %v, again after %v", err, errs.KindOf(err), errs.RetryAfter(err))
			}
		})
	}
	for name, c := range map[string]struct {
		status int
		body   string
		kind   errs.Kind
		text   string
	}{
		"an internal error":               {500, `{"detail":"internal error"}`, errs.Internal, "internal error"},
		"a page of a proxy":               {502, "<html>", errs.Unavailable, "Bad Gateway"},
		"a proxy that waited in vain":     {504, "", errs.Unavailable, "Gateway Timeout"},
		"a request that cannot be read":   {400, "bad", errs.Invalid, "Bad Request"},
		"a problem without a detail":      {404, `{"title":"x"}`, errs.NotFound, "Not Found"},
		"a status that nobody told us of": {418, "", errs.Internal, "status 418: I'm a teapot"},
		"a good status and no JSON":       {200, "<html>", errs.Internal, "decode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := client.Marketplaces(t.Context(), nil)
			if err == nil || errs.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v of kind %v", err, errs.KindOf(err))
			}
		})
	}
	t.Run("a server that is away", func(t *testing.T) {
		t.Parallel()
		s := httptest.NewServer(nil)
		s.Close()
		if _, err := api.NewClient(s.URL).Search(t.Context(), nil); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
}

func TestClientReads(t *testing.T) {
	t.Parallel()
	page := api.NewPluginPage(sample.Plugin("acme/tools", "deploy", 1))
	var mux http.ServeMux
	answer := func(pattern string, h http.Header, status int, v any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			for k := range h {
				w.Header().Set(k, h.Get(k))
			}
			w.WriteHeader(status)
			_ = api.Encode(w, v)
		})
	}
	answer("GET /api/plugins/{$}", http.Header{"X-Total-Count": {"41"}}, 200, []api.Plugin{page.Plugin})
	answer("GET /api/plugins/slug/acme-tools-deploy", nil, 200, page)
	answer("GET /api/plugins/slug/old", http.Header{"Location": {"/api/plugins/slug/acme-tools-deploy"}}, 301, struct{}{})
	answer("GET /api/marketplaces/{$}", nil, 200, []api.Marketplace{{Key: "github.com/acme/tools"}})
	mux.HandleFunc("GET /api/search/{$}", func(w http.ResponseWriter, r *http.Request) {
		_ = api.Encode(w, api.Search{Query: r.FormValue("q")})
	})
	c := serve(t, mux.ServeHTTP)
	ctx := t.Context()

	if ps, total, err := c.Plugins(ctx, nil); err != nil || total != 41 || len(ps) != 1 || ps[0].Slug != "acme-tools-deploy" {
		t.Errorf("plugins: %v, %d, %v", ps, total, err)
	}
	got, moved, err := c.Plugin(ctx, "acme-tools-deploy")
	if diff := cmp.Diff(page, got); diff != "" || moved != "" || err != nil {
		t.Errorf("plugin: moved to %q, %v, %s", moved, err, diff)
	}
	if _, moved, err := c.Plugin(ctx, "old"); moved != "acme-tools-deploy" || err != nil {
		t.Errorf("renamed plugin: moved to %q, %v", moved, err)
	}
	if _, _, err := c.Plugin(ctx, "../../x"); errs.KindOf(err) != errs.NotFound {
		t.Errorf("odd slug: %v", err)
	}
	if ms, err := c.Marketplaces(ctx, nil); err != nil || len(ms) != 1 {
		t.Errorf("marketplaces: %v, %v", ms, err)
	}
	if s, err := c.Search(ctx, url.Values{"q": {"a b&c"}}); err != nil || s.Query != "a b&c" {
		t.Errorf("search: %+v, %v", s, err)
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	o := sample.Observation("acme/tools", "deploy", 0)
	golden(t, "report.json", api.NewReport(sample.Plugin("acme/tools", "deploy", 0), o.Facts.Quality, o.Facts.Security))
	golden(t, "report-bare.json", api.NewReport(plugpack.Plugin{}, nil, nil))
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, key, origin string
		source            plugpack.Source
		file, want        string
	}{
		{"in its marketplace", "github.com/acme/tools", "github.com/acme/tools/plugins/a", plugpack.Source{Kind: plugpack.SourceRelative, Path: "./plugins/a"}, "x y.sh", "https://github.com/acme/tools/blob/c0ffee/plugins/a/x%20y.sh#L7"},
		{"Markdown with lines", "github.com/acme/tools", "github.com/acme/tools", plugpack.Source{Kind: plugpack.SourceRelative, Path: "./"}, "README.md", "https://github.com/acme/tools/blob/c0ffee/README.md?plain=1#L7"},
		{"above the plugin", "github.com/acme/tools", "github.com/acme/tools/plugins/a", plugpack.Source{Kind: plugpack.SourceRelative, Path: "plugins/a"}, "../../LICENSE", "https://github.com/acme/tools/blob/c0ffee/LICENSE#L7"},
		{"above the repository", "github.com/acme/tools", "github.com/acme/tools/a", plugpack.Source{Kind: plugpack.SourceRelative, Path: "a"}, "../../x", ""},
		{"a GitHub of one's own", "git.acme.com/acme/tools", "git.acme.com/acme/tools/a", plugpack.Source{Kind: plugpack.SourceRelative, Path: "a"}, "x", "https://git.acme.com/acme/tools/blob/c0ffee/a/x#L7"},
		{"elsewhere", "github.com/acme/tools", "gitlab.com/group/sub/repo/dir", plugpack.Source{Kind: plugpack.SourceGitSubdir, Path: "dir"}, "x", "https://gitlab.com/group/sub/repo/-/blob/c0ffee/dir/x#L7"},
		{"Bitbucket", "github.com/acme/tools", "bitbucket.org/acme/repo", plugpack.Source{Kind: plugpack.SourceURL}, "x", "https://bitbucket.org/acme/repo/src/c0ffee/x#lines-7"},
		{"Codeberg", "github.com/acme/tools", "codeberg.org/acme/repo", plugpack.Source{Kind: plugpack.SourceURL}, "x", "https://codeberg.org/acme/repo/src/commit/c0ffee/x#L7"},
		{"a host that nobody knows", "github.com/acme/tools", "git.example.com/acme/repo", plugpack.Source{Kind: plugpack.SourceURL}, "x", ""},
		{"a package", "github.com/acme/tools", "registry.npmjs.org/@acme/tool", plugpack.Source{Kind: plugpack.SourceNPM}, "x", ""},
		{"a folder", "local/home/me/tools", "local/home/me/tools/a", plugpack.Source{Kind: plugpack.SourceRelative, Path: "a"}, "x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := plugpack.Plugin{
				Marketplace: plugpack.MarketplaceRef{Key: plugpack.MarketplaceKey(c.key)},
				Facts:       plugpack.Facts{Commit: "c0ffee", Origin: c.origin, Source: c.source},
			}
			s := plugpack.Security{Findings: []plugpack.Finding{{Path: c.file, Line: 7}}}
			if got := api.NewReport(p, nil, &s).Security.Findings[0].URL; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
