// Package schedule queues each marketplace when it is due.
//
// When that is, the scrapers' shared state says, so all scrapers may run the
// same schedule: the queue takes a marketplace once, and each looks at the
// state again before it asks. A marketplace that was scanned once, by whomever
// it was asked for, stays on the schedule.
package schedule

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	// askAgain is how long GitHub is left alone while it cannot be reached,
	// and how long an answer that it can be is good for.
	askAgain = time.Minute
	// hold is how long a marketplace that was queued is not queued again
	// unless its state changes: it may wait behind many others.
	hold = 5 * time.Minute
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
	Sample    plugpack.MarketplaceKey
	Store     Store
	Reachable func(ctx context.Context) error
	// Enqueue queues a scan that is to be made only if the request answered
	// last is still after.
	Enqueue func(ctx context.Context, k plugpack.MarketplaceKey, after string) (queued bool, err error)
	Log     *slog.Logger
	Now     func() time.Time
}

// Schedule is one scraper's view of what is due.
type Schedule struct {
	Config
	due map[plugpack.MarketplaceKey]time.Time
	// away is the kind of GitHub's last error, Internal for none, and asked is
	// when it was asked.
	away  errs.Kind
	asked time.Time
	// stocked says that some marketplace from elsewhere was scanned.
	stocked bool
}

// New makes a schedule of the sources and of all that was ever scanned.
func New(c Config) *Schedule { return &Schedule{Config: c} }

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
	s.due = map[plugpack.MarketplaceKey]time.Time{}
	for _, k := range s.Sources {
		s.due[k] = time.Time{}
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
			s.due[st.Key] = st.NextAt
			s.stocked = s.stocked || st.Listing != nil && !st.Key.Local()
			if !ready || !st.NextAt.Before(next) {
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

// enqueueDue queues what is due and says when to look again.
func (s *Schedule) enqueueDue(ctx context.Context) (next time.Time, err error) {
	now := s.Now()
	next = now.Add(askAgain)
	var folders, remote []plugpack.MarketplaceKey
	for k, at := range s.due {
		switch {
		case at.After(now):
			if at.Before(next) {
				next = at
			}
		case k.Local():
			folders = append(folders, k)
		default:
			remote = append(remote, k)
		}
	}
	keys := folders
	if len(remote) > 0 {
		reachable, changed := s.reachable(ctx, now)
		switch {
		case reachable:
			keys = append(keys, remote...)
		case changed && s.Sample != "" && !s.stocked:
			keys = append(keys, s.Sample)
		}
	}
	for _, k := range keys {
		if err := s.enqueue(ctx, k, now); err != nil {
			return next, err
		}
	}
	return next, nil
}

func (s *Schedule) enqueue(ctx context.Context, k plugpack.MarketplaceKey, now time.Time) error {
	// Another scraper may have seen to it a moment ago.
	st, err := s.Store.Get(ctx, k)
	if err != nil {
		return err
	}
	if st.NextAt.After(now) {
		s.due[k] = st.NextAt
		return nil
	}
	queued, err := s.Enqueue(ctx, k, st.LastRequest())
	if err != nil {
		return err
	}
	s.due[k] = now.Add(hold)
	if queued {
		s.Log.Debug("queued", "marketplace", k)
	}
	return nil
}

// reachable asks GitHub at most once a minute, and says in the log only what
// has changed.
func (s *Schedule) reachable(ctx context.Context, now time.Time) (ok, changed bool) {
	if !s.asked.IsZero() && now.Sub(s.asked) < askAgain {
		return s.away == errs.Internal, false
	}
	err := s.Reachable(ctx)
	if ctx.Err() != nil {
		return false, false
	}
	before := s.away
	s.asked, s.away = now, errs.KindOf(err) // Internal for nil too
	switch {
	case s.away == before:
	case err == nil:
		s.Log.Info("GitHub can be reached again")
	case s.away == errs.Unauthorized:
		s.Log.Warn(errs.Detail(err) + "; set another one or none")
	case s.away == errs.TooMany:
		s.Log.Warn(errs.Detail(err))
	default:
		s.Log.Warn(errs.Detail(err) + ": nothing there is scanned for now; set GITHUB_API_URL or check the network")
	}
	return err == nil, s.away != before
}
