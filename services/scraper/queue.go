package scraper

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Enqueue queues a scan of k that somebody waits for. queued is false when one
// such scan waits or is under way already. force reads and publishes everything
// again even if nothing changed.
func Enqueue(ctx context.Context, b *bus.Bus, k plugpack.MarketplaceKey, force bool) (scanID string, queued bool, err error) {
	return enqueue(ctx, b, events.ScanRequested{Marketplace: k, Priority: events.PriorityNow, Force: force})
}

func enqueue(ctx context.Context, b *bus.Bus, r events.ScanRequested) (scanID string, queued bool, err error) {
	if err := r.Marketplace.Validate(); err != nil {
		return "", false, err
	}
	r.Scan, r.RequestedAt = uuid.Must(uuid.NewV7()).String(), time.Now().UTC()
	m, err := events.NewScanRequested(r)
	if err != nil {
		return "", false, err
	}
	err = b.Publish(ctx, m)
	if errs.KindOf(err) == errs.Conflict {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return r.Scan, true, nil
}

// Queued says whether a scan of k waits or is under way, at any priority.
func Queued(ctx context.Context, b *bus.Bus, k plugpack.MarketplaceKey) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := b.JetStream().Stream(ctx, events.StreamScan)
	if err == nil {
		_, err = s.GetLastMsgForSubject(ctx, events.ScanRequestsFor(k))
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	if err != nil {
		return false, errs.New(errs.Unavailable, "look for %s in the queue: %w", k, err)
	}
	return true, nil
}

// durable names the consumer of one priority, which all scrapers share.
func durable(p events.Priority) string { return "scraper-" + string(p) }

// workers says how many scans of a priority go on at once. Each priority has
// workers of its own, so that who waits for a scan never waits behind ten
// thousand others; between popular and stale ones the schedule has put the
// popular first, and half the workers are enough for those that nobody would
// miss.
func (s *Scraper) workers(p events.Priority) int {
	if p == events.PriorityStale {
		return max(s.ScanWorkers/2, 1)
	}
	return s.ScanWorkers
}
