package scraper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/config"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper"
)

// file writes a file of the test's own and gives its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

const market = `{"name":"m","owner":{"name":"A"},"plugins":[{"name":"p","source":"./"}]}`

// options give a scraper of n repositories o/r1 … of a GitHub of its own.
func options(t *testing.T, n int) (scraper.Options, *testkit.GitHubServer) {
	t.Helper()
	var state, sources strings.Builder
	for i := range n {
		fmt.Fprintf(&state, "-- o/r%d/.claude-plugin/marketplace.json --\n%s\n", i, market)
		fmt.Fprintf(&sources, "o/r%d # the %dth\n\n", i, i)
	}
	g := testkit.GitHub(t, file(t, "state.txtar", state.String()))
	return scraper.Options{
		GitHubAPIURL: config.URL(g.URL), Sources: file(t, "sources.txt", sources.String()), ScanInterval: 6 * time.Hour, ScanWorkers: 4,
	}, g
}

func start(t *testing.T, o scraper.Options, b *bus.Bus, log *slog.Logger) (stop func()) {
	t.Helper()
	s, err := scraper.New(o, scraper.Deps{Bus: b, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// final gives the last progress of n marketplaces.
func final(t *testing.T, b *bus.Bus) (wait func(n int) map[plugpack.MarketplaceKey]string) {
	t.Helper()
	ends := make(chan events.ScanProgress, 1000)
	stop, err := b.Listen("progress.scan.*", func(data []byte) {
		var p events.ScanProgress
		if json.Unmarshal(data, &p) == nil && p.Final() {
			ends <- p
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return func(n int) map[plugpack.MarketplaceKey]string {
		t.Helper()
		got := map[plugpack.MarketplaceKey]string{}
		for len(got) < n {
			select {
			case p := <-ends:
				if got[p.Marketplace] == "" {
					got[p.Marketplace] = p.Step
				}
			case <-time.After(time.Minute):
				t.Fatalf("waited in vain, had %v", got)
			}
		}
		return got
	}
}

func TestScrapersShareTheWork(t *testing.T) {
	t.Parallel()
	const n = 12
	o, g := options(t, n)
	server := testkit.NATS(t)
	wait := final(t, testkit.BusOn(t, server))
	stops := []func(){start(t, o, testkit.BusOn(t, server), testkit.Log(t)), start(t, o, testkit.BusOn(t, server), testkit.Log(t))}
	if got := wait(n); len(got) != n {
		t.Errorf("got %v", got)
	}
	for _, stop := range stops {
		stop()
	}
	asked := map[string]int{}
	for _, r := range g.Requests() {
		if !r.Download && r.Path != "/rate_limit" {
			asked[strings.Join(strings.Split(r.Path, "/")[:4], "/")]++
		}
	}
	for repo, times := range asked {
		if times != 3 {
			t.Errorf("%s was asked about %d times", repo, times)
		}
	}
	if len(asked) != n {
		t.Errorf("asked about %d repositories", len(asked))
	}
}

func TestEnqueue(t *testing.T) {
	t.Parallel()
	b := testkit.Bus(t)
	id, queued, err := scraper.Enqueue(t.Context(), b, "github.com/o/r0", false)
	if id == "" || !queued || err != nil {
		t.Fatalf("got %q, %t, %v", id, queued, err)
	}
	if id, queued, err := scraper.Enqueue(t.Context(), b, "github.com/o/r0", true); id != "" || queued || err != nil {
		t.Errorf("the second time: %q, %t, %v", id, queued, err)
	}
	for k, want := range map[plugpack.MarketplaceKey]bool{"github.com/o/r0": true, "github.com/o/other": false} {
		if got, err := scraper.Queued(t.Context(), b, k); got != want || err != nil {
			t.Errorf("%s is queued: %t, %v", k, got, err)
		}
	}
	if _, _, err := scraper.Enqueue(t.Context(), b, "nonsense", false); errs.KindOf(err) != errs.Invalid {
		t.Errorf("got %v", err)
	}
	o, _ := options(t, 1)
	wait := final(t, b)
	start(t, o, b, testkit.Log(t))
	if got := wait(1); got["github.com/o/r0"] != "done" {
		t.Errorf("got %v", got)
	}
	testkit.Eventually(t, "the next request is taken", func(ctx context.Context) bool {
		_, queued, err := scraper.Enqueue(ctx, b, "github.com/o/r0", false)
		return queued && err == nil
	})
	if got := wait(1); got["github.com/o/r0"] != "unchanged" {
		t.Errorf("got %v", got)
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) warnings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var w []string
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, "level=WARN") {
			w = append(w, line)
		}
	}
	return w
}

func TestSampleWhenGitHubIsAway(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(filepath.Dir(file(t, ".claude-plugin/marketplace.json", market)))
	b, log := testkit.Bus(t), &lines{}
	wait := final(t, b)
	start(t, scraper.Options{GitHubAPIURL: "http://127.0.0.1:1/", ScanInterval: time.Hour, ScanWorkers: 1, SampleDir: dir}, b,
		slog.New(slog.NewTextHandler(log, nil)))
	if got := wait(1); got[plugpack.NewMarketplaceKey(plugpack.LocalHost, dir)] != "done" {
		t.Errorf("got %v", got)
	}
	if w := log.warnings(); len(w) != 1 || !strings.Contains(w[0], "GitHub cannot be reached at http://127.0.0.1:1/ (connect: connection refused)") {
		t.Errorf("warnings: %q", w)
	}
}

// A request comes from whoever reaches NATS; a deployed scraper reads no folder
// of its machine but those that its own sources name.
func TestFolders(t *testing.T) {
	t.Parallel()
	folder := func() (string, plugpack.MarketplaceKey) {
		dir := filepath.Dir(filepath.Dir(file(t, ".claude-plugin/marketplace.json", market)))
		return dir, plugpack.NewMarketplaceKey(plugpack.LocalHost, dir)
	}
	named, namedKey := folder()
	_, other := folder()
	for _, tt := range []struct {
		anyFolder bool
		want      string
	}{{false, "failed"}, {true, "done"}} {
		o, _ := options(t, 0)
		o.Sources, o.AnyFolder = file(t, "sources.txt", named), tt.anyFolder
		b := testkit.Bus(t)
		wait := final(t, b)
		start(t, o, b, testkit.Log(t))
		if _, _, err := scraper.Enqueue(t.Context(), b, other, false); err != nil {
			t.Fatal(err)
		}
		if got := wait(2); got[namedKey] != "done" || got[other] != tt.want {
			t.Errorf("any folder %t: got %v", tt.anyFolder, got)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := scraper.Options{GitHubAPIURL: "https://api.github.com/", ScanInterval: time.Hour, ScanWorkers: 1}
	if _, err := scraper.New(good, scraper.Deps{}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, variable string
		change         func(*scraper.Options)
	}{
		{"no interval", "SCAN_INTERVAL", func(o *scraper.Options) { o.ScanInterval = 0 }},
		{"no workers", "SCAN_WORKERS", func(o *scraper.Options) { o.ScanWorkers = 0 }},
		{"no address", "GITHUB_API_URL", func(o *scraper.Options) { o.GitHubAPIURL = "nats://x" }},
		{"no sources file", "PLUGPACK_SOURCES", func(o *scraper.Options) { o.Sources = "/no/such/file" }},
		{"a bad line", "PLUGPACK_SOURCES: line 2", func(o *scraper.Options) { o.Sources = file(t, "s", "a/b\nc d e\n") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := good
			tt.change(&o)
			_, err := scraper.New(o, scraper.Deps{})
			if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), tt.variable) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	var c scraper.Config
	if err := config.LoadFrom(&c, []string{"NATS_URL=nats://localhost:4222", "GITHUB_TOKEN=secret"}); err != nil {
		t.Fatal(err)
	}
	if c.ScanInterval != 6*time.Hour || c.ScanWorkers != 4 || c.GitHubAPIURL != "https://api.github.com/" || string(c.GitHubToken) != "secret" {
		t.Errorf("got %+v", c)
	}
	for _, v := range config.Describe(c) {
		if v.Doc == "" || v.Want == "a value" {
			t.Errorf("%s is not described", v.Name)
		}
	}
	err := config.LoadFrom(&c, []string{"NATS_URL=nats://localhost:4222", "SCAN_WORKERS=99"})
	if err == nil || !strings.Contains(err.Error(), "SCAN_WORKERS") {
		t.Errorf("got %v", err)
	}
}

// An opt-out of one scraper's file holds for all, also after the file is lost,
// and tells the number of a repository that was scanned before.
func TestOptOutsAreShared(t *testing.T) {
	t.Parallel()
	o, g := options(t, 2)
	server := testkit.NATS(t)
	b := testkit.BusOn(t, server)
	wait := final(t, b)
	stop := start(t, o, testkit.BusOn(t, server), testkit.Log(t))
	if got := wait(2); got["github.com/o/r1"] != "done" {
		t.Fatalf("got %v", got)
	}
	out := o
	out.OptOutFile = file(t, "opt-out.txt", "o/r1\n")
	stopOther := start(t, out, testkit.BusOn(t, server), testkit.Log(t))
	var said []plugpack.OptOut
	testkit.Eventually(t, "the opt-out to be announced by its name and by its number", func(ctx context.Context) bool {
		said = nil
		err := b.Replay(ctx, events.StreamPlugin, events.OptOuts, func(data []byte) error {
			o, err := events.Decode[plugpack.OptOut](data, events.TypeRepositoryOptedOut)
			said = append(said, o)
			return err
		})
		return err == nil && len(said) == 2
	})
	stopOther()
	if said[0].Name != "o/r1" || said[1].Name != "github.com/o/r1" || said[1].HostID == 0 {
		t.Errorf("announced %+v", said)
	}
	refused := func() {
		t.Helper()
		g.Requests()
		wait := final(t, b)
		if _, queued, err := scraper.Enqueue(t.Context(), b, "github.com/o/r1", true); err != nil || !queued {
			t.Fatal(queued, err)
		}
		if got := wait(1); got["github.com/o/r1"] != "failed" {
			t.Errorf("got %v", got)
		}
		for _, r := range g.Requests() {
			if strings.HasPrefix(r.Path, "/repos/o/r1") {
				t.Errorf("asked for %s", r.Path)
			}
		}
	}
	refused() // by the scraper that was there before
	stop()
	stop = start(t, o, testkit.BusOn(t, server), testkit.Log(t))
	refused() // by one that never saw the file
	stop()
}

// A host that wants no more questions for an hour, in whichever words, costs
// another host nothing: the scans of both share their workers.
func TestALimitStopsOnlyItsHost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]testkit.GitHubFault{
		"secondary limit, 403 with Retry-After":    {Status: 403, Header: map[string]string{"Retry-After": "3600"}, Body: `{"message":"You have exceeded a secondary rate limit."}`},
		"secondary limit, 403 without Retry-After": {Status: 403, Body: `{"message":"You have exceeded a secondary rate limit."}`},
		"429 with Retry-After":                     {Status: 429, Header: map[string]string{"Retry-After": "3600"}},
		"429 without Retry-After":                  {Status: 429},
		"hourly limit": {Status: 403, Header: map[string]string{
			"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(time.Now().Add(time.Hour).Unix()),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 6
			o, limited := options(t, n)
			fault.Path = "^/repos/"
			limited.Fault(fault)
			other := testkit.GitHub(t, file(t, "other.txtar", "-- p/q/.claude-plugin/marketplace.json --\n"+market))
			other.SetHost("127.0.0.1")
			sources, err := os.ReadFile(o.Sources)
			if err != nil {
				t.Fatal(err)
			}
			o.Sources = file(t, "both.txt", string(sources)+"server "+other.URL+"\nhttps://127.0.0.1/p/q\n")
			o.ScanWorkers = 1
			b := testkit.Bus(t)
			wait := final(t, b)
			start(t, o, b, testkit.Log(t))
			if got := wait(1); got["127.0.0.1/p/q"] != "done" {
				t.Errorf("got %v", got)
			}
			asked := 0
			for _, r := range limited.Requests() {
				if strings.HasPrefix(r.Path, "/repos/") {
					asked++
				}
			}
			if asked > 1 {
				t.Errorf("the limited host was asked %d times", asked)
			}
		})
	}
}
