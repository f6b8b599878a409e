package bus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit"
)

// leader tells of one candidate's runs.
type leader struct {
	began, ended chan time.Time
}

// lead makes b a candidate until the test ends, or stop is called.
func lead(t *testing.T, b *bus.Bus) (l leader, stop func()) {
	t.Helper()
	l = leader{make(chan time.Time, 10), make(chan time.Time, 10)}
	stop = start(t, func(ctx context.Context) error {
		return b.Lead(ctx, "test", func(ctx context.Context) error {
			l.began <- time.Now()
			<-ctx.Done()
			l.ended <- time.Now()
			return nil
		})
	})
	return l, stop
}

// slowness measures the bucket's writes until the test ends and gives the
// slowest so far: a busy machine stretches them.
func slowness(t *testing.T, b *bus.Bus) func() time.Duration {
	t.Helper()
	kv, err := b.JetStream().KeyValue(t.Context(), events.BucketLease)
	if err != nil {
		t.Fatal(err)
	}
	var slowest atomic.Int64
	start(t, func(ctx context.Context) error {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			began := time.Now()
			_, _ = kv.PutString(ctx, "probe", "x")
			slowest.Store(max(slowest.Load(), int64(time.Since(began))))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		return nil
	})
	return func() time.Duration { return time.Duration(slowest.Load()) }
}

func TestLead(t *testing.T) {
	t.Parallel()
	t.Run("a holder that ends is replaced at once, and only then", func(t *testing.T) {
		t.Parallel()
		s := testkit.NATS(t)
		holder, spare := testkit.BusOn(t, s), testkit.BusOn(t, s)
		slowest := slowness(t, testkit.BusOn(t, s))
		a, stopA := lead(t, holder)
		take(t, a.began, 1)
		b, _ := lead(t, spare)
		// Longer than the lease lives unless its holder renews it.
		select {
		case <-b.began:
			t.Fatalf("two are active; the bucket's slowest write took %v", slowest())
		case <-time.After(events.LeaseTTL + time.Second):
		}
		stopA()
		ended := take(t, a.ended, 1)[0]
		if waited, most := take(t, b.began, 1)[0].Sub(ended), events.LeaseTTL/4+4*slowest(); waited < 0 || waited > most {
			t.Errorf("the spare began %v after the holder's end, want at most %v", waited, most)
		}
	})
	t.Run("a holder that is cut off stops, and is replaced within a lease and a third", func(t *testing.T) {
		t.Parallel()
		s := testkit.NATS(t)
		first, nc, _ := cuttable(t, s)
		slowest := slowness(t, testkit.BusOn(t, s))
		a, _ := lead(t, first)
		take(t, a.began, 1)
		b, _ := lead(t, testkit.BusOn(t, s))
		cut := time.Now()
		nc.Close()
		if after := take(t, a.ended, 1)[0].Sub(cut); after > events.LeaseTTL*2/3+time.Second+4*slowest() {
			t.Errorf("the holder went on for %v", after)
		}
		if after := take(t, b.began, 1)[0].Sub(cut); after > events.LeaseTTL*4/3+time.Second+4*slowest() {
			t.Errorf("the spare waited %v", after)
		}
		if len(a.began) > 0 {
			t.Error("the holder began again without a connection")
		}
	})
	t.Run("a lost lease is waited for again, whatever its end says of the context", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		began := make(chan struct{}, 10)
		start(t, func(ctx context.Context) error {
			err := b.Lead(ctx, "test", func(ctx context.Context) error {
				began <- struct{}{}
				<-ctx.Done()
				return ctx.Err()
			})
			if ctx.Err() == nil {
				t.Errorf("ended with %v though its context goes on", err)
			}
			return nil
		})
		take(t, began, 1)
		kv, err := b.JetStream().KeyValue(t.Context(), events.BucketLease)
		if err != nil {
			t.Fatal(err)
		}
		if err := kv.Delete(t.Context(), "test"); err != nil {
			t.Fatal(err)
		}
		take(t, began, 1)
	})
	t.Run("a run that fails ends it and gives the lease back", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		broken := errors.New("broken")
		for range 2 { // the second has to wait for nothing
			ctx, cancel := context.WithTimeout(t.Context(), events.LeaseTTL/2)
			defer cancel()
			if err := b.Lead(ctx, "test", func(context.Context) error { return broken }); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
		}
	})
}
