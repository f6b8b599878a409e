package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Ahead reads a stream's messages in order without taking them: somebody who
// holds one of a consumer that is InOrder may look at what comes next, and do
// it together with that one. It is for one goroutine.
type Ahead struct {
	bus    *Bus
	stream string
	cons   jetstream.Consumer
	last   uint64 // sequence of the message that cons gave last
}

// Ahead opens nothing yet.
func (b *Bus) Ahead(stream string) *Ahead { return &Ahead{bus: b, stream: stream} }

// After gives up to n messages that the stream has now behind the one with the
// sequence.
func (a *Ahead) After(ctx context.Context, sequence uint64, n int) ([]Msg, error) {
	ms, err := a.after(ctx, sequence, n)
	if err != nil {
		a.cons = nil
		return nil, fmt.Errorf("look ahead in %s: %w", a.stream, err)
	}
	return ms, nil
}

func (a *Ahead) after(ctx context.Context, sequence uint64, n int) (ms []Msg, err error) {
	if a.cons == nil || a.last > sequence {
		if err := a.open(ctx, sequence+1); err != nil {
			return nil, err
		}
	}
	batch, err := a.cons.FetchNoWait(n)
	if err != nil {
		return nil, err
	}
	for m := range batch.Messages() {
		meta, err := m.Metadata()
		if err != nil {
			return nil, err
		}
		if a.last = meta.Sequence.Stream; a.last > sequence {
			ms = append(ms, Msg{Subject: m.Subject(), Data: m.Data(), Sequence: a.last, Attempt: 1})
		}
	}
	return ms, batchError(batch)
}

// open makes a consumer that the server forgets by itself.
func (a *Ahead) open(ctx context.Context, from uint64) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	a.cons, err = a.bus.js.CreateConsumer(ctx, a.stream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, InactiveThreshold: time.Minute,
	})
	a.last = from - 1
	return err
}
