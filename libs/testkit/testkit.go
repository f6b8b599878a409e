// Package testkit gives each test its own servers: Postgres, NATS, Redis, a
// search engine and GitHub. Postgres and NATS are the real ones that the
// one-process form runs too; the others speak the protocol of what cannot run
// in a test. A server that is missing fails the test and never skips it.
package testkit

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/local/nats"
)

// Log gives a logger for the code under test; its lines show with -v.
func Log(t testing.TB) *slog.Logger {
	w := io.Discard
	if testing.Verbose() {
		w = os.Stderr
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})).With("test", t.Name())
}

// NATS starts a server of the test's own, with a TCP port on loopback.
func NATS(t testing.TB) *nats.Server {
	t.Helper()
	s, err := nats.Start(t.Context(), nats.Options{Dir: t.TempDir(), Port: -1})
	if err != nil {
		t.Fatalf("start NATS: %v", err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Bus connects to a NATS server of the test's own, with all streams ready.
func Bus(t testing.TB) *bus.Bus {
	t.Helper()
	return BusOn(t, NATS(t))
}

// BusOn connects to s.
func BusOn(t testing.TB, s *nats.Server) *bus.Bus {
	t.Helper()
	log := Log(t)
	nc, err := s.Connect(bus.Options(t.Name(), log)...)
	if err != nil {
		t.Fatalf("connect to NATS: %v", err)
	}
	b, err := bus.New(t.Context(), nc, log)
	if err != nil {
		t.Fatalf("open bus: %v", err)
	}
	t.Cleanup(b.Close)
	return b
}

// Eventually asks f until it says true, and fails the test when it did not
// within three minutes. It is for what only another process can signal; f should
// say by t.Log what it saw.
func Eventually(t testing.TB, what string, f func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !f(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain for: %s", what)
		case <-tick.C:
		}
	}
}
