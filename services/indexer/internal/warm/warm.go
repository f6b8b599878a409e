// Package warm writes the cached pages. The store's own comparison of revisions
// makes it safe to write any state at any time, twice or late.
package warm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
)

// writers is how many pages are written side by side; it hides the round trips
// to a cache on the network.
const writers = 16

// Cache is what pages are written to.
type Cache interface {
	cache.Pages
	cache.Marks
	cache.Responses
	cache.Trust
}

// Writer writes pages.
type Writer struct {
	pages Cache
	// mu keeps mending, which may set a revision back, apart from changes.
	mu sync.RWMutex
}

// New makes a writer.
func New(pages Cache) *Writer { return &Writer{pages: pages} }

// Apply writes every page that the changes call for, and gives one error a
// change.
func (w *Writer) Apply(ctx context.Context, changes []change.Change) []error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.apply(ctx, changes)
}

func (w *Writer) apply(ctx context.Context, changes []change.Change) []error {
	failed := make([]error, len(changes))
	var g errgroup.Group
	g.SetLimit(writers)
	for i, c := range changes {
		g.Go(func() error {
			failed[i] = w.write(ctx, c)
			return nil
		})
	}
	_ = g.Wait()
	return failed
}

func (w *Writer) write(ctx context.Context, c change.Change) error {
	rendered, err := c.Pages()
	if err != nil {
		return fmt.Errorf("render pages of %s: %w", c.About, err)
	}
	// One plugin has several addresses, and who found the new state at one of
	// them may not find an older one at another, nor in a list, which asks for
	// the mark by id. So that is written first, after the older pages at the
	// others have gone.
	keys := slices.Sorted(maps.Keys(rendered))
	if len(keys) == 0 {
		return nil
	}
	for _, key := range keys[1:] {
		if err := w.pages.Raise(ctx, key, c.Revision); err != nil {
			return fmt.Errorf("write pages of %s: %w", c.About, err)
		}
	}
	for _, key := range keys {
		if err := w.pages.Put(ctx, key, rendered[key]); err != nil {
			return fmt.Errorf("write pages of %s: %w", c.About, err)
		}
	}
	return nil
}

// Trusted says whether the pages are given to readers.
func (w *Writer) Trusted(ctx context.Context) (bool, error) { return w.pages.Trusted(ctx) }

// Restore lets fill write all pages that are missing, after which they are
// given to readers again.
func (w *Writer) Restore(ctx context.Context, fill func(context.Context) error) error {
	return w.pages.Restore(ctx, fill)
}

// All tells every id that has a page, with the page's revision.
func (w *Writer) All(ctx context.Context, k events.Kind, tell func(id string, revision int64)) error {
	if k != events.KindPlugin {
		return nil
	}
	return w.pages.EachMark(ctx, cache.IDPrefix, func(key string, m cache.Mark) {
		if m.Page {
			tell(key[len(cache.IDPrefix):], m.Revision)
		}
	})
}

// Revisions gives the revisions of those ids that have a page.
func (w *Writer) Revisions(ctx context.Context, _ events.Kind, ids []string) (map[string]int64, error) {
	marks, err := w.marks(ctx, ids)
	revisions := make(map[string]int64, len(marks))
	for id, m := range marks {
		if m.Page {
			revisions[id] = m.Revision
		}
	}
	return revisions, err
}

func (w *Writer) marks(ctx context.Context, ids []string) (map[string]cache.Mark, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = cache.IDKey(id)
	}
	byKey, err := w.pages.Marks(ctx, keys)
	marks := make(map[string]cache.Mark, len(byKey))
	for key, m := range byKey {
		marks[key[len(cache.IDPrefix):]] = m
	}
	return marks, err
}

// Set makes the pages of the ids what the catalog says now. A page that is
// newer than the catalog, which was set back, has to go first. Pages are looked
// at before the catalog is asked: what readers are given meanwhile may be newer
// than its answer.
func (w *Writer) Set(ctx context.Context, k events.Kind, ids []string, ask func(context.Context, events.Kind, []string) ([]change.Change, error)) (changed int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	held, err := w.marks(ctx, ids)
	if err != nil {
		return 0, err
	}
	states, err := ask(ctx, k, ids)
	if err != nil {
		return 0, err
	}
	known := make(map[string]bool, len(states))
	var differ []change.Change
	for _, c := range states {
		known[c.ID] = true
		if held[c.ID] == (cache.Mark{Revision: c.Revision, Page: true}) {
			continue
		}
		differ = append(differ, c)
		if held[c.ID].Revision > c.Revision {
			if err := w.drop(ctx, c); err != nil {
				return 0, err
			}
		}
	}
	for _, err := range w.apply(ctx, differ) {
		if err != nil {
			return changed, err
		}
		changed++
	}
	for _, id := range ids {
		if _, there := held[id]; there && !known[id] {
			if err := w.pages.Drop(ctx, cache.IDKey(id)); err != nil {
				return changed, err
			}
			changed++
		}
	}
	return changed, nil
}

func (w *Writer) drop(ctx context.Context, c change.Change) error {
	rendered, err := c.Pages()
	if err != nil {
		return fmt.Errorf("render pages of %s: %w", c.About, err)
	}
	for key := range rendered {
		if err := w.pages.Drop(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
