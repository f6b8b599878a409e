package scraper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/scan"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	// maxDeaths is how many scans of a marketplace in a row may take their process
	// along before it is given up. Nothing else tells of such a one: its handler
	// never returns, so no attempt of it counts.
	maxDeaths = 5
	// suspicious is from how many deaths on a marketplace is scanned while nothing
	// else is: only so is it told from those that died beside the guilty one.
	suspicious = 2
)

// worker answers scan requests around the scanner.
type worker struct {
	*Scraper
	scan   bus.Handler
	store  *state.Store
	trials *state.Trials
	busy   busy
	// alone is held by who is scanned alone, and shared by all others.
	alone sync.RWMutex
}

// handle scans what m asks for, one scan of a marketplace at a time.
func (w *worker) handle(ctx context.Context, m bus.Msg) error {
	r, err := events.Decode[events.ScanRequested](m.Data, events.TypeScanRequested)
	if err != nil {
		return err
	}
	if err := r.Marketplace.Validate(); err != nil {
		return err
	}
	leave, err := w.busy.enter(ctx, r.Marketplace)
	if err != nil {
		return errs.New(errs.Unavailable, "scan %s: interrupted: %w", r.Marketplace, err)
	}
	defer leave()
	if w.optOuts.Excluded(r.Marketplace) {
		w.tell(r, optedOutReason)
		return nil
	}
	if r.Priority == events.PriorityNow {
		ctx = github.Urgent(ctx)
	}
	return w.try(ctx, r, m)
}

// try scans, and gives up a marketplace that is poison: one whose scans end
// their process, or trip a bug of ours again and again. Its row says so, its
// request goes to the dead letters, and it has one more chance each time that
// it is due.
func (w *worker) try(ctx context.Context, r events.ScanRequested, m bus.Msg) error {
	// Who waits for a turn does not die by the one that has it.
	deaths, err := w.trials.Count(ctx, r.Marketplace)
	if err != nil {
		return err
	}
	defer w.enter(deaths >= suspicious)()
	if deaths, err = w.trials.Begin(ctx, r.Marketplace); err != nil {
		return err
	}
	if deaths >= maxDeaths {
		if err := w.trials.Set(ctx, r.Marketplace, maxDeaths-1); err != nil {
			return err
		}
		return w.bury(ctx, r, fmt.Errorf("its scan ended the scraper's process %d times", deaths))
	}
	defer w.end(ctx, r.Marketplace)
	err = w.scanned(ctx, m)
	if err != nil && errs.KindOf(err) == errs.Internal && m.Attempt >= scan.MaxAttempts {
		return w.bury(ctx, r, err)
	}
	return err
}

// enter waits until this scan may go on: beside others, or alone.
func (w *worker) enter(alone bool) (leave func()) {
	if alone {
		w.alone.Lock()
		return w.alone.Unlock
	}
	w.alone.RLock()
	return w.alone.RUnlock
}

// scanned is the scan, with a panic as the error that it is.
func (w *worker) scanned(ctx context.Context, m bus.Msg) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the scan panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return w.scan(ctx, m)
}

// bury announces that the scan failed, and gives the error that sends its
// request to the dead letters.
func (w *worker) bury(ctx context.Context, r events.ScanRequested, reason error) error {
	said := reason.Error()
	if strings.Contains(said, "\n") { // with a stack: that is for the dead letter
		said = "it cannot be scanned because of an internal error"
	}
	if err := w.giveUp(ctx, r, said); err != nil {
		return err
	}
	return errs.New(errs.Invalid, "scan %s: %w", r.Marketplace, reason)
}

func (w *worker) end(ctx context.Context, k plugpack.MarketplaceKey) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := w.trials.End(ctx, k); err != nil {
		w.Log.Warn("cannot note that a scan has ended", "marketplace", k, "err", err)
	}
}

// giveUp announces that the scan failed and puts the next one off.
func (w *worker) giveUp(ctx context.Context, r events.ScanRequested, reason string) error {
	for {
		st, err := w.store.Get(ctx, r.Marketplace)
		if err != nil {
			return err
		}
		if err := w.fail(ctx, r, &st, reason); err != nil {
			return err
		}
		st.Request, st.LastError = r.Scan, reason
		st.Failures++
		st.NextAt = w.Now().Add(min(w.ScanInterval<<min(st.Failures, 6), 7*24*time.Hour)).UTC()
		if err := w.store.Put(ctx, st); !errors.Is(err, state.ErrNewer) {
			return err
		}
	}
}

// fail announces a failure that is newer than all that was announced.
func (w *worker) fail(ctx context.Context, r events.ScanRequested, st *state.State, reason string) error {
	at := w.Now().UTC()
	if !at.After(st.ObservedAt) {
		at = st.ObservedAt.Add(time.Millisecond)
	}
	f := plugpack.Failure{Scan: r.Scan, ObservedAt: at, Key: r.Marketplace, Reason: reason, FoundBy: st.FoundBy}
	if st.Listing != nil {
		f.Key = st.Listing.Key
	}
	m, err := events.NewMarketplaceFailed(f)
	if err != nil {
		return err
	}
	if err := w.Bus.Publish(ctx, m); err != nil {
		return err
	}
	st.ObservedAt = at
	w.tell(r, reason)
	return nil
}

func (w *worker) tell(r events.ScanRequested, reason string) {
	p := events.ScanProgress{Scan: r.Scan, Marketplace: r.Marketplace, Step: "failed", Reason: reason}
	if b, err := json.Marshal(p); err == nil {
		counted{w.Bus, w.scans}.Tell(events.SubjectScanProgress(r.Marketplace), b)
	}
}

// counted is a bus that counts how scans end by what they tell.
type counted struct {
	*bus.Bus
	scans *prometheus.CounterVec
}

// Tell tells, and counts ends and waits.
func (c counted) Tell(subject string, data []byte) {
	var p events.ScanProgress
	if json.Unmarshal(data, &p) == nil && (p.Final() || p.Step == "waiting") {
		c.scans.WithLabelValues(p.Step).Inc()
	}
	c.Bus.Tell(subject, data)
}

// busy are the marketplaces that this process is scanning. Two requests for one
// may be under way at different priorities; the second then mostly finds that
// nothing is left to do.
type busy struct {
	mu    sync.Mutex
	under map[plugpack.MarketplaceKey]chan struct{}
}

func (b *busy) enter(ctx context.Context, k plugpack.MarketplaceKey) (leave func(), err error) {
	for {
		b.mu.Lock()
		other, taken := b.under[k]
		if !taken {
			done := make(chan struct{})
			if b.under == nil {
				b.under = map[plugpack.MarketplaceKey]chan struct{}{}
			}
			b.under[k] = done
			b.mu.Unlock()
			return func() {
				b.mu.Lock()
				delete(b.under, k)
				b.mu.Unlock()
				close(done)
			}, nil
		}
		b.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-other:
		}
	}
}
