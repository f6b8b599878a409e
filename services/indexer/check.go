package indexer

import (
	"context"
	"errors"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
	"github.com/plugpack/plugpack/services/indexer/internal/check"
)

// grace is how long a store may need for what was announced before what it
// lacks counts as missed.
const grace = 30 * time.Second

// firstCheck is when a new active indexer looks at its stores first. By then
// one that was active before has noticed that it is not, and what it still
// wrote can be seen.
const firstCheck = 2 * events.LeaseTTL

// kinds are what is compared.
var kinds = []events.Kind{events.KindPlugin, events.KindPack}

// checkNowAndThen compares the stores with the catalog, until ctx ends.
func (x *Indexer) checkNowAndThen(ctx context.Context) error {
	for wait := min(firstCheck, x.CheckInterval); ; wait = x.CheckInterval {
		bus.Pause(ctx, wait)
		if ctx.Err() != nil {
			return nil
		}
		if _, err := x.check(ctx, true); err != nil && ctx.Err() == nil {
			x.log.Warn("cannot compare the stores with the catalog, trying again later", "err", err)
		}
	}
}

// check compares each store with the catalog. One that cannot be compared does
// not keep the others from it.
func (x *Indexer) check(ctx context.Context, repair bool) (events.Check, error) {
	x.checking.Lock()
	defer x.checking.Unlock()
	stores := []check.Store{cacheStore{x}}
	if x.engine != nil {
		stores = append(stores, searchStore{x, ""})
	}
	out := events.Check{At: time.Now().UTC()}
	var failed error
	for _, s := range stores {
		drift := 0
		for _, k := range kinds {
			if k == events.KindPack && s.Name() == events.StoreCache {
				continue // packs have no pages
			}
			r, err := check.Run(ctx, x.catalog, s, k, repair)
			if err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			out.Stores = append(out.Stores, r.StoreCheck)
			drift += r.Drift()
			if r.Repaired > 0 {
				x.changed()
			}
			x.tellOf(r)
		}
		x.report.checked(s.Name(), out.At, drift)
		x.metrics.drift.WithLabelValues(s.Name()).Set(float64(drift))
	}
	return out, failed
}

// tellOf logs a comparison that found something, and lets an index be rebuilt
// of which more than a fifth was wrong: that is quicker, and whatever spoilt it
// may have spoilt more.
func (x *Indexer) tellOf(r check.Result) {
	if r.Differences() == 0 {
		return
	}
	level := x.log.Warn
	if r.Drift() == 0 {
		level = x.log.Info
	}
	level("a store differed from the catalog", "store", r.Store, "kind", r.Kind, "catalog", r.Catalog, "held", r.Held, "missing", r.Missing,
		"older", r.Older, "newer", r.Newer, "extra", r.Extra, "repaired", r.Repaired, "refused", r.Refused)
	if r.Store == events.StoreSearch && r.Drift() > 100 && r.Drift() > r.Catalog/5 {
		x.lookSoon("a comparison with the catalog failed")
	}
}

// compareIndex compares one index with the catalog, mends it, and compares
// again.
func (x *Indexer) compareIndex(ctx context.Context, k events.Kind, uid string) (left int, err error) {
	first, err := check.Run(ctx, x.catalog, searchStore{x, uid}, k, true)
	if err != nil || first.Differences() == 0 {
		return 0, err
	}
	second, err := check.Run(ctx, x.catalog, searchStore{x, uid}, k, true)
	return max(0, second.Left()-first.Refused), err
}

// passed returns when the consumer has handled what the catalog has committed.
func (x *Indexer) passed(ctx context.Context, durable string) error {
	if err := x.catalog.Announced(ctx, grace); err != nil {
		return err
	}
	return x.bus.Pass(ctx, events.StreamCatalog, durable, grace)
}

// searchStore is the search engine as it is compared: the index that is
// searched, or the one with the uid.
type searchStore struct {
	x   *Indexer
	uid string
}

// Name names it.
func (s searchStore) Name() string { return events.StoreSearch }

// KeepsRemoved says that what was removed has no document.
func (s searchStore) KeepsRemoved() bool { return false }

func (s searchStore) index(k events.Kind) string {
	if s.uid != "" {
		return s.uid
	}
	return change.Index(k)
}

// All tells every document.
func (s searchStore) All(ctx context.Context, k events.Kind, tell func(id string, revision int64)) error {
	return s.x.engine.All(ctx, s.index(k), tell)
}

// Revisions gives those of the ids that have a document.
func (s searchStore) Revisions(ctx context.Context, k events.Kind, ids []string) (map[string]int64, error) {
	return s.x.engine.Revisions(ctx, s.index(k), ids)
}

// Passed waits for the outbox and the consumer.
func (s searchStore) Passed(ctx context.Context) error { return s.x.passed(ctx, DurableSearch) }

// Set writes what the catalog says.
func (s searchStore) Set(ctx context.Context, k events.Kind, ids []string) (changed, refused int, err error) {
	return s.x.search.Set(ctx, s.index(k), k, ids, s.x.catalog.States)
}

// cacheStore is the page cache as it is compared.
type cacheStore struct{ x *Indexer }

// Name names it.
func (s cacheStore) Name() string { return events.StoreCache }

// KeepsRemoved says that a removed plugin has a page that says so.
func (s cacheStore) KeepsRemoved() bool { return true }

// All tells every page by id.
func (s cacheStore) All(ctx context.Context, k events.Kind, tell func(id string, revision int64)) error {
	return s.x.pages.All(ctx, k, tell)
}

// Revisions gives those of the ids that have a page.
func (s cacheStore) Revisions(ctx context.Context, k events.Kind, ids []string) (map[string]int64, error) {
	return s.x.pages.Revisions(ctx, k, ids)
}

// Passed waits for the outbox and the consumer.
func (s cacheStore) Passed(ctx context.Context) error { return s.x.passed(ctx, DurableCache) }

// Set writes what the catalog says.
func (s cacheStore) Set(ctx context.Context, k events.Kind, ids []string) (changed, refused int, err error) {
	changed, err = s.x.pages.Set(ctx, k, ids, s.x.catalog.States)
	return changed, 0, err
}

// answer answers an operator's questions until ctx ends.
func (x *Indexer) answer(ctx context.Context) error {
	stopCheck, err := bus.Answer(ctx, x.bus, events.AskCheck, func(ctx context.Context, q events.CheckOf) (events.Check, error) {
		return x.check(ctx, q.Repair)
	})
	if err != nil {
		return errs.New(errs.Unavailable, "%w", err)
	}
	defer stopCheck()
	stopRebuild, err := bus.Answer(ctx, x.bus, events.AskRebuild, func(_ context.Context, q events.RebuildOf) (events.Rebuild, error) {
		if x.engine == nil {
			return events.Rebuild{}, errs.New(errs.Invalid, "there is no search engine: set MEILISEARCH_URL and MEILISEARCH_API_KEY")
		}
		now := events.Rebuild{Started: time.Now().UTC(), Already: x.report.rebuilding()}
		if !now.Already {
			x.lookSoon(q.Reason)
		}
		return now, nil
	})
	if err != nil {
		return errs.New(errs.Unavailable, "%w", err)
	}
	defer stopRebuild()
	<-ctx.Done()
	return nil
}
