package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
)

// Msg is a delivered message.
type Msg struct {
	Subject string
	Data    []byte
	// Sequence is the message's place in its stream.
	Sequence uint64
	// Attempt counts deliveries, from 1.
	Attempt int
	// ID is the message id, which names the occasion, and StoredAt when the
	// stream got the message.
	ID       string
	StoredAt time.Time

	js jetstream.Msg
}

// Handler handles one message; the package comment says what its error means.
type Handler func(ctx context.Context, m Msg) error

// BatchHandler handles messages together and gives one error a message, in
// their order, so that a bad one does not take its neighbours along; nil means
// that all are done.
type BatchHandler func(ctx context.Context, ms []Msg) []error

// Subscription names a durable consumer and how it takes messages.
type Subscription struct {
	Stream  string
	Durable string
	Filter  string // subject filter; "" for all of the stream
	// Workers is how many messages this process handles at once (1).
	Workers int
	// InOrder lets only one message be under way over all processes, so that
	// one that is tried again still comes before the later ones.
	InOrder bool
	// MaxAttempts bounds deliveries of a message whose handler fails for a
	// reason that is nobody's absence (8).
	MaxAttempts int
	// AckWait is how long a message of a process that died stays away (10 s).
	AckWait time.Duration
	// Batch and BatchWait bound a batch by count and by waiting time (200,
	// 250 ms), and BatchBytes, if set, by size; they count for ConsumeBatch only.
	Batch      int
	BatchBytes int
	BatchWait  time.Duration
}

// Consume handles messages until ctx ends; those under way are finished first.
func (b *Bus) Consume(ctx context.Context, s Subscription, handle Handler) error {
	s.Batch, s.BatchWait = 1, 5*time.Second
	return b.consume(ctx, s, func(ctx context.Context, ms []Msg) []error { return []error{handle(ctx, ms[0])} })
}

// ConsumeBatch handles messages in batches until ctx ends.
func (b *Bus) ConsumeBatch(ctx context.Context, s Subscription, handle BatchHandler) error {
	s.Batch, s.BatchWait = cmp.Or(s.Batch, 200), cmp.Or(s.BatchWait, 250*time.Millisecond)
	return b.consume(ctx, s, handle)
}

func (b *Bus) consume(ctx context.Context, s Subscription, handle BatchHandler) error {
	s.Workers, s.MaxAttempts, s.AckWait = cmp.Or(s.Workers, 1), cmp.Or(s.MaxAttempts, 8), cmp.Or(s.AckWait, 10*time.Second)
	c := &consumer{Bus: b, Subscription: s, handle: handle}
	g, ctx := errgroup.WithContext(ctx)
	for range s.Workers {
		g.Go(func() error { return c.work(ctx) })
	}
	return g.Wait()
}

type consumer struct {
	*Bus
	Subscription
	handle BatchHandler
}

// work takes and handles batches. When the server is away or has lost the
// consumer, it opens the consumer anew, so a restart of NATS needs no restart
// of ours.
func (c *consumer) work(ctx context.Context) error {
	var cons jetstream.Consumer
	for failures := 0; ctx.Err() == nil; {
		err := func() (err error) {
			if cons == nil {
				if cons, err = c.open(ctx); err != nil {
					return err
				}
			}
			ms, err := c.fetch(ctx, cons)
			if len(ms) > 0 {
				c.process(ctx, ms)
			}
			return err
		}()
		if err == nil {
			failures = 0
			continue
		}
		if ctx.Err() != nil {
			break
		}
		cons = nil
		failures++
		c.log.Warn("cannot take messages, trying again", "consumer", c.Durable, "err", err)
		Pause(ctx, backoff(failures))
	}
	return nil
}

func (c *consumer) open(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cfg := jetstream.ConsumerConfig{
		Durable: c.Durable, FilterSubject: c.Filter, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: c.AckWait, MaxDeliver: -1, MaxAckPending: 10_000,
	}
	if c.InOrder {
		cfg.MaxAckPending = 1
	}
	cons, err := c.js.CreateOrUpdateConsumer(ctx, c.Stream, cfg)
	if err != nil {
		return nil, fmt.Errorf("open consumer %s of %s: %w", c.Durable, c.Stream, err)
	}
	return cons, nil
}

// fetch takes what comes within BatchWait. The library's own way to end a pull
// by a context drops what was delivered at that moment, which would then be
// missing until AckWait; so the pull runs to its end, and when ctx ends first,
// what it still brings is given back.
func (c *consumer) fetch(ctx context.Context, cons jetstream.Consumer) ([]Msg, error) {
	batch, err := c.pull(cons)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	var ms []Msg
	for {
		select {
		case m, ok := <-batch.Messages():
			if !ok {
				return ms, batchError(batch)
			}
			meta, err := m.Metadata()
			if err != nil {
				return ms, fmt.Errorf("read message metadata: %w", err)
			}
			ms = append(ms, Msg{
				Subject: m.Subject(), Data: m.Data(), Sequence: meta.Sequence.Stream, Attempt: int(meta.NumDelivered),
				ID: m.Headers().Get(jetstream.MsgIDHeader), StoredAt: meta.Timestamp, js: m,
			})
		case <-ctx.Done():
			go giveBack(batch)
			return ms, nil
		}
	}
}

// pull asks for a batch. The library's FetchBytes would make room for a million
// messages each time, some 30 MB.
func (c *consumer) pull(cons jetstream.Consumer) (jetstream.MessageBatch, error) {
	options := []jetstream.FetchOpt{jetstream.FetchMaxWait(c.BatchWait)}
	if c.BatchBytes > 0 {
		options = append(options, jetstream.FetchMaxBytes(c.BatchBytes))
	}
	return cons.Fetch(c.Batch, options...)
}

func batchError(batch jetstream.MessageBatch) error {
	if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

func giveBack(batch jetstream.MessageBatch) {
	for m := range batch.Messages() {
		_ = m.Nak()
	}
}

// process runs the handler to its end even while the process is stopping, and
// settles every message.
func (c *consumer) process(ctx context.Context, ms []Msg) {
	start := time.Now()
	ctx = context.WithoutCancel(ctx)
	ctx = otel.GetTextMapPropagator().Extract(ctx, propagation.HeaderCarrier(http.Header(ms[0].js.Headers())))
	ctx, span := otel.Tracer("bus").Start(ctx, c.Durable, trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()

	stop := c.keepAlive(ms)
	failed := c.call(ctx, ms)
	stop()
	for i, m := range ms {
		var err error
		if failed != nil {
			err = failed[i]
		}
		outcome, settleErr := c.settle(ctx, m, err)
		c.report(ctx, m, outcome, errors.Join(err, settleErr), time.Since(start))
	}
}

func (c *consumer) call(ctx context.Context, ms []Msg) (failed []error) {
	defer func() {
		if r := recover(); r != nil {
			failed = slices.Repeat([]error{fmt.Errorf("handler panicked: %v\n%s", r, debug.Stack())}, len(ms))
		}
	}()
	failed = c.handle(ctx, ms)
	if failed != nil && len(failed) != len(ms) {
		panic(fmt.Sprintf("%d errors for %d messages", len(failed), len(ms)))
	}
	return failed
}

// keepAlive tells the server that the messages are still being worked on.
func (c *consumer) keepAlive(ms []Msg) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		t := time.NewTicker(c.AckWait / 3)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				for _, m := range ms {
					_ = m.js.InProgress()
				}
			}
		}
	}()
	return func() { close(done); <-stopped }
}

// settle acknowledges, delays or buries m, and says which.
func (c *consumer) settle(ctx context.Context, m Msg, err error) (outcome string, _ error) {
	if err == nil {
		return "done", m.js.Ack()
	}
	kind := errs.KindOf(err)
	again := kind == errs.Unavailable || kind == errs.TooMany || kind != errs.Invalid && m.Attempt < c.MaxAttempts
	if again {
		return "retry", m.js.NakWithDelay(cmp.Or(errs.RetryAfter(err), backoff(m.Attempt)))
	}
	if buryErr := c.bury(ctx, m, err); buryErr != nil {
		return "retry", errors.Join(buryErr, m.js.NakWithDelay(backoff(m.Attempt)))
	}
	return "dead", m.js.Term()
}

// Headers of a dead letter.
const (
	HeaderReason   = "Plugpack-Reason"
	HeaderSubject  = "Plugpack-Subject"
	HeaderStream   = "Plugpack-Stream"
	HeaderSequence = "Plugpack-Sequence"
	HeaderAttempts = "Plugpack-Attempts"
)

// bury stores m in the dead letters. It is published before m is terminated:
// a crash between the two repeats the burial and loses nothing.
func (c *consumer) bury(ctx context.Context, m Msg, reason error) error {
	dead := nats.NewMsg(events.SubjectDead(c.Durable, m.Subject))
	dead.Data = m.Data
	dead.Header.Set(HeaderReason, oneLine(reason))
	dead.Header.Set(HeaderSubject, m.Subject)
	dead.Header.Set(HeaderStream, c.Stream)
	dead.Header.Set(HeaderSequence, fmt.Sprint(m.Sequence))
	dead.Header.Set(HeaderAttempts, fmt.Sprint(m.Attempt))
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := c.js.PublishMsg(ctx, dead, jetstream.WithMsgID(fmt.Sprintf("%s/%s/%d", c.Durable, c.Stream, m.Sequence))); err != nil {
		return fmt.Errorf("bury message: %w", err)
	}
	return nil
}

// backoff grows from a quarter of a second to half a minute, with jitter so
// that those who failed together do not come back together.
func backoff(attempt int) time.Duration {
	d := 250 * time.Millisecond << min(attempt-1, 7)
	return d/2 + rand.N(d/2)
}

// Pause waits for d, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
