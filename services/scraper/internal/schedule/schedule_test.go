package schedule

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	one    = plugpack.MarketplaceKey("github.com/a/one")
	two    = plugpack.MarketplaceKey("github.com/a/two")
	sample = plugpack.MarketplaceKey("local/a/sample")
)

// world is a store, a queue and a GitHub in a bubble of fake time.
type world struct {
	mu      sync.Mutex
	states  map[plugpack.MarketplaceKey]state.State
	changes chan state.State
	queued  []string // "key seconds since the start"
	asked   int
	github  error
	lost    error // of the store
	limit   int   // of GitHub; 0 for the usual one
	out     plugpack.MarketplaceKey
	hosts   map[string]Host // other ones
	scans   bool            // what is queued is scanned at once
	orders  []Request
	start   time.Time
	log     bytes.Buffer
}

func (w *world) Get(_ context.Context, k plugpack.MarketplaceKey) (state.State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.states[k], w.lost
}

func (w *world) Watch(ctx context.Context, f func(state.State)) error {
	w.mu.Lock()
	known := slices.Collect(func(yield func(state.State) bool) {
		for _, st := range w.states {
			if !yield(st) {
				return
			}
		}
	})
	w.mu.Unlock()
	for _, st := range known {
		f(st)
	}
	f(state.State{})
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case st := <-w.changes:
			f(st)
		}
	}
}

func (w *world) set(k plugpack.MarketplaceKey, next time.Duration) {
	st := state.State{Key: k, NextAt: time.Now().Add(next)}
	w.mu.Lock()
	w.states[k] = st
	w.mu.Unlock()
	w.changes <- st
}

func (w *world) fail(github, store error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.github, w.lost = github, store
}

func (w *world) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.queued
	slices.Sort(q)
	w.queued = nil
	return q
}

// Reachable and HourlyLimit make the world its own only host.
func (w *world) Reachable(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.github
}

func (w *world) HourlyLimit() int {
	if w.limit == 0 {
		return 5000
	}
	return w.limit
}

// run starts a schedule of these sources and gives control back when it rests.
func run(t *testing.T, w *world, sources ...plugpack.MarketplaceKey) {
	t.Helper()
	w.start, w.changes = time.Now(), make(chan state.State)
	if w.states == nil {
		w.states = map[plugpack.MarketplaceKey]state.State{}
	}
	s := New(Config{
		Sources: sources, Sample: sample, Store: w, Now: time.Now, Log: slog.New(slog.NewTextHandler(&w.log, nil)),
		Excluded: func(k plugpack.MarketplaceKey) bool { return k == w.out }, Interval: 6 * time.Hour,
		Host: func(k plugpack.MarketplaceKey) Host {
			if h := w.hosts[k.Host()]; h != nil {
				return h
			}
			return w
		},
		Enqueue: func(_ context.Context, r Request) (bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.queued = append(w.queued, fmt.Sprintf("%s %d", r.Marketplace, int(time.Since(w.start).Seconds())))
			w.orders = append(w.orders, r)
			if w.scans {
				st := w.states[r.Marketplace]
				st.NextAt = time.Now().Add(48 * time.Hour)
				w.states[r.Marketplace] = st
			}
			return true, nil
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
	})
	synctest.Wait()
}

func pass(d time.Duration) {
	time.Sleep(d) // of the bubble's time
	synctest.Wait()
}

func want(t *testing.T, w *world, queued ...string) {
	t.Helper()
	if diff := cmp.Diff(queued, w.take()); diff != "" {
		t.Error(diff)
	}
}

func TestSchedule(t *testing.T) {
	t.Run("new sources are due at once and known ones at their time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{states: map[plugpack.MarketplaceKey]state.State{two: {Key: two, NextAt: time.Now().Add(90 * time.Second)}}}
			run(t, w, one, two)
			want(t, w, "github.com/a/one 0")
			pass(89 * time.Second)
			want(t, w)
			pass(time.Second)
			want(t, w, "github.com/a/two 90")
		})
	})
	t.Run("what was scanned is queued again when its state says so", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			run(t, w, one)
			want(t, w, "github.com/a/one 0")
			w.set(one, 10*time.Second)
			w.set(two, 20*time.Second) // asked for by a person
			synctest.Wait()
			pass(15 * time.Second)
			want(t, w, "github.com/a/one 10")
			w.set(one, time.Hour)
			pass(15 * time.Second)
			want(t, w, "github.com/a/two 20")
			w.set(two, time.Hour)
			pass(50 * time.Minute)
			want(t, w)
		})
	})
	t.Run("what waits in the queue is not queued all the time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			run(t, w, one)
			pass(16 * time.Minute)
			want(t, w, "github.com/a/one 0", "github.com/a/one 300", "github.com/a/one 900")
			pass(12 * time.Hour)
			if n := len(w.take()); n < 10 || n > 16 {
				t.Errorf("queued again %d times in twelve hours", n)
			}
		})
	})
	t.Run("NATS may go and come", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{lost: errs.New(errs.Unavailable, "away")}
			run(t, w, one)
			want(t, w)
			w.fail(nil, nil)
			pass(6 * time.Second)
			want(t, w, "github.com/a/one 5")
		})
	})
}

// The sample is for an empty hub. It does not join real plugins when GitHub is
// away for a while.
func TestNoSampleBesideRealMarketplaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		run(t, w, one)
		want(t, w, "github.com/a/one 0")
		w.changes <- state.State{Key: one, Listing: &plugpack.Listing{}, NextAt: time.Now().Add(5 * time.Minute)}
		w.fail(errs.New(errs.TooMany, "GitHub's hourly limit is used up"), nil)
		pass(7 * time.Minute)
		want(t, w)
		if line := w.log.String(); strings.Count(line, "limit is used up") != 1 || strings.Contains(line, "GITHUB_API_URL") {
			t.Errorf("log:\n%s", line)
		}
	})
}

func TestGitHubAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{github: errs.New(errs.Unavailable, "GitHub cannot be reached at X (why)")}
		run(t, w, one, two)
		want(t, w, "local/a/sample 0")
		w.set(sample, time.Hour)
		pass(10*time.Minute - time.Second)
		want(t, w)
		if w.asked != 10 {
			t.Errorf("asked %d times in ten minutes", w.asked)
		}
		w.fail(nil, nil)
		pass(time.Minute)
		want(t, w, "github.com/a/one 600", "github.com/a/two 600")
		w.fail(errs.New(errs.Unauthorized, "GitHub refuses the token in GITHUB_TOKEN"), nil)
		pass(5 * time.Minute)
		lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
		if len(lines) != 3 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "GITHUB_API_URL") ||
			!strings.Contains(lines[1], "level=INFO") || !strings.Contains(lines[2], "GITHUB_TOKEN") {
			t.Errorf("log:\n%s", w.log.String())
		}
	})
}
