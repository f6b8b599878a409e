package testkit_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/testkit"
)

// TestMultiSearch holds the stand-in to what the public documentation says of
// /multi-search; a real server answers the same.
func TestMultiSearch(t *testing.T) {
	server := testkit.Meilisearch(t)
	c := meilisearch.New(server.URL, meilisearch.WithAPIKey(server.Key), meilisearch.DisableRetries())
	for uid, documents := range map[string][]map[string]any{
		"films": {{"id": 1, "name": "green", "kind": "a"}, {"id": 2, "name": "other", "about": "green fields", "kind": "b"}},
		"books": {{"id": 3, "name": "green", "kind": "a"}},
	} {
		for _, begin := range []func() (*meilisearch.TaskInfo, error){
			func() (*meilisearch.TaskInfo, error) {
				return c.CreateIndexWithContext(t.Context(), &meilisearch.IndexConfig{Uid: uid, PrimaryKey: "id"})
			},
			func() (*meilisearch.TaskInfo, error) {
				return c.Index(uid).UpdateSettingsWithContext(t.Context(), &meilisearch.Settings{
					FilterableAttributes: []string{"kind"}, SearchableAttributes: []string{"name", "about"},
				})
			},
			func() (*meilisearch.TaskInfo, error) {
				return c.Index(uid).AddDocumentsWithContext(t.Context(), documents, nil)
			},
		} {
			task, err := begin()
			if err == nil {
				_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	queries := func(weight float64) []*meilisearch.SearchRequest {
		return []*meilisearch.SearchRequest{
			{IndexUID: "films", Query: "green"}, {IndexUID: "books", Query: "green", FederationOptions: &meilisearch.SearchFederationOptions{Weight: weight}},
		}
	}
	type hit struct {
		ID         int `json:"id"`
		Federation struct {
			Index    string  `json:"indexUid"`
			Position int     `json:"queriesPosition"`
			Score    float64 `json:"weightedRankingScore"`
		} `json:"_federation"`
	}
	federated := func(weight float64, f meilisearch.MultiSearchFederation) (hits []hit, res *meilisearch.MultiSearchResponse) {
		t.Helper()
		res, err := c.MultiSearchWithContext(t.Context(), &meilisearch.MultiSearchRequest{Federation: &f, Queries: queries(weight)})
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Hits.DecodeInto(&hits); err != nil {
			t.Fatal(err)
		}
		return hits, res
	}
	t.Run("an answer for each query", func(t *testing.T) {
		res, err := c.MultiSearchWithContext(t.Context(), &meilisearch.MultiSearchRequest{Queries: queries(1)})
		if err != nil || len(res.Results) != 2 || res.Results[0].IndexUID != "films" || len(res.Results[0].Hits) != 2 || res.Results[1].EstimatedTotalHits != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
	})
	t.Run("one list, and weights decide", func(t *testing.T) {
		for weight, want := range map[float64][]int{2: {3, 1, 2}, 0.1: {1, 2, 3}} {
			hits, res := federated(weight, meilisearch.MultiSearchFederation{})
			var got []int
			for _, h := range hits {
				got = append(got, h.ID)
			}
			if diff := cmp.Diff(want, got); diff != "" || res.EstimatedTotalHits != 3 {
				t.Errorf("weight %v: %s, %d in all", weight, diff, res.EstimatedTotalHits)
			}
			for n, h := range hits {
				books := h.ID == 3
				if books != (h.Federation.Index == "books") || books != (h.Federation.Position == 1) || n > 0 && h.Federation.Score > hits[n-1].Federation.Score {
					t.Errorf("hit %d is %+v", n, h)
				}
			}
		}
	})
	t.Run("a part of the list", func(t *testing.T) {
		if hits, res := federated(2, meilisearch.MultiSearchFederation{Offset: 1, Limit: 1}); len(hits) != 1 || hits[0].ID != 1 || res.Offset != 1 || res.Limit != 1 {
			t.Errorf("%+v", hits)
		}
	})
	t.Run("facets are merged", func(t *testing.T) {
		_, res := federated(1, meilisearch.MultiSearchFederation{
			FacetsByIndex: map[string][]string{"films": {"kind"}, "books": {"kind"}}, MergeFacets: &meilisearch.MultiSearchFederationMergeFacets{},
		})
		var counts map[string]int
		if err := json.Unmarshal(res.FacetDistribution["kind"], &counts); err != nil || counts["a"] != 2 || counts["b"] != 1 {
			t.Errorf("%v, %v", counts, err)
		}
	})
	for name, q := range map[string]*meilisearch.SearchRequest{
		"index_not_found": {IndexUID: "none", Query: "x"}, "invalid_multi_search_query_pagination": {IndexUID: "films", Query: "x", Limit: 3},
		"invalid_multi_search_query_facets": {IndexUID: "films", Query: "x", Facets: []string{"kind"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.MultiSearchWithContext(t.Context(), &meilisearch.MultiSearchRequest{
				Federation: &meilisearch.MultiSearchFederation{}, Queries: []*meilisearch.SearchRequest{q},
			})
			var problem *meilisearch.Error
			if !errors.As(err, &problem) || problem.MeilisearchApiError.Code != name {
				t.Errorf("got %v", err)
			}
		})
	}
}
