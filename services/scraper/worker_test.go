package scraper

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const poison = plugpack.MarketplaceKey("github.com/acme/poison")

// newWorker makes a worker whose scans are what scan does.
func newWorker(t *testing.T, b *bus.Bus, scan bus.Handler) *worker {
	t.Helper()
	store, err := state.Open(t.Context(), b.JetStream())
	if err != nil {
		t.Fatal(err)
	}
	trials, err := state.OpenTrials(t.Context(), b.JetStream())
	if err != nil {
		t.Fatal(err)
	}
	s := &Scraper{
		Options: Options{ScanInterval: time.Hour}, Deps: Deps{Bus: b, Log: testkit.Log(t), Now: time.Now}, optOuts: &state.OptOuts{},
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "scans"}, []string{"outcome"}),
	}
	return &worker{Scraper: s, scan: scan, store: store, trials: trials}
}

// A scan that panics wherever it does is tried a few times, and then its row and
// a dead letter say so.
func TestPanicsEndInTheDeadLetters(t *testing.T) {
	t.Parallel()
	b := testkit.Bus(t)
	var tries atomic.Int32
	w := newWorker(t, b, func(context.Context, bus.Msg) error {
		tries.Add(1)
		panic("a manifest of horrors")
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- b.Consume(ctx, bus.Subscription{Stream: events.StreamScan, Durable: durable(events.PriorityNow), Filter: events.ScanRequestsOf(events.PriorityNow)}, w.handle)
	}()
	if _, queued, err := Enqueue(t.Context(), b, poison, false); err != nil || !queued {
		t.Fatal(queued, err)
	}
	var reason string
	testkit.Eventually(t, "the dead letter", func(ctx context.Context) bool {
		s, err := b.JetStream().Stream(ctx, events.StreamDead)
		if err != nil {
			t.Fatal(err)
		}
		m, err := s.GetLastMsgForSubject(ctx, "dead.scraper-now.*")
		if err == nil {
			reason = m.Header.Get(bus.HeaderReason)
		}
		return err == nil
	})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := tries.Load(); n != 5 || !strings.Contains(reason, "a manifest of horrors") {
		t.Errorf("%d tries, reason %q", n, reason)
	}
	var said plugpack.Failure
	if err := b.Replay(t.Context(), events.StreamPlugin, "marketplace.failed.*", func(data []byte) (err error) {
		said, err = events.Decode[plugpack.Failure](data, events.TypeMarketplaceFailed)
		return err
	}); err != nil || said.Key != poison || !strings.Contains(said.Reason, "internal error") {
		t.Errorf("announced %+v, %v", said, err)
	}
	if st, err := w.store.Get(t.Context(), poison); err != nil || st.Failures != 1 || !st.NextAt.After(time.Now()) {
		t.Errorf("state %+v, %v", st, err)
	}
}

// Who died twice is scanned while nothing else is, and who was given up has one
// more try and not five.
func TestSuspectsAreScannedAlone(t *testing.T) {
	t.Parallel()
	b := testkit.Bus(t)
	var w *worker
	shared := true
	w = newWorker(t, b, func(context.Context, bus.Msg) error {
		if shared = w.alone.TryRLock(); shared {
			w.alone.RUnlock()
		}
		return nil
	})
	message := func() bus.Msg {
		m, err := events.NewScanRequested(events.ScanRequested{Scan: "s", Marketplace: poison})
		if err != nil {
			t.Fatal(err)
		}
		return bus.Msg{Data: m.Data, Attempt: 1}
	}
	begin := func(n int) {
		t.Helper()
		for range n {
			if _, err := w.trials.Begin(t.Context(), poison); err != nil {
				t.Fatal(err)
			}
		}
	}
	for deaths, want := range []bool{true, true, false, false, false} {
		begin(deaths)
		if err := w.handle(t.Context(), message()); err != nil || shared != want {
			t.Errorf("after %d deaths: shared %t, %v", deaths, shared, err)
		}
	}
	begin(maxDeaths)
	if err := w.handle(t.Context(), message()); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), "5 times") {
		t.Errorf("got %v", err)
	}
	if err := w.handle(t.Context(), message()); err != nil || shared {
		t.Errorf("one more try: %v", err)
	}
	begin(maxDeaths)
	_ = w.handle(t.Context(), message())
	begin(1) // which it does not survive
	if err := w.handle(t.Context(), message()); errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
}
