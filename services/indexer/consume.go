package indexer

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/indexer/internal/batch"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
)

// Bounds of one batch: more than a few megabytes take the stores longer than
// they save, and nobody should wait for a batch to fill. What a dead indexer
// held comes to its spare after ackWait.
const (
	batchCount = 1000
	batchBytes = 4 << 20
	batchWait  = 50 * time.Millisecond
	ackWait    = 5 * time.Second
)

// consume applies the stream to one store.
func (x *Indexer) consume(ctx context.Context, durable, store string, apply func(context.Context, []change.Change) []error) error {
	return x.bus.ConsumeBatch(ctx, bus.Subscription{
		Stream: events.StreamCatalog, Durable: durable, Filter: events.CatalogChanges,
		Batch: batchCount, BatchBytes: batchBytes, BatchWait: batchWait, AckWait: ackWait,
	}, func(ctx context.Context, ms []bus.Msg) []error {
		failed := x.handle(ctx, ms, apply)
		x.changed()
		x.metrics.applied(store, ms, failed, time.Now())
		return failed
	})
}

// handle applies one batch and gives one error a message.
func (x *Indexer) handle(ctx context.Context, ms []bus.Msg, apply func(context.Context, []change.Change) []error) []error {
	failed := make([]error, len(ms))
	var (
		changes []change.Change
		message []int // of each change
	)
	for i, m := range ms {
		c, err := change.Decode(m)
		if err != nil {
			failed[i] = err
			continue
		}
		changes, message = append(changes, c), append(message, i)
	}
	newest, place := batch.Fold(changes)
	if len(newest) == 0 {
		return failed
	}
	for n, err := range apply(ctx, newest) {
		failed[message[place[n]]] = err
	}
	return failed
}

// applySearch applies changes to the search engine. It is asked for a look at
// the index when that is what was missing.
func (x *Indexer) applySearch(ctx context.Context, changes []change.Change) []error {
	failed := x.search.Apply(ctx, changes)
	for _, err := range failed {
		if err != nil {
			x.lookSoon("")
			break
		}
	}
	return failed
}

// lookSoon lets the rebuilder look at the index now, and rebuild it if there
// is a reason.
func (x *Indexer) lookSoon(reason string) {
	for {
		select {
		case x.kick <- reason:
			return
		default:
		}
		if reason == "" {
			return // it is about to look anyway
		}
		select {
		case <-x.kick: // the reason takes its place
		default:
		}
	}
}

// seen gives the highest revision that the pages and, of what is delivered
// again, the stream know. It is a second line behind the order of the stream,
// so a cache that is away does not stop the work.
func (x *Indexer) seen(ctx context.Context, changes []change.Change) (map[string]int64, error) {
	seen := map[string]int64{}
	var ids []string
	for _, c := range changes {
		ids = append(ids, c.ID)
		if !c.Again {
			continue
		}
		revision, err := x.announced(ctx, c.Kind, c.ID)
		if err != nil {
			return nil, err
		}
		seen[c.ID] = revision
	}
	if len(ids) == 0 {
		return seen, nil
	}
	pages, err := x.pages.Revisions(ctx, changes[0].Kind, ids)
	if err == nil {
		for id, revision := range pages {
			seen[id] = max(seen[id], revision)
		}
	}
	return seen, nil
}

// announced gives the revision of the newest state that the stream holds, 0 if
// it holds none that can be read.
func (x *Indexer) announced(ctx context.Context, k events.Kind, id string) (int64, error) {
	s, err := x.bus.JetStream().Stream(ctx, events.StreamCatalog)
	if err != nil {
		return 0, errs.New(errs.Unavailable, "inspect stream %s: %w", events.StreamCatalog, err)
	}
	m, err := s.GetLastMsgForSubject(ctx, events.SubjectChanged(k, id))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, errs.New(errs.Unavailable, "read stream %s: %w", events.StreamCatalog, err)
	}
	c, err := change.Decode(bus.Msg{Subject: m.Subject, Data: m.Data})
	if err != nil {
		return 0, nil
	}
	return c.Revision, nil
}
