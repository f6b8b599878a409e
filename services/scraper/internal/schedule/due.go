package schedule

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// entry is when a marketplace is due, and what its scan is worth and costs.
type entry struct {
	at       time.Time
	priority events.Priority
	cost     int // requests that count against its host's limit
	// queued says that it was paid for and waits in the queue since; hold is
	// for how long it is not asked for again.
	queued bool
	hold   time.Duration
}

// What a scan usually costs: an unchanged repository nothing or one request, a
// changed one three, and it is always changed the first time.
const (
	costOfNew   = 3
	costOfKnown = 1
)

// batch is how long a budget that is used up is left to fill: looking through
// all that is due for each single scan would cost more than the scan.
const batch = 30 * time.Second

// learn takes a state in; it gives false when its marketplace is not to be
// scanned any more.
func (s *Schedule) learn(st state.State) bool {
	if st.OptedOut || s.Excluded(st.Key) {
		delete(s.due, st.Key)
		return false
	}
	cost := costOfKnown
	if st.Commit == "" {
		cost = costOfNew
	}
	s.due[st.Key] = entry{at: dueAt(st, s.Interval, s.Now()), priority: priority(st, s.Now()), cost: cost}
	return true
}

// enqueueDue queues what is due and says when to look again.
func (s *Schedule) enqueueDue(ctx context.Context) (next time.Time, err error) {
	now := s.Now()
	next = now.Add(askAgain)
	var folders []plugpack.MarketplaceKey
	remote := map[Host][]dueEntry{}
	for k, e := range s.due {
		switch {
		case e.at.After(now):
			if e.at.Before(next) {
				next = e.at
			}
		case k.Local():
			folders = append(folders, k)
		default:
			h := s.Host(k)
			remote[h] = append(remote[h], dueEntry{k, e})
		}
	}
	for h, entries := range remote {
		reachable, changed := s.reachable(ctx, h, now)
		if !reachable {
			if changed && s.Sample != "" && !s.stocked {
				folders = append(folders, s.Sample)
			}
			continue
		}
		more, err := s.enqueueAt(ctx, h, entries, now)
		if err != nil {
			return next, err
		}
		if !more.IsZero() && more.Before(next) {
			next = more
		}
	}
	for _, k := range folders {
		if err := s.enqueue(ctx, k, now); err != nil {
			return next, err
		}
	}
	return next, nil
}

// dueEntry is an entry with its key.
type dueEntry struct {
	key plugpack.MarketplaceKey
	entry
}

// enqueueAt queues what h can bear now, the most urgent first. more is when it
// can bear some more, if not all were queued.
func (s *Schedule) enqueueAt(ctx context.Context, h Host, entries []dueEntry, now time.Time) (more time.Time, err error) {
	slices.SortFunc(entries, dueEntry.compare)
	for _, e := range entries {
		if !e.queued {
			if wait := s.hosts[h].spend(now, e.cost); wait > 0 {
				return now.Add(max(wait, batch)), nil
			}
		}
		if err := s.enqueue(ctx, e.key, now); err != nil {
			return more, err
		}
	}
	return more, nil
}

// compare orders by priority, then by time; the key makes all scrapers agree.
func (e dueEntry) compare(other dueEntry) int {
	if e.priority != other.priority {
		return cmp.Compare(slices.Index(events.Priorities, e.priority), slices.Index(events.Priorities, other.priority))
	}
	if c := e.at.Compare(other.at); c != 0 {
		return c
	}
	return cmp.Compare(e.key, other.key)
}

func (s *Schedule) enqueue(ctx context.Context, k plugpack.MarketplaceKey, now time.Time) error {
	// Another scraper may have seen to it a moment ago.
	st, err := s.Store.Get(ctx, k)
	if err != nil {
		return err
	}
	if st.Key == "" {
		st.Key = k
	}
	before := s.due[k].hold
	if !s.learn(st) {
		return nil
	}
	e := s.due[k]
	if e.at.After(now) {
		return nil
	}
	queued, err := s.Enqueue(ctx, Request{Marketplace: k, After: st.LastRequest(), Priority: e.priority})
	if err != nil {
		return err
	}
	e.hold = min(max(2*before, minHold), maxHold)
	e.at, e.queued = now.Add(e.hold), true
	s.due[k] = e
	if queued {
		s.Log.Debug("queued", "marketplace", k, "priority", e.priority)
	}
	return nil
}
