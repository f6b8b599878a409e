package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/meilisearch/meilisearch-go"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/services/indexer"
)

// searchRate is how many searches a second go on during a rebuild.
const searchRate = 50

// The search index is rebuilt under searches, once undisturbed and once with
// the working indexer killed half-way, and then the cache is emptied and filled
// again: no search fails or finds nothing. REBUILD=100000 is the long form:
// make bench-rebuild.
func TestRebuildUnderSearches(t *testing.T) {
	plugins := 1000
	if n, err := strconv.Atoi(os.Getenv("REBUILD")); err == nil {
		plugins = n
	} else if testing.Short() {
		t.Skip("with -short nothing is rebuilt")
	}
	for _, name := range []string{"catalog", "gateway", "indexer", "scraper"} {
		buildService(t, name)
	}
	began := time.Now()
	r := &rebuild{fleet: startFleet(t, fleetOptions{check: time.Hour, plugins: plugins, gateways: 1}), plugins: plugins}
	r.client = api.NewClient(r.gateways[0])
	loaded := time.Since(began)
	r.rest()
	filled := time.Since(began) - loaded
	r.readNames()
	sizes := r.sizes()

	all := []*searches{
		r.under("undisturbed", r.rebuild, nil),
		r.under("working indexer killed half-way", r.rebuild, r.killHalfWay),
		r.under("cache emptied instead", r.refill, nil),
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	for _, row := range []struct {
		what string
		of   func(s *searches) any
	}{
		{fmt.Sprint(plugins, " plugins"), func(s *searches) any { return s.name }},
		{"seconds until it was done", func(s *searches) any { return fmt.Sprintf("%.1f", s.took.Seconds()) }},
		{"searches", func(s *searches) any { return len(s.times) }},
		{"of them failed", func(s *searches) any { return s.failed }},
		{"of them empty", func(s *searches) any { return s.empty }},
		{"answered by", func(s *searches) any { return s.engines }},
		{"p50, ms", func(s *searches) any { return s.quantile(0.5) }},
		{"p99, ms", func(s *searches) any { return s.quantile(0.99) }},
	} {
		fmt.Fprint(w, row.what)
		for _, s := range all {
			fmt.Fprintf(w, "\t%v", row.of(s))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush()
	t.Logf("loaded in %.1f s, searchable and cached %.1f s later; %s\n%s", loaded.Seconds(), filled.Seconds(), sizes, b.String())
	for _, s := range all {
		if s.failed > 0 || s.empty > 0 || len(s.times) == 0 {
			t.Errorf("%s: of %d searches %d failed and %d found nothing: %v", s.name, len(s.times), s.failed, s.empty, s.errs)
		}
	}
	if n := r.documents(searchdoc.IndexPlugins); n < int64(plugins) {
		t.Errorf("%d documents after the rebuilds, want %d", n, plugins)
	}
}

// rebuild is a fleet whose stores are filled anew.
type rebuild struct {
	*fleet
	plugins int
	client  *api.Client
	names   []string // that plugins have, so that each is found
}

// searches are those that went on while a store was filled.
type searches struct {
	name          string
	took          time.Duration
	times         []time.Duration
	failed, empty int
	engines       map[string]int
	errs          []error
}

func (s *searches) quantile(q float64) int64 {
	slices.Sort(s.times)
	if len(s.times) == 0 {
		return 0
	}
	return s.times[int(q*float64(len(s.times)-1))].Milliseconds()
}

// rest waits until everything that was loaded is searchable and cached.
func (r *rebuild) rest() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 20*time.Minute)
	defer cancel()
	db, err := pgx.Connect(ctx, r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	due := time.NewTicker(200 * time.Millisecond)
	defer due.Stop()
	for {
		var outbox int
		err := db.QueryRow(ctx, `SELECT count(*) FROM outbox`).Scan(&outbox)
		if err == nil && outbox == 0 && r.documents(searchdoc.IndexPlugins) >= int64(r.plugins) && r.applied() {
			return
		}
		select {
		case <-ctx.Done():
			r.t.Fatalf("not searchable and cached in time: %v", err)
		case <-due.C:
		}
	}
}

// sizes says how much room the stores take.
func (r *rebuild) sizes() string {
	r.t.Helper()
	ctx, mega := r.t.Context(), func(bytes uint64) string { return fmt.Sprintf("%d MB", bytes>>20) }
	db, err := pgx.Connect(ctx, r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close(ctx) }()
	var database uint64
	if err := db.QueryRow(ctx, `SELECT pg_database_size(current_database())`).Scan(&database); err != nil {
		r.t.Fatal(err)
	}
	client, err := cache.Connect(r.redisURL)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	memory, err := client.InfoMap(ctx, "memory").Result()
	if err != nil {
		r.t.Fatal(err)
	}
	redis, err := strconv.ParseUint(memory["Memory"]["used_memory"], 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	stream, err := r.bus.JetStream().Stream(ctx, events.StreamCatalog)
	if err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprintf("Postgres has %s, Redis %s, the stream CATALOG %s", mega(database), mega(redis), mega(stream.CachedInfo().State.Bytes))
}

// applied says whether both consumers have nothing left to do.
func (r *rebuild) applied() bool {
	for _, durable := range []string{indexer.DurableSearch, indexer.DurableCache} {
		if p, err := r.bus.Position(r.t.Context(), events.StreamCatalog, durable); err != nil || p.Waiting > 0 {
			return false
		}
	}
	return true
}

// documents counts an index's documents.
func (r *rebuild) documents(uid string) int64 {
	index := meilisearch.New(r.meiliURL, meilisearch.WithAPIKey(meiliKey), meilisearch.DisableRetries()).Index(uid)
	stats, err := index.GetStatsWithContext(r.t.Context(), nil)
	if err != nil {
		return 0
	}
	return stats.NumberOfDocuments
}

func (r *rebuild) readNames() {
	r.t.Helper()
	db, err := pgx.Connect(r.t.Context(), r.database)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = db.Close(context.Background()) }()
	rows, err := db.Query(r.t.Context(), `SELECT name FROM plugins ORDER BY id LIMIT 2000`)
	if err == nil {
		r.names, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// under does the work under searches, with disturb going on beside it unless it
// is nil, and tells of the searches.
func (r *rebuild) under(name string, work func(ctx context.Context) error, disturb func(ctx context.Context)) (s *searches) {
	r.t.Helper()
	ctx, stop := context.WithTimeout(r.t.Context(), 20*time.Minute)
	defer stop()
	var beside sync.WaitGroup
	beside.Go(func() { s = r.search(ctx) })
	if disturb != nil {
		beside.Go(func() { disturb(ctx) })
	}
	began := time.Now()
	err := work(ctx)
	took := time.Since(began)
	stop()
	beside.Wait()
	if err != nil {
		r.t.Fatalf("%s: %v", name, err)
	}
	s.name, s.took = name, took
	return s
}

func (r *rebuild) rebuild(ctx context.Context) error {
	var said bytes.Buffer
	if err := indexer.Rebuild(ctx, r.bus, &said); err != nil {
		return fmt.Errorf("%w\n%s", err, said.String())
	}
	return nil
}

// refill empties the cache and waits until it is trusted again, which it is when
// every page is there.
func (r *rebuild) refill(ctx context.Context) error {
	client, err := cache.Connect(r.redisURL)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(ctx).Err(); err != nil {
		return err
	}
	pages := cache.NewRedis(client)
	for {
		trusted, err := pages.Trusted(ctx)
		if err != nil || trusted {
			return err
		}
		if bus.Pause(ctx, 20*time.Millisecond); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// killHalfWay kills the working indexer when half of the new index is filled.
func (r *rebuild) killHalfWay(ctx context.Context) {
	for r.documents(searchdoc.Next(searchdoc.IndexPlugins)) < int64(r.plugins/2) {
		if bus.Pause(ctx, 5*time.Millisecond); ctx.Err() != nil {
			r.t.Error("the rebuild ended before its half was seen")
			return
		}
	}
	for name, u := range r.units {
		if strings.HasPrefix(name, "indexer") && u.saidOnce("rebuilding the search index") {
			u.kill()
			return
		}
	}
	r.t.Error("no indexer is rebuilding")
}

// search searches at searchRate until ctx ends, each time for a word of a
// plugin's name, for two of them or for all of it: each of them is found.
func (r *rebuild) search(ctx context.Context) *searches {
	s := &searches{engines: map[string]int{}}
	due := time.NewTicker(time.Second / searchRate)
	defer due.Stop()
	var (
		mu      sync.Mutex
		running sync.WaitGroup
	)
	for {
		select {
		case <-ctx.Done():
			running.Wait()
			return s
		case <-due.C:
		}
		running.Go(func() {
			parts := strings.Split(r.names[rand.IntN(len(r.names))], "-")
			q := strings.Join(parts[:1+rand.IntN(len(parts))], " ")
			began := time.Now()
			found, err := r.client.Search(context.WithoutCancel(ctx), url.Values{"q": {q}, "limit": {"10"}})
			took := time.Since(began)
			mu.Lock()
			defer mu.Unlock()
			s.times = append(s.times, took)
			switch {
			case err != nil:
				s.failed++
				s.errs = append(s.errs, fmt.Errorf("%q: %w", q, err))
			case found.TotalPlugins == 0 || len(found.Plugins) == 0:
				s.empty++
				s.errs = append(s.errs, fmt.Errorf("%q: found nothing in the %s", q, found.SearchEngine))
			default:
				s.engines[found.SearchEngine]++
			}
		})
	}
}
