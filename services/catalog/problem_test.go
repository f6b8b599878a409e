package catalog_test

import (
	"testing"

	"github.com/plugpack/plugpack/libs/api"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	f := start(t, 1)
	for _, c := range []struct {
		name               string
		broken             string // what is done to the database first
		method, path, body string
		status             int
		detail, retryAfter string
	}{
		{
			"too many wait",
			`INSERT INTO submissions (id, key, state, steps, scan, created_at, updated_at)
			SELECT gen_random_uuid(), 'github.com/a/' || n, 'queued', '[]', gen_random_uuid(), now(), now() FROM generate_series(1, 500) n`,
			"POST", "/api/submissions", `{"source":"acme/tools"}`, 429, "500 submissions wait already, try again later", "60",
		},
		{
			"the database does not know what is asked", `ALTER TABLE submissions RENAME TO away`,
			"GET", "/api/submissions/018f2c5e-7c1a-7b3d-9a42-5d6f1e0c8b71", "", 500, "internal error", "",
		},
	} {
		if _, err := f.db.Exec(t.Context(), c.broken); err != nil {
			t.Fatal(err)
		}
		w := f.want(c.status, nobody, c.method, c.path, c.body)
		if p := into[api.Problem](t, w.Body.Bytes()); p.Detail != c.detail || w.Header().Get("Retry-After") != c.retryAfter {
			t.Errorf("%s: %+v, Retry-After %q", c.name, p, w.Header().Get("Retry-After"))
		}
	}
}
