package catalog_test

import (
	"encoding/json"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/plugpack/plugpack/libs/api"
)

// No page that people open often has to read a table of plugins from end to end.
// In a small catalog that can be the fastest way, so the planner is told that it
// is dear: what it still does so has no index.
func TestNoQueryScansThePlugins(t *testing.T) {
	t.Parallel()
	l := load(t, 300)
	var plugins []api.Plugin
	if err := json.Unmarshal(l.get(t, "/api/plugins/?limit=1").Body.Bytes(), &plugins); err != nil {
		t.Fatal(err)
	}
	p := plugins[0]
	conn, err := l.db.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SET enable_seqscan = off`); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"/api/plugins/?limit=20", "/api/plugins/?sort=stars", "/api/plugins/?sort=updated", "/api/plugins/?sort=name", "/api/plugins/?sort=score",
		"/api/plugins/?sort=trending", "/api/plugins/?skip=200", "/api/plugins/?category=testing", "/api/plugins/?owner=" + strings.Split(p.Key, "/")[1],
		"/api/plugins/?marketplace=" + url.QueryEscape(p.Marketplace.Key), "/api/plugins/?license=isc", "/api/plugins/?has=lsp", "/api/plugins/?maintenance=active",
		"/api/plugins/count", "/api/plugins/count?category=testing", "/api/plugins/categories", "/api/plugins/facets",
		"/api/plugins/" + p.ID, "/api/plugins/slug/" + p.Slug, "/api/plugins/" + p.ID + "/related", "/api/plugins/" + p.ID + "/listings",
		"/api/search/?q=kubernetes", "/api/search/?q=code", "/api/search/?q=code+review+kubernetes", "/api/search/?q=kuberntes",
		"/api/search/?q=code&category=testing", "/api/search/?q=code&skip=100", "/api/search/suggest?q=kub",
	} {
		t.Run(path, func(t *testing.T) {
			for _, s := range l.statements(t, path) {
				if !strings.Contains(s.SQL, "plugin") {
					continue
				}
				var plan string
				if err := conn.QueryRow(t.Context(), "EXPLAIN (FORMAT JSON) "+s.SQL, s.Args...).Scan(&plan); err != nil {
					t.Fatal(err)
				}
				for _, table := range scanned(t, plan) {
					t.Errorf("reads all of %s: %s\n%s", table, s.SQL, plan)
				}
			}
		})
	}
}

// scanned gives the tables of plugins that a plan reads from end to end.
func scanned(t *testing.T, plan string) (tables []string) {
	t.Helper()
	for n := range nodes(t, plan) {
		table, _ := n["Relation Name"].(string)
		if n["Node Type"] == "Seq Scan" && slices.Contains([]string{"plugins", "plugin_facts", "plugin_index"}, table) {
			tables = append(tables, table)
		}
	}
	return tables
}

// nodes gives every node of a plan.
func nodes(t *testing.T, plan string) iter.Seq[map[string]any] {
	t.Helper()
	var left []any
	if err := json.Unmarshal([]byte(plan), &left); err != nil {
		t.Fatal(err)
	}
	return func(yield func(map[string]any) bool) {
		for len(left) > 0 {
			next := left[0]
			left = left[1:]
			switch next := next.(type) {
			case []any:
				left = append(left, next...)
			case map[string]any:
				if !yield(next) {
					return
				}
				left = slices.AppendSeq(left, maps.Values(next))
			}
		}
	}
}

// The plugins of a marketplace are counted when it is shown, and not when it is
// skipped: who skips a million would have all of them counted.
func TestSkippedMarketplacesAreNotCounted(t *testing.T) {
	t.Parallel()
	l := load(t, 300)
	for _, s := range l.statements(t, "/api/marketplaces/?skip=20&limit=2") {
		if !strings.Contains(s.SQL, "plugin_facts") {
			continue
		}
		var plan string
		if err := l.db.QueryRow(t.Context(), "EXPLAIN (ANALYZE, FORMAT JSON) "+s.SQL, s.Args...).Scan(&plan); err != nil {
			t.Fatal(err)
		}
		for n := range nodes(t, plan) {
			if loops, _ := n["Actual Loops"].(float64); n["Relation Name"] == "plugins" && loops > 2 {
				t.Errorf("the plugins of %v marketplaces are counted for two:\n%s", loops, plan)
			}
		}
		return
	}
	t.Error("no statement counts plugins")
}
