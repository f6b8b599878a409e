package bus

import (
	"context"
	"errors"
	"fmt"
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

type lease struct {
	bus  *Bus
	name string
	id   string
	kv   jetstream.KeyValue
}

func (l *lease) acquire(ctx context.Context) (uint64, error) {
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
	runCtx, cancel := context.WithCancel(ctx)
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
			renewed, err := l.renew(ctx, revision)
			if err == nil {
				revision = renewed
				continue
			}
			if ctx.Err() != nil {
				continue
			}
			l.bus.log.Warn("lease lost, waiting as a spare", "lease", l.name, "err", err)
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
