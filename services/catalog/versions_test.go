package catalog_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// get asks the catalog's handler and gives the answer.
func (f *fixture) get(path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	f.server.Config.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestVersionsAreListedAndCompared(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", "deploy", 0)))
	p := f.changed("acme-tools-deploy", 1)
	o := sample.Observation("acme/tools", "deploy", 1)
	o.Facts.Components = append(o.Facts.Components, plugpack.Component{
		Kind: plugpack.Hook, Name: "Stop", Handlers: []plugpack.Handler{{Type: "command", Command: "./upload.sh"}},
	})
	f.publish(events.NewPluginUpdated(o))
	f.changed("acme-tools-deploy", 2)

	w := f.get("/api/plugins/" + p.ID + "/versions/")
	var vs []api.Version
	if err := json.Unmarshal(w.Body.Bytes(), &vs); err != nil || len(vs) != 2 || !vs[0].Current || vs[1].Commit != p.Facts.Commit || w.Header().Get("X-Total-Count") != "2" {
		t.Fatalf("%d %v %s", w.Code, err, w.Body)
	}
	w = f.get("/api/plugins/" + p.ID + "/diff?from=" + vs[1].Digest + "&to=" + vs[0].Digest)
	var d api.VersionDiff
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || !d.NewCapabilities || len(d.Hooks.Added) != 1 || d.To.Digest != vs[0].Digest {
		t.Fatalf("%d %v %s", w.Code, err, w.Body)
	}
	if other := f.get("/api/plugins/" + p.ID + "/diff"); other.Body.String() != w.Body.String() {
		t.Fatalf("the last two by default: %s", other.Body)
	}
	for path, want := range map[string]int{
		"/api/plugins/018f0000-0000-7000-8000-000000000000/versions":     404,
		"/api/plugins/018f0000-0000-7000-8000-000000000000/diff":         404,
		"/api/plugins/" + p.ID + "/diff?from=xyz":                        422,
		"/api/plugins/" + p.ID + "/diff?from=" + strings.Repeat("0", 64): 404,
		"/api/plugins/" + p.ID + "/versions?cursor=x":                    422,
		"/api/plugins/" + p.ID + "/versions?limit=0":                     422,
	} {
		if w := f.get(path); w.Code != want {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
}
