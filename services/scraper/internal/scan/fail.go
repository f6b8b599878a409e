package scan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// failed sorts an error: what another try can help is given back to the bus a
// few times, and all else is announced as the scan's end. A bug of ours goes to
// the dead letters besides.
func (p *pass) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errs.New(errs.Unavailable, "scan %s: interrupted: %w", p.request.Marketplace, err)
	}
	if out, ok := errors.AsType[*optedOut](err); ok {
		return p.leave(ctx, out)
	}
	reason := errs.Detail(err)
	switch kind := errs.KindOf(err); {
	case kind == errs.TooMany:
		p.tell(events.ScanProgress{Step: "waiting", Reason: fmt.Sprintf("%s, next try in %s", reason, errs.RetryAfter(err).Round(time.Second))})
		return err
	case temporary(kind):
		if try := p.tries.count(p.request.Scan); try < MaxAttempts {
			p.tell(events.ScanProgress{Step: "waiting", Reason: reason})
			return errs.RetryLater(errs.Unavailable, retryDelay(try), "scan %s: %w", p.request.Marketplace, err)
		}
		p.Log.Warn("scan given up for now", "marketplace", p.request.Marketplace, "err", err)
		if kind == errs.Internal {
			reason = "its files cannot be read because of an internal error"
		}
	}
	next := p.state
	next.Request = p.request.Scan
	next.Failures++
	next.NextAt = p.Now().Add(jittered(failureDelay(p.Interval, next.Failures, errs.KindOf(err)))).UTC()
	failure := plugpack.Failure{Key: p.listedAs(), Reason: plugpack.Cut(plugpack.Clean(reason), plugpack.MaxShort)}
	failure.Gone = p.gone(&next, errs.KindOf(err))
	if failErr := p.fail(ctx, next, failure); failErr != nil || errs.KindOf(err) != errs.Internal {
		return failErr
	}
	// A person should look at this one: it is a bug of ours.
	return errs.New(errs.Invalid, "scan %s: %w", p.request.Marketplace, err)
}

// fail announces the end of a scan that read no marketplace. What was known
// stays known: a failure removes nothing, unless the repository is gone, and
// that every later one says again, since the stream keeps the last.
func (p *pass) fail(ctx context.Context, next state.State, f plugpack.Failure) error {
	next.Gone = next.Gone || f.Gone
	f.Scan, f.ObservedAt, f.FoundBy, f.Gone = p.scan, p.observedAt, p.state.FoundBy, next.Gone
	m, err := events.NewMarketplaceFailed(f)
	if err != nil {
		return err
	}
	if err := p.Bus.Publish(ctx, m); err != nil {
		return err
	}
	next.ObservedAt, next.LastError = f.ObservedAt, f.Reason
	if next.Failure != nil {
		next.Failure = &f
	}
	if err := p.remember(ctx, next, nil); err != nil {
		return err
	}
	p.tell(events.ScanProgress{Step: "failed", Entries: f.Entries, Reason: f.Reason})
	return nil
}

// listedAs gives the key under which the marketplace was last announced, which
// is another than the one asked for when its repository was renamed.
func (p *pass) listedAs() plugpack.MarketplaceKey {
	if p.state.Listing != nil {
		return p.state.Listing.Key
	}
	return p.request.Marketplace
}

// temporary: a bug in our reading counts as well, because the files or the
// code may change.
func temporary(k errs.Kind) bool { return k == errs.Unavailable || k == errs.Internal }

// tries counts the tries of requests that met a temporary error, by the ids of
// their scans. Deliveries are more: a scan that waits for a limit is delivered
// again and again.
type tries struct {
	mu sync.Mutex
	of map[string]int
}

// maxTried bounds those that are remembered: some end at another scraper.
const maxTried = 10_000

func (t *tries) count(scan string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil || len(t.of) > maxTried {
		t.of = map[string]int{}
	}
	t.of[scan]++
	return t.of[scan]
}

func (t *tries) forget(scan string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, scan)
}

// retryDelay is 1, 3, 9, 27 s.
func retryDelay(try int) time.Duration {
	d := time.Second
	for range min(try-1, 3) {
		d *= 3
	}
	return jittered(d)
}

// maxFailureDelay is how often a repository that stays away is still asked for.
const maxFailureDelay = 7 * 24 * time.Hour

// failureDelay doubles with each failure in a row. What is nobody's fault in
// the marketplace, such as a network that was away, begins early.
func failureDelay(interval time.Duration, failures int, k errs.Kind) time.Duration {
	d := interval
	if temporary(k) || k == errs.Unauthorized {
		d = min(interval, 5*time.Minute)
	}
	for range min(failures-1, 20) {
		if d *= 2; d > maxFailureDelay {
			return maxFailureDelay
		}
	}
	return d
}

// jittered gives d less up to a tenth, so that what was scanned together does
// not stay together.
func jittered(d time.Duration) time.Duration { return d - rand.N(d/10+1) }
