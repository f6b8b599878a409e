package indexer_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/indexer"
)

// many makes n plugins at revision 1.
func many(n int) []plugpack.Plugin {
	all := make([]plugpack.Plugin, n)
	for i := range all {
		all[i] = plugin(fmt.Sprintf("p%d", i), 1)
	}
	return all
}

// searching searches all the time and reports an answer that failed or lacks
// any of the n plugins.
func (w *world) searching(n int) (stop func() (answers int64)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.Context()))
	var (
		wg    sync.WaitGroup
		count atomic.Int64
	)
	index := meilisearch.New(w.meili.URL, meilisearch.WithAPIKey(w.meili.Key)).Index(searchdoc.IndexPlugins)
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				found, err := index.SearchWithContext(ctx, "", &meilisearch.SearchRequest{Limit: 1})
				if ctx.Err() != nil {
					return
				}
				if err != nil || found.EstimatedTotalHits < int64(n) {
					w.Errorf("search gave %+v, %v; want %d hits", found, err, n)
					return
				}
				count.Add(1)
			}
		})
	}
	return func() int64 { cancel(); wg.Wait(); return count.Load() }
}

func (w *world) rebuild() string {
	w.Helper()
	var out bytes.Buffer
	if err := indexer.Rebuild(w.Context(), testkit.BusOn(w, w.nats), &out); err != nil {
		w.Fatalf("rebuild: %v", err)
	}
	return out.String()
}

// same wants search to hold just what the catalog has.
func (w *world) same() {
	w.Helper()
	docs := w.meili.Documents(w, searchdoc.IndexPlugins)
	w.catalog.mu.Lock()
	defer w.catalog.mu.Unlock()
	live := 0
	for id, p := range w.catalog.plugins {
		if p.Removed {
			continue
		}
		live++
		if got := docs[id]["revision"]; got != float64(p.Revision) {
			w.Errorf("%s is at revision %v in search, want %d", p.Name, got, p.Revision)
		}
	}
	if len(docs) != live {
		w.Errorf("search has %d documents, want %d", len(docs), live)
	}
}

func TestRebuildOnDemand(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := many(300)
	w.publish(all...)
	w.start()
	w.drained()
	stop := w.searching(299)
	changing := make(chan struct{})
	go func() {
		defer close(changing)
		for n := range 100 {
			p := all[n]
			p.Revision = 2
			if n == 50 {
				p = removed(p)
			}
			w.publish(p)
		}
	}()
	if out := w.rebuild(); !strings.Contains(out, "is rebuilt") {
		t.Errorf("it said %q", out)
	}
	<-changing
	w.drained()
	if n := stop(); n == 0 {
		t.Error("no search was answered")
	}
	w.same()
}

func TestRebuildByItself(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world, c meilisearch.ServiceManager) (*meilisearch.TaskInfo, error){
		"other settings": func(w *world, c meilisearch.ServiceManager) (*meilisearch.TaskInfo, error) {
			return c.Index(searchdoc.IndexPlugins).UpdateSettingsWithContext(w.Context(), &meilisearch.Settings{StopWords: []string{"none"}})
		},
		"documents of another schema": func(w *world, c meilisearch.ServiceManager) (*meilisearch.TaskInfo, error) {
			return c.Index(searchdoc.IndexPlugins).UpdateDocumentsWithContext(w.Context(), []map[string]any{
				{"id": plugin("p0", 1).ID, "schema": searchdoc.Schema - 1},
			}, nil)
		},
		"an empty index": func(w *world, c meilisearch.ServiceManager) (*meilisearch.TaskInfo, error) {
			return c.Index(searchdoc.IndexPlugins).DeleteAllDocumentsWithContext(w.Context(), nil)
		},
		"no index": func(w *world, c meilisearch.ServiceManager) (*meilisearch.TaskInfo, error) {
			return c.DeleteIndexWithContext(w.Context(), searchdoc.IndexPlugins)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.publish(many(120)...)
			stop := w.start()
			w.drained()
			stop()
			c := meilisearch.New(w.meili.URL, meilisearch.WithAPIKey(w.meili.Key))
			task, err := spoil(w, c)
			if err == nil {
				_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.start()
			testkit.Eventually(t, "a whole index", func(ctx context.Context) bool {
				s, err := c.Index(searchdoc.IndexPlugins).GetSettingsWithContext(ctx)
				docs := w.meili.Documents(t, searchdoc.IndexPlugins)
				return err == nil && len(s.StopWords) > 1 && len(docs) == 120 && docs[plugin("p0", 1).ID]["schema"] == float64(searchdoc.Schema)
			})
			w.drained()
			w.same()
		})
	}
}

// dying is a search engine that is gone for good after some calls, as it is for
// an indexer that is killed.
type dying struct {
	indexer.Search
	left *atomic.Int64
	dead chan struct{}
	once *sync.Once
}

func (d *dying) alive() error {
	if d.left.Add(-1) < 0 {
		d.once.Do(func() { close(d.dead) })
		return errs.New(errs.Unavailable, "killed")
	}
	return nil
}

func (d *dying) Write(ctx context.Context, uid string, docs []any, deletes []string) error {
	if err := d.alive(); err != nil {
		return err
	}
	return d.Search.Write(ctx, uid, docs, deletes)
}

func (d *dying) Create(ctx context.Context, uid string) error {
	if err := d.alive(); err != nil {
		return err
	}
	return d.Search.Create(ctx, uid)
}

func (d *dying) Drop(ctx context.Context, uid string) error {
	if err := d.alive(); err != nil {
		return err
	}
	return d.Search.Drop(ctx, uid)
}

func (d *dying) Swap(ctx context.Context, a, b string) error {
	if err := d.alive(); err != nil {
		return err
	}
	if err := d.Search.Swap(ctx, a, b); err != nil {
		return err
	}
	return d.alive() // done, but the indexer does not hear of it
}

// A rebuild is interrupted after each number of steps, until one gets through
// all of them.
func TestRebuildInterruptedAnywhere(t *testing.T) {
	t.Parallel()
	w := setup(t)
	all := many(230) // five answers of the catalog's
	w.publish(all...)
	stop := w.start()
	w.drained()
	stop()
	c := meilisearch.New(w.meili.URL, meilisearch.WithAPIKey(w.meili.Key))
	for steps := int64(0); ; steps++ {
		task, err := c.Index(searchdoc.IndexPlugins).UpdateSettingsWithContext(t.Context(), &meilisearch.Settings{StopWords: []string{"none"}})
		if err == nil {
			_, err = c.WaitForTaskWithContext(t.Context(), task.TaskUID, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		searches := w.searching(len(all) - int(steps) - 1) // one is removed each time
		d := &dying{left: new(atomic.Int64), dead: make(chan struct{}), once: new(sync.Once)}
		d.left.Store(steps)
		kill := w.start(func(o *indexer.Deps) { o.WrapSearch = func(s indexer.Search) indexer.Search { d.Search = s; return d } })
		whole := make(chan struct{})
		watch, cancel := context.WithCancel(t.Context())
		go func() {
			defer close(whole)
			for watch.Err() == nil {
				s, err := c.Index(searchdoc.IndexPlugins).GetSettingsWithContext(watch)
				if err == nil && len(s.StopWords) > 1 && len(w.meili.Indexes(w)) == 2 {
					return
				}
			}
		}()
		interrupted := false
		select {
		case <-d.dead:
			interrupted = true
		case <-whole:
		}
		cancel()
		<-whole
		kill()
		p := all[steps]
		p.Revision, p.Removed = 2, true
		w.publish(p) // while nobody is there
		kill = w.start()
		w.drained()
		searches()
		w.same()
		kill()
		if t.Failed() {
			t.Fatalf("interrupted after %d steps", steps)
		}
		if !interrupted {
			if steps < 6 {
				t.Errorf("a rebuild took %d steps only", steps)
			}
			return
		}
	}
}
