package catalog_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/catalog"
)

func TestOpinionsMoveToAnotherCatalog(t *testing.T) {
	t.Parallel()
	from, to := start(t, 1), start(t, 1)
	p := from.plugin("deploy")
	from.plugin("other")
	from.with(map[as]string{"adm": "admin"})
	from.want(201, "ann", "POST", "/api/plugins/"+p.ID+"/reviews", `{"rating":5,"title":"Good","body":"b"}`)
	from.want(200, "adm", "PATCH", "/api/admin/plugins/"+p.ID, `{"featured":true,"deprecated":"old"}`)
	from.seed("demo", "acme-tools-deploy")
	from.seed("lost", "acme-tools-other")
	from.want(201, "adm", "POST", "/api/me/tokens", `{"name":"ci","scopes":["admin"]}`)
	var file bytes.Buffer
	if err := catalog.Export(t.Context(), from.db, testkit.Log(t), &file); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(file.String(), "plp_") {
		t.Fatalf("tokens are exported: %s", &file)
	}

	q := to.plugin("deploy") // and nothing of "other"
	for i := range 2 {
		if taken, err := catalog.Import(t.Context(), to.db, testkit.Log(t), bytes.NewReader(file.Bytes())); err != nil || taken != 5 {
			t.Fatalf("import %d: %d records, %v", i, taken, err)
		}
	}
	page := into[api.PluginPage](t, to.get("/api/plugins/"+q.ID).Body.Bytes())
	if !page.Featured || page.Deprecated != "old" || page.Rating == nil || page.Rating.Count != 1 {
		t.Fatalf("%+v, %+v", page.Plugin, page.Rating)
	}
	to.want(200, nobody, "GET", "/api/packs/slug/demo", "")
	to.want(404, nobody, "GET", "/api/packs/slug/lost", "")
	to.want(200, "adm", "GET", "/api/admin/audit", "")
	if _, err := catalog.Import(t.Context(), to.db, testkit.Log(t), strings.NewReader(`{"user":7}`)); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("garbage: %v", err)
	}
	if _, err := catalog.Import(t.Context(), to.db, testkit.Log(t), strings.NewReader(`{}`)); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("an empty record: %v", err)
	}
}
