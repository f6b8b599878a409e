package catalog_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/catalog"
	"github.com/plugpack/plugpack/services/catalog/internal/loadtest"
)

var (
	benchPlugins  = flag.Int("plugins", 1000, "size of the catalog that benchmarks ask, or fill")
	benchDatabase = flag.String("database", "", "URL of a database that loadtest-data filled with so many plugins, to ask instead of a new one")
)

// tuned is a server as one would run it for a catalog of 100,000 plugins.
var tuned = map[string]string{"shared_buffers": "512MB", "work_mem": "16MB", "random_page_cost": "1.1"}

// benchmarked gives the catalog to ask.
func benchmarked(b *testing.B) loaded {
	b.Helper()
	if *benchDatabase == "" {
		testkit.Tune(b, tuned)
		return load(b, *benchPlugins)
	}
	db, err := catalog.OpenDB(b.Context(), *benchDatabase)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(db.Close)
	return serve(b, db)
}

// question is a kind of request.
type question struct {
	name string
	path func(r *rand.Rand) string
}

func questions(l loaded, b *testing.B) []question {
	w := loadtest.New(*benchPlugins, time.Now())
	var slugs []string
	rows, err := l.db.Query(b.Context(), `SELECT slug FROM plugins ORDER BY md5(slug) LIMIT 1000`)
	if err == nil {
		slugs, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		b.Fatal(err)
	}
	half := min(50_000, *benchPlugins/2)
	deep := strings.TrimSuffix(strings.TrimPrefix(l.get(b, fmt.Sprintf("/api/plugins/?limit=20&skip=%d", half)).Header().Get("Link"), "<"), `>; rel="next"`)
	search := func(text string) string { return "/api/search/?q=" + url.QueryEscape(text) }
	word := func(r *rand.Rand, from, to int) string { return w.Word(from + r.IntN(to-from)) }
	common := func(r *rand.Rand) string { return search(word(r, 0, 20)) }
	middle := func(r *rand.Rand) string { return search(word(r, 150, 1000)) }
	rare := func(r *rand.Rand) string { return search(word(r, 3500, 5000)) }
	two := func(r *rand.Rand) string { return search(word(r, 0, 1000) + " " + word(r, 0, 1000)) }
	fixed := func(path string) func(*rand.Rand) string { return func(*rand.Rand) string { return path } }
	return []question{
		{"list", fixed("/api/plugins/?limit=20")},
		{fmt.Sprint("list_after_", half), fixed(deep)},
		{fmt.Sprint("list_skip_", half), fixed(fmt.Sprintf("/api/plugins/?limit=20&skip=%d", half))},
		{"list_category", fixed("/api/plugins/?category=testing")},
		{"slug", func(r *rand.Rand) string { return "/api/plugins/slug/" + slugs[r.IntN(len(slugs))] }},
		{"count", fixed("/api/plugins/count")},
		{"categories", fixed("/api/plugins/categories")},
		{"facets", fixed("/api/plugins/facets")},
		{"search_mixed", func(r *rand.Rand) string {
			return []func(*rand.Rand) string{common, common, middle, middle, middle, middle, two, two, two, rare}[r.IntN(10)](r)
		}},
		{"search_common", common},
		{"search_rare", rare},
		{"search_two_words", two},
		{"search_typo", func(r *rand.Rand) string {
			w := []byte(word(r, 150, 1500))
			i := 1 + r.IntN(len(w)-2)
			w[i], w[i+1] = w[i+1], w[i]
			return search(string(w))
		}},
		{"search_3_letters", func(r *rand.Rand) string { return search(word(r, 0, 1500)[:3]) }},
		{"suggest", func(r *rand.Rand) string { return "/api/search/suggest?q=" + word(r, 0, 1500)[:3] }},
	}
}

// BenchmarkCatalog asks the catalog as its clients do, and then puts the same
// statements to the database with nothing around them: "x bare" is how many
// times as long the middle request takes.
func BenchmarkCatalog(b *testing.B) {
	l := benchmarked(b)
	for _, q := range questions(l, b) {
		for _, clients := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/clients=%d", q.name, clients), func(b *testing.B) {
				took := l.ask(b, q, clients)
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
				b.ReportMetric(milliseconds(took, 50), "p50-ms")
				b.ReportMetric(milliseconds(took, 99), "p99-ms")
				if clients == 1 {
					b.ReportMetric(milliseconds(took, 50)/milliseconds(l.bare(b, q), 50), "x-bare")
				}
			})
		}
	}
}

// warmUp is how many requests each client makes before its first that counts.
const warmUp = 10

// ask makes b.N requests by so many clients at once.
func (l loaded) ask(b *testing.B, q question, clients int) (took []time.Duration) {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		next  = make(chan struct{})
		ready = make(chan struct{}, clients)
	)
	for c := range clients {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(c), 1))
			for range warmUp {
				l.get(b, q.path(r)) // each client's connection knows the statements then
			}
			ready <- struct{}{}
			for range next {
				path, start := q.path(r), time.Now()
				l.get(b, path)
				d := time.Since(start)
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}
		})
	}
	for range clients {
		<-ready
	}
	b.ResetTimer()
	for range b.N {
		next <- struct{}{}
	}
	close(next)
	wg.Wait()
	b.StopTimer()
	return took
}

// bare times the statements of some requests by themselves.
func (l loaded) bare(b *testing.B, q question) (took []time.Duration) {
	r := rand.New(rand.NewPCG(0, 1))
	for range 30 {
		statements := l.statements(b, q.path(r))
		start := time.Now()
		for _, s := range statements {
			rows, err := l.db.Query(b.Context(), s.SQL, s.Args...)
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
				_ = rows.RawValues()
			}
			if err := rows.Err(); err != nil {
				b.Fatal(err)
			}
		}
		took = append(took, time.Since(start))
	}
	return took
}

func milliseconds(took []time.Duration, percentile int) float64 {
	slices.Sort(took)
	return float64(took[min(len(took)*percentile/100, len(took)-1)].Microseconds()) / 1000
}

// BenchmarkIntake fills a catalog from the stream, and then sees every plugin
// once more, unchanged; each until the outbox is empty.
func BenchmarkIntake(b *testing.B) {
	testkit.Tune(b, tuned)
	for b.Loop() {
		f := start(b, 0)
		f.publishWorld(time.Now().Add(-time.Hour))
		f.timed("changed", func() { f.addCatalog() })
		f.publishWorld(time.Now())
		f.timed("unchanged", func() {})
	}
}

// BenchmarkTrickle changes every plugin of a catalog once, one by one, 200 a
// second.
func BenchmarkTrickle(b *testing.B) {
	for b.Loop() {
		f := start(b, 0)
		f.publishWorld(time.Now().Add(-time.Hour))
		f.timed("filled", func() { f.addCatalog() })
		f.timed("trickle", func() {
			tick := time.NewTicker(time.Second / 200)
			defer tick.Stop()
			for s := range loadtest.New(*benchPlugins, time.Now()).Scans() {
				for _, o := range s.Observations {
					<-tick.C
					o.Scan, o.Facts.Description = o.Scan+"again", "Once more: "+o.Facts.Description
					f.publishAsync(events.NewPluginUpdated(o))
				}
			}
		})
		var transactions int
		if err := f.db.QueryRow(b.Context(), `SELECT count(DISTINCT xmin::text) FROM plugin_facts`).Scan(&transactions); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(transactions), "transactions")
	}
}

func (f *fixture) publishWorld(at time.Time) {
	f.t.Helper()
	for s := range loadtest.New(*benchPlugins, at).Scans() {
		s.Listing.Scan = fmt.Sprint(s.Listing.Scan, at.UnixNano())
		f.publishAsync(events.NewMarketplaceScanned(s.Listing))
		for _, o := range s.Observations {
			o.Scan = s.Listing.Scan
			f.publishAsync(events.NewPluginUpdated(o))
		}
	}
	<-f.bus.JetStream().PublishAsyncComplete()
}

func (f *fixture) publishAsync(m events.Message, err error) {
	f.t.Helper()
	if err == nil {
		_, err = f.bus.JetStream().PublishAsync(m.Subject, m.Data, jetstream.WithMsgID(m.ID), jetstream.WithStallWait(time.Minute))
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// timed reports how long it takes until all of the stream is applied and
// announced.
func (f *fixture) timed(what string, begin func()) {
	f.t.Helper()
	started, before := time.Now(), used(f.t, f.url)
	begin()
	for {
		drained, err := f.bus.Drained(f.t.Context(), events.StreamPlugin, catalog.Durable)
		var left int
		if err == nil && drained {
			err = f.db.QueryRow(f.t.Context(), `SELECT count(*) FROM outbox`).Scan(&left)
		}
		if err == nil && drained && left == 0 {
			break
		}
		bus.Pause(f.t.Context(), 100*time.Millisecond)
	}
	if b, ok := f.t.(*testing.B); ok {
		b.ReportMetric(time.Since(started).Seconds(), what+"-s")
		b.ReportMetric(float64(*benchPlugins)/time.Since(started).Seconds(), what+"/s")
		c := used(f.t, f.url).since(before)
		b.ReportMetric(c.program.Seconds()*1000/float64(*benchPlugins), what+"-go-cpu-s/1000")
		b.ReportMetric(c.postgres.Seconds()*1000/float64(*benchPlugins), what+"-pg-cpu-s/1000")
	}
}
