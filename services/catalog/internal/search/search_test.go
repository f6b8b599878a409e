package search_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
	"github.com/plugpack/plugpack/services/catalog/internal/search"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// shelf is what both engines search in.
var shelf = map[string]string{
	"kubernetes-helper": "Writes manifests for clusters", "postgres": "Looks after databases", "deploy-helper": "Ships releases to Kubernetes",
	"review": "Reads pull requests", "commit-messages": "Writes messages for commits", "docs": "Writes documentation",
	"buluo": "把应用部署到云端", "kensho": "コードレビューを自動化する", "geomto": "데이터베이스 설계와 최적화",
}

func newStore(t *testing.T) *postgres.Store {
	t.Helper()
	pool, err := postgres.Open(t.Context(), testkit.Postgres(t, migrations.Up))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	s := postgres.New(pool, testkit.Log(t))
	for name, description := range shelf {
		o := sample.Observation("acme/tools", name, 0)
		o.Facts.Description, o.Facts.Keywords, o.Facts.Components = description, nil, nil
		if name == "postgres" {
			o.Facts.Category = "database"
			o.Facts.Components = []plugpack.Component{{Kind: plugpack.MCP, Name: "db"}}
		}
		if _, err := s.ApplyObservation(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	description := map[string]string{"kubernetes-starter": "集群入门"}
	for slug, published := range map[string]bool{"kubernetes-starter": true, "postgres-care": true, "postgres-draft": false} {
		p, err := s.CreatePack(t.Context(), "", plugpack.PackDraft{Slug: slug, PackText: plugpack.PackText{
			Name: slug, Description: cmp.Or(description[slug], "All that is needed"), Difficulty: plugpack.Beginner, Tags: []string{"set"}, Minutes: 5, Curator: "Ann",
		}, Plugins: []plugpack.DraftPlugin{{Slug: "acme-tools-postgres", Phase: "Start"}}}, sample.At(0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.MarkPack(t.Context(), "", p.ID, p.Edition, postgres.PackMarks{Published: &published}, sample.At(1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RefreshWords(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// fill writes the store's plugins into an index, as the indexer does.
func fill(t *testing.T, server *testkit.MeilisearchServer, s *postgres.Store) {
	t.Helper()
	c := meilisearch.New(server.URL, meilisearch.WithAPIKey(server.Key))
	wait := func(task *meilisearch.TaskInfo, err error) {
		t.Helper()
		if err == nil {
			_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(uid string, documents any) {
		t.Helper()
		wait(c.CreateIndexWithContext(t.Context(), &meilisearch.IndexConfig{Uid: uid, PrimaryKey: searchdoc.PrimaryKey}))
		p := searchdoc.SettingsOf(uid)
		settings := &meilisearch.Settings{
			SearchableAttributes: p.SearchableAttributes, FilterableAttributes: p.FilterableAttributes, SortableAttributes: p.SortableAttributes,
			RankingRules: p.RankingRules, DistinctAttribute: p.DistinctAttribute, Synonyms: p.Synonyms, StopWords: p.StopWords,
		}
		wait(c.Index(uid).UpdateSettingsWithContext(t.Context(), settings))
		wait(c.Index(uid).AddDocumentsWithContext(t.Context(), documents, nil))
	}
	var plugins []searchdoc.Document
	if err := s.EachPlugin(t.Context(), func(p plugpack.Plugin) error { plugins = append(plugins, searchdoc.New(p)); return nil }); err != nil {
		t.Fatal(err)
	}
	put(searchdoc.IndexPlugins, plugins)
	all, err := s.Packs(t.Context(), postgres.PackFilter{}, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var packs []searchdoc.Pack
	for _, p := range all {
		packs = append(packs, searchdoc.NewPack(p))
	}
	put(searchdoc.IndexPacks, packs)
}

// conformance is what every engine has to answer.
func conformance(t *testing.T, e search.Engine) {
	for text, want := range map[string][]string{
		"postgres": {"postgres"}, "kubernetes": {"kubernetes-helper", "deploy-helper"}, "kubernets": {"kubernetes-helper", "deploy-helper"},
		"I want to write documentation": {"docs"}, "pull request": {"review"}, "k8s": {"kubernetes-helper", "deploy-helper"},
		"nothing-like-this": {}, "commit messages": {"commit-messages"},
		"部署": {"buluo"}, "如何部署我的应用": {"buluo"}, "云端": {"buluo"}, "レビュー": {"kensho"}, "レビューの自動化": {"kensho"}, "데이터베이스 최적화": {"geomto"}, "設計": {},
	} {
		found, err := e.Search(t.Context(), text, postgres.Filter{}, postgres.SearchPage{Limit: 10})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, p := range found.Plugins {
			got = append(got, p.Name)
		}
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) || len(want) == 0 && len(got) > 0 {
			t.Errorf("%s: %v, want %v first", text, got, want)
		}
	}
	found, err := e.Search(t.Context(), "postgres", postgres.Filter{Category: "database", Has: "mcp", Owner: "acme", Marketplace: "github.com/acme/tools"}, postgres.SearchPage{Limit: 1})
	if err != nil || len(found.Plugins) != 1 || found.Plugins[0].Facts.Components[0].Kind != plugpack.MCP {
		t.Errorf("with filters: %+v, %v", found, err)
	}
	if got := found.Facets["category"]; !slices.Equal(got, []postgres.Tally{{Name: "database", Count: 1}}) {
		t.Errorf("facets: %v", found.Facets)
	}
	if found, err := e.Search(t.Context(), "postgres", postgres.Filter{Category: `x" OR category = "database`}, postgres.SearchPage{Limit: 1}); err != nil || len(found.Plugins) != 0 {
		t.Errorf("a filter's value is its language: %v, %v", found.Plugins, err)
	}
	seen, page := 0, postgres.SearchPage{Limit: 1}
	for {
		found, err := e.Search(t.Context(), "helper", postgres.Filter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(found.Plugins)
		if page.After = found.Next; page.After == nil {
			break
		}
	}
	if seen != 2 {
		t.Errorf("%d on the pages, want 2", seen)
	}
	if names, err := e.Suggest(t.Context(), "kub", 5); err != nil || !slices.Equal(names, []string{"kubernetes-helper", "kubernetes-starter"}) {
		t.Errorf("suggestions: %v, %v", names, err)
	}
	if names, err := e.Suggest(t.Context(), "kub", 1); err != nil || !slices.Equal(names, []string{"kubernetes-helper"}) {
		t.Errorf("one suggestion: %v, %v", names, err)
	}
	packs(t, e)
}

// packs: they are counted and found beside plugins, whatever the filter and the
// page of those, and drafts are not.
func packs(t *testing.T, e search.Engine) {
	t.Helper()
	for text, want := range map[string][]string{
		"kubernetes": {"kubernetes-starter"}, "postgres care": {"postgres-care"}, "nothing-like-this": {}, "messages": {}, "入门": {"kubernetes-starter"},
	} {
		for _, f := range []postgres.Filter{{}, {Category: "nowhere"}} {
			found, err := e.Search(t.Context(), text, f, postgres.SearchPage{Limit: 10, Skip: 1})
			var got []string
			for _, p := range found.Packs {
				got = append(got, p.Slug)
			}
			if err != nil || len(got) < len(want) || !slices.Equal(got[:len(want)], want) || len(want) == 0 && len(got) > 0 {
				t.Errorf("packs for %s: %v, %v; want %v first", text, got, err, want)
			}
			if found.TotalPacks != len(got) {
				t.Errorf("%s: %d packs in all, %d are there", text, found.TotalPacks, len(got))
			}
		}
	}
	found, err := e.Search(t.Context(), "set", postgres.Filter{}, postgres.SearchPage{Limit: 1})
	if err != nil || len(found.Packs) != 1 || found.TotalPacks != 2 {
		t.Errorf("one of two packs: %d of %d, %v", len(found.Packs), found.TotalPacks, err)
	}
}

func TestEnginesConform(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	t.Run("Postgres", func(t *testing.T) { conformance(t, search.InDatabase{Store: s}) })
	t.Run("Meilisearch", func(t *testing.T) {
		server := testkit.Meilisearch(t)
		fill(t, server, s)
		conformance(t, search.NewMeili(server.URL, server.Key, s))
	})
}

func TestTheDatabaseAnswersWhenTheEngineCannot(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	ask := func(t *testing.T, x *search.Search, want string) {
		t.Helper()
		found, engine, err := x.Search(t.Context(), "postgres", postgres.Filter{}, postgres.SearchPage{Limit: 10})
		if err != nil || engine != want || len(found.Plugins) == 0 || found.Plugins[0].Name != "postgres" {
			t.Errorf("%d plugins by %s, %v; want one by %s", len(found.Plugins), engine, err, want)
		}
		if names, err := x.Suggest(t.Context(), "post", 5); err != nil || !slices.Equal(names, []string{"postgres", "postgres-care"}) {
			t.Errorf("suggestions: %v, %v", names, err)
		}
	}
	t.Run("there is no index, and then there is", func(t *testing.T) {
		server := testkit.Meilisearch(t)
		ask(t, search.New(search.InDatabase{Store: s}, search.NewMeili(server.URL, server.Key, s), testkit.Log(t)), search.Database)
		fill(t, server, s)
		ask(t, search.New(search.InDatabase{Store: s}, search.NewMeili(server.URL, server.Key, s), testkit.Log(t)), search.Meilisearch)
	})
	t.Run("a client that left while the index was looked at says nothing about it", func(t *testing.T) {
		server := testkit.Meilisearch(t)
		fill(t, server, s)
		x := search.New(search.InDatabase{Store: s}, search.NewMeili(server.URL, server.Key, s), testkit.Log(t))
		left, leave := context.WithCancel(t.Context())
		leave()
		if _, _, err := x.Search(left, "postgres", postgres.Filter{}, postgres.SearchPage{Limit: 10}); err == nil {
			t.Fatal("a search went on without anybody to answer")
		}
		ask(t, x, search.Meilisearch)
	})
	t.Run("its packs are behind", func(t *testing.T) {
		server := testkit.Meilisearch(t)
		fill(t, server, s)
		c := meilisearch.New(server.URL, meilisearch.WithAPIKey(server.Key))
		task, err := c.Index(searchdoc.IndexPacks).DeleteAllDocumentsWithContext(t.Context(), nil)
		if err == nil {
			_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		ask(t, search.New(search.InDatabase{Store: s}, search.NewMeili(server.URL, server.Key, s), testkit.Log(t)), search.Database)
	})
	t.Run("an engine that fails is left alone", func(t *testing.T) {
		asked := 0
		broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(http.StatusInternalServerError) }))
		defer broken.Close()
		x := search.New(search.InDatabase{Store: s}, search.NewMeili(broken.URL, "k", s), testkit.Log(t))
		for range 20 {
			ask(t, x, search.Database)
		}
		if asked > 6 {
			t.Errorf("it was asked %d times", asked)
		}
	})
	t.Run("an engine that hangs costs its deadline and no more", func(t *testing.T) {
		done := make(chan struct{})
		hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-done }))
		defer hanging.Close()
		defer close(done)
		ask(t, search.New(search.InDatabase{Store: s}, search.NewMeili(hanging.URL, "k", s), testkit.Log(t)), search.Database)
	})
	t.Run("what is wrong for both is told", func(t *testing.T) {
		x := search.New(search.InDatabase{Store: s}, nil, testkit.Log(t))
		if _, _, err := x.Search(t.Context(), "a\x00", postgres.Filter{}, postgres.SearchPage{Limit: 1}); err == nil || !strings.Contains(fmt.Sprint(err), "character") {
			t.Errorf("got %v", err)
		}
	})
}
