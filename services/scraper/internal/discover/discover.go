// Package discover finds marketplaces that nobody named: by searches of code
// and of topics, and by looking at the repositories that other marketplaces
// list.
//
// GitHub gives a thousand results of a search, however many there are. A search
// with more is cut into slices that share no result and miss none, until each
// has fewer than that (slice.go). What GitHub itself counts for the slices is
// the measure of how complete the search was; it is published at its end.
//
// What was found becomes a state whose first scan is due some time later, so
// that finding ten thousand repositories queues none at once: the schedule does
// so in its own time. A repository of which it is not known that it has a
// marketplace's file is asked for that file first, once in a long while.
//
// One scraper at a time discovers, by a lease. How far it is, is kept in a
// bucket after each slice, so another goes on from there.
package discover

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	// startDelay leaves the first minutes after a start to the sources.
	startDelay = 2 * time.Minute
	// pause is how long a search rests after an error.
	pause = 5 * time.Minute
	// spread is how far apart the first scans of what was found are at most.
	spread = time.Hour
)

// Client is the GitHub that is searched.
type Client interface {
	SearchCode(ctx context.Context, query string, page int) (github.Page, error)
	SearchRepositories(ctx context.Context, query string, page int) (github.Page, error)
	HasFile(ctx context.Context, repo, path, etag string) (has bool, newETag string, err error)
}

// States are the marketplaces that are known.
type States interface {
	Each(ctx context.Context, f func(state.State)) error
	Get(ctx context.Context, k plugpack.MarketplaceKey) (state.State, error)
	Put(ctx context.Context, st state.State) error
}

// Config is what a discovery needs.
type Config struct {
	Client Client
	// Host is where its repositories are, such as github.com.
	Host     string
	Memory   *Memory
	States   States
	Excluded func(plugpack.MarketplaceKey) bool
	Publish  func(ctx context.Context, m events.Message) error
	Interval time.Duration // from one search to the next
	Log      *slog.Logger
	Now      func() time.Time
	// Wait waits, or gives an error when ctx ends first.
	Wait    func(ctx context.Context, d time.Duration) error
	Metrics *Metrics
}

// Discovery searches again and again.
type Discovery struct {
	Config
	known known
}

// New makes a discovery.
func New(c Config) *Discovery { return &Discovery{Config: c} }

// Run searches whenever it is time to, until ctx ends. Only one may run over
// all scrapers, or the second one's writes are refused.
func (d *Discovery) Run(ctx context.Context) error {
	d.recall(ctx)
	rest := startDelay
	for d.Wait(ctx, rest) == nil {
		next, err := d.round(ctx)
		switch {
		case ctx.Err() != nil:
		case errs.KindOf(err) == errs.TooMany:
			rest = max(errs.RetryAfter(err), time.Second)
		case err != nil:
			d.Log.Warn("a search for marketplaces was interrupted, going on later", "err", err)
			rest = pause
		default:
			rest = max(next, time.Second)
		}
	}
	return nil
}

// round goes on with what is due, and says how long nothing will be.
func (d *Discovery) round(ctx context.Context) (next time.Duration, err error) {
	if err := d.learn(ctx); err != nil {
		return 0, err
	}
	next = d.Interval
	for _, m := range methods {
		wait, err := d.search(ctx, m)
		if err != nil {
			return 0, err
		}
		next = min(next, wait)
	}
	wait, err := d.look(ctx)
	return min(next, wait), err
}

// due says how long it is until a method that ended then is to be used again.
// A time ahead of now is that of a wrong clock.
func (d *Discovery) due(finishedAt time.Time) time.Duration {
	now := d.Now()
	if finishedAt.IsZero() || finishedAt.After(now) {
		return 0
	}
	return max(finishedAt.Add(d.Interval).Sub(now), 0)
}

// recall lets the metrics tell of the last searches although another process
// made them.
func (d *Discovery) recall(ctx context.Context) {
	names := []string{lookMethod}
	for _, m := range methods {
		names = append(names, m.name)
	}
	for _, name := range names {
		if p, err := d.Memory.progress(ctx, name); err == nil && !p.FinishedAt.IsZero() {
			d.Metrics.ended(p.end(name))
		}
	}
}

// finish announces the end of a search.
func (d *Discovery) finish(ctx context.Context, method string, p progress) error {
	end := p.end(method)
	m, err := events.NewDiscoveryFinished(end)
	if err != nil {
		return err
	}
	if err := d.Publish(ctx, m); err != nil {
		return err
	}
	d.Metrics.ended(end)
	d.Log.Info("searched for marketplaces", "method", method, "found", p.Found, "total", p.Total, "slices", p.Slices, "incomplete", p.Incomplete)
	return nil
}

// admit takes a marketplace in, to be scanned some time soon.
func (d *Discovery) admit(ctx context.Context, c Candidate) error {
	if d.passes(c) {
		return nil
	}
	st, err := d.States.Get(ctx, c.Key)
	if err != nil {
		return err
	}
	if st.Listing != nil && st.Listing.Key != c.Key && c.HostID != 0 && c.HostID != st.RepositoryID() {
		if st, err = d.makeRoom(ctx, st); err != nil {
			return err
		}
	}
	if !st.Stored() || st.Vacant() {
		st.HostID, st.FoundBy = c.HostID, c.Method
		st.NextAt = d.Now().Add(rand.N(spread)).UTC()
		if err := d.States.Put(ctx, st); err != nil && err != state.ErrNewer {
			return err
		}
	}
	d.known.add(st)
	return nil
}

// makeRoom moves the state of a renamed repository to its new name, because
// another one has the old name now. A crash between the two writes leaves both,
// of which the second scan finds nothing to do.
func (d *Discovery) makeRoom(ctx context.Context, st state.State) (empty state.State, err error) {
	empty = st.Moved()
	moved, err := d.States.Get(ctx, st.Listing.Key)
	if err != nil || moved.Stored() {
		return empty, err
	}
	return empty, d.States.Put(ctx, st.As(st.Listing.Key))
}
