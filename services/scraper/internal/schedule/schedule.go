// Package schedule queues each marketplace when it is due.
//
// When that is, the scrapers' shared state says (interval.go), so all scrapers
// may run the same schedule: the queue takes a marketplace once, and each looks
// at the state again before it asks. A marketplace that was scanned once, by
// whomever it was asked for, stays on the schedule, unless its owner or this
// hub's operator does not want that.
//
// However many are due at once, they are queued no faster than a host's hourly
// limit allows (host.go), those that many use first.
package schedule

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	// askAgain is how long GitHub is left alone while it cannot be reached,
	// and how long an answer that it can be is good for.
	askAgain = time.Minute
	// A marketplace that was queued is not queued again for minHold unless its
	// state changes, and each time for twice as long: it may wait behind many
	// others.
	minHold = 5 * time.Minute
	maxHold = time.Hour
)

// Store tells the states.
type Store interface {
	Get(ctx context.Context, k plugpack.MarketplaceKey) (state.State, error)
	Watch(ctx context.Context, f func(state.State)) error
}

// Config is what a schedule needs.
type Config struct {
	Sources []plugpack.MarketplaceKey
	// Sample is queued when GitHub cannot be asked and nothing of it was ever
	// scanned; "" for none.
	Sample plugpack.MarketplaceKey
	Store  Store
	// Host gives who is asked about k, which is no folder; the same one for all
	// that share a limit.
	Host func(k plugpack.MarketplaceKey) Host
	// Excluded says that k is not to be scanned, whatever its state says.
	Excluded func(k plugpack.MarketplaceKey) bool
	Enqueue  func(ctx context.Context, r Request) (queued bool, err error)
	Interval time.Duration // from one scan of a popular marketplace to the next
	Log      *slog.Logger
	Now      func() time.Time
}

// Request is a scan that is to be made only if the request answered last is
// still After.
type Request struct {
	Marketplace plugpack.MarketplaceKey
	After       string
	Priority    events.Priority
}

// Schedule is one scraper's view of what is due.
type Schedule struct {
	Config
	due   map[plugpack.MarketplaceKey]entry
	hosts map[Host]*host
	// stocked says that some marketplace from elsewhere was scanned.
	stocked bool
}

// New makes a schedule of the sources and of all that was ever scanned.
func New(c Config) *Schedule { return &Schedule{Config: c, hosts: map[Host]*host{}} }

// Run queues what is due until ctx ends. An error of NATS is waited out.
func (s *Schedule) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := s.run(ctx)
		if ctx.Err() != nil {
			break
		}
		s.Log.Warn("the schedule lost NATS, trying again", "err", err)
		bus.Pause(ctx, 5*time.Second)
	}
	return nil
}

func (s *Schedule) run(ctx context.Context) error {
	s.due = map[plugpack.MarketplaceKey]entry{}
	for _, k := range s.Sources {
		if !s.Excluded(k) {
			s.due[k] = entry{priority: events.PriorityPopular, cost: costOfNew}
		}
	}
	states := make(chan state.State)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return s.Store.Watch(ctx, func(st state.State) {
			select {
			case states <- st:
			case <-ctx.Done():
			}
		})
	})
	g.Go(func() error { return s.loop(ctx, states) })
	return g.Wait()
}

// loop sleeps until something is due or a state makes it so.
func (s *Schedule) loop(ctx context.Context, states <-chan state.State) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	ready := false // all states are known
	next := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case st := <-states:
			if st.Key == "" {
				ready = true
				break
			}
			s.stocked = s.stocked || st.Listing != nil && !st.Key.Local()
			if !s.learn(st) || !ready || !s.due[st.Key].at.Before(next) {
				continue
			}
		}
		if !ready {
			continue
		}
		var err error
		if next, err = s.enqueueDue(ctx); err != nil {
			return err
		}
		timer.Reset(next.Sub(s.Now()))
	}
}
