package contract

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
)

// OfTheProgramReplaced asks what the users of the program that this one replaced
// ask of an empty catalog, by addresses with and without the last slash.
func OfTheProgramReplaced(t *testing.T, h http.Handler) {
	t.Helper()
	nothing := `"plugins":[],"packs":[],"total_plugins":0,"total_packs":0`
	for path, want := range map[string]struct {
		status int
		part   string
	}{
		"/api/plugins":            {200, "[]"},
		"/api/plugins/count":      {200, `{"count":0}`},
		"/api/plugins/categories": {200, "[]"},
		"/api/packs":              {200, "[]"},
		"/api/packs/count":        {200, `{"count":0}`},
		"/api/search?q=nothing":   {200, nothing},
		"/api/search?q=":          {422, "query.q"},
		"/api/search":             {422, "query.q"},
		"/api/search/suggest?q=x": {200, "[]"},
		"/api/plugins/018f0000-0000-7000-8000-000000000000": {404, "no plugin"},
		"/api/packs/018f0000-0000-7000-8000-000000000000":   {404, "no pack"},
		"/api/plugins/slug/unknown":                         {404, "no plugin"},
		"/api/packs/slug/unknown":                           {404, "no pack"},
	} {
		bare, query, _ := strings.Cut(path, "?")
		for _, address := range []string{path, bare + "/?" + query} {
			w := send(h, request(http.MethodGet, address, ""))
			body := strings.TrimSpace(w.Body.String())
			if w.Code != want.status || !strings.Contains(body, want.part) || len(want.part) < 12 && body != want.part && w.Code == 200 {
				t.Errorf("%s: %d %s, want %d %s", address, w.Code, body, want.status, want.part)
			}
			var problem api.Problem
			if w.Code >= 400 && (json.Unmarshal(w.Body.Bytes(), &problem) != nil || problem.Detail == "") {
				t.Errorf("%s has no detail: %s", address, body)
			}
		}
	}
}
