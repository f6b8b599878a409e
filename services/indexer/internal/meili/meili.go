// Package meili writes the search engine's index of plugins.
//
// Every write is a task that the engine applies later, in the order the tasks
// were accepted. The adapter sends one at a time and waits for it, so "written"
// means searchable and a failure is known while the messages it came from can
// still be tried again. A document's fault is an Invalid error; an engine that
// is away, full or misconfigured is Unavailable, and the change waits for it.
package meili

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

const (
	// maxPayload bounds one request. The engine refuses 100 MB by default, and
	// proxies before it refuse less.
	maxPayload = 16 << 20
	// patience is how long one task is awaited before its messages go back.
	patience = 30 * time.Second
)

// Index is the index of plugins. It is not safe for use by several goroutines.
type Index struct {
	client meilisearch.ServiceManager
	index  meilisearch.IndexManager
	// pending is the task that was not finished in time, or -1. It is awaited
	// before another is sent, so that a slow engine's queue does not grow with
	// each retry.
	pending int64
}

// New makes the index of the engine at url. It opens no connection yet.
func New(url, key string) *Index {
	c := meilisearch.New(url, meilisearch.WithAPIKey(key), meilisearch.DisableRetries(),
		meilisearch.WithCustomClient(&http.Client{Timeout: 20 * time.Second}))
	return &Index{client: c, index: c.Index(searchdoc.IndexPlugins), pending: -1}
}

// Ping says whether the engine answers.
func (x *Index) Ping(ctx context.Context) error {
	_, err := x.client.HealthWithContext(ctx)
	return explain("ping", err)
}

// Ensure creates the index if it is missing and brings its settings to this
// version's. Before it creates the index it calls missing, which sees to it
// that the documents come again.
func (x *Index) Ensure(ctx context.Context, missing func(context.Context) error) error {
	_, err := x.client.GetIndexWithContext(ctx, searchdoc.IndexPlugins)
	if code(err) == "index_not_found" {
		if err := missing(ctx); err != nil {
			return err
		}
		info, err := x.client.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: searchdoc.IndexPlugins, PrimaryKey: searchdoc.PrimaryKey})
		if err := x.finish(ctx, "create index", info, err); err != nil {
			return err
		}
	} else if err != nil {
		return explain("get index", err)
	}
	return x.ensureSettings(ctx)
}

// ensureSettings compares first: the engine reindexes everything on a change.
func (x *Index) ensureSettings(ctx context.Context) error {
	want, err := translate(searchdoc.PluginSettings())
	if err != nil {
		return err
	}
	have, err := x.index.GetSettingsWithContext(ctx)
	if err != nil {
		return explain("get settings", err)
	}
	if sameSettings(*want, *have) {
		return nil
	}
	info, err := x.index.UpdateSettingsWithContext(ctx, want)
	return x.finish(ctx, "update settings", info, err)
}

// translate gives settings the library's form of the same JSON.
func translate(s searchdoc.Settings) (*meilisearch.Settings, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	t := &meilisearch.Settings{}
	if err := json.Unmarshal(b, t); err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	return t, nil
}

// sameSettings compares what searchdoc sets. The engine keeps two of the lists
// in an order of its own.
func sameSettings(want, have meilisearch.Settings) bool {
	slices.Sort(have.FilterableAttributes)
	slices.Sort(have.SortableAttributes)
	return slices.Equal(want.SearchableAttributes, have.SearchableAttributes) &&
		slices.Equal(want.FilterableAttributes, have.FilterableAttributes) &&
		slices.Equal(want.SortableAttributes, have.SortableAttributes) &&
		slices.Equal(want.RankingRules, have.RankingRules) &&
		reflect.DeepEqual(want.DistinctAttribute, have.DistinctAttribute) &&
		maps.EqualFunc(want.Synonyms, have.Synonyms, sameWords) &&
		sameWords(want.StopWords, have.StopWords) &&
		reflect.DeepEqual(want.TypoTolerance, have.TypoTolerance) &&
		reflect.DeepEqual(want.Pagination, have.Pagination) &&
		have.Faceting != nil && want.Faceting.MaxValuesPerFacet == have.Faceting.MaxValuesPerFacet
}

func sameWords(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Revisions gives the revisions of those plugins that have a document.
func (x *Index) Revisions(ctx context.Context, ids []string) (map[string]int64, error) {
	if err := x.settle(ctx); err != nil {
		return nil, err
	}
	var page meilisearch.DocumentsResult
	err := x.index.GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{
		Ids: ids, Fields: []string{"id", "revision"}, Limit: int64(len(ids)),
	}, &page)
	if err != nil {
		return nil, explain("get revisions", err)
	}
	revisions := make(map[string]int64, len(page.Results))
	for _, hit := range page.Results {
		var d struct {
			ID       string `json:"id"`
			Revision int64  `json:"revision"`
		}
		if err := hit.DecodeInto(&d); err != nil {
			return nil, errs.New(errs.Unavailable, "get revisions from Meilisearch: %w", err)
		}
		revisions[d.ID] = d.Revision
	}
	return revisions, nil
}

// Write adds or replaces documents and deletes those with the ids, and returns
// when both can be searched.
func (x *Index) Write(ctx context.Context, docs []searchdoc.Document, deletes []string) error {
	if err := x.settle(ctx); err != nil {
		return err
	}
	for len(docs) > 0 {
		payload, n, err := cut(docs)
		if err != nil {
			return err
		}
		info, err := x.index.AddDocumentsWithContext(ctx, payload, nil)
		if err := x.finish(ctx, "add documents", info, err); err != nil {
			return err
		}
		docs = docs[n:]
	}
	if len(deletes) == 0 {
		return nil
	}
	info, err := x.index.DeleteDocumentsWithContext(ctx, deletes, nil)
	return x.finish(ctx, "delete documents", info, err)
}

// cut encodes as many of the documents as one request may hold, at least one.
func cut(docs []searchdoc.Document) (payload []json.RawMessage, n int, err error) {
	size := 0
	for _, d := range docs {
		b, err := json.Marshal(d)
		if err != nil {
			return nil, 0, fmt.Errorf("encode document %s: %w", d.ID, err)
		}
		if size += len(b); n > 0 && size > maxPayload {
			break
		}
		payload, n = append(payload, b), n+1
	}
	return payload, n, nil
}

// finish waits for the task that a request began.
func (x *Index) finish(ctx context.Context, what string, info *meilisearch.TaskInfo, err error) error {
	if err != nil {
		return explain(what, err)
	}
	task, err := x.await(ctx, what, info.TaskUID)
	if err != nil {
		return err
	}
	return outcome(what, task)
}

// settle waits for a task that an earlier call left behind.
func (x *Index) settle(ctx context.Context) error {
	if x.pending < 0 {
		return nil
	}
	_, err := x.await(ctx, "await earlier task", x.pending)
	return err
}

func (x *Index) await(ctx context.Context, what string, uid int64) (*meilisearch.Task, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	x.pending = uid
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		task, err := x.client.GetTaskWithContext(ctx, uid)
		switch {
		case code(err) == "task_not_found": // the engine was replaced by an empty one
			x.pending = -1
			return nil, explain(what, err)
		case err != nil:
			return nil, explain(what, err)
		case task.Status != meilisearch.TaskStatusEnqueued && task.Status != meilisearch.TaskStatusProcessing:
			x.pending = -1
			return task, nil
		}
		select {
		case <-ctx.Done():
			return nil, errs.New(errs.Unavailable, "%s in Meilisearch: task %d is still %s", what, uid, task.Status)
		case <-time.After(pause):
		}
	}
}

// outcome explains a finished task.
func outcome(what string, task *meilisearch.Task) error {
	if task.Status == meilisearch.TaskStatusSucceeded || task.Error.Code == "index_already_exists" {
		return nil
	}
	kind := errs.Internal
	switch {
	case task.Status == meilisearch.TaskStatusCanceled, task.Error.Type == "system", task.Error.Type == "auth", task.Error.Code == "index_not_found":
		kind = errs.Unavailable
	case task.Error.Type == "invalid_request":
		kind = errs.Invalid
	}
	return errs.New(kind, "%s in Meilisearch: task %d %s: %s (%s)", what, task.UID, task.Status, task.Error.Message, task.Error.Code)
}

// explain gives a failed request its kind, and a text without the request's
// body, which the library's own has.
func explain(what string, err error) error {
	if err == nil {
		return nil
	}
	e, ok := errors.AsType[*meilisearch.Error](err)
	if !ok || e.StatusCode == 0 {
		if ok && e.OriginError != nil {
			err = e.OriginError
		}
		return errs.New(errs.Unavailable, "%s in Meilisearch: %w", what, err)
	}
	kind := errs.Unavailable
	if e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusRequestEntityTooLarge {
		kind = errs.Invalid
	}
	return errs.New(kind, "%s in Meilisearch: status %d: %s (%s)", what, e.StatusCode, e.MeilisearchApiError.Message, e.MeilisearchApiError.Code)
}

func code(err error) string {
	if e, ok := errors.AsType[*meilisearch.Error](err); ok {
		return e.MeilisearchApiError.Code
	}
	return ""
}
