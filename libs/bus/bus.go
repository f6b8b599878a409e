// Package bus publishes and consumes events on NATS JetStream.
//
// A handler is a function that returns an error. No error acknowledges the
// message. An Invalid error moves it to the dead letters at once, with the
// reason in its headers; Unavailable and TooMany are tried again for ever, with
// backoff; any other error is tried MaxAttempts times and then moved too, so
// that one message that trips a bug cannot stop the line behind it. Every
// message leaves exactly one log line. Deliveries may repeat and a handler has
// to bear that.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
)

// Bus is one service's connection to NATS.
type Bus struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger
}

// Connect opens a connection to the NATS server at url and ensures the
// streams. It keeps reconnecting for as long as the process lives.
func Connect(ctx context.Context, url, name string, log *slog.Logger) (*Bus, error) {
	nc, err := nats.Connect(url, Options(name, log)...)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "connect to NATS at NATS_URL: %w", err)
	}
	b, err := New(ctx, nc, log)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return b, nil
}

// Options are the connection options every service uses.
func Options(name string, log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.Timeout(5 * time.Second),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost, reconnecting", "err", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info("NATS connection is back") }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS error", "err", err) }),
	}
}

// New makes a bus of an open connection, which it then owns.
func New(ctx context.Context, nc *nats.Conn, log *slog.Logger) (*Bus, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := events.Ensure(ctx, js); err != nil {
		return nil, errs.New(errs.Unavailable, "%w", err)
	}
	return &Bus{nc: nc, js: js, log: log}, nil
}

// JetStream gives the underlying connection, for buckets and inspection.
func (b *Bus) JetStream() jetstream.JetStream { return b.js }

// Ping says whether the server answers.
func (b *Bus) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := b.nc.FlushWithContext(ctx); err != nil {
		return errs.New(errs.Unavailable, "ping NATS: %w", err)
	}
	return nil
}

// Close flushes what was published and closes the connection.
func (b *Bus) Close() {
	_ = b.nc.FlushTimeout(2 * time.Second)
	b.nc.Close()
}

// Publish stores m in its stream and returns when the server has it. A message
// whose id the stream saw in the last two minutes is dropped, without error.
// The error is Conflict when the subject's queue is full (see StreamScan).
func (b *Bus) Publish(ctx context.Context, m events.Message) error {
	msg := &nats.Msg{Subject: m.Subject, Data: m.Data, Header: nats.Header{}}
	otel.GetTextMapPropagator().Inject(ctx, propagation.HeaderCarrier(http.Header(msg.Header)))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := b.js.PublishMsg(ctx, msg, jetstream.WithMsgID(m.ID))
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == codeStoreFailed {
		return errs.New(errs.Conflict, "publish %s: %w", m.Subject, err)
	}
	if err != nil {
		return errs.New(errs.Unavailable, "publish %s: %w", m.Subject, err)
	}
	return nil
}

// codeStoreFailed is JetStream's answer when a stream that discards new
// messages has reached a limit.
const codeStoreFailed = 10077

// Tell sends data to whoever listens on subject now, and keeps nothing.
func (b *Bus) Tell(subject string, data []byte) { _ = b.nc.Publish(subject, data) }

// Listen calls f for each message told on subject until stop is called.
func (b *Bus) Listen(subject string, f func(data []byte)) (stop func(), err error) {
	sub, err := b.nc.Subscribe(subject, func(m *nats.Msg) { f(m.Data) })
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", subject, err)
	}
	return func() { _ = sub.Unsubscribe() }, b.nc.FlushTimeout(5 * time.Second)
}

// Drained says whether the consumer has handled every message that its stream
// holds now. It compares places in the stream: the consumer's own count of
// pending messages follows a publish only after a moment.
func (b *Bus) Drained(ctx context.Context, stream, durable string) (bool, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return false, errs.New(errs.Unavailable, "inspect stream %s: %w", stream, err)
	}
	last := s.CachedInfo().State.LastSeq
	c, err := s.Consumer(ctx, durable)
	if err != nil {
		return false, errs.New(errs.Unavailable, "inspect consumer %s: %w", durable, err)
	}
	info := c.CachedInfo()
	return info.Delivered.Stream >= last && info.NumAckPending == 0, nil
}

// Replay calls f with every message that the stream holds now on subjects that
// fit the filter, in their order, and ends with f's first error.
func (b *Bus) Replay(ctx context.Context, stream, filter string, f func(data []byte) error) error {
	cons, err := b.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		return errs.New(errs.Unavailable, "replay %s: %w", stream, err)
	}
	for {
		batch, err := cons.FetchNoWait(500)
		if err != nil {
			return errs.New(errs.Unavailable, "replay %s: %w", stream, err)
		}
		n := 0
		for m := range batch.Messages() {
			n++
			if err := f(m.Data()); err != nil {
				return err
			}
		}
		if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, jetstream.ErrNoMessages) {
			return errs.New(errs.Unavailable, "replay %s: %w", stream, err)
		}
		if n == 0 {
			return nil
		}
	}
}
