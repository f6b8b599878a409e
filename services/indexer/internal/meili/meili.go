// Package meili writes the search engine's indexes.
//
// Every write is a task that the engine applies later, in the order the tasks
// were accepted. The adapter sends one at a time and waits for it, so "written"
// means searchable and a failure is known while the messages it came from can
// still be tried again. A document's fault is an Invalid error; an engine that
// is away, full or misconfigured is Unavailable, and the change waits for it.
// Nothing is sent under a lease that may have been lost.
package meili

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

const (
	// maxPayload bounds one request in bytes, and maxDocuments in documents. The
	// engine refuses 100 MB by default, and proxies before it refuse less.
	maxPayload   = 8 << 20
	maxDocuments = 1000
	// page is how many documents one request lists.
	page = 2000
)

// Engine is the search engine. Several goroutines may use it: their tasks go
// one after another.
type Engine struct {
	client meilisearch.ServiceManager
	// turn holds a token while no task is under way.
	turn chan struct{}
	// pending is the task that was not finished in time, or -1. It is awaited
	// before another is sent, so that a slow engine's queue does not grow with
	// each retry.
	pending int64
	observe func(task string, took time.Duration, done bool)
}

// New makes the engine at url. It opens no connection yet. observe is told of
// each task that ended.
func New(url, key string, observe func(task string, took time.Duration, done bool)) *Engine {
	c := meilisearch.New(url, meilisearch.WithAPIKey(key), meilisearch.DisableRetries(),
		meilisearch.WithCustomClient(&http.Client{Timeout: 20 * time.Second}))
	x := &Engine{client: c, turn: make(chan struct{}, 1), pending: -1, observe: observe}
	x.turn <- struct{}{}
	return x
}

// Ping says whether the engine answers.
func (x *Engine) Ping(ctx context.Context) error {
	_, err := x.client.HealthWithContext(ctx)
	return explain("ping", err)
}

// State is what is known of an index.
type State struct {
	Exists bool
	// Current says that settings and all documents are of this version.
	Current   bool
	Documents int64
}

// Inspect looks at an index.
func (x *Engine) Inspect(ctx context.Context, uid string) (State, error) {
	_, err := x.client.GetIndexWithContext(ctx, uid)
	if code(err) == "index_not_found" {
		return State{}, nil
	}
	if err != nil {
		return State{}, explain("get index", err)
	}
	s := State{Exists: true}
	stats, err := x.client.Index(uid).GetStatsWithContext(ctx, nil)
	if err != nil {
		return s, explain("get stats", err)
	}
	s.Documents = stats.NumberOfDocuments
	s.Current, err = x.current(ctx, uid)
	return s, err
}

func (x *Engine) current(ctx context.Context, uid string) (bool, error) {
	want, err := translate(searchdoc.SettingsOf(base(uid)))
	if err != nil {
		return false, err
	}
	have, err := x.client.Index(uid).GetSettingsWithContext(ctx)
	if err != nil {
		return false, explain("get settings", err)
	}
	if !sameSettings(*want, *have) {
		return false, nil
	}
	var others meilisearch.DocumentsResult
	err = x.client.Index(uid).GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{
		Filter: fmt.Sprintf("schema != %d", searchdoc.Schema), Fields: []string{searchdoc.PrimaryKey}, Limit: 1,
	}, &others)
	return others.Total == 0, explain("get documents of other schemas", err)
}

// Create makes an index with this version's settings.
func (x *Engine) Create(ctx context.Context, uid string) error {
	want, err := translate(searchdoc.SettingsOf(base(uid)))
	if err != nil {
		return err
	}
	err = x.do(ctx, "create index "+uid, func(ctx context.Context) (*meilisearch.TaskInfo, error) {
		return x.client.CreateIndexWithContext(ctx, &meilisearch.IndexConfig{Uid: uid, PrimaryKey: searchdoc.PrimaryKey})
	})
	if err != nil && !errors.Is(err, errExists) {
		return err
	}
	return x.do(ctx, "update settings of "+uid, func(ctx context.Context) (*meilisearch.TaskInfo, error) {
		return x.client.Index(uid).UpdateSettingsWithContext(ctx, want)
	})
}

// Drop deletes an index. One that is not there is no error.
func (x *Engine) Drop(ctx context.Context, uid string) error {
	err := x.do(ctx, "delete index "+uid, func(ctx context.Context) (*meilisearch.TaskInfo, error) {
		return x.client.DeleteIndexWithContext(ctx, uid)
	})
	if errors.Is(err, errMissing) {
		return nil
	}
	return err
}

// Swap exchanges two indexes in one step, so that a search finds one or the
// other.
func (x *Engine) Swap(ctx context.Context, a, b string) error {
	return x.do(ctx, "swap indexes "+a+" and "+b, func(ctx context.Context) (*meilisearch.TaskInfo, error) {
		return x.client.SwapIndexesWithContext(ctx, []*meilisearch.SwapIndexesParams{{Indexes: []string{a, b}}})
	})
}

// Write adds or replaces documents and deletes those with the ids, and returns
// when both can be searched.
func (x *Engine) Write(ctx context.Context, uid string, docs []any, deletes []string) error {
	index := x.client.Index(uid)
	for len(docs) > 0 {
		payload, n, err := cut(docs)
		if err != nil {
			return err
		}
		err = x.do(ctx, "add documents to "+uid, func(ctx context.Context) (*meilisearch.TaskInfo, error) {
			return index.AddDocumentsWithContext(ctx, payload, nil)
		})
		if err != nil {
			return err
		}
		docs = docs[n:]
	}
	if len(deletes) == 0 {
		return nil
	}
	return x.do(ctx, "delete documents from "+uid, func(ctx context.Context) (*meilisearch.TaskInfo, error) {
		return index.DeleteDocumentsWithContext(ctx, deletes, nil)
	})
}

// cut encodes as many of the documents as one request may hold, at least one.
func cut(docs []any) (payload []json.RawMessage, n int, err error) {
	size := 0
	for _, d := range docs[:min(len(docs), maxDocuments)] {
		b, err := json.Marshal(d)
		if err != nil {
			return nil, 0, fmt.Errorf("encode document: %w", err)
		}
		if size += len(b); n > 0 && size > maxPayload {
			break
		}
		payload, n = append(payload, b), n+1
	}
	return payload, n, nil
}

// Revisions gives the revisions of those ids that have a document.
func (x *Engine) Revisions(ctx context.Context, uid string, ids []string) (map[string]int64, error) {
	revisions := make(map[string]int64, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), page)
		_, err := x.list(ctx, uid, &meilisearch.DocumentsQuery{Ids: ids[:n], Limit: int64(n)}, func(id string, revision int64) {
			revisions[id] = revision
		})
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return revisions, nil
}

// All tells every document's id and revision. What changes meanwhile may be
// told twice or not at all.
func (x *Engine) All(ctx context.Context, uid string, tell func(id string, revision int64)) error {
	for offset := int64(0); ; offset += page {
		n, err := x.list(ctx, uid, &meilisearch.DocumentsQuery{Offset: offset, Limit: page}, tell)
		if err != nil || n < page {
			return err
		}
	}
}

func (x *Engine) list(ctx context.Context, uid string, q *meilisearch.DocumentsQuery, tell func(id string, revision int64)) (int, error) {
	q.Fields = []string{"id", "revision"}
	var found meilisearch.DocumentsResult
	if err := x.client.Index(uid).GetDocumentsWithContext(ctx, q, &found); err != nil {
		return 0, explain("list documents of "+uid, err)
	}
	for _, hit := range found.Results {
		var m searchdoc.Mark
		if err := hit.DecodeInto(&m); err != nil {
			return 0, errs.New(errs.Unavailable, "list documents of %s in Meilisearch: %w", uid, err)
		}
		tell(m.ID, m.Revision)
	}
	return len(found.Results), nil
}
