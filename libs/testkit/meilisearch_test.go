package testkit_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/testkit"
)

// These cases hold for a real server too: run them with TEST_MEILISEARCH_URL.
func TestMeilisearch(t *testing.T) {
	s := testkit.Meilisearch(t)
	c := meilisearch.New(s.URL, meilisearch.WithAPIKey(s.Key), meilisearch.DisableRetries())
	index := c.Index("things")
	ctx := t.Context()

	t.Run("a missing index is not found", func(t *testing.T) {
		_, err := c.GetIndexWithContext(ctx, "nothing")
		wantCode(t, err, http.StatusNotFound, "index_not_found")
	})
	t.Run("requests without the key or with a wrong one are refused", func(t *testing.T) {
		if s.Key == "" {
			t.Log("the server has no key")
			return
		}
		_, err := meilisearch.New(s.URL).VersionWithContext(ctx)
		wantCode(t, err, http.StatusUnauthorized, "missing_authorization_header")
		_, err = meilisearch.New(s.URL, meilisearch.WithAPIKey("wrong")).VersionWithContext(ctx)
		wantCode(t, err, http.StatusForbidden, "invalid_api_key")
	})
	t.Run("an index can be created once", func(t *testing.T) {
		config := &meilisearch.IndexConfig{Uid: "things", PrimaryKey: "id"}
		done(t, c)(c.CreateIndexWithContext(ctx, config))
		failed(t, c, "index_already_exists")(c.CreateIndexWithContext(ctx, config))
	})
	t.Run("settings come back as they were set", func(t *testing.T) {
		done(t, c)(index.UpdateSettingsWithContext(ctx, &meilisearch.Settings{
			FilterableAttributes: []string{"colour", "size", "tags"}, SortableAttributes: []string{"size"},
			SearchableAttributes: []string{"name", "tags"}, DistinctAttribute: new("origin"),
		}))
		got, err := index.GetSettingsWithContext(ctx)
		if err != nil || strings.Join(got.SearchableAttributes, ",") != "name,tags" || *got.DistinctAttribute != "origin" {
			t.Errorf("settings %+v, %v", got, err)
		}
		if len(got.RankingRules) == 0 {
			t.Error("a setting that was not named is gone")
		}
	})
	t.Run("documents are replaced by id, and updated by field", func(t *testing.T) {
		done(t, c)(index.AddDocumentsWithContext(ctx, []map[string]any{
			{"id": "a", "name": "Red hammer", "colour": "red", "size": 3, "tags": []string{"tool", "steel"}, "origin": "x"},
			{"id": "b", "name": "Blue hammer", "colour": "blue", "size": 9, "tags": []string{"tool"}, "origin": "x"},
			{"id": "c", "name": "Saw", "colour": "red", "size": 5, "tags": []string{"hammered"}},
			{"id": "d", "name": "Nail", "colour": "grey", "size": 1, "tags": []string{}},
		}, nil))
		done(t, c)(index.AddDocumentsWithContext(ctx, map[string]any{"id": "d", "name": "Nail", "size": 1}, nil))
		done(t, c)(index.UpdateDocumentsWithContext(ctx, map[string]any{"id": "d", "size": 2}, nil))
		d := s.Documents(t, "things")["d"]
		if d["name"] != "Nail" || d["size"] != 2.0 || d["colour"] != nil {
			t.Errorf("document = %v", d)
		}
	})
	t.Run("a bad id fails the task and changes nothing", func(t *testing.T) {
		failed(t, c, "invalid_document_id")(index.AddDocumentsWithContext(ctx, []map[string]any{{"id": "ok"}, {"id": "not ok"}}, nil))
		if _, there := s.Documents(t, "things")["ok"]; there {
			t.Error("half of a failed task was applied")
		}
	})
	t.Run("documents are fetched by ids and by filter", func(t *testing.T) {
		var page meilisearch.DocumentsResult
		err := index.GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{Ids: []string{"a", "zzz"}, Fields: []string{"id", "size"}, Limit: 10}, &page)
		if err != nil || len(page.Results) != 1 || len(page.Results[0]) != 2 {
			t.Errorf("by ids: %v, %v", page.Results, err)
		}
		err = index.GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{Filter: `colour = red AND NOT size > 4`, Limit: 10}, &page)
		if err != nil || len(page.Results) != 1 {
			t.Errorf("by filter: %v, %v", page.Results, err)
		}
	})
	t.Run("search matches words and a last prefix, filters, sorts and shows an origin once", func(t *testing.T) {
		for _, tt := range []struct {
			q    string
			req  meilisearch.SearchRequest
			want string
		}{
			{"hammer", meilisearch.SearchRequest{}, "ac"}, // b has a's origin
			{"hamm", meilisearch.SearchRequest{Filter: "colour = blue"}, "b"},
			{"red hammer", meilisearch.SearchRequest{}, "a"},
			{"", meilisearch.SearchRequest{Filter: "size IN [5, 2]", Sort: []string{"size:desc"}}, "cd"},
			{"", meilisearch.SearchRequest{Filter: []any{[]string{"colour = red", "size = 2"}, "size < 5"}, Sort: []string{"size:asc"}}, "da"},
			{"", meilisearch.SearchRequest{Filter: `tags = "steel"`}, "a"},
			{"nothing", meilisearch.SearchRequest{}, ""},
		} {
			got, err := index.SearchWithContext(ctx, tt.q, &tt.req)
			if err != nil {
				t.Fatalf("search %q: %v", tt.q, err)
			}
			ids := ""
			for _, hit := range got.Hits {
				ids += strings.Trim(string(hit["id"]), `"`)
			}
			if ids != tt.want {
				t.Errorf("search %q %+v = %q, want %q", tt.q, tt.req.Filter, ids, tt.want)
			}
		}
	})
	t.Run("filters and sorts that the settings do not allow are refused", func(t *testing.T) {
		_, err := index.SearchWithContext(ctx, "", &meilisearch.SearchRequest{Filter: "name = x"})
		wantCode(t, err, http.StatusBadRequest, "invalid_search_filter")
		_, err = index.SearchWithContext(ctx, "", &meilisearch.SearchRequest{Sort: []string{"name:asc"}})
		wantCode(t, err, http.StatusBadRequest, "invalid_search_sort")
	})
	t.Run("deleting removes what is there", func(t *testing.T) {
		done(t, c)(index.DeleteDocumentsWithContext(ctx, []string{"a", "zzz"}, nil))
		if docs := s.Documents(t, "things"); len(docs) != 3 {
			t.Errorf("%d documents are left, want 3", len(docs))
		}
	})
	if s.Controlled() {
		t.Run("tasks wait, in order, until they are let through", func(t *testing.T) {
			release := s.Hold()
			defer release()
			first, err := index.DeleteDocumentsWithContext(ctx, []string{"c"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			second, err := index.AddDocumentsWithContext(ctx, map[string]any{"id": "c", "name": "Saw again"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if task, err := c.GetTaskWithContext(ctx, first.TaskUID); err != nil || task.Status != meilisearch.TaskStatusEnqueued {
				t.Errorf("task %+v, %v; want it enqueued", task, err)
			}
			release()
			done(t, c)(second, nil)
			if d := s.Documents(t, "things")["c"]; d["name"] != "Saw again" {
				t.Errorf("document = %v", d)
			}
		})
		t.Run("a task can be made to fail", func(t *testing.T) {
			s.FailNext(1, "documentDeletion", "no_space_left_on_device")
			failed(t, c, "no_space_left_on_device")(index.DeleteDocumentsWithContext(ctx, []string{"c"}, nil))
		})
	}
}

func done(t *testing.T, c meilisearch.ServiceManager) func(*meilisearch.TaskInfo, error) {
	return func(info *meilisearch.TaskInfo, err error) {
		t.Helper()
		if task := await(t, c, info, err); task.Status != meilisearch.TaskStatusSucceeded {
			t.Fatalf("task %s is %s: %s", task.Type, task.Status, task.Error.Message)
		}
	}
}

func failed(t *testing.T, c meilisearch.ServiceManager, code string) func(*meilisearch.TaskInfo, error) {
	return func(info *meilisearch.TaskInfo, err error) {
		t.Helper()
		if task := await(t, c, info, err); task.Status != meilisearch.TaskStatusFailed || task.Error.Code != code {
			t.Fatalf("task %s is %s with %q, want it failed with %q", task.Type, task.Status, task.Error.Code, code)
		}
	}
}

func await(t *testing.T, c meilisearch.ServiceManager, info *meilisearch.TaskInfo, err error) *meilisearch.Task {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	task, err := c.WaitForTaskWithContext(ctx, info.TaskUID, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return task
}

func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	e, ok := errors.AsType[*meilisearch.Error](err)
	if !ok || e.StatusCode != status || e.MeilisearchApiError.Code != code {
		t.Errorf("error %v, want %d %s", err, status, code)
	}
}
