package catalog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
)

// document is what the contract tests read of the OpenAPI document.
type document struct {
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]schema }
}

type operation struct {
	OperationID string
	Parameters  []parameter
	Responses   map[string]struct {
		Content map[string]struct{ Schema schema }
	}
}

type parameter struct {
	Name     string
	In       string
	Required bool
	Schema   schema
}

type schema struct {
	Ref                  string `json:"$ref"`
	Type                 any
	Enum                 []any
	Minimum, Maximum     *float64
	MinLength, MaxLength *int
	Pattern              string
	Format               string
	Items                *schema
	Properties           map[string]schema
	Required             []string
	AdditionalProperties any
}

func contract(t testing.TB, h http.Handler) (d document) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil || len(d.Paths) == 0 {
		t.Fatalf("the OpenAPI document: %d, %v", w.Code, err)
	}
	return d
}

// hostile are values that no parameter wants.
var hostile = []string{
	"\x00", "\xff\xfe", "' OR 1=1 --", "<script>alert(1)</script>", "../../etc/passwd", "%", "_", `\`, "{}", "[1]", "-1", "1e400", "NaN",
	"99999999999999999999", strings.Repeat("x", 5000), strings.Repeat("é", 1500), "\u202e", "a&b=c", "💥", "null", "true", ";--", "$1", "%s%n",
}

// good gives a value that the parameter takes, if one can be told from its
// schema.
func good(p parameter, id, slug string) string {
	switch {
	case p.Name == "id":
		return id
	case p.Name == "slug":
		return slug
	case p.Name == "file":
		return slug + ".svg"
	case len(p.Schema.Enum) > 0:
		return fmt.Sprint(p.Schema.Enum[0])
	case p.Schema.Minimum != nil:
		return fmt.Sprint(int(*p.Schema.Minimum))
	case p.Schema.Type == "integer":
		return "1"
	case p.Schema.Type == "boolean":
		return "true"
	}
	return "deploy"
}

// bad gives values that the schema forbids.
func bad(s schema) (values []string) {
	if s.Minimum != nil {
		values = append(values, fmt.Sprint(int(*s.Minimum)-1))
	}
	if s.Maximum != nil {
		values = append(values, fmt.Sprint(int(*s.Maximum)+1))
	}
	if s.MinLength != nil && *s.MinLength > 0 {
		values = append(values, "")
	}
	if s.MaxLength != nil {
		values = append(values, strings.Repeat("x", *s.MaxLength+1))
	}
	if len(s.Enum) > 0 {
		values = append(values, "none-of-these")
	}
	if s.Type == "integer" || s.Type == "boolean" {
		values = append(values, "x")
	}
	return values
}

// request fills an operation's path and query; value says what a parameter gets
// and whether it gets any.
func request(path string, o operation, value func(parameter) (string, bool)) string {
	q := url.Values{}
	for _, p := range o.Parameters {
		v, ok := value(p)
		switch {
		case p.In == "path":
			path = strings.Replace(path, "{"+p.Name+"}", url.PathEscape(v), 1)
		case p.In == "query" && ok:
			q.Set(p.Name, v)
		}
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

// Every GET of the OpenAPI document answers as the document says: good values
// with the schema, values out of bounds with 422, and whatever else comes with
// an answer that is not our fault.
func TestEveryRouteKeepsItsContract(t *testing.T) {
	t.Parallel()
	l := load(t, 60)
	d := contract(t, l.handler)
	var first []api.Plugin
	if err := json.Unmarshal(l.get(t, "/api/plugins/?limit=1").Body.Bytes(), &first); err != nil {
		t.Fatal(err)
	}
	routes, tried := 0, 0
	for path, methods := range d.Paths {
		o, ok := methods["get"]
		if !ok {
			continue
		}
		routes++
		t.Run(path, func(t *testing.T) {
			usual := func(p parameter) (string, bool) { return good(p, first[0].ID, first[0].Slug), p.Required }
			status, body := l.status(t, request(path, o, usual))
			if status >= 500 {
				t.Errorf("%d for good values: %s", status, body)
			}
			if content, ok := o.Responses["200"].Content["application/json"]; ok && status == 200 {
				var v any
				if err := json.Unmarshal([]byte(body), &v); err != nil {
					t.Fatal(err)
				}
				for _, fault := range d.faults("", content.Schema, v) {
					t.Error(fault)
				}
			}
			for _, p := range o.Parameters {
				if p.In != "path" && p.In != "query" {
					continue
				}
				try := func(v string) (int, string) {
					tried++
					return l.status(t, request(path, o, func(other parameter) (string, bool) {
						if other.Name == p.Name {
							return v, true
						}
						return usual(other)
					}))
				}
				for _, v := range bad(p.Schema) {
					if status, body := try(v); status != 422 && status != 401 && status != 404 && (v != "" || p.In == "query") {
						t.Errorf("%s=%.40q: %d %.200s, want 422", p.Name, v, status, body)
					}
				}
				for _, v := range hostile {
					if status, body := try(v); status >= 500 || strings.Contains(body, "SQLSTATE") {
						t.Errorf("%s=%.40q: %d %.200s", p.Name, v, status, body)
					}
				}
			}
		})
	}
	t.Log(routes, "routes", len(d.Components.Schemas), "schemas", tried, "requests")
	if routes < 15 {
		t.Errorf("only %d routes", routes)
	}
}

func (l loaded) status(t testing.TB, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://catalog"+path, nil)
	if err != nil {
		return 400, err.Error() // no client can ask that
	}
	w := httptest.NewRecorder()
	l.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// faults says where v is not what s describes.
func (d document) faults(at string, s schema, v any) (all []string) {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = d.Components.Schemas[name]
	}
	if !typed(s.Type, v) {
		return []string{fmt.Sprintf("%s is %.60v, want %v", at, v, s.Type)}
	}
	if len(s.Enum) > 0 && v != nil && !slices.Contains(s.Enum, v) {
		all = append(all, fmt.Sprintf("%s is %v, want one of %v", at, v, s.Enum))
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			if s.Items != nil {
				all = append(all, d.faults(fmt.Sprint(at, "/", i), *s.Items, item)...)
			}
		}
	case map[string]any:
		for _, name := range s.Required {
			if _, ok := v[name]; !ok {
				all = append(all, fmt.Sprintf("%s has no %s", at, name))
			}
		}
		for name, member := range v {
			if of, ok := s.Properties[name]; ok {
				all = append(all, d.faults(at+"/"+name, of, member)...)
			} else if s.AdditionalProperties == false {
				all = append(all, fmt.Sprintf("%s has %s, which the document does not know", at, name))
			}
		}
	}
	return all
}

// typed says whether v is of the type, or of one of them.
func typed(types any, v any) bool {
	var names []any
	switch t := types.(type) {
	case nil:
		return true
	case string:
		names = []any{t}
	case []any:
		names = t
	}
	kind := map[bool]string{true: "integer", false: "number"}
	switch v := v.(type) {
	case nil:
		return slices.Contains(names, any("null"))
	case bool:
		return slices.Contains(names, any("boolean"))
	case string:
		return slices.Contains(names, any("string"))
	case float64:
		return slices.Contains(names, any("number")) || slices.Contains(names, any(kind[v == float64(int64(v))]))
	case []any:
		return slices.Contains(names, any("array"))
	}
	return slices.Contains(names, any("object"))
}

// Whatever a query string holds, the answer is not our fault.
func FuzzQuery(f *testing.F) {
	l := load(f, 30)
	paths := []string{"/api/plugins/", "/api/plugins/count", "/api/search/", "/api/search/suggest", "/api/marketplaces/", "/api/feeds/plugins.atom", "/api/packs/"}
	for _, seed := range []string{"q=deploy&limit=5", "cursor=e30&sort=name", "skip=1&has=mcp&featured=true", `q="a b" -c&cursor=eyJzIjp7fX0`, "category=%00", "min_score=50&maintenance=active"} {
		for i := range paths {
			f.Add(i, seed)
		}
	}
	f.Fuzz(func(t *testing.T, i int, query string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://catalog"+paths[uint(i)%uint(len(paths))], nil)
		if err != nil {
			t.Skip()
		}
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		if l.handler.ServeHTTP(w, r); w.Code >= 500 {
			t.Errorf("%s: %d %s", r.URL, w.Code, w.Body)
		}
	})
}
