package catalog_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog"
)

// as signs requests of a user as the gateway does; nobody sends none.
type as string

const nobody as = ""

// heirTo before a login is another account that took it.
const heirTo = "heir to "

func (a as) sign(t testing.TB, r *http.Request) {
	t.Helper()
	if a == nobody {
		return
	}
	token, err := a.token()
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(identity.Header, token)
}

func (a as) token() (string, error) {
	login := strings.TrimPrefix(string(a), heirTo)
	return identity.NewKey(identity.Options{SecretKey: key}, time.Now).Sign(identity.Person{GitHubID: sample.HostID(string(a)), Login: login})
}

func (f *fixture) do(who as, method, path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	who.sign(f.t, r)
	w := httptest.NewRecorder()
	f.server.Config.Handler.ServeHTTP(w, r)
	return w
}

func (f *fixture) want(status int, who as, method, path, body string) *httptest.ResponseRecorder {
	f.t.Helper()
	w := f.do(who, method, path, body)
	if w.Code != status {
		f.t.Fatalf("%s %s by %q: %d %s, want %d", method, path, who, w.Code, w.Body, status)
	}
	return w
}

// with makes users with the roles.
func (f *fixture) with(roles map[as]string) {
	f.t.Helper()
	for who, role := range roles {
		f.want(200, who, "GET", "/api/me", "")
		if err := catalog.SetRoles(f.t.Context(), f.db, testkit.Log(f.t), string(who), []string{role}); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) plugin(name string) plugpack.Plugin {
	f.t.Helper()
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", name, 0)))
	return f.changed("acme-tools-"+name, 1)
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	f.want(401, nobody, "GET", "/api/me", "")
	if me := into[api.Me](t, f.want(200, "ann", "GET", "/api/me", "").Body.Bytes()); me.Login != "ann" || len(me.Roles) != 0 {
		t.Fatalf("%+v", me)
	}
	t.Run("forged headers are nobody's", func(t *testing.T) {
		for name, value := range map[string]string{
			"X-User": "ann", "X-User-Id": "1", "X-Forwarded-User": "ann", "Plugpack-User": "ann", identity.Header: "a.b.c",
			"Authorization": "Bearer plp_000000000000_guess", "Cookie": "session=ann",
		} {
			r := httptest.NewRequest("GET", "/api/me", nil)
			r.Header.Set(name, value)
			w := httptest.NewRecorder()
			f.server.Config.Handler.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
	})
	t.Run("a token is shown once and good for its scopes", func(t *testing.T) {
		f.with(map[as]string{"bea": "admin"})
		made := into[api.NewToken](t, f.want(201, "bea", "POST", "/api/me/tokens", `{"name":"ci","scopes":["reviews"],"days":7}`).Body.Bytes())
		if !strings.HasPrefix(made.Token, made.Prefix+"_") || made.ExpiresAt.Before(time.Now().Add(6*24*time.Hour)) {
			t.Fatalf("%+v", made)
		}
		by := func(method, path, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+made.Token)
			w := httptest.NewRecorder()
			f.server.Config.Handler.ServeHTTP(w, r)
			return w
		}
		if me := into[api.Me](t, by("GET", "/api/me", "").Body.Bytes()); me.Login != "bea" {
			t.Fatalf("%+v", me)
		}
		if w := by("GET", "/api/admin/audit", ""); w.Code != 403 || !strings.Contains(w.Body.String(), "scope") {
			t.Fatalf("without its scope: %d %s", w.Code, w.Body)
		}
		if w := by("POST", "/api/me/tokens", `{"name":"more","scopes":["admin"]}`); w.Code != 403 {
			t.Fatalf("a token made another: %d %s", w.Code, w.Body)
		}
		list := f.want(200, "bea", "GET", "/api/me/tokens", "").Body.String()
		if strings.Contains(list, made.Token) || !strings.Contains(list, made.Prefix) || !strings.Contains(list, "last_used_at") {
			t.Fatalf("listed as %s", list)
		}
		var secrets int
		if err := f.db.QueryRow(t.Context(), `SELECT count(*) FROM api_tokens t WHERE t::text LIKE '%' || $1 || '%'`, made.Token[17:]).Scan(&secrets); err != nil || secrets != 0 {
			t.Fatalf("the secret is kept in %d rows, %v", secrets, err)
		}
		f.want(404, "ann", "DELETE", "/api/me/tokens/"+made.ID, "")
		f.want(204, "bea", "DELETE", "/api/me/tokens/"+made.ID, "")
		if w := by("GET", "/api/me", ""); w.Code != 401 {
			t.Fatalf("revoked: %d %s", w.Code, w.Body)
		}
	})
	t.Run("a token that is none is nobody's", func(t *testing.T) {
		for _, token := range []string{"x", "plp_", "plp__", "plp_\xff_x", "plp_0123456789ab_\xc3\x28", "plp_'; DROP TABLE users; --_x", strings.Repeat("plp_a_", 100)} {
			r := httptest.NewRequest("GET", "/api/me", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			if f.server.Config.Handler.ServeHTTP(w, r); w.Code != 401 {
				t.Errorf("%q: %d %s", token, w.Code, w.Body)
			}
		}
	})
	t.Run("a banned user is told why", func(t *testing.T) {
		f.want(200, "bea", "PATCH", "/api/admin/users/ann", `{"banned":"spam"}`)
		if w := f.want(403, "ann", "GET", "/api/me", ""); !strings.Contains(w.Body.String(), "spam") {
			t.Fatalf("%s", w.Body)
		}
	})
	t.Run("422 names each field", func(t *testing.T) {
		w := f.want(422, "bea", "POST", "/api/me/tokens", `{"name":"","scopes":["all"],"days":0}`)
		for _, field := range []string{"body.name", "body.scopes", "body.days"} {
			if !strings.Contains(w.Body.String(), field) {
				t.Errorf("%s is not named in %s", field, w.Body)
			}
		}
	})
}

func TestReviewsOverREST(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	p := f.plugin("deploy")
	path := "/api/plugins/" + p.ID + "/reviews"
	if got := into[api.Reviews](t, f.want(200, nobody, "GET", path, "").Body.Bytes()); len(got.Reviews) != 0 || got.Rating.Count != 0 {
		t.Fatalf("%+v", got)
	}
	f.want(401, nobody, "POST", path, `{"rating":5,"title":"t","body":"b"}`)
	f.want(422, "ann", "POST", path, `{"rating":6,"title":"t","body":"b"}`)
	f.want(422, "ann", "POST", path, `{"rating":5,"title":"t","body":"b","example_url":"javascript:alert(1)"}`)
	r := into[api.Review](t, f.want(201, "ann", "POST", path, `{"rating":5,"title":"Good","body":"It <b>works</b>\u202e","team_size":"solo"}`).Body.Bytes())
	if r.Digest != p.Facts.Digest || r.Author.Login != "ann" || strings.Contains(r.Body, "\u202e") {
		t.Fatalf("%+v", r)
	}
	f.want(409, "ann", "POST", path, `{"rating":1,"title":"t","body":"b"}`)
	f.want(409, "ann", "PUT", path, `{"edition":9,"rating":4,"title":"t","body":"b"}`)
	f.want(200, "ann", "PUT", path, `{"edition":1,"rating":4,"title":"Fine","body":"b"}`)
	f.want(404, "bea", "PUT", path, `{"edition":1,"rating":4,"title":"t","body":"b"}`)
	f.want(204, "bea", "PUT", "/api/reviews/"+r.ID+"/helpful", "")
	f.want(403, "ann", "PUT", "/api/reviews/"+r.ID+"/helpful", "")
	page := into[api.PluginPage](t, f.get("/api/plugins/"+p.ID).Body.Bytes())
	if page.Rating == nil || page.Rating.Count != 1 || page.Rating.Average != 4 || page.Rating.Score >= 4 {
		t.Fatalf("rating %+v", page.Rating)
	}

	t.Run("one that several report is held for a curator", func(t *testing.T) {
		f.with(map[as]string{"cur": "curator"})
		for _, who := range []as{"bea", "bea", "cy", "di"} {
			f.want(204, who, "POST", "/api/reviews/"+r.ID+"/report", `{"reason":"rude"}`)
		}
		if got := into[api.Reviews](t, f.get(path).Body.Bytes()); len(got.Reviews) != 0 || got.Rating.Count != 0 {
			t.Fatalf("still shown: %+v", got)
		}
		f.want(403, "ann", "GET", "/api/admin/reviews", "")
		if held := into[[]api.Review](t, f.want(200, "cur", "GET", "/api/admin/reviews", "").Body.Bytes()); len(held) != 1 || held[0].ID != r.ID {
			t.Fatalf("held %+v", held)
		}
		f.want(422, "cur", "PATCH", "/api/admin/reviews/"+r.ID, `{"state":"hidden"}`)
		f.want(422, "cur", "PATCH", "/api/admin/reviews/"+r.ID, `{"state":"hidden","reason":" \u200b"}`)
		f.want(204, "cur", "PATCH", "/api/admin/reviews/"+r.ID, `{"state":"shown"}`)
		if got := into[api.Reviews](t, f.get(path).Body.Bytes()); len(got.Reviews) != 1 || got.Reviews[0].Helpful != 1 {
			t.Fatalf("shown again: %+v", got)
		}
		f.want(204, "cur", "PATCH", "/api/admin/reviews/"+r.ID, `{"state":"hidden","reason":"rude"}`)
		f.want(200, "ann", "PUT", path, `{"edition":2,"rating":5,"title":"t","body":"b"}`)
		if got := into[api.Reviews](t, f.get(path).Body.Bytes()); len(got.Reviews) != 0 {
			t.Fatalf("an edit brought a hidden review back: %+v", got)
		}
	})
	f.want(403, "bea", "DELETE", "/api/reviews/"+r.ID, "")
	f.want(204, "ann", "DELETE", "/api/reviews/"+r.ID, "")
	f.want(404, "ann", "DELETE", "/api/reviews/"+r.ID, "")
}

func TestCurationOverREST(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	p := f.plugin("deploy")
	f.with(map[as]string{"cur": "curator", "adm": "admin"})
	at := "/api/admin/plugins/" + p.ID
	f.want(403, "ann", "PATCH", at, `{"featured":true}`)
	f.want(200, "cur", "PATCH", at, `{"featured":true,"deprecated":"use other"}`)
	f.want(403, "cur", "PATCH", at, `{"hidden":"no"}`)
	page := into[api.PluginPage](t, f.get("/api/plugins/"+p.ID).Body.Bytes())
	if !page.Featured || page.Verified || page.Deprecated != "use other" {
		t.Fatalf("%+v", page)
	}
	if list := f.get("/api/plugins/?featured=true").Body.String(); !strings.Contains(list, p.Slug) {
		t.Fatalf("not among the featured: %s", list)
	}
	f.want(200, "adm", "PATCH", at, `{"hidden":"it mines coins"}`)
	w := f.get("/api/plugins/slug/" + p.Slug)
	if w.Code != 404 || !strings.Contains(w.Body.String(), "it mines coins") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/api/plugins/", "/api/search/?q=deploy", "/api/search/suggest?q=dep"} {
		if body := f.get(path).Body.String(); strings.Contains(body, `"name":"deploy"`) || strings.Contains(body, `["deploy"]`) {
			t.Errorf("%s shows a hidden plugin: %s", path, body)
		}
	}
	// A scan changes the facts and none of this.
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 9)))
	got := f.changed(p.Slug, 4)
	if !got.Featured || got.Hidden == "" || got.Deprecated == "" || got.Facts.Commit == p.Facts.Commit {
		t.Fatalf("after a scan %+v", got)
	}
	f.want(200, "adm", "PATCH", at, `{"hidden":""}`)
	if w := f.get("/api/plugins/slug/" + p.Slug); w.Code != 200 {
		t.Fatalf("shown again: %d", w.Code)
	}
	entries := into[[]plugpack.AuditEntry](t, f.want(200, "adm", "GET", "/api/admin/audit?subject=plugin:github.com/acme/tools:deploy", "").Body.Bytes())
	if len(entries) != 3 || entries[0].Actor != "adm" || entries[2].Actor != "cur" {
		t.Fatalf("audit %+v", entries)
	}
	f.want(403, "cur", "GET", "/api/admin/audit", "")
	for _, query := range []string{`UPDATE audit_log SET action = 'x'`, `DELETE FROM audit_log`, `TRUNCATE audit_log`} {
		if _, err := f.db.Exec(t.Context(), query); err == nil {
			t.Errorf("%s was possible", query)
		}
	}
}

func TestPackChangesOverREST(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	f.plugin("deploy")
	f.with(map[as]string{"cur": "curator"})
	const body = `"name":"Demo","description":"d","difficulty":"beginner","plugins":[{"slug":"acme-tools-deploy","phase":"Start"}]}`
	f.want(403, "ann", "POST", "/api/packs", `{"slug":"demo",`+body)
	f.want(422, "cur", "POST", "/api/packs", `{"slug":"De mo",`+body)
	for field, change := range map[string][2]string{
		"body.tags[1]":                       {`"d"`, `"d","tags":["a","` + strings.Repeat("ä", plugpack.MaxTag+1) + `"]`},
		"body.plugins[0].commands_to_run[0]": {`"Start"`, `"Start","commands_to_run":["` + strings.Repeat("ä", plugpack.MaxPackCommand+1) + `"]`},
		"body.name":                          {`"Demo"`, `"\u202e"`},
		"body.plugins[0].slug":               {`acme-tools-deploy`, `nobody`},
		"body.DESCRIPTION":                   {`"d"`, `"d","DESCRIPTION":"x"`},
		"body.description":                   {`"d"`, `"d","description":"x"`},
	} {
		w := f.want(422, "cur", "POST", "/api/packs", `{"slug":"demo",`+strings.Replace(body, change[0], change[1], 1))
		var p api.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || len(p.Errors) == 0 || p.Errors[0].Location != field {
			t.Errorf("%s is not named: %s", field, w.Body)
		}
	}
	page := into[api.PackPage](t, f.want(201, "cur", "POST", "/api/packs", `{"slug":"demo",`+body).Body.Bytes())
	if page.Pack.Published || page.Pack.Curator != "cur" {
		t.Fatalf("%+v", page)
	}
	f.want(404, nobody, "GET", "/api/packs/slug/demo", "")
	at := "/api/packs/" + page.Pack.ID
	f.want(200, "cur", "PATCH", at, `{"edition":1,"published":true,"featured":true}`)
	f.want(200, nobody, "GET", "/api/packs/slug/demo", "")
	f.want(409, "cur", "PUT", at, `{"edition":1,`+body)
	f.want(200, "cur", "PUT", at, `{"edition":2,`+body)
	f.want(405, "cur", "POST", at, `{}`)

	// Whatever is said of a pack says at which revision, so that the gateway
	// gives nobody an older one: also that it is not there any more.
	revision := int64(3)
	seen := func(w *httptest.ResponseRecorder) {
		t.Helper()
		if h := w.Header(); h.Get(api.HeaderRevision) != strconv.FormatInt(revision, 10) || h.Get(api.HeaderPages) != cache.IDKey(page.Pack.ID) {
			t.Errorf("%d %v, want revision %d", w.Code, h, revision)
		}
	}
	seen(f.want(200, nobody, "GET", at, ""))
	revision++
	seen(f.want(200, "cur", "PATCH", at, `{"edition":3,"published":false}`))
	seen(f.want(404, nobody, "GET", at, ""))
	revision++
	seen(f.want(204, "cur", "DELETE", at, ""))
	seen(f.want(404, nobody, "GET", at, ""))
	seen(f.want(404, nobody, "GET", "/api/packs/slug/demo", ""))
	f.want(404, "cur", "PATCH", at, `{"edition":5,"published":true}`)
}

func TestSubmissions(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	submit := func(source string) plugpack.Submission {
		return into[plugpack.Submission](t, f.want(201, nobody, "POST", "/api/submissions", `{"source":"`+source+`"}`).Body.Bytes())
	}
	state := func(id string) plugpack.Submission {
		return into[plugpack.Submission](t, f.want(200, nobody, "GET", "/api/submissions/"+id, "").Body.Bytes())
	}
	reach := func(id string, want plugpack.SubmissionState) plugpack.Submission {
		var s plugpack.Submission
		testkit.Eventually(t, "submission "+string(want), func(context.Context) bool { s = state(id); return s.State == want })
		return s
	}
	for _, bad := range []string{"", "/etc", "nonsense", "http://x.example/a/b", "https://u:p@github.com/a/b"} {
		f.want(422, nobody, "POST", "/api/submissions", `{"source":"`+bad+`"}`)
	}
	sub := submit("Acme/Tools")
	if again := submit("https://github.com/acme/tools"); again.ID != sub.ID || sub.Key != "github.com/acme/tools" {
		t.Fatalf("submitted twice: %+v, %+v", sub, again)
	}
	testkit.Eventually(t, "a scan is queued", func(ctx context.Context) bool {
		stream, err := f.bus.JetStream().Stream(ctx, events.StreamScan)
		if err != nil {
			return false
		}
		m, err := stream.GetLastMsgForSubject(ctx, events.SubjectScanRequested(events.PriorityNow, sub.Key))
		if err != nil {
			return false
		}
		r, err := events.Decode[events.ScanRequested](m.Data, events.TypeScanRequested)
		return err == nil && r.Scan == sub.Scan
	})
	later := int(time.Since(sample.Time)/time.Minute) + 2
	f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", later, "deploy")))
	reach(sub.ID, plugpack.SubmissionValidated)
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", later)))
	if s := reach(sub.ID, plugpack.SubmissionListed); len(s.Steps) != 4 {
		t.Fatalf("its steps are %+v", s.Steps)
	}

	empty, broken := submit("acme/empty"), submit("acme/broken")
	l := sample.Listing("acme/empty", later)
	l.Skipped = []plugpack.Skipped{{Index: 0, Name: "x y", Reason: "its name has a blank"}}
	f.publish(events.NewMarketplaceScanned(l))
	f.publish(events.NewMarketplaceFailed(plugpack.Failure{Key: "github.com/acme/broken", ObservedAt: sample.At(later), Reason: "it has no marketplace.json"}))
	if s := reach(empty.ID, plugpack.SubmissionRejected); len(s.Reasons) != 2 || !strings.Contains(s.Reasons[1], "blank") {
		t.Fatalf("reasons %q", s.Reasons)
	}
	if s := reach(broken.ID, plugpack.SubmissionRejected); !strings.Contains(s.Reasons[0], "marketplace.json") {
		t.Fatalf("reasons %q", s.Reasons)
	}

	t.Run("an owner claims his marketplace and takes it away for good", func(t *testing.T) {
		ms, err := f.client.Marketplaces(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var at string
		for _, m := range ms {
			if m.Key == "github.com/acme/tools" {
				at = "/api/marketplaces/" + m.ID
			}
		}
		f.want(403, "ann", "POST", at+"/claim", "")
		f.want(403, "acme", "POST", at+"/opt-out", `{}`)
		f.want(403, heirTo+"acme", "POST", at+"/claim", "") // he has the login now, not the repository
		l := sample.Listing("acme/tools", later+1, "deploy")
		l.Owners = []string{"ann"} // a file of the repository names her
		f.publish(events.NewMarketplaceScanned(l))
		testkit.Eventually(t, "ann may claim it", func(context.Context) bool { return f.do("Ann", "POST", at+"/claim", "").Code == 204 })
		f.want(204, "Acme", "POST", at+"/claim", "")
		f.want(204, "Acme", "POST", at+"/opt-out", `{"reason":"not for the public"}`)
		testkit.Eventually(t, "the plugin is removed", func(context.Context) bool { return f.get("/api/plugins/slug/acme-tools-deploy").Code == 404 })
		f.want(409, nobody, "POST", "/api/submissions", `{"source":"acme/tools"}`)
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	type event struct{ id, name, data string }
	listen := func(after string) <-chan event {
		r, err := http.NewRequestWithContext(t.Context(), "GET", f.server.URL+"/api/events/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if after != "" {
			r.Header.Set("Last-Event-ID", after)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%v %v", res, err)
		}
		t.Cleanup(func() { _ = res.Body.Close() })
		told := make(chan event, 100)
		lines := bufio.NewScanner(res.Body)
		if !lines.Scan() || lines.Text() != ": listening" {
			t.Fatalf("it begins with %q", lines.Text())
		}
		go func() {
			var e event
			for lines.Scan() {
				field, value, _ := strings.Cut(lines.Text(), ": ")
				switch field {
				case "id":
					e.id = value
				case "event":
					e.name = value
				case "data":
					e.data = value
				case "":
					if e.id != "" {
						told <- e
					}
					e = event{}
				}
			}
		}()
		return told
	}
	next := func(told <-chan event) event {
		t.Helper()
		select {
		case e := <-told:
			return e
		case <-time.After(time.Minute):
			t.Fatal("nothing was told")
			return event{}
		}
	}
	told := listen("")
	f.publish(events.NewMarketplaceScanned(sample.Listing("acme/tools", 0, "deploy")))
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 0)))
	first := next(told)
	var e api.Event
	if err := json.Unmarshal([]byte(first.data), &e); err != nil || first.name != "plugin.changed" || e.Slug != "acme-tools-deploy" || e.Path != "/api/plugins/slug/acme-tools-deploy" {
		t.Fatalf("%+v, %v", first, err)
	}
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "other", 0)))
	second := next(told)
	if resumed := next(listen(first.id)); resumed != second {
		t.Fatalf("resumed with %+v, want %+v", resumed, second)
	}
	l := sample.Listing("acme/tools", 1, "other")
	l.Renames = map[string]string{"deploy": ""}
	f.publish(events.NewMarketplaceScanned(l))
	if gone := next(told); gone.name != "plugin.removed" {
		t.Fatalf("%+v", gone)
	}
	f.seed("demo", "acme-tools-other") // a draft first, which is nobody's business
	if pack := next(told); pack.name != "pack.changed" || !strings.Contains(pack.data, `"revision":2`) {
		t.Fatalf("%+v", pack)
	}
	r := httptest.NewRequest("GET", "/api/events", nil)
	r.Header.Set("Last-Event-ID", "xyz")
	w := httptest.NewRecorder()
	f.server.Config.Handler.ServeHTTP(w, r)
	if w.Code != 422 {
		t.Fatalf("a bad id: %d %s", w.Code, w.Body)
	}
}
