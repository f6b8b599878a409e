package indexer_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// committed is what the catalog has. It answers as the catalog does.
type committed struct {
	mu      sync.Mutex
	plugins map[string]plugpack.Plugin
	waiting map[string]time.Time // committed and not announced
}

// page is how many states one answer has.
const page = 50

func answering(t *testing.T, b *bus.Bus) *committed {
	t.Helper()
	c := &committed{plugins: map[string]plugpack.Plugin{}, waiting: map[string]time.Time{}}
	for _, answer := range []func() (func(), error){
		func() (func(), error) { return bus.Answer(t.Context(), b, events.AskDigests, c.digests) },
		func() (func(), error) { return bus.Answer(t.Context(), b, events.AskRevisions, c.revisions) },
		func() (func(), error) { return bus.Answer(t.Context(), b, events.AskStates, c.states) },
		func() (func(), error) { return bus.Answer(t.Context(), b, events.AskOutbox, c.outbox) },
	} {
		stop, err := answer()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
	}
	return c
}

func (c *committed) commit(p plugpack.Plugin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.Revision >= c.plugins[p.ID].Revision {
		c.plugins[p.ID] = p
	}
}

// publishing commits, lets announce announce, and has it in the outbox between.
func (c *committed) publishing(p plugpack.Plugin, announce func()) {
	c.mu.Lock()
	c.waiting[p.ID] = time.Now()
	c.mu.Unlock()
	c.commit(p)
	announce()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, p.ID)
}

func (c *committed) outbox(context.Context, events.OutboxOf) (o events.Outbox, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, since := range c.waiting {
		o.Rows++
		o.Seconds = max(o.Seconds, time.Since(since).Seconds())
	}
	return o, nil
}

// setBack makes the catalog one that was restored from a copy.
func (c *committed) setBack(p plugpack.Plugin) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plugins[p.ID] = p
}

func (c *committed) digests(_ context.Context, q events.DigestsOf) (d events.Digests, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Kind != events.KindPlugin {
		return d, nil
	}
	for _, p := range c.plugins {
		d.All[events.Bucket(p.ID)].Add(p.ID, p.Revision)
		if !p.Removed {
			d.Live[events.Bucket(p.ID)].Add(p.ID, p.Revision)
		}
	}
	return d, nil
}

func (c *committed) revisions(_ context.Context, q events.RevisionsOf) (rs []events.Revision, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.plugins {
		if q.Kind == events.KindPlugin && events.Bucket(p.ID) == q.Bucket && p.ID > q.After {
			rs = append(rs, events.Revision{ID: p.ID, Revision: p.Revision, Removed: p.Removed})
		}
	}
	slices.SortFunc(rs, func(a, b events.Revision) int { return strings.Compare(a.ID, b.ID) })
	return rs, nil
}

func (c *committed) states(_ context.Context, q events.StatesOf) (s events.States, _ error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Kind != events.KindPlugin {
		return s, nil
	}
	for _, id := range slices.Sorted(maps.Keys(c.plugins)) {
		if id <= q.After || q.IDs != nil && !slices.Contains(q.IDs, id) {
			continue
		}
		if len(s.Plugins) == page {
			s.Next = s.Plugins[page-1].ID
			break
		}
		s.Plugins = append(s.Plugins, c.plugins[id])
	}
	return s, nil
}
