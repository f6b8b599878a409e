package catalog_test

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/service"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// fixture is a whole catalog on a database and a NATS server of its own.
type fixture struct {
	t      testing.TB
	url    string // of the database
	db     *pgxpool.Pool
	nats   *nats.Server
	bus    *bus.Bus
	client *api.Client
	server *httptest.Server
}

func start(t testing.TB, catalogs int) *fixture {
	t.Helper()
	f := &fixture{t: t, url: testkit.Postgres(t, migrations.Up), nats: testkit.NATS(t)}
	f.bus = testkit.BusOn(t, f.nats)
	for range catalogs {
		f.addCatalog()
	}
	return f
}

// addCatalog starts one more catalog; the client asks the last one.
func (f *fixture) addCatalog() {
	f.t.Helper()
	db, err := catalog.OpenDB(f.t.Context(), f.url)
	if err != nil {
		f.t.Fatal(err)
	}
	c := catalog.New(options(), catalog.Deps{DB: db, Bus: testkit.BusOn(f.t, f.nats), Log: testkit.Log(f.t)})
	ctx, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	f.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			f.t.Errorf("catalog stopped with %v", err)
		}
		db.Close()
	})
	f.db, f.server = db, httptest.NewServer(c.Handler())
	f.t.Cleanup(f.server.Close)
	f.client = api.NewClient(f.server.URL)
}

func (f *fixture) publish(m events.Message, err error) {
	f.t.Helper()
	if err == nil {
		err = f.bus.Publish(f.t.Context(), m)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// changed gives the last announcement of the plugin when it has the revision.
func (f *fixture) changed(slug string, revision int64) plugpack.Plugin {
	f.t.Helper()
	var p plugpack.Plugin
	testkit.Eventually(f.t, slug+" announced at revision "+strconv.FormatInt(revision, 10), func(ctx context.Context) bool {
		stream, err := f.bus.JetStream().Stream(ctx, events.StreamCatalog)
		if err != nil {
			f.t.Fatal(err)
		}
		info, err := stream.Info(ctx, jetstream.WithSubjectFilter(events.CatalogPlugins))
		if err != nil {
			f.t.Fatal(err)
		}
		for subject := range info.State.Subjects {
			m, err := stream.GetLastMsgForSubject(ctx, subject)
			if err != nil {
				f.t.Fatal(err)
			}
			if p, err = events.Decode[plugpack.Plugin](m.Data, events.TypePluginChanged); err != nil {
				f.t.Fatal(err)
			}
			if p.Slug == slug && p.Revision >= revision {
				return true
			}
		}
		return false
	})
	return p
}

// key signs who asks, as the gateway does.
const key = "a secret of more than thirty-two characters"

func options() catalog.Options {
	return catalog.Options{
		Public: service.Public{PublicURL: "https://plugpack.example"}, Options: identity.Options{SecretKey: key}, WebhookSecret: webhookSecret,
	}
}

func TestFromScraperToAnnouncement(t *testing.T) {
	t.Parallel()
	for _, catalogs := range []int{1, 2} {
		t.Run(strconv.Itoa(catalogs)+" catalogs", func(t *testing.T) {
			t.Parallel()
			f := start(t, catalogs)
			f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", 0, "deploy")))
			f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 0)))
			if p := f.changed("acme-tools-deploy", 1); p.Facts.Description != "Helps with deploy" {
				t.Fatalf("announced %+v", p)
			}
			for n := 1; n <= 20; n++ {
				f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", n)))
			}
			testkit.Eventually(t, "the newest observation", func(ctx context.Context) bool {
				p, _, err := f.client.Plugin(ctx, "acme-tools-deploy")
				return err == nil && p.Commit == sample.Observation("acme/tools", "deploy", 20).Facts.Commit
			})
			testkit.Eventually(t, "an empty outbox", func(ctx context.Context) bool {
				var n int
				return f.db.QueryRow(ctx, `SELECT count(*) FROM outbox`).Scan(&n) == nil && n == 0
			})
		})
	}
}

func TestPoisonGoesToTheDeadLetters(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	f.publish(events.Message{Subject: "plugin.updated.x", ID: "garbage", Data: []byte("{")}, nil)
	bad := sample.Observation("acme/tools", "deploy", 0)
	bad.Facts.Description = strings.Repeat("x", plugpack.MaxDescription+1)
	f.publish(events.NewPluginUpdated(bad))
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "good", 0)))
	f.changed("acme-tools-good", 1) // the line goes on behind them
	stream, err := f.bus.JetStream().Stream(t.Context(), events.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	for seq, reason := range map[uint64]string{1: "decode event", 2: "description"} {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil || !strings.Contains(m.Header.Get(bus.HeaderReason), reason) {
			t.Fatalf("dead letter %d: %v, %v; want a reason with %q", seq, m, err, reason)
		}
	}
}

func TestREST(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	get := func(path string) (int, http.Header, string) {
		t.Helper()
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, f.server.URL+path, nil)
		f.server.Config.Handler.ServeHTTP(w, r)
		return w.Code, w.Header(), strings.TrimSpace(w.Body.String())
	}
	t.Run("an empty catalog", func(t *testing.T) {
		for path, want := range map[string]string{
			"/api/plugins/":                                            "[]",
			"/api/plugins":                                             "[]",
			"/api/plugins/count":                                       `{"count":0}`,
			"/api/plugins/categories":                                  "[]",
			"/api/marketplaces/":                                       "[]",
			"/api/search/suggest?q=dep":                                "[]",
			"/api/plugins/?search=x&limit=1":                           "[]",
			"/api/plugins/?has=mcp&sort=name":                          "[]",
			"/api/plugins/?featured=true&skip=5":                       "[]",
			"/api/plugins/?sort=trending":                              "[]",
			"/api/plugins/?maintenance=active&min_score=50&sort=score": "[]",
		} {
			if status, _, body := get(path); status != http.StatusOK || body != want {
				t.Errorf("%s: %d %s, want %s", path, status, body, want)
			}
		}
		_, _, body := get("/api/search/?q=nothing")
		var s api.Search
		if err := json.Unmarshal([]byte(body), &s); err != nil || s.Plugins == nil || s.Packs == nil || s.TotalPlugins != 0 || s.SearchEngine != "database" {
			t.Errorf("search: %s, %v", body, err)
		}
	})
	t.Run("health, root, documentation", func(t *testing.T) {
		for path, part := range map[string]string{
			"/health":           `"status":"healthy"`,
			"/api/health":       `"version":`,
			"/api/":             `"docs":"/api/docs"`,
			"/api":              `"message":`,
			"/api/docs":         "openapi.json",
			"/api/openapi.json": `"openapi":"3.1`,
		} {
			if status, _, body := get(path); status != http.StatusOK || !strings.Contains(body, part) {
				t.Errorf("%s: %d %.200s, want %s in it", path, status, body, part)
			}
		}
	})
	t.Run("bad requests get a problem document that names the field", func(t *testing.T) {
		for path, want := range map[string]struct {
			status int
			part   string
		}{
			"/api/plugins/?limit=0":                        {422, "query.limit"},
			"/api/plugins/?limit=101":                      {422, "query.limit"},
			"/api/plugins/?limit=x":                        {422, "query.limit"},
			"/api/plugins/?skip=-1":                        {422, "query.skip"},
			"/api/plugins/?has=everything":                 {422, "query.has"},
			"/api/plugins/?sort=luck":                      {422, "query.sort"},
			"/api/plugins/?cursor=xyz":                     {422, "cursor"},
			"/api/plugins/?featured=maybe":                 {422, "query.featured"},
			"/api/plugins/?category=%00":                   {422, "query.category"},
			"/api/plugins/?category=%ff":                   {422, "query.category"},
			"/api/marketplaces/?name=%00":                  {422, "query.name"},
			"/api/search/?q=%00":                           {422, "query.q"},
			"/api/search/suggest?q=%00":                    {422, "query.q"},
			"/api/plugins/?cursor=" + cursor(`null`):       {422, "cursor"},
			"/api/plugins/?cursor=" + cursor(`{"i":"x"}`):  {422, "cursor"},
			"/api/plugins/?cursor=" + cursor(`{"i":5}`):    {422, "cursor"},
			"/api/plugins/?cursor=" + cursor(`{"n":1e99}`): {422, "cursor"},
			"/api/plugins/?cursor=" + cursor(`{"n":3000000000,"i":"018f0000-0000-7000-8000-000000000000"}`):                    {422, "cursor"},
			"/api/plugins/?sort=name&cursor=" + cursor(`{"s":"name","m":"\u0000","i":"018f0000-0000-7000-8000-000000000000"}`): {422, "query.cursor"},
			"/api/plugins/?sort=updated&cursor=" + cursor(`{"s":"updated","u":"x"}`):                                           {422, "cursor"},
			"/api/marketplaces/?cursor=" + cursor(`{"k":"\u0000"}`):                                                            {422, "query.cursor"},
			"/api/marketplaces/?cursor=" + cursor(`[]`):                                                                        {422, "cursor"},
			"/api/plugins/{018f0000-0000-7000-8000-000000000000}":                                                              {422, "path.id"},
			"/api/plugins/urn:uuid:018f0000-0000-7000-8000-000000000000":                                                       {422, "path.id"},
			"/api/marketplaces/{018f0000-0000-7000-8000-000000000000}":                                                         {422, "path.id"},
			"/api/search/?q=": {422, "query.q"},
			"/api/search/":    {422, "query.q"},
			"/api/search/?q=" + strings.Repeat("x", 201):                 {422, "query.q"},
			"/api/search/suggest?q=":                                     {422, "query.q"},
			"/api/search/suggest?q=a&limit=11":                           {422, "query.limit"},
			"/api/plugins/not-an-id":                                     {422, "path.id"},
			"/api/plugins/018f0000-0000-7000-8000-000000000000":          {404, "no plugin"},
			"/api/plugins/slug/unknown":                                  {404, "no plugin"},
			"/api/plugins/018f0000-0000-7000-8000-000000000000/related":  {404, "no plugin"},
			"/api/plugins/018f0000-0000-7000-8000-000000000000/listings": {404, "no plugin"},
			"/api/plugins/x/related":                                     {422, "path.id"},
			"/api/plugins/?min_score=101":                                {422, "query.min_score"},
			"/api/plugins/?maintenance=good":                             {422, "query.maintenance"},
			"/api/marketplaces/018f0000-0000-7000-8000-000000000000":     {404, "no marketplace"},
			"/badges/unknown.svg":                                        {404, "no plugin"},
			"/badges/Unknown.png":                                        {422, "path.file"},
			"/api/plugins/018f0000-0000-7000-8000-000000000000/readme":   {404, "no plugin"},
			"/api/nothing":                                               {404, "no such path"},
		} {
			status, h, body := get(path)
			var p api.Problem
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Errorf("%s: %v in %s", path, err, body)
			}
			if strings.Contains(body, "SQL") || strings.Contains(body, "ERROR") {
				t.Errorf("%s tells of the database: %s", path, body)
			}
			if status != want.status || p.Status != want.status || p.Detail == "" || !strings.Contains(body, want.part) ||
				h.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s (%s), want %d with %q", path, status, body, h.Get("Content-Type"), want.status, want.part)
			}
		}
	})
	t.Run("HEAD is GET without its body, and what is not possible is told", func(t *testing.T) {
		for path, want := range map[string]int{
			"/api/plugins/": 200, "/api/plugins/count": 200, "/api/": 200, "/health": 200, "/api/plugins/slug/unknown": 404, "/api/nothing": 404,
		} {
			res, err := http.Head(f.server.URL + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != want || want == 200 && path != "/health" && res.Header.Get("ETag") == "" {
				t.Errorf("HEAD %s: %d %v, want %d", path, res.StatusCode, res.Header, want)
			}
		}
		res, err := http.Post(f.server.URL+"/api/plugins/", "application/json", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST: %d, Allow %q", res.StatusCode, res.Header.Get("Allow"))
		}
		for _, accept := range []string{"text/html", "application/xml", "*/*", "text/html,application/json;q=0.1"} {
			r := httptest.NewRequest(http.MethodGet, "/api/plugins/count", nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			f.server.Config.Handler.ServeHTTP(w, r)
			if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
				t.Errorf("Accept %s: %d %v", accept, w.Code, w.Header())
			}
		}
	})
	t.Run("a plugin's page, its conditional answer and its end", func(t *testing.T) {
		f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", 0, "deploy", "old")))
		f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 0)))
		f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "old", 0)))
		f.changed("acme-tools-old", 1)
		p := f.changed("acme-tools-deploy", 1)

		status, h, body := get("/api/plugins/slug/acme-tools-deploy")
		if status != 200 || h.Get(api.HeaderRevision) != "1" || !strings.Contains(body, `"install_plugin":"/plugin install deploy@acme-tools"`) {
			t.Fatalf("%d %v %s", status, h, body)
		}
		if _, _, byID := get("/api/plugins/" + p.ID + "/"); byID != body {
			t.Fatalf("by id differs: %s", byID)
		}
		r := httptest.NewRequest(http.MethodGet, "/api/plugins/slug/acme-tools-deploy", nil)
		r.Header.Add("If-None-Match", `"another"`)
		r.Header.Add("If-None-Match", h.Get("ETag")) // two lines are one list
		w := httptest.NewRecorder()
		f.server.Config.Handler.ServeHTTP(w, r)
		if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
			t.Fatalf("conditional: %d %s", w.Code, w.Body)
		}

		report, err := f.client.Report(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		finding := report.Security.Findings[0]
		if *report.Score != *p.Score || report.Maintenance != p.Maintenance || finding.At != "hooks/setup.sh:4" ||
			finding.URL != "https://github.com/acme/tools/blob/"+p.Facts.Commit+"/plugins/deploy/hooks/setup.sh#L4" {
			t.Errorf("report %+v", report)
		}
		components, err := f.client.Components(t.Context(), p.ID)
		if err != nil || len(components) != 2 || !strings.HasSuffix(components[0].URL, "/plugins/deploy/commands/deploy-run.md") {
			t.Errorf("components %+v, %v", components, err)
		}

		l := sample.Listing("acme/tools", 1, "deploy", "new")
		l.Renames = map[string]string{"old": "new"}
		f.publish(events.NewMarketplaceScanned(l))
		f.changed("acme-tools-new", 2)
		status, h, _ = get("/api/plugins/slug/acme-tools-old")
		if status != http.StatusMovedPermanently || h.Get("Location") != "/api/plugins/slug/acme-tools-new" || h.Get(api.HeaderRevision) != "2" {
			t.Fatalf("old slug: %d %v", status, h)
		}

		l = sample.Listing("acme/tools", 2, "new")
		l.Renames = map[string]string{"deploy": ""}
		f.publish(events.NewMarketplaceScanned(l))
		f.changed("acme-tools-deploy", 2)
		if _, err := f.client.Report(t.Context(), p.ID); errs.KindOf(err) != errs.NotFound {
			t.Errorf("report of a removed plugin: %v", err)
		}
		status, h, body = get("/api/plugins/slug/acme-tools-deploy")
		if status != http.StatusNotFound || h.Get(api.HeaderRevision) != "2" || !strings.Contains(body, "removed") {
			t.Fatalf("removed: %d %v %s", status, h, body)
		}
	})
	t.Run("lists tell their length and lead to the next page", func(t *testing.T) {
		f.publish(events.NewMarketplaceScanned(sample.Listing("acme/more", 0, "a", "b", "c")))
		for _, n := range []string{"a", "b", "c"} {
			f.publish(events.NewPluginUpdated(sample.Observation("acme/more", n, 0)))
		}
		f.changed("acme-more-c", 1)
		q := url.Values{"marketplace": {"acme-more"}, "limit": {"2"}, "sort": {"name"}}
		_, h, body := get("/api/plugins/?" + q.Encode())
		next, _, ok := strings.Cut(strings.TrimPrefix(h.Get("Link"), "<"), ">")
		if !ok || h.Get("X-Total-Count") != "3" || !strings.Contains(body, `"name":"b"`) {
			t.Fatalf("%v %s", h, body)
		}
		if _, h, body := get(next); !strings.Contains(body, `"name":"c"`) || strings.Contains(body, `"name":"b"`) || h.Get("Link") != "" {
			t.Fatalf("next page: %v %s", h, body)
		}
		for path, want := range map[string]string{
			"/api/plugins/facets":                                                 `"owner":[{"name":"acme","count":4}]`,
			"/api/plugins/count?owner=ACME":                                       `{"count":4}`,
			"/api/plugins/count?maintenance=unknown&owner=acme":                   `{"count":4}`,
			"/api/plugins/count?min_score=65":                                     `{"count":4}`,
			"/api/plugins/count?min_score=66":                                     `{"count":0}`,
			"/api/plugins/" + f.changed("acme-more-c", 1).ID + "/listings":        "[]",
			"/api/plugins/" + f.changed("acme-more-c", 1).ID + "/related?limit=1": `"has":{"command":1,"skill":1}`,
		} {
			if status, _, body := get(path); status != 200 || !strings.Contains(body, want) {
				t.Errorf("%s: %d %s, want %s", path, status, body, want)
			}
		}
		id := f.changed("acme-more-c", 1).ID
		for path, want := range map[string][2]string{
			"/api/plugins/" + id + "/readme":             {"text/html; charset=utf-8", "<h1"},
			"/api/plugins/" + id + "/readme?images=true": {"text/html; charset=utf-8", "<h1"},
			"/api/feeds/plugins.atom":                    {"application/atom+xml; charset=utf-8", "<id>urn:uuid:" + id + "</id>"},
			"/api/feeds/plugins.atom?owner=acme":         {"application/atom+xml; charset=utf-8", "https://plugpack.example/api/plugins/slug/acme-more-c"},
			"/badges/acme-more-c.svg":                    {"image/svg+xml", "/100</text>"},
			"/badges/acme-tools-old.svg?show=version":    {"image/svg+xml", "1.0.0"}, // renamed
			"/badges/acme-more-c.svg?show=maintenance":   {"image/svg+xml", "unknown"},
		} {
			if status, h, body := get(path); status != 200 || h.Get("Content-Type") != want[0] || !strings.Contains(body, want[1]) || h.Get("ETag") == "" {
				t.Errorf("%s: %d %v %s, want %v", path, status, h, body, want)
			}
		}
		status, h, body := get("/api/export/plugins.jsonl.gz")
		z, err := gzip.NewReader(strings.NewReader(body))
		if err != nil || status != 200 {
			t.Fatalf("export: %d %v", status, err)
		}
		lines, err := io.ReadAll(z)
		if err != nil || strings.Count(string(lines), "\n") != 4 || !strings.Contains(string(lines), `"slug":"acme-more-c"`) || h.Get("X-Total-Count") != "4" {
			t.Errorf("export: %v %v\n%s", h, err, lines)
		}
		r := httptest.NewRequest(http.MethodGet, "/api/export/plugins.jsonl.gz", nil)
		r.Header.Set("If-None-Match", h.Get("ETag"))
		w := httptest.NewRecorder()
		if f.server.Config.Handler.ServeHTTP(w, r); w.Code != http.StatusNotModified {
			t.Errorf("export again: %d", w.Code)
		}
		if _, _, body := get("/api/marketplaces/?name=acme-more"); !strings.Contains(body, `"plugins":3`) {
			t.Fatalf("marketplaces: %s", body)
		}
	})
}

func TestCompleteness(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	lists := func() http.Header {
		t.Helper()
		res, err := http.Get(f.server.URL + "/api/marketplaces/")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.Header
	}
	if h := lists(); h.Get(api.HeaderDiscoveryTotal) != "" || h.Get(api.HeaderDiscoveryFinished) != "" {
		t.Errorf("before the first search: %v", h)
	}
	if ds, err := f.client.Discoveries(t.Context()); err != nil || ds == nil || len(ds) != 0 {
		t.Errorf("before the first search: %v, %v", ds, err)
	}
	d := plugpack.Discovery{Method: plugpack.MainDiscovery, Found: 998, Total: 1003, Slices: 4, Incomplete: true, StartedAt: sample.Time, FinishedAt: sample.At(9)}
	f.publish(events.NewDiscoveryFinished(d))
	d.Method = "topics"
	f.publish(events.NewDiscoveryFinished(d))
	l := sample.Listing("acme/tools", 0, "deploy", "other")
	l.FoundBy = plugpack.MainDiscovery
	f.publish(events.NewMarketplaceScanned(l))
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 0)))
	o := sample.Observation("acme/tools", "other", 0)
	o.Facts.State = plugpack.StateNotReadYet
	f.publish(events.NewPluginUpdated(o))
	f.changed("acme-tools-other", 1)
	d.Found, d.FinishedAt = 1, sample.At(3) // of an earlier search, and late
	f.publish(events.NewDiscoveryFinished(d))
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 1)))
	f.changed("acme-tools-deploy", 2)

	ds, err := f.client.Discoveries(t.Context())
	if err != nil || len(ds) != 2 || ds[0].Method != plugpack.MainDiscovery || ds[0].Share != 998.0/1003 || !ds[0].Incomplete || ds[1].Found != 998 {
		t.Errorf("got %+v, %v", ds, err)
	}
	h := lists()
	for name, want := range map[string]string{
		api.HeaderDiscoveryFound: "998", api.HeaderDiscoveryTotal: "1003", api.HeaderDiscoveryIncomplete: "true", api.HeaderDiscoveryFinished: "2026-01-02T03:13:05Z",
	} {
		if h.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, h.Get(name), want)
		}
	}
	ms, err := f.client.Marketplaces(t.Context(), nil)
	if err != nil || len(ms) != 1 || ms[0].FoundBy != plugpack.MainDiscovery || ms[0].Plugins != 2 || ms[0].Read != 1 {
		t.Errorf("got %+v, %v", ms, err)
	}
}

// cursor gives the opaque form of a position as somebody may make it up.
func cursor(position string) string { return base64.RawURLEncoding.EncodeToString([]byte(position)) }

func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	f.db.Close()
	_, _, err := f.client.Plugins(t.Context(), nil)
	if errs.KindOf(err) != errs.Unavailable || errs.RetryAfter(err) == 0 || strings.Contains(err.Error(), "pool") {
		t.Fatalf("got %v", err)
	}
}

// Without an indexer nothing is known of its stores; what it says is told,
// until it is too old.
func TestStatus(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	get := func() map[string]api.StoreStatus {
		t.Helper()
		res, err := http.Get(f.server.URL + "/api/status")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var s api.Status
		if err := json.NewDecoder(res.Body).Decode(&s); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v", res.StatusCode, err)
		}
		stores := map[string]api.StoreStatus{}
		for _, store := range s.Stores {
			stores[store.Store] = store
		}
		return stores
	}
	if s := get(); s["postgres"].State != "in step" || s["cache"].State != "unknown" || s["search"].State != "unknown" {
		t.Errorf("without an indexer: %+v", s)
	}
	kv, err := f.bus.JetStream().KeyValue(t.Context(), events.BucketIndexer)
	if err != nil {
		t.Fatal(err)
	}
	say := func(at time.Time) {
		t.Helper()
		b, err := json.Marshal(events.IndexerStatus{At: at, Stores: []events.StoreStatus{
			{Store: "cache"}, {Store: "search", Waiting: 7, BehindSeconds: 40, Drift: 2, RebuiltAt: at},
		}})
		if err == nil {
			_, err = kv.Put(t.Context(), events.KeyIndexerStatus, b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UTC()
	say(now)
	s := get()
	if s["cache"].State != "in step" || s["search"].State != "behind" || s["search"].LagSeconds < 40 || s["search"].Waiting != 7 || s["search"].Drift != 2 || !s["search"].RebuiltAt.Equal(now) {
		t.Errorf("an indexer said otherwise: %+v", s)
	}
	say(now.Add(-time.Minute))
	if s := get(); s["search"].State != "unknown" {
		t.Errorf("an old word is believed: %+v", s)
	}
}
