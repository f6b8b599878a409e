package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	natsclient "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/local/nats"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

func TestMain(m *testing.M) {
	// As service.New does it for every process.
	otel.SetTracerProvider(trace.NewTracerProvider())
	otel.SetTextMapPropagator(propagation.TraceContext{})
	os.Exit(m.Run())
}

// patience bounds every wait, for a test that would hang.
const patience = 45 * time.Second

// inOrder is how the catalog listens.
var inOrder = bus.Subscription{Stream: events.StreamPlugin, Durable: "test", InOrder: true}

// send publishes one observation a name, in the names' order.
func send(t *testing.T, b *bus.Bus, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := b.Publish(t.Context(), message(t, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func message(t *testing.T, name string) events.Message {
	t.Helper()
	m, err := events.NewPluginUpdated(sample.Observation("acme/tools", name, 1))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func nameOf(m bus.Msg) string {
	o, err := events.Decode[plugpack.Observation](m.Data, events.TypePluginUpdated)
	if err != nil {
		return err.Error()
	}
	return o.Name
}

// start runs f until the test ends, or stop is called, and then waits for it.
func start(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("ended with %v", err)
			}
		case <-time.After(patience):
			t.Error("does not end with its context")
		}
	})
	t.Cleanup(stop)
	return stop
}

// consume handles messages with h until the test ends.
func consume(t *testing.T, b *bus.Bus, s bus.Subscription, h bus.Handler) (stop func()) {
	t.Helper()
	return start(t, func(ctx context.Context) error { return b.Consume(ctx, s, h) })
}

// take receives n values.
func take[T any](t *testing.T, c <-chan T, n int) []T {
	t.Helper()
	var got []T
	timeout := time.After(patience)
	for len(got) < n {
		select {
		case v := <-c:
			got = append(got, v)
		case <-timeout:
			t.Fatalf("waited in vain for %d, got %v", n, got)
		}
	}
	return got
}

func wantNames(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
}

// settled waits until the consumer has nothing left to deliver or to wait for.
func settled(t *testing.T, b *bus.Bus, stream, durable string) {
	t.Helper()
	testkit.Eventually(t, "all messages to be settled", func(ctx context.Context) bool {
		c, err := b.JetStream().Consumer(ctx, stream, durable)
		if err != nil {
			return false
		}
		i := c.CachedInfo()
		return i.NumPending == 0 && i.NumAckPending == 0 && i.Delivered.Stream > 0
	})
}

// deadLetter waits for the letter of a message that consumer "test" buried.
func deadLetter(t *testing.T, b *bus.Bus, subject string) (letter *jetstream.RawStreamMsg) {
	t.Helper()
	stream, err := b.JetStream().Stream(t.Context(), events.StreamDead)
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "a dead letter", func(ctx context.Context) bool {
		letter, err = stream.GetLastMsgForSubject(ctx, events.SubjectDead("test", subject))
		return err == nil
	})
	return letter
}

// logged is a log that a test reads.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// messages gives the lines called "message".
func (l *logged) messages(t *testing.T) (lines []map[string]any) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := json.NewDecoder(bytes.NewReader(l.b.Bytes())); ; {
		var line map[string]any
		err := d.Decode(&line)
		if err == io.EOF {
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		if line["msg"] == "message" {
			lines = append(lines, line)
		}
	}
}

// cuttable gives a bus whose connection the test can cut, and its log.
func cuttable(t *testing.T, s *nats.Server) (*bus.Bus, *natsclient.Conn, *logged) {
	t.Helper()
	log := &logged{}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.New(t.Context(), nc, slog.New(slog.NewJSONHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b, nc, log
}

func TestPublish(t *testing.T) {
	t.Parallel()
	t.Run("a repeated message id is dropped", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		m := message(t, "one")
		for range 3 {
			if err := b.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		send(t, b, "two")
		got := make(chan bus.Msg, 10)
		consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error { got <- m; return nil })
		ms := take(t, got, 2)
		wantNames(t, []string{nameOf(ms[0]), nameOf(ms[1])}, "one", "two")
		if ms[0].Sequence != 1 || ms[1].Sequence != 2 {
			t.Errorf("sequences %d and %d: a repetition was stored", ms[0].Sequence, ms[1].Sequence)
		}
	})
	t.Run("without a server it is unavailable", func(t *testing.T) {
		t.Parallel()
		b, nc, _ := cuttable(t, testkit.NATS(t))
		nc.Close()
		if err := b.Publish(t.Context(), message(t, "one")); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("publish gives %v, want Unavailable", err)
		}
		if err := b.Ping(t.Context()); errs.KindOf(err) != errs.Unavailable {
			t.Errorf("ping gives %v, want Unavailable", err)
		}
	})
	t.Run("a server that was never there is named by its variable", func(t *testing.T) {
		t.Parallel()
		_, err := bus.Connect(t.Context(), "nats://127.0.0.1:1", "test", testkit.Log(t))
		if errs.KindOf(err) != errs.Unavailable || !strings.Contains(err.Error(), "NATS_URL") {
			t.Errorf("connect gives %v", err)
		}
	})
	t.Run("what is told reaches who listens, until it stops", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		got := make(chan string, 10)
		stop, err := b.Listen("progress.scan.x", func(data []byte) { got <- string(data) })
		if err != nil {
			t.Fatal(err)
		}
		b.Tell("progress.scan.x", []byte("half"))
		wantNames(t, take(t, got, 1), "half")
		stop()
		b.Tell("progress.scan.x", []byte("done"))
		if err := b.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if len(got) > 0 {
			t.Errorf("%q was heard after the end", <-got)
		}
	})
}

func TestConsume(t *testing.T) {
	t.Parallel()
	t.Run("success acknowledges", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "one")
		got := make(chan bus.Msg, 10)
		consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error { got <- m; return nil })
		if m := take(t, got, 1)[0]; m.Attempt != 1 || m.Subject != message(t, "one").Subject {
			t.Errorf("got %+v", m)
		}
		settled(t, b, events.StreamPlugin, "test")
	})
	t.Run("what is tried again still comes before the later ones", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2", "3", "4", "5", "6")
		got := make(chan string, 20)
		consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
			got <- fmt.Sprintf("%s/%d", nameOf(m), m.Attempt)
			if nameOf(m) == "2" && m.Attempt <= 2 {
				return errs.New(errs.Unavailable, "away")
			}
			return nil
		})
		wantNames(t, take(t, got, 8), "1/1", "2/1", "2/2", "2/3", "3/1", "4/1", "5/1", "6/1")
	})
	t.Run("over two processes too", func(t *testing.T) {
		t.Parallel()
		s := testkit.NATS(t)
		a, b := testkit.BusOn(t, s), testkit.BusOn(t, s)
		send(t, a, "1", "2", "3", "4", "5", "6")
		got := make(chan string, 20)
		for _, b := range []*bus.Bus{a, b} {
			consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
				if nameOf(m) == "2" && m.Attempt == 1 {
					return errs.New(errs.Unavailable, "away")
				}
				got <- nameOf(m)
				return nil
			})
		}
		wantNames(t, take(t, got, 6), "1", "2", "3", "4", "5", "6")
	})
	t.Run("what can never work is buried with its reason, and the line goes on", func(t *testing.T) {
		t.Parallel()
		b, _, log := cuttable(t, testkit.NATS(t))
		send(t, b, "1", "2", "3")
		got := make(chan string, 10)
		consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
			got <- nameOf(m)
			if nameOf(m) == "2" {
				return fmt.Errorf("apply 2: %w", errs.New(errs.Invalid, "no\r\n\tname: %s", strings.Repeat("é", 900)))
			}
			return nil
		})
		wantNames(t, take(t, got, 3), "1", "2", "3")
		m := message(t, "2")
		letter := deadLetter(t, b, m.Subject)
		if !bytes.Equal(letter.Data, m.Data) {
			t.Errorf("the letter holds %q", letter.Data)
		}
		for header, want := range map[string]string{
			bus.HeaderSubject: m.Subject, bus.HeaderStream: events.StreamPlugin, bus.HeaderSequence: "2", bus.HeaderAttempts: "1",
		} {
			if got := letter.Header.Get(header); got != want {
				t.Errorf("%s: %q, want %q", header, got, want)
			}
		}
		if reason := letter.Header.Get(bus.HeaderReason); !strings.HasPrefix(reason, "apply 2: no name: éé") || !strings.HasSuffix(reason, "é…") {
			t.Errorf("reason %q", reason)
		}
		settled(t, b, events.StreamPlugin, "test")
		if n := len(log.messages(t)); n != 3 {
			t.Errorf("%d log lines for three messages", n)
		}
	})
	t.Run("a panic is tried again, then buried", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2")
		s := inOrder
		s.MaxAttempts = 2
		got := make(chan string, 10)
		consume(t, b, s, func(_ context.Context, m bus.Msg) error {
			got <- fmt.Sprintf("%s/%d", nameOf(m), m.Attempt)
			if nameOf(m) == "1" {
				panic("oh no")
			}
			return nil
		})
		wantNames(t, take(t, got, 3), "1/1", "1/2", "2/1")
		letter := deadLetter(t, b, message(t, "1").Subject)
		if reason := letter.Header.Get(bus.HeaderReason); !strings.Contains(reason, "oh no") || letter.Header.Get(bus.HeaderAttempts) != "2" {
			t.Errorf("header %v", letter.Header)
		}
	})
	t.Run("an error of no kind is tried MaxAttempts times, one of absence for ever", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "bug", "away")
		s := inOrder
		s.InOrder, s.MaxAttempts = false, 1
		got := make(chan string, 10)
		consume(t, b, s, func(_ context.Context, m bus.Msg) error {
			if nameOf(m) == "bug" {
				return io.ErrUnexpectedEOF
			}
			got <- fmt.Sprint(m.Attempt)
			if m.Attempt < 3 {
				return errs.RetryLater(errs.TooMany, time.Millisecond, "slow down")
			}
			return nil
		})
		wantNames(t, take(t, got, 3), "1", "2", "3")
		deadLetter(t, b, message(t, "bug").Subject)
	})
	t.Run("the wait that an error asks for is kept", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1")
		const wait = 700 * time.Millisecond // the first backoff is at most 250 ms
		at := make(chan time.Time, 10)
		consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
			at <- time.Now()
			if m.Attempt == 1 {
				return errs.RetryLater(errs.TooMany, wait, "slow down")
			}
			return nil
		})
		times := take(t, at, 2)
		if waited := times[1].Sub(times[0]); waited < wait-50*time.Millisecond {
			t.Errorf("tried again after %v, want %v", waited, wait)
		}
	})
	t.Run("messages under way are finished when the process stops", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2")
		ctx, stop := context.WithCancel(t.Context())
		got, stopped := make(chan error, 10), make(chan error, 1)
		go func() {
			stopped <- b.Consume(ctx, inOrder, func(handling context.Context, _ bus.Msg) error {
				stop()
				<-ctx.Done()
				got <- handling.Err()
				return nil
			})
		}()
		if err := take(t, got, 1)[0]; err != nil {
			t.Errorf("the handler's context ended: %v", err)
		}
		if err := take(t, stopped, 1)[0]; err != nil {
			t.Errorf("stopped with %v", err)
		}
		rest := make(chan string, 10)
		consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
			rest <- nameOf(m)
			return nil
		})
		wantNames(t, take(t, rest, 1), "2")
	})
	t.Run("a message of a process that died comes back", func(t *testing.T) {
		t.Parallel()
		server := testkit.NATS(t)
		dying, nc, _ := cuttable(t, server)
		send(t, dying, "1")
		s := inOrder
		s.AckWait = time.Second
		begun, end := make(chan struct{}), make(chan struct{})
		stop := consume(t, dying, s, func(context.Context, bus.Msg) error { close(begun); <-end; return nil })
		t.Cleanup(stop)
		t.Cleanup(func() { close(end) })
		<-begun
		nc.Close()
		got := make(chan int, 10)
		consume(t, testkit.BusOn(t, server), s, func(_ context.Context, m bus.Msg) error { got <- m.Attempt; return nil })
		if attempt := take(t, got, 1)[0]; attempt != 2 {
			t.Errorf("attempt %d, want 2", attempt)
		}
	})
	t.Run("a message that takes longer than AckWait stays with its handler", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1")
		s := inOrder
		s.AckWait, s.Workers = 600*time.Millisecond, 2
		got := make(chan int, 10)
		consume(t, b, s, func(_ context.Context, m bus.Msg) error {
			got <- m.Attempt
			<-time.After(3 * s.AckWait) // the time itself is what is tested
			return nil
		})
		take(t, got, 1)
		settled(t, b, events.StreamPlugin, "test")
		if len(got) > 0 {
			t.Errorf("delivered again, as attempt %d", <-got)
		}
	})
	t.Run("workers handle messages side by side", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2", "3")
		var all sync.WaitGroup
		all.Add(3)
		done := make(chan struct{}, 3)
		consume(t, b, bus.Subscription{Stream: events.StreamPlugin, Durable: "test", Workers: 3}, func(context.Context, bus.Msg) error {
			all.Done()
			all.Wait() // for ever if they came one after the other
			done <- struct{}{}
			return nil
		})
		take(t, done, 3)
	})
	t.Run("a filter leaves the rest alone", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		l, err := events.NewMarketplaceScanned(sample.Listing("acme/tools", 1, "1"))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Publish(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		send(t, b, "1")
		s := inOrder
		s.Filter = events.PluginEvents
		got := make(chan string, 10)
		consume(t, b, s, func(_ context.Context, m bus.Msg) error { got <- m.Subject; return nil })
		wantNames(t, take(t, got, 1), message(t, "1").Subject)
	})
}

// An idle consumer asks twenty times a second. Not in parallel, since it looks
// at what the whole process allocates.
func TestIdleConsumerAllocatesLittle(t *testing.T) {
	b := testkit.Bus(t)
	asked := make(chan struct{})
	start(t, func(ctx context.Context) error {
		return b.ConsumeBatch(ctx, bus.Subscription{
			Stream: events.StreamPlugin, Durable: "idle", BatchBytes: 4 << 20, BatchWait: 50 * time.Millisecond,
		}, func(context.Context, []bus.Msg) []error { close(asked); return nil })
	})
	send(t, b, "1")
	<-asked
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	<-time.After(300 * time.Millisecond) // nothing comes, which gives no signal
	runtime.ReadMemStats(&after)
	if grown := (after.TotalAlloc - before.TotalAlloc) >> 20; grown > 16 {
		t.Errorf("%d MiB were allocated in 0.3 s for nothing", grown)
	}
}

func TestConsumeBatch(t *testing.T) {
	t.Parallel()
	subscription := bus.Subscription{Stream: events.StreamPlugin, Durable: "test"}
	batches := func(t *testing.T, b *bus.Bus, s bus.Subscription, h bus.BatchHandler) {
		t.Helper()
		start(t, func(ctx context.Context) error { return b.ConsumeBatch(ctx, s, h) })
	}
	t.Run("what waits comes together, up to the bound", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2", "3", "4", "5")
		s := subscription
		s.Batch = 3
		got := make(chan string, 10)
		batches(t, b, s, func(_ context.Context, ms []bus.Msg) []error {
			var names []string
			for _, m := range ms {
				names = append(names, nameOf(m))
			}
			got <- strings.Join(names, "+")
			return nil
		})
		wantNames(t, take(t, got, 2), "1+2+3", "4+5")
		settled(t, b, events.StreamPlugin, "test")
	})
	t.Run("a bad message does not take its neighbours along", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2", "3")
		got := make(chan string, 10)
		batches(t, b, subscription, func(_ context.Context, ms []bus.Msg) []error {
			failed := make([]error, len(ms))
			for i, m := range ms {
				got <- fmt.Sprintf("%s/%d", nameOf(m), m.Attempt)
				switch nameOf(m) {
				case "1":
					failed[i] = errs.New(errs.Invalid, "bad")
				case "2":
					if m.Attempt == 1 {
						failed[i] = errs.New(errs.Unavailable, "away")
					}
				}
			}
			return failed
		})
		wantNames(t, take(t, got, 4), "1/1", "2/1", "3/1", "2/2")
		deadLetter(t, b, message(t, "1").Subject)
		settled(t, b, events.StreamPlugin, "test")
	})
	t.Run("a panic, or a wrong number of errors, fails all of them", func(t *testing.T) {
		t.Parallel()
		b := testkit.Bus(t)
		send(t, b, "1", "2")
		s := subscription
		s.MaxAttempts = 2
		calls := 0
		batches(t, b, s, func(_ context.Context, ms []bus.Msg) []error {
			if calls++; calls == 1 {
				return make([]error, len(ms)+1)
			}
			panic("oh no")
		})
		deadLetter(t, b, message(t, "1").Subject)
		deadLetter(t, b, message(t, "2").Subject)
	})
}

func TestOneLogLineAMessage(t *testing.T) {
	t.Parallel()
	b, _, log := cuttable(t, testkit.NATS(t))
	send(t, b, "1", "2", "3")
	stop := consume(t, b, inOrder, func(_ context.Context, m bus.Msg) error {
		switch {
		case nameOf(m) == "2" && m.Attempt == 1:
			return errs.New(errs.Unavailable, "away")
		case nameOf(m) == "3":
			return errs.New(errs.Invalid, "bad")
		}
		return nil
	})
	deadLetter(t, b, message(t, "3").Subject)
	settled(t, b, events.StreamPlugin, "test")
	stop()
	var got []string
	for _, line := range log.messages(t) {
		got = append(got, fmt.Sprintf("%v %v %v %v %v %v %v", line["level"], line["consumer"], line["type"], line["about"], line["outcome"], line["attempt"], line["err"]))
		if ms, ok := line["dur_ms"].(float64); !ok || ms < 0 {
			t.Errorf("dur_ms is %v", line["dur_ms"])
		}
		if id, ok := line["trace_id"].(string); !ok || len(id) != 32 {
			t.Errorf("trace_id is %v", line["trace_id"])
		}
		if line["data"] != nil {
			t.Error("the payload is in the log")
		}
	}
	wantNames(t, got,
		"INFO test plugin.updated github.com/acme/tools:1 done 1 <nil>",
		"WARN test plugin.updated github.com/acme/tools:2 retry 1 away",
		"INFO test plugin.updated github.com/acme/tools:2 done 2 <nil>",
		"ERROR test plugin.updated github.com/acme/tools:3 dead 1 bad",
	)
}

func TestTraceGoesFromPublisherToHandler(t *testing.T) {
	t.Parallel()
	b, _, log := cuttable(t, testkit.NATS(t))
	ctx, span := otel.Tracer("test").Start(t.Context(), "publish")
	if err := b.Publish(ctx, message(t, "1")); err != nil {
		t.Fatal(err)
	}
	span.End()
	got := make(chan string, 1)
	stop := consume(t, b, inOrder, func(ctx context.Context, _ bus.Msg) error {
		carrier := propagation.MapCarrier{}
		otel.GetTextMapPropagator().Inject(ctx, carrier)
		got <- carrier.Get("traceparent")
		return nil
	})
	want := span.SpanContext().TraceID().String()
	parent := take(t, got, 1)[0]
	if !strings.Contains(parent, want) || strings.Contains(parent, span.SpanContext().SpanID().String()) {
		t.Errorf("traceparent %q, want a new span in trace %s", parent, want)
	}
	stop()
	if lines := log.messages(t); len(lines) != 1 || lines[0]["trace_id"] != want {
		t.Errorf("log %v, want trace %s", lines, want)
	}
}
