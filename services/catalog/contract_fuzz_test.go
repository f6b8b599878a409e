package catalog_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/testkit/contract"
)

// FuzzQuery sends what no schema thinks of: any query to any route without a
// path of its own, and any position as its cursor.
func FuzzQuery(f *testing.F) {
	l := load(f, 30)
	c := contract.New(f, l.handler)
	var operations []contract.Operation
	for _, o := range c.Operations {
		if o.Method != http.MethodGet || strings.Contains(o.Path, "{") || o.Streams() || len(o.Parameters) == 0 {
			continue
		}
		i := len(operations)
		operations = append(operations, o)
		_, query, _ := strings.Cut(c.Address(o, nil), "?")
		f.Add(i, query, "")
		for _, p := range o.Parameters {
			_, query, _ := strings.Cut(c.Address(o, map[string]string{p.Name: p.Values()[len(p.Values())-1]}), "?")
			f.Add(i, query, `{"s":"name","m":"a","n":1,"i":"018f0000-0000-7000-8000-000000000000"}`)
		}
		for _, seed := range []string{"q=%zz&;limit=5", "limit=1&limit=2", "q=\"a b\" -c", "skip=+1&has", "q[]=1&q.x=2&=", "&&&?q=1#x"} {
			f.Add(i, seed, "{}")
		}
	}
	f.Fuzz(func(t *testing.T, i int, query, position string) {
		o := operations[uint(i)%uint(len(operations))]
		if position != "" {
			query += "&cursor=" + base64.RawURLEncoding.EncodeToString([]byte(position))
		}
		r := httptest.NewRequest(o.Method, o.Path, nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		l.handler.ServeHTTP(w, r)
		if err := c.Check(o, w); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
	})
}

// FuzzPath sends anything as a path, and below every path that is there.
func FuzzPath(f *testing.F) {
	h := load(f, 30).handler
	c := contract.New(f, h)
	for _, o := range c.Operations {
		f.Add(o.Path)
		for _, p := range o.Parameters {
			if p.In == "path" {
				f.Add(c.Address(o, map[string]string{p.Name: "\x00"}))
			}
		}
	}
	for _, seed := range []string{"", "/", "//", "/api//plugins", "/api/../api/plugins", "/api/plugins/%2e%2e", "/api/docs/x", "/api/export/plugins.jsonl.gz/", "/git/empty.git/info/refs", "/api/plugins/slug/\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if path == "/api/events" || strings.HasPrefix(path, "/api/events/") {
			t.Skip("it has no end")
		}
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = "/" + strings.TrimPrefix(path, "/")
		h.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%q: %d %s", path, w.Code, w.Body)
		}
	})
}

// FuzzBody sends an admin's bodies to every operation that takes one.
func FuzzBody(f *testing.F) {
	on := peopled(f)
	on.with(map[as]string{"adm": "admin"})
	c := contract.New(f, on.server.Config.Handler).As(func(r *http.Request) {
		token, err := as("adm").token()
		if err != nil {
			panic(err)
		}
		r.Header.Set(identity.Header, token)
	})
	var operations []contract.Operation
	for _, o := range c.Operations {
		if body := o.Usual(); body != "" {
			f.Add(len(operations), []byte(body))
			f.Add(len(operations), []byte(strings.ToUpper(body)))
			operations = append(operations, o)
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		o := operations[uint(i)%uint(len(operations))]
		if err := c.Check(o, c.Send(o, string(body))); err != nil {
			t.Errorf("%s %s %q: %v", o.Method, o.Path, body, err)
		}
	})
}
