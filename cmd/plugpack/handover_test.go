package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// Two indexers run and one works. When that one is killed, the other has taken
// over within ten seconds, with what the first had in its hands.
func TestIndexerHandsOver(t *testing.T) {
	t.Parallel()
	ns, rs := testkit.NATS(t), testkit.Redis(t)
	b, pages := testkit.BusOn(t, ns), cache.NewRedis(rs.Client)
	// There is no catalog to fill the cache from, so it is trusted as it is.
	if err := pages.Restore(t.Context(), func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	start := func() *process {
		return spawn(t, listening, []string{"PORT=0", "NATS_URL=" + ns.URL(), "REDIS_URL=" + rs.URL}, buildService(t, "indexer"))
	}
	two := []*process{start(), start()}
	active := func() *process {
		for _, p := range two {
			if strings.Contains(p.said(), `"msg":"active"`) {
				return p
			}
		}
		return nil
	}
	announce := func(revision int64) (id string) {
		p := sample.Plugin("acme/tools", "deploy", revision)
		m, err := events.NewPluginChanged(uuid.Must(uuid.NewV7()).String(), p)
		if err == nil {
			err = b.Publish(t.Context(), m)
		}
		if err != nil {
			t.Fatal(err)
		}
		return p.ID
	}
	cached := func(id string, revision int64) {
		t.Helper()
		testkit.Eventually(t, "the page", func(ctx context.Context) bool {
			p, found, err := pages.Get(ctx, cache.IDKey(id))
			return err == nil && found && p.Revision == revision
		})
	}
	cached(announce(1), 1)
	first := active()
	id := announce(2)
	first.kill()
	began := time.Now()
	cached(id, 2)
	cached(announce(3), 3)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the spare took over after %v, want it within 10 s", took)
	} else {
		t.Logf("the spare took over after %v", took)
	}
	for _, p := range two {
		if p != first {
			p.interrupt()
		}
	}
}
