package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
)

// Position is how far a consumer is in its stream.
type Position struct {
	Last    uint64 // message of the stream
	Done    uint64 // all up to here are handled
	Waiting int    // messages that are not handled yet
	// Oldest is when the stream got the first of those, zero if there are none.
	Oldest time.Time
}

// Position says how far a consumer is.
func (b *Bus) Position(ctx context.Context, stream, durable string) (p Position, err error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return p, errs.New(errs.Unavailable, "inspect stream %s: %w", stream, err)
	}
	c, err := s.Consumer(ctx, durable)
	if err != nil {
		return p, errs.New(errs.Unavailable, "inspect consumer %s: %w", durable, err)
	}
	info := c.CachedInfo()
	p = Position{Last: s.CachedInfo().State.LastSeq, Done: info.AckFloor.Stream, Waiting: int(info.NumPending) + info.NumAckPending}
	if p.Waiting == 0 {
		p.Done = p.Last
		return p, nil
	}
	m, err := s.GetMsg(ctx, p.Done+1, jetstream.WithGetMsgSubject(info.Config.FilterSubject))
	switch {
	case err == nil:
		p.Oldest = m.Time
	case !errors.Is(err, jetstream.ErrMsgNotFound): // handled or replaced just now
		return p, errs.New(errs.Unavailable, "inspect stream %s: %w", stream, err)
	}
	return p, nil
}

// Pass returns when the consumer has handled what its stream holds now, or with
// an Unavailable error after d.
func (b *Bus) Pass(ctx context.Context, stream, durable string, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	first, err := b.Position(ctx, stream, durable)
	for pause := 20 * time.Millisecond; err == nil; pause = min(2*pause, time.Second) {
		var now Position
		if now, err = b.Position(ctx, stream, durable); err == nil && now.Done >= first.Last {
			return nil
		}
		Pause(ctx, pause)
		if ctx.Err() != nil {
			return errs.New(errs.Unavailable, "consumer %s is %d messages behind", durable, now.Waiting)
		}
	}
	return err
}
