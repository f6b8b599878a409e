// Package live tells readers of changes as they are committed, as server-sent
// events.
//
// Events come from the CATALOG stream, and an event's id is its number there: a
// client that comes back says which it saw last and misses nothing that is still
// so. The stream keeps the last state of each plugin and pack, so a client that
// was away for long is told each of them once.
package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

const (
	// MaxClients bounds those who listen at once: each is a connection and a
	// consumer of the stream.
	MaxClients = 200
	// heartbeat keeps proxies from taking a quiet connection for a dead one.
	heartbeat = 15 * time.Second
	// writeTime is how long a client may take to receive one event: one that
	// does not read would else be held for ever.
	writeTime = 10 * time.Second
)

// Feed tells changes to those who listen.
type Feed struct {
	bus     *bus.Bus
	clients atomic.Int64
	stop    sync.Once
	stopped chan struct{}
}

// New makes a feed.
func New(b *bus.Bus) *Feed { return &Feed{bus: b, stopped: make(chan struct{})} }

// Stop ends all streams: a server that shuts down waits for its answers.
func (f *Feed) Stop() { f.stop.Do(func() { close(f.stopped) }) }

// Open begins a stream after the event with the id, or with what comes next.
func (f *Feed) Open(ctx context.Context, after string) (*Stream, error) {
	cfg := jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{events.CatalogPlugins, events.CatalogPacks}, DeliverPolicy: jetstream.DeliverNewPolicy,
	}
	if after != "" {
		seq, err := strconv.ParseUint(after, 10, 62)
		if err != nil {
			return nil, errs.New(errs.Invalid, "Last-Event-ID: want the id of an event that was told here")
		}
		cfg.DeliverPolicy, cfg.OptStartSeq = jetstream.DeliverByStartSequencePolicy, seq+1
	}
	if f.clients.Add(1) > MaxClients {
		f.clients.Add(-1)
		return nil, errs.RetryLater(errs.Unavailable, 30*time.Second, "too many clients listen already, try again later")
	}
	openCtx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	consumer, err := f.bus.JetStream().OrderedConsumer(openCtx, events.StreamCatalog, cfg)
	if err == nil {
		var messages jetstream.MessagesContext
		if messages, err = consumer.Messages(jetstream.PullMaxMessages(64)); err == nil {
			return &Stream{feed: f, messages: messages}, nil
		}
	}
	f.clients.Add(-1)
	away := errs.RetryLater(errs.Unavailable, 5*time.Second, "the stream of changes is away, try again in a moment")
	return nil, fmt.Errorf("listen to the catalog's stream: %w: %w", away, err)
}

// Stream is one client's.
type Stream struct {
	feed     *Feed
	messages jetstream.MessagesContext
}

// Serve writes events to w until ctx ends, the client is gone or the feed stops.
func (s *Stream) Serve(ctx context.Context, w http.ResponseWriter) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer s.feed.clients.Add(-1)
	incoming := make(chan []byte)
	var reading sync.WaitGroup
	reading.Go(func() { s.read(ctx, incoming) })
	defer reading.Wait()
	defer s.messages.Stop()
	defer cancel()

	control := http.NewResponseController(w)
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	part := []byte(": listening\n\n")
	for {
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := w.Write(part); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-s.feed.stopped:
			return
		case <-tick.C:
			part = []byte(": still here\n\n")
		case p, ok := <-incoming:
			if !ok {
				return
			}
			part = p
		}
	}
}

func (s *Stream) read(ctx context.Context, incoming chan<- []byte) {
	defer close(incoming)
	for {
		m, err := s.messages.Next()
		if errors.Is(err, jetstream.ErrNoHeartbeat) { // the server is away: the consumer is made anew
			continue
		}
		if err != nil {
			return
		}
		part := render(m)
		if part == nil {
			continue
		}
		select {
		case incoming <- part:
		case <-ctx.Done():
			return
		}
	}
}

// render writes an event, nil for what is nobody's business: a pack that was
// never published, and what cannot be read.
func render(m jetstream.Msg) []byte {
	meta, err := m.Metadata()
	if err != nil {
		return nil
	}
	typ, err := events.Type(m.Data())
	if err != nil {
		return nil
	}
	var (
		name string
		e    api.Event
	)
	switch typ {
	case events.TypePluginChanged:
		p, err := events.Decode[plugpack.Plugin](m.Data(), typ)
		if err != nil {
			return nil
		}
		name, e = pluginEvent(p)
	case events.TypePackChanged:
		p, err := events.Decode[plugpack.Pack](m.Data(), typ)
		if err != nil || !p.Published {
			return nil
		}
		name, e = packEvent(p)
	default:
		return nil
	}
	data, err := json.Marshal(e)
	if err != nil {
		return nil
	}
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", meta.Sequence.Stream, name, data)
}

func pluginEvent(p plugpack.Plugin) (string, api.Event) {
	name := "plugin.changed"
	if !p.Listed() {
		name = "plugin.removed"
	}
	return name, api.Event{
		ID: p.ID, Slug: p.Slug, Name: p.Name, Revision: p.Revision, UpdatedAt: p.UpdatedAt.UTC(), Path: "/api/plugins/slug/" + p.Slug,
	}
}

func packEvent(p plugpack.Pack) (string, api.Event) {
	name := "pack.changed"
	if p.Removed {
		name = "pack.removed"
	}
	return name, api.Event{
		ID: p.ID, Slug: p.Slug, Name: p.Name, Revision: p.Revision, UpdatedAt: p.UpdatedAt.UTC(), Path: "/api/packs/slug/" + p.Slug,
	}
}
