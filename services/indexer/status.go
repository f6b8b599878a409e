package indexer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/indexer/internal/search"
)

// tellEvery is how often the state is told.
const tellEvery = 2 * time.Second

// lagging is from when on a store counts as behind.
const lagging = 10 * time.Second

// report is the state of the stores as it was last found.
type report struct {
	mu     sync.Mutex
	stores map[string]*events.StoreStatus
}

func (r *report) update(store string, f func(*events.StoreStatus)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.stores[store]; s != nil {
		f(s)
	}
}

func (r *report) checked(store string, at time.Time, drift int) {
	r.update(store, func(s *events.StoreStatus) { s.CheckedAt, s.Drift = at, drift })
}

func (r *report) rebuilding() (under bool) {
	r.update(events.StoreSearch, func(s *events.StoreStatus) { under = s.Rebuilding != "" })
	return under
}

// now gives a copy, by name.
func (r *report) now() []events.StoreStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []events.StoreStatus
	for _, s := range r.stores {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b events.StoreStatus) int { return strings.Compare(a.Store, b.Store) })
	return all
}

func (x *Indexer) rebuildBegun(_ events.Kind, p search.Progress) {
	x.report.update(events.StoreSearch, func(s *events.StoreStatus) { s.Rebuilding = p.Reason })
}

func (x *Indexer) rebuildDone(k events.Kind, p search.Progress) {
	x.report.update(events.StoreSearch, func(s *events.StoreStatus) { s.Rebuilding, s.RebuiltAt = "", time.Now().UTC() })
	x.metrics.rebuilt(k, time.Since(p.Started))
	x.changed()
}

// tell keeps the metrics and the public status fresh, until ctx ends.
func (x *Indexer) tell(ctx context.Context) error {
	m := &memory{bus: x.bus}
	x.recall(ctx)
	for ctx.Err() == nil {
		x.measure(ctx)
		err := m.put(ctx, events.KeyIndexerStatus, events.IndexerStatus{At: time.Now().UTC(), Stores: x.report.now()})
		if err != nil && ctx.Err() == nil {
			x.log.Debug("cannot tell the status, trying again", "err", err)
		}
		bus.Pause(ctx, tellEvery)
	}
	return nil
}

// recall takes over what the indexer before this one found.
func (x *Indexer) recall(ctx context.Context) {
	before, err := events.ReadIndexerStatus(ctx, x.bus.JetStream())
	if err != nil {
		return // the next comparison finds it too
	}
	for _, b := range before.Stores {
		x.report.update(b.Store, func(s *events.StoreStatus) { s.CheckedAt, s.Drift, s.RebuiltAt = b.CheckedAt, b.Drift, b.RebuiltAt })
	}
}

// measure asks how far each store is.
func (x *Indexer) measure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for store, durable := range map[string]string{events.StoreCache: DurableCache, events.StoreSearch: DurableSearch} {
		p, err := x.bus.Position(ctx, events.StreamCatalog, durable)
		if err != nil {
			continue
		}
		behind := time.Duration(0)
		if !p.Oldest.IsZero() {
			behind = max(0, time.Since(p.Oldest))
		}
		x.report.update(store, func(s *events.StoreStatus) {
			s.Waiting, s.BehindSeconds = p.Waiting, behind.Seconds()
			x.metrics.waiting.WithLabelValues(store).Set(float64(p.Waiting))
			x.metrics.behind.WithLabelValues(store).Set(behind.Seconds())
		})
	}
	if s, err := x.bus.JetStream().Stream(ctx, events.StreamDead); err == nil {
		x.metrics.dead.Set(float64(s.CachedInfo().State.Msgs))
	}
}

// Degraded says what of the indexer is not as it should be although it works,
// "" if nothing is.
func (x *Indexer) Degraded(context.Context) string {
	if !x.active.Load() {
		return ""
	}
	var reasons []string
	if x.filling.Load() {
		reasons = append(reasons, "the page cache was lost and is being filled; the catalog answers")
	}
	for _, s := range x.report.now() {
		if s.BehindSeconds > lagging.Seconds() {
			reasons = append(reasons, fmt.Sprintf("%s is %.0f s behind with %d changes", s.Store, s.BehindSeconds, s.Waiting))
		}
		if s.Rebuilding != "" {
			reasons = append(reasons, "the search index is being rebuilt: "+s.Rebuilding)
		}
		if s.Drift > 0 {
			reasons = append(reasons, fmt.Sprintf("%s differed from the catalog in %d places", s.Store, s.Drift))
		}
	}
	return strings.Join(reasons, "; ")
}

// PingSearch says whether the search engine answers.
func (x *Indexer) PingSearch(ctx context.Context) error {
	if x.engine == nil {
		return errs.New(errs.Invalid, "there is no search engine")
	}
	return x.engine.Ping(ctx)
}
