package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper"
)

// fault is something that GitHub does to a scraper, and what has to hold after
// it: nothing is lost, nothing is there twice, nothing was wrongly removed.
type fault struct {
	name string
	// kind and path spoil requests of the scan that meets the fault.
	kind, path string
	// inject happens instead, before that scan, and is told as injected.
	inject   func(h hub, repo string)
	injected string
	// heal ends a fault that does not end by itself.
	heal func(h hub, repo string)
	// failed says that the scan that meets the fault has to end as failed.
	failed bool
	// unmet says why nothing that a scraper asks for is hit.
	unmet string
	// shown says that the fault is no answer of its own, but shows in what is
	// there afterwards.
	shown bool
	// notOnMirror says that the look-alike cannot do it.
	notOnMirror bool
	// to is where the repository is afterwards, if not where it was.
	to func(repo string) string
	// other says that another repository has taken the name.
	other bool
}

// times is how many requests one fault spoils: fewer than a scan's tries.
const times = 2

const (
	apiPath     = "^/repos/REPO"
	archivePath = "^/codeload/REPO"
)

var faults = []fault{
	{name: "429 with Retry-After", kind: "429", path: apiPath},
	{name: "secondary limit, 403", kind: "secondary 403", path: apiPath},
	{name: "secondary limit, 429", kind: "secondary 429", path: apiPath},
	{name: "secondary limit on archives", kind: "secondary 403", path: archivePath},
	{name: "hourly limit used up, 403", kind: "primary 403", path: apiPath},
	{name: "hourly limit used up, 429", kind: "primary 429", path: apiPath},
	{name: "500s", kind: "500", path: apiPath},
	{name: "502 with a page", kind: "502", path: apiPath},
	{name: "503 with Retry-After", kind: "503", path: apiPath},
	{name: "connection dropped", kind: "drop", path: apiPath},
	{name: "archive dropped", kind: "drop", path: archivePath, notOnMirror: true},
	{name: "archive 500", kind: "500", path: archivePath},
	{name: "garbage body", kind: "garbage", path: apiPath},
	{name: "garbage archive", kind: "garbage", path: archivePath},
	{name: "slow", kind: "slow", path: apiPath},
	{name: "truncated tree", kind: "truncate", path: "/git/trees/", unmet: "never met: archives are read, which are not truncated, and no tree is asked for"},
	{name: "empty repository", kind: "empty", path: apiPath + "/commits/", failed: true},
	{name: "451", failed: true, injected: "removed with 451", inject: func(h hub, repo string) { h.remove(repo, 451) }, heal: hub.restore},
	{name: "403", failed: true, injected: "closed with 403", inject: func(h hub, repo string) { h.remove(repo, 403) }, heal: hub.restore},
	{name: "deleted and restored", failed: true, injected: "removed with 404", inject: func(h hub, repo string) { h.remove(repo, 404) }, heal: hub.restore},
	{name: "force push", shown: true, injected: "the newest commit rewritten", inject: func(h hub, repo string) { h.commit(repo, changed(), true) }},
	{
		name: "renamed", injected: "renamed to REPO-two", to: func(repo string) string { return repo + "-two" },
		inject: func(h hub, repo string) { h.rename(repo, repo+"-two") },
	},
	{
		name: "deleted and made anew under the same name", injected: "another repository of that name", shown: true, other: true,
		inject: func(h hub, repo string) { h.replace(repo, filesOf("a", "b", "c")) },
	},
}

// meet lets the fault happen and says what was injected.
func (f fault) meet(h hub, repo string) string {
	if f.inject != nil {
		f.inject(h, repo)
		return f.injected
	}
	n := times
	if f.failed {
		n = 1 // it fails at once
	}
	h.spoil(repo, f.kind, f.path, n)
	return fmt.Sprintf("%d x %s to %s", n, f.kind, f.path)
}

// filesOf makes a marketplace of the named plugins.
func filesOf(names ...string) map[string]string {
	files := map[string]string{}
	var entries []entry
	for _, n := range names {
		entries = append(entries, entry{n, "./plugins/" + n, "Made for a test.", "testing"})
		files["plugins/"+n+"/commands/go.md"] = "Goes as " + n + "."
	}
	b, _ := json.Marshal(map[string]any{"name": "made", "owner": map[string]string{"name": "Acme"}, "plugins": entries})
	files[".claude-plugin/marketplace.json"] = string(b)
	return files
}

// changed is what each repository becomes: one plugin more, one changed.
func changed() map[string]string {
	files := filesOf("a", "b", "c", "d", "e", "f")
	files["plugins/a/commands/go.md"] = "Goes differently."
	return files
}

func TestFaults(t *testing.T) {
	t.Parallel()
	t.Run("on the stand-in", func(t *testing.T) {
		t.Parallel()
		meetFaults(t, newStandIn(t))
	})
	t.Run("on the look-alike", func(t *testing.T) {
		t.Parallel()
		m, ok := startMirror(t)
		if !ok {
			t.Skip("no look-alike of GitHub here: set PLUGPACK_SHARED to the folder that has ghmirror/ to run the same table on it")
		}
		meetFaults(t, m)
	})
}

// meetFaults runs the table on one plugpack, each fault on a repository of its
// own, and prints what was seen.
func meetFaults(t *testing.T, h hub) {
	data := dataFolder(t)
	p := spawn(t, upReady, []string{
		"PORT=0", "PLUGPACK_DATA=" + data, "GITHUB_API_URL=" + h.address(), "GITHUB_TOKEN=made-up", "PLUGPACK_SOURCES=" + writeSources(t), "RATE_LIMIT=1000000", "SCAN_WORKERS=16",
	}, buildPlugpack(t), "up")
	s := &sufferer{t: t, hub: h, bus: busOf(t, data), client: api.NewClient(p.addr)}
	rows := make([]string, len(faults))
	t.Run("each", func(t *testing.T) {
		for i, f := range faults {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				rows[i] = s.suffer(t, f, fmt.Sprintf("acme/fault-%02d", i))
			})
		}
	})
	t.Logf("fault | injected | requests that met it | scan that met it | lost | twice | wrongly removed\n%s", strings.Join(rows, "\n"))
	p.interrupt()
}

// sufferer is a plugpack and the hub whose faults it meets.
type sufferer struct {
	t      *testing.T
	hub    hub
	bus    *bus.Bus
	client *api.Client
	mu     sync.Mutex
}

// suffer scans a repository, changes it, lets the fault happen, scans again and
// compares the catalog with the repository.
func (s *sufferer) suffer(t *testing.T, f fault, repo string) (row string) {
	if _, onMirror := s.hub.(mirror); onMirror && f.notOnMirror {
		return f.name + " | nothing: the look-alike cannot do it | 0 | - | - | - | -"
	}
	key := plugpack.NewMarketplaceKey("github.com", repo)
	s.do(func() { s.hub.commit(repo, filesOf("a", "b", "c", "d", "e"), false) })
	s.scan(t, key)
	before := s.wait(t, key, "the first scan", func(m map[string]api.Plugin) bool { return len(m) == 5 })

	var injected string
	s.do(func() {
		if !f.other {
			s.hub.commit(repo, changed(), false)
		}
		injected = f.meet(s.hub, repo)
	})
	smallest := s.watch(t, key, f)
	s.scan(t, key)
	end := s.ended(t, key, f)
	if f.heal != nil {
		s.do(func() { f.heal(s.hub, repo) })
	}
	fewest := smallest()
	if f.failed {
		s.scan(t, key)
	}
	after := key
	if f.to != nil {
		after = plugpack.NewMarketplaceKey("github.com", f.to(repo))
	}
	want := 6
	if f.other {
		want = 3
	}
	now := s.wait(t, after, "the scan after "+f.name, func(m map[string]api.Plugin) bool {
		return len(m) == want && (f.other && m["a"].ID != before["a"].ID || !f.other && m["a"].Revision > before["a"].Revision)
	})
	met := ""
	switch n := s.hub.met(repo); {
	case f.unmet != "" && n == 0:
		met = f.unmet
	case f.shown:
		met = "shown by what is there"
	case n == 0 || f.unmet != "":
		t.Errorf("the fault was met by %d requests", n)
	default:
		met = fmt.Sprint(n)
	}
	lost, twice := s.compare(t, f, before, now)
	wrongly := 0
	if !f.other && f.to == nil && fewest < 5 {
		wrongly = 5 - fewest
		t.Errorf("while the fault lasted only %d of 5 plugins were listed", fewest)
	}
	return fmt.Sprintf("%s | %s | %s | %s | %d | %d | %d", f.name, injected, met, end, lost, twice, wrongly)
}

// compare says what is lost and what is there twice: rows keep their ids, and
// the plugins that did not change keep their revision.
func (s *sufferer) compare(t *testing.T, f fault, before, now map[string]api.Plugin) (lost, twice int) {
	for name, was := range before {
		is, ok := now[name]
		switch {
		case f.other:
			if ok && is.ID == was.ID {
				t.Errorf("%s of another repository took over the row of the one before", name)
			}
		case !ok:
			lost++
			t.Errorf("%s is lost", name)
		case is.ID != was.ID:
			twice++
			t.Errorf("%s has another id than before", name)
		case f.to == nil && name > "b" && is.Revision != was.Revision:
			twice++
			t.Errorf("%s did not change, but went from revision %d to %d", name, was.Revision, is.Revision)
		}
	}
	return lost, twice
}

// do changes the hub; the look-alike takes one change at a time.
func (s *sufferer) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *sufferer) scan(t *testing.T, k plugpack.MarketplaceKey) {
	t.Helper()
	testkit.Eventually(t, "the scan to be queued", func(ctx context.Context) bool {
		_, queued, err := scraper.Enqueue(ctx, s.bus, k, false)
		if err != nil {
			t.Fatal(err)
		}
		return queued
	})
}

// ended waits until the queue has no scan of k and gives the state that its row
// says, which has to be failed where that is due.
func (s *sufferer) ended(t *testing.T, k plugpack.MarketplaceKey, f fault) (state string) {
	t.Helper()
	testkit.Eventually(t, "the scan of "+string(k)+" to end", func(ctx context.Context) bool {
		queued, err := scraper.Queued(ctx, s.bus, k)
		return err == nil && !queued
	})
	if !f.failed {
		return "recovered"
	}
	testkit.Eventually(t, string(k)+" to be shown as failed", func(ctx context.Context) bool {
		ms, err := s.client.Marketplaces(ctx, url.Values{"state": {"failed"}, "limit": {"100"}})
		if err != nil {
			return false
		}
		i := slices.IndexFunc(ms, func(m api.Marketplace) bool { return m.Key == string(k) })
		if i >= 0 {
			state = "failed: " + ms[i].LastError
		}
		return i >= 0 && ms[i].LastError != ""
	})
	return state
}

// plugins gives the listed plugins of k by name, and fails the test when one
// name is there twice.
func (s *sufferer) plugins(ctx context.Context, t *testing.T, k plugpack.MarketplaceKey) (map[string]api.Plugin, error) {
	ps, _, err := s.client.Plugins(ctx, url.Values{"marketplace": {string(k)}, "limit": {"100"}})
	m := map[string]api.Plugin{}
	for _, p := range ps {
		if _, twice := m[p.Name]; twice {
			t.Errorf("%s has %s twice", k, p.Name)
		}
		m[p.Name] = p
	}
	return m, err
}

func (s *sufferer) wait(t *testing.T, k plugpack.MarketplaceKey, what string, good func(map[string]api.Plugin) bool) (m map[string]api.Plugin) {
	t.Helper()
	defer func() {
		if t.Failed() {
			ms, err := s.client.Marketplaces(context.WithoutCancel(t.Context()), url.Values{"limit": {"100"}})
			t.Logf("%s has %v; %v", k, slices.Sorted(maps.Keys(m)), err)
			for _, r := range ms {
				t.Logf("%s %s %d %s", r.Key, r.State, r.Plugins, r.LastError)
			}
		}
	}()
	testkit.Eventually(t, string(k)+" after "+what, func(ctx context.Context) bool {
		var err error
		m, err = s.plugins(ctx, t, k)
		return err == nil && good(m)
	})
	return maps.Clone(m)
}

// watch reads the list all the time; smallest ends that and gives how few
// plugins were listed at the worst moment.
func (s *sufferer) watch(t *testing.T, k plugpack.MarketplaceKey, f fault) (smallest func() int) {
	if f.other || f.to != nil {
		return func() int { return 5 }
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	fewest, done := 5, make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			if m, err := s.plugins(ctx, t, k); err == nil {
				fewest = min(fewest, len(m))
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return func() int { cancel(); <-done; return fewest }
}
