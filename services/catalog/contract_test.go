package catalog_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit/contract"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// TestContract sends requests made from the document's own schemas to every
// route, so that a new route is covered by being there.
func TestContract(t *testing.T) {
	t.Parallel()
	c := contract.New(t, peopled(t).server.Config.Handler)
	for _, o := range c.Operations {
		t.Run(o.Method+" "+o.Path, func(t *testing.T) {
			t.Parallel()
			for _, fault := range c.Faults(o) {
				t.Error(fault)
			}
		})
	}
}

// TestContractSignedIn is TestContract for those who are signed in, and with
// bodies: the admin's are tried in every way, as what is wrong with a body is
// said to everybody before it is asked what he may do.
func TestContractSignedIn(t *testing.T) {
	t.Parallel()
	for _, who := range []as{"ann", "cur", "adm"} {
		t.Run(string(who), func(t *testing.T) {
			t.Parallel()
			f := peopled(t)
			f.with(map[as]string{"cur": "curator", "adm": "admin"})
			c := contract.New(t, f.server.Config.Handler)
			c.Know("/api/reviews", "id", f.review("zed"))
			c.Know("/api/admin/users", "login", "cur")
			c = c.As(func(r *http.Request) { who.sign(t, r) })
			for _, o := range lastOutLast(c.Operations) {
				t.Run(o.Method+" "+o.Path, func(t *testing.T) { // in order: one changes what the next is about
					var faults []string
					if who == "adm" {
						faults = append(faults, works(c, o)...)
						faults = append(faults, c.Bodies(o)...)
					}
					faults = append(faults, c.Faults(o)...)
					for _, fault := range faults {
						t.Error(fault)
					}
				})
			}
		})
	}
}

// works wants an admin to get through with the document's own body. What is
// tried afterwards would else never be looked at as a whole.
func works(c *contract.Contract, o contract.Operation) []string {
	if o.Usual() == "" {
		return nil
	}
	w := c.Send(o, o.Usual())
	if w.Code < 300 || w.Code == http.StatusConflict && strings.Contains(w.Body.String(), "edition: ") {
		return nil
	}
	return []string{fmt.Sprintf("answers %d %s to its own example", w.Code, w.Body)}
}

// review gives the id of a review by who.
func (f *fixture) review(who as) string {
	f.t.Helper()
	page := into[api.PluginPage](f.t, f.get("/api/plugins/slug/acme-tools-test").Body.Bytes())
	w := f.want(201, who, "POST", "/api/plugins/"+page.ID+"/reviews", `{"rating":5,"title":"t","body":"b"}`)
	return into[api.Review](f.t, w.Body.Bytes()).ID
}

// lastOutLast puts those operations last that take away what others are about.
func lastOutLast(all []contract.Operation) []contract.Operation {
	weight := func(o contract.Operation) int {
		switch {
		case strings.HasSuffix(o.Path, "/opt-out"):
			return 3
		case o.Method == http.MethodDelete:
			return 2
		case o.Path == "/api/admin/plugins/{id}":
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b contract.Operation) int { return cmp.Compare(weight(a), weight(b)) })
}

// peopled is a catalog with something to show by every route.
func peopled(t testing.TB) *fixture {
	t.Helper()
	f := start(t, 1)
	l := sample.Listing("acme/tools", 0, "deploy", "test", "old")
	for n := range 2 {
		f.publish(events.NewMarketplaceScanned(l))
		for _, name := range l.Names {
			f.publish(events.NewPluginUpdated(sample.Observation("acme/tools", name, n)))
		}
		for _, name := range l.Names {
			f.changed("acme-tools-"+name, int64(n+1))
		}
		l = sample.Listing("acme/tools", 1, "deploy", "test", "new")
		l.Renames = map[string]string{"old": "new"}
	}
	f.seed("demo", "acme-tools-deploy", "acme-tools-test")
	return f
}

// TestDocumentShowsEveryField wants of every parameter and every member that is
// sent or answered that the document shows what stands there.
func TestDocumentShowsEveryField(t *testing.T) {
	t.Parallel()
	for _, fault := range contract.New(t, start(t, 1).server.Config.Handler).Examples() {
		t.Error(fault)
	}
}
