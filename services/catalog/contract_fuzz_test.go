package catalog_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzQuery sends what no schema thinks of: any query to any route without a
// path of its own, and any position as its cursor.
func FuzzQuery(f *testing.F) {
	l := load(f, 30)
	c := newContract(f, l.handler)
	all, err := c.operations()
	if err != nil {
		f.Fatal(err)
	}
	var operations []operation
	for _, o := range all {
		if o.method != http.MethodGet || strings.Contains(o.path, "{") || o.streams() || len(o.Parameters) == 0 {
			continue
		}
		i := len(operations)
		operations = append(operations, o)
		_, query, _ := strings.Cut(c.address(o, nil), "?")
		f.Add(i, query, "")
		for _, p := range o.Parameters {
			_, query, _ := strings.Cut(c.address(o, map[string]string{p.Name: p.values()[len(p.values())-1]}), "?")
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
		r := httptest.NewRequest(o.method, o.path, nil)
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		l.handler.ServeHTTP(w, r)
		if err := c.check(o, w); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
	})
}
