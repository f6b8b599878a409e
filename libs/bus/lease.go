package bus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/events"
)

// Lead runs run while this process holds the lease called name, and waits as a
// spare while another does. When the lease is lost, run's context ends and
// Lead waits for it again; it returns when ctx ends or run fails. A holder that
// dies is replaced within events.LeaseTTL and a third. Two may overlap for a
// moment (the old one has not noticed yet), so run's writes have to be guarded
// by revision.
func (b *Bus) Lead(ctx context.Context, name string, run func(ctx context.Context) error) error {
	l := lease{bus: b, name: name, id: uuid.NewString()}
	for ctx.Err() == nil {
		revision, err := l.acquire(ctx)
		if err != nil {
			switch {
			case errors.Is(err, jetstream.ErrKeyExists):
				l.waitFree(ctx)
			case ctx.Err() == nil:
				b.log.Warn("cannot take the lease, trying again", "lease", name, "err", err)
				Pause(ctx, events.LeaseTTL/3)
			}
			continue
		}
		b.log.Info("active", "lease", name)
		if err := l.hold(ctx, revision, run); err != nil {
			return err
		}
	}
	return nil
}

// Leading says whether the lease under which ctx was given, if there is one, is
// still ours. It looks at the clock, so a process that stood still for a while
// knows that it may have been replaced before it does anything else. A context
// that outlives the lease's own, as a handler's does, is good for it too.
func Leading(ctx context.Context) bool {
	t, ok := ctx.Value(termKey{}).(*term)
	return !ok || time.Since(t.start) < time.Duration(t.until.Load())
}

type termKey struct{}

// term is how long a lease is ours, reckoned from start.
type term struct {
	start time.Time
	until atomic.Int64
}

// extend counts from before the renewal was asked for, since the server counts
// from a moment after that.
func (t *term) extend(asked time.Time) { t.until.Store(int64(asked.Add(events.LeaseTTL).Sub(t.start))) }

type lease struct {
	bus  *Bus
	name string
	id   string
	kv   jetstream.KeyValue
	term *term
}

func (l *lease) acquire(ctx context.Context) (uint64, error) {
	l.term = &term{start: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, events.LeaseTTL)
	defer cancel()
	if l.kv == nil {
		// The bucket is in memory only, and gone when NATS has started anew.
		if err := events.Ensure(ctx, l.bus.js); err != nil {
			return 0, err
		}
		kv, err := l.bus.js.KeyValue(ctx, events.BucketLease)
		if err != nil {
			return 0, fmt.Errorf("open bucket %s: %w", events.BucketLease, err)
		}
		l.kv = kv
	}
	l.term.extend(time.Now())
	revision, err := l.kv.Create(ctx, l.name, []byte(l.id))
	if err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		l.kv = nil
	}
	return revision, err
}

// waitFree waits until the holder gives the lease back, or until it is time to
// look whether it died: nobody tells of a lease that ran out.
func (l *lease) waitFree(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, events.LeaseTTL/3)
	defer cancel()
	w, err := l.kv.Watch(ctx, l.name)
	if err != nil {
		<-ctx.Done()
		return
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return
		case e, open := <-w.Updates():
			if !open {
				<-ctx.Done()
				return
			}
			if e != nil && e.Operation() != jetstream.KeyValuePut {
				return
			}
		}
	}
}

// hold runs run and renews the lease until either ends.
func (l *lease) hold(ctx context.Context, revision uint64, run func(context.Context) error) error {
	runCtx, cancel := context.WithCancel(context.WithValue(ctx, termKey{}, l.term))
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- run(runCtx) }()
	for {
		select {
		case err := <-ended:
			l.release(revision)
			return err
		case <-ctx.Done():
			err := <-ended
			l.release(revision)
			return err
		case <-time.After(events.LeaseTTL / 3):
			asked := time.Now()
			renewed, err := l.renew(ctx, revision)
			if err == nil {
				l.term.extend(asked)
				revision = renewed
				continue
			}
			if ctx.Err() != nil {
				continue
			}
			l.bus.log.Warn("lease lost, waiting as a spare", "lease", l.name, "err", err)
			l.term.until.Store(0)
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				return err
			}
			return nil
		}
	}
}

func (l *lease) renew(ctx context.Context, revision uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, events.LeaseTTL/3)
	defer cancel()
	return l.kv.Update(ctx, l.name, []byte(l.id), revision)
}

// release gives the lease back at once, so that a spare need not wait.
func (l *lease) release(revision uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), events.LeaseTTL/3)
	defer cancel()
	_ = l.kv.Delete(ctx, l.name, jetstream.LastRevision(revision))
}
