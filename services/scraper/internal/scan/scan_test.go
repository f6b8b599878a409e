package scan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/services/scraper/internal/archive"
	"github.com/plugpack/plugpack/services/scraper/internal/fetch"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
	"github.com/plugpack/plugpack/services/scraper/internal/origin"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

const (
	repo = "Acme/Tools"
	key  = plugpack.MarketplaceKey("github.com/acme/tools")
)

// world is a scanner with a GitHub and a bus of its own.
type world struct {
	t       *testing.T
	github  *testkit.GitHubServer
	bus     *bus.Bus
	store   *state.Store
	scanner *Scanner

	mu  sync.Mutex
	now time.Time
	// published holds every message in order; refuse makes Publish or Put fail.
	published []events.Message
	refuse    func(subject string) error
	steps     []events.ScanProgress
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, github: testkit.GitHub(t, "testdata/acme.txtar"), bus: testkit.Bus(t), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	store, err := state.Open(t.Context(), w.bus.JetStream())
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	client, err := github.New(github.Options{BaseURL: w.github.URL})
	if err != nil {
		t.Fatal(err)
	}
	temp, err := archive.OpenTemp(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := temp.Close(); err != nil {
			t.Error(err)
		}
	})
	w.scanner = New(Config{
		Origins: origins(t, w, temp),
		GitHub:  GitHub{Client: client, Temp: temp, Log: testkit.Log(t)}, Folders: Folders{Allowed: plugpack.MarketplaceKey.Local}, Bus: w, Store: w, Log: testkit.Log(t), Now: w.clock, Interval: time.Hour,
	})
	return w
}

// origins makes a keeper of the origins outside, of this world's servers.
func origins(t *testing.T, w *world, temp *archive.Temp) *origin.Keeper {
	t.Helper()
	clients, err := github.NewClients(github.Options{BaseURL: w.github.URL}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := origin.OpenStore(t.Context(), w.bus.JetStream())
	if err != nil {
		t.Fatal(err)
	}
	return origin.New(origin.Config{
		Fetch: fetch.New(clients, temp, testkit.Log(t), w.clock), Store: store, Alone: w.bus.Alone, Temp: temp, Log: testkit.Log(t), Now: w.clock, Fresh: 30 * time.Minute,
	})
}

// clock moves on with every look.
func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(time.Second)
	return w.now
}

func (w *world) Publish(ctx context.Context, m events.Message) error {
	w.mu.Lock()
	refuse := w.refuse
	w.mu.Unlock()
	if refuse != nil {
		if err := refuse(m.Subject); err != nil {
			return err
		}
	}
	w.mu.Lock()
	w.published = append(w.published, m)
	w.mu.Unlock()
	return w.bus.Publish(ctx, m)
}

func (w *world) Tell(_ string, data []byte) {
	var p events.ScanProgress
	if err := json.Unmarshal(data, &p); err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, p)
}

func (w *world) Get(ctx context.Context, k plugpack.MarketplaceKey) (state.State, error) {
	return w.store.Get(ctx, k)
}

func (w *world) Put(ctx context.Context, st state.State) error {
	w.mu.Lock()
	refuse := w.refuse
	w.mu.Unlock()
	if refuse != nil {
		if err := refuse("state"); err != nil {
			return err
		}
	}
	return w.store.Put(ctx, st)
}

func request(k plugpack.MarketplaceKey) events.ScanRequested {
	return events.ScanRequested{Scan: uuid.NewString(), Marketplace: k}
}

// seen is what one scan did.
type seen struct {
	listing  *plugpack.Listing
	failure  *plugpack.Failure
	updated  []string // names, in order
	facts    map[string]plugpack.Facts
	requests []string // "/path 200", with a star if conditional
	steps    []string
	last     events.ScanProgress
}

// take gives what happened since the last call.
func (w *world) take() seen {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := seen{facts: map[string]plugpack.Facts{}}
	for _, m := range w.published {
		typ, err := events.Type(m.Data)
		if err != nil {
			w.t.Fatal(err)
		}
		switch typ {
		case events.TypeMarketplaceScanned:
			l, err := events.Decode[plugpack.Listing](m.Data, typ)
			if err != nil || len(s.updated) > 0 {
				w.t.Errorf("listing after %v, %v", s.updated, err)
			}
			s.listing = &l
		case events.TypeMarketplaceFailed:
			f, err := events.Decode[plugpack.Failure](m.Data, typ)
			if err != nil {
				w.t.Error(err)
			}
			s.failure = &f
		case events.TypePluginUpdated:
			o, err := events.Decode[plugpack.Observation](m.Data, typ)
			if err != nil || s.listing == nil || o.ObservedAt != s.listing.ObservedAt || o.Marketplace != s.listing.Key {
				w.t.Errorf("observation %+v after listing %+v, %v", o, s.listing, err)
			}
			s.updated, s.facts[o.Name] = append(s.updated, o.Name), o.Facts
		}
	}
	for _, r := range w.github.Requests() {
		star := ""
		if r.Conditional {
			star = "*"
		}
		if !r.Download {
			s.requests = append(s.requests, fmt.Sprintf("%s %d%s", r.Path, r.Status, star))
		}
	}
	for _, p := range w.steps {
		s.steps, s.last = append(s.steps, p.Step), p
	}
	w.published, w.steps = nil, nil
	return s
}

func (w *world) scan(r events.ScanRequested) seen {
	w.t.Helper()
	if err := w.scanner.Scan(w.t.Context(), r, 1); err != nil {
		w.t.Fatalf("scan: %v", err)
	}
	return w.take()
}

func (w *world) state(k plugpack.MarketplaceKey) state.State {
	w.t.Helper()
	st, err := w.store.Get(w.t.Context(), k)
	if err != nil {
		w.t.Fatal(err)
	}
	return st
}

func TestFirstScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request(key)
	got := w.scan(r)
	if diff := cmp.Diff([]string{"fetching", "reading", "publishing", "done"}, got.steps); diff != "" {
		t.Error(diff)
	}
	if got.last.Entries != 4 || got.last.Changed != 3 || got.last.Scan != r.Scan {
		t.Errorf("last progress %+v", got.last)
	}
	if diff := cmp.Diff([]string{"alpha", "beta", "remote"}, got.updated); diff != "" {
		t.Error(diff)
	}
	l := got.listing
	if l.Key != key || l.Scan != r.Scan || l.Name != "acme-tools" || l.Entries != 4 || l.Repository.FullName != repo || l.Repository.HostID == 0 ||
		l.Repository.License != "MIT" || len(l.Commit) != 40 || len(l.Skipped) != 1 || !slices.Equal(l.Names, got.updated) {
		t.Errorf("listing %+v", l)
	}
	if f := got.facts["alpha"]; f.State != plugpack.StateRead || f.Version != "1.0.0" || f.Commit != l.Commit || len(f.Digest) != 64 || len(f.Components) != 1 {
		t.Errorf("alpha %+v", f)
	}
	if f := got.facts["remote"]; f.State != plugpack.StateMissing || f.Origin != "github.com/else/where" || f.Commit != "" {
		t.Errorf("remote %+v", f)
	}
	if diff := cmp.Diff([]string{"/repos/acme/tools 200", "/repos/Acme/Tools/commits/HEAD 200", "/repos/Acme/Tools/releases/latest 404"}, got.requests); diff != "" {
		t.Error(diff)
	}
	if st := w.state(key); st.NextAt.Sub(st.ObservedAt) > time.Hour+time.Minute || st.NextAt.Sub(st.ObservedAt) < 50*time.Minute || st.Failures != 0 {
		t.Errorf("state %+v", st)
	}
}

func TestUnchangedScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.scan(request(key))
	again := request(key)
	got := w.scan(again)
	if diff := cmp.Diff([]string{"/repos/acme/tools 304*"}, got.requests); diff != "" {
		t.Error(diff)
	}
	if len(got.updated) != 0 || got.last.Step != "unchanged" {
		t.Errorf("got %+v", got)
	}
	want := *first.listing
	if want.Scan = again.Scan; !got.listing.ObservedAt.After(want.ObservedAt) {
		t.Errorf("observed at %s, then at %s", want.ObservedAt, got.listing.ObservedAt)
	}
	want.ObservedAt = got.listing.ObservedAt
	if diff := cmp.Diff(want, *got.listing); diff != "" {
		t.Error(diff)
	}
	t.Run("unless it is forced", func(t *testing.T) {
		r := request(key)
		r.Force = true
		if got := w.scan(r); len(got.updated) != 3 || len(got.requests) != 3 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("unless the code reads more now", func(t *testing.T) {
		st := w.state(key)
		st.Reader--
		if err := w.store.Put(t.Context(), st); err != nil {
			t.Fatal(err)
		}
		if got := w.scan(request(key)); len(got.updated) != 3 || len(got.requests) != 3 {
			t.Errorf("got %+v", got)
		}
	})
}

func TestOnlyStarsChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	w.github.Stars(repo, 42)
	got := w.scan(request(key))
	if diff := cmp.Diff([]string{"/repos/acme/tools 200", "/repos/Acme/Tools/commits/HEAD 304*", "/repos/Acme/Tools/releases/latest 404"}, ignoreStar(got.requests)); diff != "" {
		t.Error(diff)
	}
	if got.listing.Repository.Stars != 42 || len(got.listing.Names) != 3 || len(got.updated) != 0 {
		t.Errorf("got %+v", got)
	}
	if got := w.scan(request(key)); len(got.requests) != 1 {
		t.Errorf("then %v", got.requests)
	}
}

// ignoreStar forgets that the first question was conditional but was answered.
func ignoreStar(requests []string) []string {
	for i, r := range requests {
		if strings.HasSuffix(r, " 200*") {
			requests[i] = strings.TrimSuffix(r, "*")
		}
	}
	return requests
}

func TestChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.scan(request(key))
	w.github.Write(repo, "plugins/beta/skills/see/SKILL.md", "---\ndescription: Sees more.\n---\n")
	got := w.scan(request(key))
	if diff := cmp.Diff([]string{"beta"}, got.updated); diff != "" {
		t.Error(diff)
	}
	if f := got.facts["beta"]; f.Components[0].Description != "Sees more." || f.Digest == before.facts["beta"].Digest || f.Commit == before.listing.Commit {
		t.Errorf("beta %+v", f)
	}
	if len(got.requests) != 3 {
		t.Errorf("requests %v", got.requests)
	}
	t.Run("of a file no plugin has", func(t *testing.T) {
		w.github.Write(repo, "README.md", "New.")
		if got := w.scan(request(key)); len(got.updated) != 0 || got.last.Step != "done" {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("and back", func(t *testing.T) {
		w.github.Load("testdata/acme.txtar")
		if got := w.scan(request(key)); !slices.Equal(got.updated, []string{"beta"}) || got.facts["beta"].Digest != before.facts["beta"].Digest {
			t.Errorf("got %+v", got)
		}
	})
}

const file = ".claude-plugin/marketplace.json"

func market(renames string, names ...string) string {
	var entries []string
	for _, n := range names {
		entries = append(entries, fmt.Sprintf(`{"name":%q,"source":"./plugins/alpha"}`, n))
	}
	return fmt.Sprintf(`{"name":"acme-tools","owner":{"name":"Acme"},"renames":{%s},"plugins":[%s]}`, renames, strings.Join(entries, ","))
}

func TestRenameAndRemovalInTheFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write(repo, file, market("", "one", "two"))
	w.scan(request(key))
	w.github.Write(repo, file, market(`"one":"uno"`, "uno"))
	got := w.scan(request(key))
	if !slices.Equal(got.updated, []string{"uno"}) || got.listing.Renames["one"] != "uno" || !slices.Equal(got.listing.Names, []string{"uno"}) {
		t.Errorf("got %+v", got)
	}
	w.github.Write(repo, file, market("", "uno", "two"))
	if got := w.scan(request(key)); !slices.Equal(got.updated, []string{"two"}) {
		t.Errorf("a plugin that came back: %v", got.updated)
	}
}

func TestRenamedRepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	w.github.Rename(repo, "Acme/Toolbox")
	got := w.scan(request(key))
	if got.listing.Key != "github.com/acme/toolbox" || len(got.updated) != 3 {
		t.Errorf("got %+v", got)
	}
	st := w.state(key)
	if st.Key != key || st.Listing.Key != "github.com/acme/toolbox" {
		t.Errorf("state %+v", st)
	}
	got = w.scan(request(key))
	if diff := cmp.Diff([]string{"/repos/acme/tools 301*", fmt.Sprintf("/repositories/%d 304*", st.Listing.Repository.HostID)}, got.requests); diff != "" {
		t.Error(diff)
	}
	w.github.Delete("Acme/Toolbox", http.StatusNotFound)
	if got := w.scan(request(key)); got.failure == nil || got.failure.Key != "github.com/acme/toolbox" || got.last.Marketplace != key {
		t.Errorf("got %+v", got)
	}
}

func TestAnotherRepositoryTookTheName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	w.github.Replace(repo)
	if got := w.scan(request(key)); len(got.updated) != 3 {
		t.Errorf("got %v", got.updated)
	}
}

func TestPermanentFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	tests := []struct {
		name    string
		k       plugpack.MarketplaceKey
		do      func()
		reason  string
		entries int
	}{
		{"not there", "github.com/no/body", func() {}, "no repository", 0},
		{"no marketplace", "github.com/acme/plain", func() {}, "no such file in the repository", 0},
		{"another host", "gitlab.com/acme/tools", func() {}, "GITHUB_API_URL", 0},
		{"rejected", key, func() { w.github.Write(repo, file, `{"name":"a b","owner":{"name":"A"},"plugins":[1,2]}`) }, "has a blank", 2},
		{"for legal reasons", key, func() { w.github.Delete(repo, http.StatusUnavailableForLegalReasons) }, "legal", 0},
		{"gone", key, func() { w.github.Delete(repo, http.StatusNotFound) }, "no repository", 0},
		{"empty", "github.com/acme/empty", func() { w.github.Empty("acme/empty") }, "empty", 0},
		{"no folder", "local/no/such/folder", func() {}, "no folder", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.do()
			got := w.scan(request(tt.k))
			if got.failure == nil || !strings.Contains(got.failure.Reason, tt.reason) || got.failure.Key != tt.k || got.failure.Entries != tt.entries {
				t.Fatalf("got %+v", got.failure)
			}
			if got.listing != nil || got.last.Step != "failed" || got.last.Reason != got.failure.Reason {
				t.Errorf("got %+v", got)
			}
			if st := w.state(tt.k); st.LastError != got.failure.Reason || st.Failures == 0 || st.NextAt.IsZero() {
				t.Errorf("state %+v", st)
			}
		})
	}
	t.Run("what was known is known still", func(t *testing.T) {
		w.github.Delete(repo, 0)
		w.github.Load("testdata/acme.txtar")
		if got := w.scan(request(key)); got.listing == nil || len(got.updated) != 0 || w.state(key).Failures != 0 || w.state(key).Failure != nil {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("an unchanged one costs one request", func(t *testing.T) {
		w.scan(request("github.com/acme/plain"))
		got := w.scan(request("github.com/acme/plain"))
		if diff := cmp.Diff([]string{"/repos/acme/plain 304*"}, got.requests); diff != "" || got.failure == nil {
			t.Errorf("%s %+v", diff, got.failure)
		}
	})
	t.Run("the wait grows", func(t *testing.T) {
		var last time.Duration
		for n := 1; n < 40; n++ {
			d := failureDelay(time.Hour, n, errs.NotFound)
			if d < last || d > maxFailureDelay {
				t.Fatalf("failure %d waits %s after %s", n, d, last)
			}
			last = d
		}
		if last != maxFailureDelay {
			t.Errorf("at last %s", last)
		}
	})
}

func TestTemporaryFailure(t *testing.T) {
	t.Parallel()
	faults := map[string]testkit.GitHubFault{
		"a server error":     {Path: `^/repos/`, Status: 502},
		"garbage":            {Path: `^/repos/acme/tools$`, Status: 200, Body: "<html>"},
		"a dropped line":     {Path: `^/repos/`, Drop: true},
		"a damaged head":     {Path: `HEAD$`, Status: 200, Body: "<html>"},
		"a damaged archive":  {Path: `^/codeload/`, Status: 200, Body: "<html>"},
		"a missing download": {Path: `^/codeload/`, Status: 503},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.github.Fault(fault)
			r := request(key)
			for attempt := 1; attempt < MaxAttempts; attempt++ {
				err := w.scanner.Scan(t.Context(), r, attempt)
				if errs.KindOf(err) != errs.Unavailable || errs.RetryAfter(err) < time.Second/2 {
					t.Fatalf("attempt %d: %v after %s", attempt, err, errs.RetryAfter(err))
				}
				if got := w.take(); got.failure != nil || got.last.Step != "waiting" || got.last.Reason == "" {
					t.Fatalf("attempt %d: %+v", attempt, got)
				}
			}
			if err := w.scanner.Scan(t.Context(), r, MaxAttempts); err != nil {
				t.Fatal(err)
			}
			got := w.take()
			if got.failure == nil || !strings.Contains(got.failure.Reason, "GitHub") && !strings.Contains(got.failure.Reason, "archive") {
				t.Fatalf("got %+v", got.failure)
			}
			if wait := w.state(key).NextAt.Sub(got.failure.ObservedAt); wait > 6*time.Minute {
				t.Errorf("the next try is in %s", wait)
			}
			w.github.ClearFaults()
			if got := w.scan(request(key)); len(got.updated) != 3 || w.state(key).Failures != 0 {
				t.Errorf("afterwards %+v", got)
			}
		})
	}
}

// A scan that waited for a limit was delivered often, and has all its tries left.
func TestWaitsAreNoTries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Fault(testkit.GitHubFault{Path: `^/repos/`, Status: 500, Times: MaxAttempts - 1})
	r := request(key)
	for delivery := 50; delivery < 50+MaxAttempts-1; delivery++ {
		err := w.scanner.Scan(t.Context(), r, delivery)
		if got := w.take(); errs.KindOf(err) != errs.Unavailable || got.failure != nil {
			t.Fatalf("delivery %d: %v; %+v", delivery, err, got.failure)
		}
		if after := errs.RetryAfter(err); delivery == 50 && after > time.Second {
			t.Errorf("the second try is in %s", after)
		}
	}
	if err := w.scanner.Scan(t.Context(), r, 99); err != nil || len(w.take().updated) != 3 {
		t.Fatal(err)
	}
}

func TestLimitIsWaitedFor(t *testing.T) {
	t.Parallel()
	reset := fmt.Sprint(time.Now().Add(10 * time.Minute).Unix())
	faults := map[string]testkit.GitHubFault{
		"primary":          {Status: 403, Header: map[string]string{"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}},
		"primary as 429":   {Status: 429, Header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}},
		"secondary":        {Status: 403, Header: map[string]string{"Retry-After": "600"}},
		"secondary as 429": {Status: 429, Header: map[string]string{"Retry-After": "600"}},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			fault.Times, fault.Path = 1, `^/repos/`
			w.github.Fault(fault)
			err := w.scanner.Scan(t.Context(), request(key), 50)
			if d := errs.RetryAfter(err); errs.KindOf(err) != errs.TooMany || d < 9*time.Minute || d > 12*time.Minute {
				t.Fatalf("got %v after %s", err, d)
			}
			if got := w.take(); got.failure != nil || got.last.Step != "waiting" || !strings.Contains(got.last.Reason, ", next try in ") || len(got.requests) != 1 {
				t.Errorf("got %+v", got)
			}
			err = w.scanner.Scan(t.Context(), request("github.com/acme/plain"), 1)
			if got := w.take(); errs.KindOf(err) != errs.TooMany || len(got.requests) != 0 {
				t.Errorf("another scan asked %v: %v", got.requests, err)
			}
		})
	}
}

func TestBadToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.RequireToken("T1")
	if got := w.scan(request(key)); got.failure == nil || !strings.Contains(got.failure.Reason, "GITHUB_TOKEN") {
		t.Errorf("got %+v", got.failure)
	}
}

func TestCrashBeforeTheStateRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	crash := errors.New("crash")
	for _, at := range []string{"marketplace.scanned.", "plugin.updated.", "state"} {
		w.github.Write(repo, "plugins/alpha/commands/go.md", "before "+at)
		w.refuse = func(subject string) error {
			if strings.HasPrefix(subject, at) {
				return crash
			}
			return nil
		}
		r := request(key)
		if err := w.scanner.Scan(t.Context(), r, 1); !errors.Is(err, crash) {
			t.Fatalf("at %s: %v", at, err)
		}
		first := w.take()
		w.refuse = nil
		// What the second try reads is newer, and must not be taken for a
		// repetition of what the first published.
		w.github.Write(repo, "plugins/alpha/commands/go.md", "---\ndescription: "+at+"\n---\n")
		if err := w.scanner.Scan(t.Context(), r, 2); err != nil {
			t.Fatal(err)
		}
		got := w.take()
		if first.listing != nil && first.listing.Scan == got.listing.Scan || got.last.Scan != r.Scan {
			t.Errorf("at %s: two tries have one scan id %s", at, got.listing.Scan)
		}
		stored := w.stored(key.Plugin("alpha"))
		if stored.Facts.Components[0].Description != plugpack.Clean(at) {
			t.Errorf("at %s: the stream has %+v", at, stored)
		}
	}
	t.Run("a lost acknowledgement does not", func(t *testing.T) {
		r := request(key)
		w.scan(r)
		if err := w.scanner.Scan(t.Context(), r, 2); err != nil {
			t.Fatal(err)
		}
		if got := w.take(); len(got.requests) != 0 {
			t.Errorf("got %v", got.requests)
		}
	})
}

// stored gives what the stream has of a plugin.
func (w *world) stored(k plugpack.Key) plugpack.Observation {
	w.t.Helper()
	s, err := w.bus.JetStream().Stream(w.t.Context(), events.StreamPlugin)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(w.t.Context(), events.SubjectPluginUpdated(k))
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := events.Decode[plugpack.Observation](m.Data, events.TypePluginUpdated)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// TestTwoScansAtOnce lets a slow scan of an old commit end after a quick one of
// a newer, which happens when a scraper hangs and its message goes to another.
func TestTwoScansAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	w.github.Write(repo, "plugins/alpha/commands/go.md", "old")
	inDownload, goOn := make(chan struct{}), make(chan struct{})
	w.github.Fault(testkit.GitHubFault{Path: `^/codeload/`, Times: 1, Hook: func() { close(inDownload); <-goOn }})
	var g errgroup.Group
	g.Go(func() error { return w.scanner.Scan(t.Context(), request(key), 1) })
	<-inDownload
	w.github.Write(repo, "plugins/alpha/commands/go.md", "new")
	if err := w.scanner.Scan(t.Context(), request(key), 1); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := w.stored(key.Plugin("alpha")).Facts.Components[0].Description; got != "new" {
		t.Errorf("the stream ends with %q", got)
	}
	w.mu.Lock()
	w.published = nil
	w.mu.Unlock()
	w.take()
	if got := w.scan(request(key)); len(got.updated) != 0 || len(got.requests) != 1 {
		t.Errorf("afterwards %+v", got)
	}
}

// The catalog takes what comes with an older time for older, and one scraper's
// clock may be behind that of another.
func TestClockThatIsBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.scan(request(key)).listing.ObservedAt
	w.now = w.now.Add(-time.Hour)
	w.github.Write(repo, file, market("", "alpha"))
	if got := w.scan(request(key)).listing.ObservedAt; !got.After(before) {
		t.Errorf("a scan after that of %s was observed at %s", before, got)
	}
	w.github.Delete(repo, http.StatusNotFound)
	if got := w.scan(request(key)).failure.ObservedAt; !got.After(before) {
		t.Errorf("a failure after a scan of %s was observed at %s", before, got)
	}
}

func TestLocalFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write(file, market("", "one"))
	write("plugins/alpha/commands/go.md", "Goes.")
	k := plugpack.NewMarketplaceKey(plugpack.LocalHost, dir)
	first := w.scan(request(k))
	if first.listing.Key != k || !slices.Equal(first.updated, []string{"one"}) || len(first.facts["one"].Components) != 1 || len(first.listing.Commit) != 64 {
		t.Errorf("got %+v", first)
	}
	if want := string(k) + "/plugins/alpha"; first.facts["one"].Origin != want {
		t.Errorf("origin %s, want %s", first.facts["one"].Origin, want)
	}
	write(".git/HEAD", "x")
	if got := w.scan(request(k)); got.last.Step != "unchanged" || got.listing == nil {
		t.Errorf("got %+v", got)
	}
	write("plugins/alpha/commands/go.md", "Goes on.")
	if got := w.scan(request(k)); !slices.Equal(got.updated, []string{"one"}) || len(got.requests) != 0 {
		t.Errorf("got %+v", got)
	}
	if err := os.Remove(filepath.Join(dir, file)); err != nil {
		t.Fatal(err)
	}
	if got := w.scan(request(k)); got.failure == nil || !strings.Contains(got.failure.Reason, "has no "+file) {
		t.Errorf("got %+v", got.failure)
	}
}

func TestServerOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.SetHost("git.acme.example")
	got := w.scan(request(key))
	if got.listing == nil || got.listing.Key != "git.acme.example/acme/tools" || got.facts["alpha"].Origin != "git.acme.example/acme/tools/plugins/alpha" {
		t.Errorf("got %+v", got)
	}
}

func TestManySkippedEntries(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	entries := strings.Repeat(`{"name":"a b"},`, plugpack.MaxEntries-1) + `{"name":"one","source":"./plugins/alpha"}`
	w.github.Write(repo, file, `{"name":"m","owner":{"name":"A"},"plugins":[`+entries+`]}`)
	got := w.scan(request(key))
	if got.listing == nil || len(got.listing.Skipped) != maxSkipped+1 || !slices.Equal(got.updated, []string{"one"}) || got.listing.Entries != plugpack.MaxEntries {
		t.Errorf("got %+v", got.last)
	}
}

func TestListTooLongForAnEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scan(request(key))
	var names []string
	for i := range plugpack.MaxEntries {
		names = append(names, fmt.Sprintf("%0100d", i))
	}
	w.github.Write(repo, file, market("", names...))
	for _, want := range []int{3, 1} {
		got := w.scan(request(key))
		if got.failure == nil || !strings.Contains(got.failure.Reason, "larger than one event") || len(got.requests) != want {
			t.Errorf("got %+v after %v", got.failure, got.requests)
		}
	}
}

func TestInterruptedScan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.github.Fault(testkit.GitHubFault{Path: `^/codeload/`, Times: 1, Hook: cancel})
	if err := w.scanner.Scan(ctx, request(key), MaxAttempts); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("got %v", err)
	}
	if got := w.take(); got.failure != nil || got.listing != nil {
		t.Errorf("got %+v", got)
	}
}

func TestScheduledRequestThatIsOutOfDate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request(key)
	r.After = w.state(key).LastRequest()
	w.scan(r)
	for after, want := range map[string]int{"none": 0, r.Scan: 1} {
		r := request(key)
		r.After = after
		if got := w.scan(r); len(got.requests) != want || got.last.Step != "unchanged" {
			t.Errorf("after %s: %+v", after, got)
		}
	}
}

func TestHandleRefusesNonsense(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, err := events.NewScanRequested(events.ScanRequested{Scan: "s", Marketplace: "nonsense"})
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{nil, []byte("{}"), m.Data} {
		if err := w.scanner.Handle(t.Context(), bus.Msg{Data: data, Attempt: 1}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", data, err)
		}
	}
}
