package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/meilisearch/meilisearch-go"
	"github.com/nats-io/nats.go"
	"github.com/redis/go-redis/v9"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/cache"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/identity"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog"
)

// chaos is a run of everything under changes, readers and crashes.
type chaos struct {
	*fleet
	repos []string
	names []string // of the plugins, the same in each marketplace
	pack  api.Pack // has a plugin of each marketplace

	mu    sync.Mutex
	clock int               // minutes of the observations' time
	last  map[string]string // the version last published, by key
	older map[string][][]byte

	seen                          sync.Map // id to the highest revision that a reader got
	published, reads, away, fresh atomic.Int64
	repeated, edited              atomic.Int64
	fast, slow                    atomic.Int64 // searches that Meilisearch answered, and Postgres
}

const (
	readers = 8
	// readEvery is the pace of one reader: together they leave the machine to
	// what is tested.
	readEvery = 40 * time.Millisecond
	writers   = 16
)

// Every part is killed at random moments while plugins change and readers
// read. At rest all stores say the same, nobody saw a plugin go back, and
// nothing is lost. CHAOS=3m is the long form: make chaos.
func TestChaos(t *testing.T) {
	long, rate := 15*time.Second, 60
	if d, err := time.ParseDuration(os.Getenv("CHAOS")); err == nil {
		long, rate = d, 200
	} else if testing.Short() {
		t.Skip("with -short there are no crashes")
	}
	c := &chaos{fleet: startFleet(t, fleetOptions{check: 5 * time.Second, gateways: 2}), last: map[string]string{}, older: map[string][][]byte{}}
	for n := range 4 {
		c.repos = append(c.repos, fmt.Sprintf("chaos/market%d", n))
	}
	for n := range 50 {
		c.names = append(c.names, fmt.Sprintf("plugin%02d", n))
	}
	c.record()
	for _, repo := range c.repos {
		c.list(repo, c.names)
		for _, name := range c.names {
			c.observe(repo, name)
		}
	}
	testkit.Eventually(t, "all plugins", func(ctx context.Context) bool {
		_, total, err := api.NewClient(c.gateways[0]).Plugins(ctx, nil)
		return err == nil && total >= len(c.repos)*len(c.names)
	})

	token := c.curator()
	c.pack = c.publishPack(token)

	ctx, stop := context.WithTimeout(t.Context(), long)
	defer stop()
	reading, stopReading := context.WithCancel(t.Context())
	defer stopReading()
	var changing, others sync.WaitGroup
	changing.Go(func() { c.change(ctx, rate) })
	changing.Go(func() { c.relist(ctx) })
	changing.Go(func() { c.reorder(ctx) })
	changing.Go(func() { c.edit(ctx, token) })
	changing.Go(func() { c.crash(ctx, long) })
	for range readers {
		others.Go(func() { c.read(reading) })
	}
	changing.Wait()
	restless := time.Now()
	var report state
	testkit.Eventually(t, "all stores to say the same", func(ctx context.Context) bool {
		s, err := c.compare(ctx)
		if err == nil {
			report = s
		}
		return err == nil && s.wrong() == 0
	})
	rested := time.Since(restless)
	stopReading()
	others.Wait()
	t.Logf("\n%s", c.table(report, long, rested))
	if report.wrong() > 0 {
		t.Errorf("stores differ: %+v", report)
	}
	if c.fresh.Load() == 0 || c.published.Load() == 0 || c.edited.Load() == 0 {
		t.Error("nothing was read or changed")
	}
}

// publish sends a message as a scraper does: until NATS has it.
func (c *chaos) publish(m events.Message, err error) {
	for c.t.Context().Err() == nil {
		if err != nil {
			c.t.Errorf("publish: %v", err)
			return
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), 3*time.Second)
		failed := c.bus.Publish(ctx, m)
		cancel()
		if failed == nil {
			c.published.Add(1)
			return
		}
		bus.Pause(c.t.Context(), 50*time.Millisecond)
	}
}

func (c *chaos) tick() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	return c.clock
}

func (c *chaos) list(repo string, names []string) {
	c.publish(events.NewMarketplaceScanned(sample.Listing(repo, c.tick(), names...)))
}

// observe changes a plugin. The lock of its key keeps the order of the
// observations the order of their times, as one scraper a marketplace does.
func (c *chaos) observe(repo, name string) {
	n := c.tick()
	o := sample.Observation(repo, name, n)
	o.Facts.Version = fmt.Sprint(n)
	c.publish(events.NewPluginUpdated(o))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[o.Key().String()] = o.Facts.Version
}

// change changes plugins at the rate, each plugin by one writer. What came too
// late, since NATS was away, is made up for.
func (c *chaos) change(ctx context.Context, rate int) {
	var wg sync.WaitGroup
	began := time.Now()
	for writer := range writers {
		wg.Go(func() {
			for n := 0; ; n++ {
				due := began.Add(time.Duration(n*writers+writer) * time.Second / time.Duration(rate))
				if bus.Pause(ctx, time.Until(due)); ctx.Err() != nil {
					return
				}
				plugin := writer + writers*rand.IntN((len(c.repos)*(len(c.names)-1)-writer+writers-1)/writers)
				c.observe(c.repos[plugin%len(c.repos)], c.names[1+plugin/len(c.repos)])
			}
		})
	}
	wg.Wait()
}

// relist takes the first plugin of each marketplace out of its listing and
// back in, so that things are removed and come back. Nothing else changes it.
func (c *chaos) relist(ctx context.Context) {
	for n := 0; ctx.Err() == nil; n++ {
		repo := c.repos[n%len(c.repos)]
		c.list(repo, c.names[1:])
		bus.Pause(ctx, 300*time.Millisecond)
		c.list(repo, c.names)
		c.observe(repo, c.names[0])
		bus.Pause(ctx, 200*time.Millisecond)
	}
}

// curator signs somebody in who may change packs, and gives his API token.
func (c *chaos) curator() (token string) {
	const login = "cur"
	var key identity.Options
	if err := config.LoadFrom(&key, nil); err != nil {
		c.t.Fatal(err)
	}
	signed, err := identity.NewKey(key, time.Now).Sign(identity.Person{GitHubID: 1, Login: login})
	if err != nil {
		c.t.Fatal(err)
	}
	by := http.Header{identity.Header: {signed}}
	err = c.send(c.t.Context(), http.MethodGet, c.catalog+"/api/me", by, "", nil)
	if err == nil {
		var db *pgxpool.Pool
		if db, err = catalog.OpenDB(c.t.Context(), c.database); err == nil {
			err = catalog.SetRoles(c.t.Context(), db, testkit.Log(c.t), login, []string{"curator"})
			db.Close()
		}
	}
	var made api.NewToken
	if err == nil {
		err = c.send(c.t.Context(), http.MethodPost, c.catalog+"/api/me/tokens", by, `{"name":"chaos","scopes":["packs"]}`, &made)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return made.Token
}

// publishPack makes the pack that readers read and edit changes.
func (c *chaos) publishPack(token string) api.Pack {
	var slugs []string
	for _, repo := range c.repos {
		slugs = append(slugs, fmt.Sprintf(`{"slug":%q}`, slugOf(repo, c.names[1])))
	}
	var page api.PackPage
	by := http.Header{"Authorization": {"Bearer " + token}}
	err := c.send(c.t.Context(), http.MethodPost, c.gateways[0]+"/api/packs", by,
		`{"slug":"chaos","name":"Chaos","description":"","difficulty":"beginner","plugins":[`+strings.Join(slugs, ",")+`]}`, &page)
	if err == nil {
		err = c.send(c.t.Context(), http.MethodPatch, c.gateways[0]+"/api/packs/"+page.Pack.ID, by, `{"edition":1,"published":true}`, &page)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return page.Pack
}

// edit changes the pack through either gateway, and withdraws it now and then.
// What its curator was told, no reader may find older.
func (c *chaos) edit(ctx context.Context, token string) {
	for n := 0; ctx.Err() == nil; n++ {
		bus.Pause(ctx, 200*time.Millisecond)
		edition, err := c.edition(ctx)
		if err != nil {
			continue
		}
		var page api.PackPage
		err = c.send(ctx, http.MethodPatch, c.gateways[rand.IntN(len(c.gateways))]+"/api/packs/"+c.pack.ID, http.Header{"Authorization": {"Bearer " + token}},
			fmt.Sprintf(`{"edition":%d,"published":%v,"featured":%v}`, edition, n%4 > 0, n%2 > 0), &page)
		if err == nil {
			c.edited.Add(1)
			c.saw(c.pack.ID, page.Pack.Revision)
		}
	}
}

// edition asks Postgres: of a pack that is withdrawn the API says nothing.
func (c *chaos) edition(ctx context.Context) (n int64, err error) {
	db, err := pgx.Connect(ctx, c.database)
	if err != nil {
		return 0, err
	}
	defer func() { _ = db.Close(ctx) }()
	err = db.QueryRow(ctx, `SELECT edition FROM packs WHERE id = $1`, c.pack.ID).Scan(&n)
	return n, err
}

// send asks for a change.
func (c *chaos) send(ctx context.Context, method, address string, by http.Header, body string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = by.Clone()
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || into == nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, address, res.StatusCode, answer)
	}
	return json.Unmarshal(answer, into)
}

// record keeps announcements, for reorder.
func (c *chaos) record() {
	nc, err := nats.Connect(c.natsURL, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	_, err = nc.Subscribe("catalog.changed.>", func(m *nats.Msg) {
		c.mu.Lock()
		defer c.mu.Unlock()
		kept := append(c.older[m.Subject], m.Data)
		c.older[m.Subject] = kept[max(0, len(kept)-5):]
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// reorder announces an older state after newer ones, and the newest that it
// knows once more.
func (c *chaos) reorder(ctx context.Context) {
	for ctx.Err() == nil {
		bus.Pause(ctx, 100*time.Millisecond)
		c.mu.Lock()
		var again []events.Message
		for subject, kept := range c.older { // in no order
			if len(kept) > 1 {
				for _, data := range [][]byte{kept[0], kept[len(kept)-1]} {
					again = append(again, events.Message{Subject: subject, ID: uuid.NewString(), Data: data})
				}
				break
			}
		}
		c.mu.Unlock()
		for _, m := range again {
			if c.bus.Publish(ctx, m) == nil {
				c.repeated.Add(1)
			}
		}
	}
}

// crash kills parts, each in its turn of a shuffled line, so that none is left
// out.
func (c *chaos) crash(ctx context.Context, long time.Duration) {
	parts := []string{"indexer", "catalog", "scraper", "nats", "redis", "meilisearch", "postgres", "gateway"}
	pause := min(3*time.Second, long/time.Duration(len(parts)+2))
	for ctx.Err() == nil {
		rand.Shuffle(len(parts), func(a, b int) { parts[a], parts[b] = parts[b], parts[a] })
		for _, part := range parts {
			bus.Pause(ctx, pause/2+rand.N(pause))
			if ctx.Err() != nil {
				return
			}
			switch part {
			case "postgres":
				c.pg.crash()
			case "indexer", "gateway":
				c.units[fmt.Sprintf("%s %d", part, 1+rand.IntN(2))].kill()
			default:
				c.units[part].kill()
			}
		}
	}
}

// read reads pages, lists and searches through either gateway, and reports what
// is older than what any reader had before it asked.
func (c *chaos) read(ctx context.Context) {
	due := time.NewTicker(readEvery)
	defer due.Stop()
	var gateways []*api.Client
	for _, address := range c.gateways {
		gateways = append(gateways, api.NewClient(address))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-due.C:
		}
		repo, name := c.repos[rand.IntN(len(c.repos))], c.names[rand.IntN(len(c.names))]
		before := map[string]int64{}
		c.seen.Range(func(id, revision any) bool { before[id.(string)] = revision.(int64); return true })
		what, got, err := c.ask(ctx, gateways[rand.IntN(len(gateways))], repo, name)
		c.reads.Add(1)
		switch {
		case ctx.Err() != nil, errs.KindOf(err) == errs.NotFound:
			continue
		case err != nil:
			c.away.Add(1)
			continue
		}
		for _, s := range got {
			c.fresh.Add(1)
			if s.Revision < before[s.ID] {
				c.t.Errorf("%s of %s: revision %d after revision %d", what, s.Slug, s.Revision, before[s.ID])
			}
			c.saw(s.ID, s.Revision)
		}
	}
}

// ask reads one page, pack, list or search. A search for a plugin that nobody
// removes has to find it.
func (c *chaos) ask(ctx context.Context, client *api.Client, repo, name string) (what string, got []cache.Shown, err error) {
	plugin := func(p api.Plugin) { got = append(got, cache.Shown{ID: p.ID, Slug: p.Slug, Revision: p.Revision}) }
	pack := func(p api.Pack) { got = append(got, cache.Shown{ID: p.ID, Slug: p.Slug, Revision: p.Revision}) }
	switch rand.IntN(10) {
	case 0:
		ps, _, err := client.Plugins(ctx, url.Values{"sort": {"updated"}, "limit": {"50"}})
		for _, p := range ps {
			plugin(p)
		}
		return "list", got, err
	case 1:
		ps, err := client.Packs(ctx, nil)
		for _, p := range ps {
			pack(p)
		}
		return "list of packs", got, err
	case 2:
		p, err := client.Pack(ctx, c.pack.Slug)
		if err != nil {
			return "pack", nil, err
		}
		pack(p.Pack)
		for _, m := range p.Plugins {
			plugin(m.Plugin)
		}
		return "pack", got, nil
	case 3:
		s, err := client.Search(ctx, url.Values{"q": {name}})
		if err != nil {
			return "search", nil, err
		}
		if s.SearchEngine == "meilisearch" {
			c.fast.Add(1)
		} else {
			c.slow.Add(1)
		}
		if name != c.names[0] && !slices.ContainsFunc(s.Plugins, func(p api.Plugin) bool { return p.Name == name }) {
			c.t.Errorf("a search in %s for %s found %d plugins and not that", s.SearchEngine, name, s.TotalPlugins)
		}
		for _, p := range s.Plugins {
			plugin(p)
		}
		for _, p := range s.Packs {
			pack(p)
		}
		return "search", got, nil
	}
	p, _, err := client.Plugin(ctx, slugOf(repo, name))
	plugin(p.Plugin)
	return "page", got, err
}

func slugOf(repo, name string) string {
	return plugpack.NewMarketplaceKey("github.com", repo).Plugin(name).Slug(0)
}

func (c *chaos) saw(id string, revision int64) {
	for {
		old, loaded := c.seen.LoadOrStore(id, revision)
		if !loaded || old.(int64) >= revision || c.seen.CompareAndSwap(id, old, revision) {
			return
		}
	}
}

// state is how the stores stand to each other.
type state struct {
	Plugins, Live             int
	Lost, Search, Cache, Dead int // that differ or are missing
	Commits                   int64
	Outbox                    int
}

func (s state) wrong() int { return s.Lost + s.Search + s.Cache + s.Outbox }

// compare reads all three stores, each in its own words.
func (c *chaos) compare(ctx context.Context) (s state, err error) {
	db, err := pgx.Connect(ctx, c.database)
	if err != nil {
		return s, err
	}
	defer func() { _ = db.Close(ctx) }()
	type row struct {
		ID, Key, Version string
		Revision         int64
		Removed          bool
	}
	rows, err := db.Query(ctx, `SELECT p.id::text, p.key, f.version, p.revision, p.removed_at IS NOT NULL AS removed FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id`)
	if err != nil {
		return s, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return s, err
	}
	if err := db.QueryRow(ctx, `SELECT count(*) FROM outbox`).Scan(&s.Outbox); err != nil {
		return s, err
	}
	found := c.documents(ctx, searchdoc.IndexPlugins)
	client := redis.NewClient(&redis.Options{Addr: strings.TrimPrefix(c.redisURL, "redis://")})
	defer client.Close()
	versions := map[string]string{}
	for _, r := range all {
		s.Plugins++
		s.Commits += r.Revision
		if !r.Removed {
			s.Live++
			versions[r.Key] = r.Version
			if found[r.ID] != r.Revision {
				s.Search++
			}
			delete(found, r.ID)
		}
		if page, err := client.HMGet(ctx, cache.IDKey(r.ID), "rev", "status").Result(); err != nil || page[0] != fmt.Sprint(r.Revision) || page[1] == nil {
			s.Cache++
		}
	}
	s.Search += len(found)
	var packs map[string]int64 // as the catalog's rows say
	if err := db.QueryRow(ctx, `SELECT coalesce(jsonb_object_agg(id, revision), '{}') FROM packs WHERE published AND removed_at IS NULL`).Scan(&packs); err != nil {
		return s, err
	}
	if !maps.Equal(packs, c.documents(ctx, searchdoc.IndexPacks)) {
		s.Search++
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, version := range c.last {
		if versions[key] != version {
			s.Lost++
		}
	}
	if stream, err := c.bus.JetStream().Stream(ctx, events.StreamDead); err == nil {
		s.Dead = int(stream.CachedInfo().State.Msgs)
	}
	return s, nil
}

func (c *chaos) documents(ctx context.Context, uid string) map[string]int64 {
	found := map[string]int64{}
	index := meilisearch.New(c.meiliURL, meilisearch.WithAPIKey(meiliKey), meilisearch.DisableRetries()).Index(uid)
	var page meilisearch.DocumentsResult
	if err := index.GetDocumentsWithContext(ctx, &meilisearch.DocumentsQuery{Limit: 10_000}, &page); err != nil {
		return map[string]int64{"no index": 1}
	}
	for _, hit := range page.Results {
		var m searchdoc.Mark
		if b, err := json.Marshal(hit); err == nil && json.Unmarshal(b, &m) == nil {
			found[m.ID] = m.Revision
		}
	}
	return found
}

func (c *chaos) table(s state, long, rested time.Duration) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	line := func(what string, value any) { fmt.Fprintf(w, "%s\t%v\n", what, value) }
	each := func(n int64) string { return fmt.Sprintf("%d, %.0f", n, float64(n)/long.Seconds()) }
	line("seconds", long.Seconds())
	line("changes published, a second", each(c.published.Load()))
	line("changes committed (sum of revisions), a second", each(s.Commits))
	line("announcements repeated, half of them older", c.repeated.Load())
	line("answers read; of them refused while something was away", fmt.Sprintf("%d; %d", c.reads.Load(), c.away.Load()))
	line("changes of the pack by its curator", c.edited.Load())
	line("plugins and packs seen in answers", c.fresh.Load())
	line("searches answered by Meilisearch; by Postgres", fmt.Sprintf("%d; %d", c.fast.Load(), c.slow.Load()))
	for _, name := range slices.Sorted(maps.Keys(c.units)) {
		u := c.units[name]
		u.mu.Lock()
		line("killed: "+name, fmt.Sprintf("%d (ended by itself %d)", u.kills, u.ends))
		u.mu.Unlock()
	}
	line("killed: postgres", c.pg.kill)
	line("plugins in the catalog, not removed", fmt.Sprintf("%d, %d", s.Plugins, s.Live))
	line("changes lost", s.Lost)
	line("documents that differ at rest", s.Search)
	line("pages that differ at rest", s.Cache)
	line("dead letters", s.Dead)
	line("seconds from the last change to rest", fmt.Sprintf("%.1f", rested.Seconds()))
	_ = w.Flush()
	return b.String()
}
