package testkit_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/testkit"
)

// These cases hold for a real server too: run them with TEST_MEILISEARCH_URL.
func TestMeilisearchUnderstandsWords(t *testing.T) {
	s := testkit.Meilisearch(t)
	c := meilisearch.New(s.URL, meilisearch.WithAPIKey(s.Key), meilisearch.DisableRetries())
	index := c.Index("words")
	ctx := t.Context()
	done(t, c)(c.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: "words", PrimaryKey: "id"}))
	done(t, c)(index.UpdateSettingsWithContext(ctx, &meilisearch.Settings{
		SearchableAttributes: []string{"name", "text"}, FilterableAttributes: []string{"kind", "size"}, SortableAttributes: []string{"size"},
		RankingRules: []string{"words", "typo", "proximity", "attribute", "sort", "exactness", "size:desc"},
		Synonyms:     map[string][]string{"k8s": {"kubernetes"}, "pr": {"pull request"}, "pull request": {"pr"}},
		StopWords:    []string{"the", "for"},
		TypoTolerance: &meilisearch.TypoTolerance{
			Enabled: true, MinWordSizeForTypos: meilisearch.MinWordSizeForTypos{OneTypo: 4, TwoTypos: 8}, DisableOnWords: []string{"exact"},
		},
		Faceting: &meilisearch.Faceting{MaxValuesPerFacet: 2}, Pagination: &meilisearch.Pagination{MaxTotalHits: 5},
	}))
	done(t, c)(index.AddDocumentsWithContext(ctx, []map[string]any{
		{"id": "1", "name": "kubernetes", "text": "ships things", "kind": "a", "size": 1},
		{"id": "2", "name": "shipper", "text": "for kubernetes clusters", "kind": "b", "size": 9},
		{"id": "3", "name": "lint", "text": "finds faults", "kind": "c", "size": 5},
		{"id": "4", "name": "reviewer", "text": "reads a pull request", "kind": "a", "size": 3},
		{"id": "5", "name": "exactly", "text": "exact", "kind": "a", "size": 2},
		{"id": "6", "name": "pr", "text": "opens them", "kind": "a", "size": 4},
	}, nil))
	find := func(q string, r meilisearch.SearchRequest) string {
		t.Helper()
		got, err := index.SearchWithContext(ctx, q, &r)
		if err != nil {
			t.Fatalf("search %q: %v", q, err)
		}
		ids := ""
		for _, hit := range got.Hits {
			ids += strings.Trim(string(hit["id"]), `"`)
		}
		return ids
	}
	for name, tt := range map[string]struct{ q, want string }{
		"a hit in the first attribute comes first":       {"kubernetes", "12"},
		"one letter wrong in a word of four":             {"lant", "3"},
		"two letters wrong in a long word":               {"kubrenets", "12"},
		"two letters wrong in a short word are too many": {"lamt", ""},
		"a wrong first letter counts twice":              {"mint", ""},
		"and may be in a long word":                      {"cubernetes", "12"},
		"a beginning with a letter wrong":                {"revei", "4"},
		"a word that has to be right":                    {"exakt", "5"}, // by exactly, not by exact
		"a synonym":                                      {"k8s", "12"},
		"a synonym of two words":                         {"pr", "64"},
		"two words that are a synonym of one":            {"pull request", "64"},
		"stop words do not count":                        {"the kubernetes", "12"},
		"words that are too many are left out":           {"lint nonsense", "3"},
		"small and large letters are alike":              {"LINT", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := find(tt.q, meilisearch.SearchRequest{}); got != tt.want {
				t.Errorf("search %q = %q, want %q", tt.q, got, tt.want)
			}
		})
	}
	t.Run("no word may be left out if all are wanted", func(t *testing.T) {
		if got := find("lint nonsense", meilisearch.SearchRequest{MatchingStrategy: meilisearch.All}); got != "" {
			t.Errorf("found %q", got)
		}
	})
	t.Run("the query's sort goes before the index's own", func(t *testing.T) {
		if got := find("kubernetes", meilisearch.SearchRequest{Sort: []string{"size:desc"}}); got != "12" {
			t.Errorf("found %q: the attribute comes before the sort", got)
		}
		if got := find("", meilisearch.SearchRequest{Sort: []string{"size:asc"}, Limit: 3}); got != "154" {
			t.Errorf("found %q", got)
		}
	})
	t.Run("facets are counted, bounded and by kind of value", func(t *testing.T) {
		got, err := index.SearchWithContext(ctx, "", &meilisearch.SearchRequest{Facets: []string{"kind", "size"}})
		if err != nil {
			t.Fatal(err)
		}
		if facets := string(got.FacetDistribution); !strings.Contains(facets, `"kind":{"a":4,"b":1}`) || strings.Contains(facets, `"c"`) {
			t.Errorf("facets %s", facets)
		}
		if stats := string(got.FacetStats); !strings.Contains(stats, `"max":9`) || !strings.Contains(stats, `"min":1`) {
			t.Errorf("facet bounds %s", stats)
		}
		if got.EstimatedTotalHits != 5 {
			t.Errorf("%d hits, want them bounded by 5", got.EstimatedTotalHits)
		}
		_, err = index.SearchWithContext(ctx, "", &meilisearch.SearchRequest{Facets: []string{"name"}})
		wantCode(t, err, http.StatusBadRequest, "invalid_search_facets")
	})
	t.Run("filters have all their forms", func(t *testing.T) {
		for filter, want := range map[string]string{
			"size 2 TO 4": "645", "kind NOT IN [a, b]": "3", "kind != a": "23", "size >= 5 OR kind = c": "23",
			"NOT (kind = a OR kind = b)": "3", "kind IS NOT EMPTY AND size > 5": "2", "size NOT EXISTS": "",
		} {
			got := strings.Split(find("", meilisearch.SearchRequest{Filter: filter}), "")
			slices.Sort(got)
			wanted := strings.Split(want, "")
			slices.Sort(wanted)
			if !slices.Equal(got, wanted) {
				t.Errorf("%s: %v, want %v", filter, got, wanted)
			}
		}
	})
	t.Run("what is replaced or deleted is found by its new words only", func(t *testing.T) {
		done(t, c)(index.AddDocumentsWithContext(ctx, map[string]any{"id": "3", "name": "checker", "size": 5}, nil))
		if got := find("lint", meilisearch.SearchRequest{}); got != "" {
			t.Errorf("found %q", got)
		}
		if got := find("checker", meilisearch.SearchRequest{}); got != "3" {
			t.Errorf("found %q", got)
		}
		done(t, c)(index.DeleteDocumentsWithContext(ctx, []string{"3"}, nil))
		if got := find("checker", meilisearch.SearchRequest{}); got != "" {
			t.Errorf("found %q", got)
		}
	})
}

// These cases hold for a real server too: run them with TEST_MEILISEARCH_URL.
func TestMeilisearchRefuses(t *testing.T) {
	s := testkit.Meilisearch(t)
	c := meilisearch.New(s.URL, meilisearch.WithAPIKey(s.Key), meilisearch.DisableRetries())
	ctx := t.Context()
	for _, uid := range []string{"a", "b"} {
		done(t, c)(c.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: uid, PrimaryKey: "id"}))
	}
	swap := func(uids ...string) (*meilisearch.TaskInfo, error) {
		return c.SwapIndexesWithContext(ctx, []*meilisearch.SwapIndexesParams{{Indexes: uids}})
	}
	_, err := swap("a")
	wantCode(t, err, http.StatusBadRequest, "invalid_swap_indexes")
	_, err = swap("a", "a")
	wantCode(t, err, http.StatusBadRequest, "invalid_swap_duplicate_index_found")
	failed(t, c, "index_not_found")(swap("a", "nothing"))
	_, err = c.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: "not a uid"})
	wantCode(t, err, http.StatusBadRequest, "invalid_index_uid")
	_, err = c.Index("a").UpdateSettingsWithContext(ctx, &meilisearch.Settings{RankingRules: []string{"luck"}})
	wantCode(t, err, http.StatusBadRequest, "invalid_settings_ranking_rules")
	failed(t, c, "missing_document_id")(c.Index("a").AddDocumentsWithContext(ctx, map[string]any{"name": "x"}, nil))
	failed(t, c, "index_primary_key_multiple_candidates_found")(c.Index("fresh").AddDocumentsWithContext(ctx, map[string]any{"id": "1", "uid": "1"}, nil))
	_, err = c.GetTaskWithContext(ctx, 1<<30)
	wantCode(t, err, http.StatusNotFound, "task_not_found")
	_, err = c.Index("nothing").SearchWithContext(ctx, "x", &meilisearch.SearchRequest{})
	wantCode(t, err, http.StatusNotFound, "index_not_found")

	t.Run("a swap exchanges documents, settings and the history of tasks", func(t *testing.T) {
		done(t, c)(c.Index("a").AddDocumentsWithContext(ctx, map[string]any{"id": "of-a"}, nil))
		before, err := c.GetTasksWithContext(ctx, &meilisearch.TasksQuery{IndexUIDS: []string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		done(t, c)(swap("a", "b"))
		after, err := c.GetTasksWithContext(ctx, &meilisearch.TasksQuery{IndexUIDS: []string{"b"}})
		if err != nil || after.Total != before.Total {
			t.Errorf("%d tasks of b, %v; want a's %d", after.Total, err, before.Total)
		}
		if docs := s.Documents(t, "b"); len(docs) != 1 || docs["of-a"] == nil {
			t.Errorf("b has %v", docs)
		}
		if docs := s.Documents(t, "a"); len(docs) != 0 {
			t.Errorf("a has %v", docs)
		}
	})
	t.Run("tasks are listed in pages, the newest first", func(t *testing.T) {
		var uids []int64
		for q := (&meilisearch.TasksQuery{Limit: 2}); ; {
			page, err := c.GetTasksWithContext(ctx, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, task := range page.Results {
				uids = append(uids, task.UID)
			}
			if page.Next == 0 {
				break
			}
			q = &meilisearch.TasksQuery{Limit: 2, From: page.Next}
		}
		if !slices.IsSortedFunc(uids, func(a, b int64) int { return int(b - a) }) || len(uids) < 6 {
			t.Errorf("tasks %v", uids)
		}
	})
	if s.Controlled() {
		t.Run("a task that waits can be canceled", func(t *testing.T) {
			release := s.Hold()
			defer release()
			waits, err := c.Index("a").AddDocumentsWithContext(ctx, []map[string]any{{"id": "never"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			// One may be under way already; this one stands behind it.
			behind, err := c.Index("a").AddDocumentsWithContext(ctx, []map[string]any{{"id": "neither"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			cancel, err := c.CancelTasksWithContext(ctx, &meilisearch.CancelTasksQuery{UIDS: []int64{waits.TaskUID, behind.TaskUID}})
			release()
			done(t, c)(cancel, err)
			if task, err := c.GetTaskWithContext(ctx, behind.TaskUID); err != nil || task.Status != meilisearch.TaskStatusCanceled {
				t.Errorf("task is %s, %v", task.Status, err)
			}
			if _, there := s.Documents(t, "a")["neither"]; there {
				t.Error("a canceled task was applied")
			}
		})
	}
}

func TestServeMeilisearchKeepsWhatItAccepted(t *testing.T) {
	t.Parallel()
	journal := filepath.Join(t.TempDir(), "journal")
	open := func() (meilisearch.ServiceManager, func()) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = testkit.ServeMeilisearch(l, "key", journal) }()
		return meilisearch.New(fmt.Sprintf("http://%s", l.Addr()), meilisearch.WithAPIKey("key")), func() { _ = l.Close(); <-ended }
	}
	c, closeIt := open()
	done(t, c)(c.Index("x").AddDocumentsWithContext(t.Context(), []map[string]any{{"id": "1", "n": 1}, {"id": "2", "n": 1}}, nil))
	done(t, c)(c.Index("x").UpdateDocumentsWithContext(t.Context(), map[string]any{"id": "2", "n": 2}, nil))
	done(t, c)(c.Index("x").DeleteDocumentsWithContext(t.Context(), []string{"1"}, nil))
	closeIt()
	c, closeIt = open()
	defer closeIt()
	testkit.Eventually(t, "what was there", func(ctx context.Context) bool {
		var page meilisearch.DocumentsResult
		err := c.Index("x").GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{Limit: 10}, &page)
		return err == nil && len(page.Results) == 1 && string(page.Results[0]["n"]) == "2"
	})
}
