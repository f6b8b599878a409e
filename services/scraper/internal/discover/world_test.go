package discover

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// clock is a time that passes only when somebody waits.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

// world is a GitHub, a hub's memory and a discovery between them, in a time of
// their own.
type world struct {
	t      *testing.T
	clock  *clock
	github *testkit.GitHubServer
	bus    *bus.Bus
	states *state.Store
	out    map[plugpack.MarketplaceKey]bool
	ends   []plugpack.Discovery
	*Discovery
}

func newWorld(t *testing.T) *world {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state.txtar")
	if err := os.WriteFile(file, []byte("-- nobody/nothing/README.md --\nHello.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, clock: &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, github: testkit.GitHub(t, file), bus: testkit.Bus(t),
		out: map[plugpack.MarketplaceKey]bool{},
	}
	w.github.SetNow(w.clock.Now)
	var err error
	if w.states, err = state.Open(t.Context(), w.bus.JetStream()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	return w
}

// restart is what another process begins with.
func (w *world) restart() {
	w.t.Helper()
	client, err := github.New(github.Options{BaseURL: w.github.URL, Token: "T1", Now: w.clock.Now, Wait: w.clock.Wait})
	if err != nil {
		w.t.Fatal(err)
	}
	memory, err := OpenMemory(w.t.Context(), w.bus.JetStream())
	if err != nil {
		w.t.Fatal(err)
	}
	w.Discovery = New(Config{
		Client: client, Host: "github.com", Memory: memory, States: w.states, Interval: 24 * time.Hour, Log: testkit.Log(w.t),
		Excluded: func(k plugpack.MarketplaceKey) bool { return w.out[k] }, Now: w.clock.Now, Wait: w.clock.Wait, Metrics: NewMetrics(nil),
		Publish: func(ctx context.Context, m events.Message) error {
			d, err := events.Decode[plugpack.Discovery](m.Data, events.TypeDiscoveryFinished)
			if err != nil {
				return err
			}
			w.ends = append(w.ends, d)
			return w.bus.Publish(ctx, m)
		},
	})
	if err := w.learn(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// goOn does one round and gives the ends it announced.
func (w *world) goOn() map[string]plugpack.Discovery {
	w.t.Helper()
	if _, err := w.round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return w.taken()
}

func (w *world) taken() map[string]plugpack.Discovery {
	ends := map[string]plugpack.Discovery{}
	for _, e := range w.ends {
		ends[e.Method] = e
	}
	w.ends = nil
	return ends
}

// found lists the marketplaces that were taken in.
func (w *world) found() (keys []string) {
	w.t.Helper()
	if err := w.states.Each(w.t.Context(), func(st state.State) { keys = append(keys, string(st.Key)) }); err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// asked counts requests by what their path begins with.
func asked(log []testkit.GitHubRequest, path string) (n int) {
	for _, r := range log {
		if len(r.Path) >= len(path) && r.Path[:len(path)] == path {
			n++
		}
	}
	return n
}
