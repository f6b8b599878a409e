package discover

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/scraper/internal/github"
)

const byCode = "code-search:marketplace.json"

func TestRound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	g := w.github
	g.Write("acme/market", manifest, "{}")
	g.Write("Acme/Nested", "templates/"+manifest, "{}")             // no client reads it there
	g.Write("acme/plugin-only", ".claude-plugin/plugin.json", "{}") // no marketplace
	g.Write("acme/both", ".claude-plugin/plugin.json", "{}")
	g.Write("acme/both", manifest, "{}")
	g.Write("acme/tagged", "README.md", "")
	g.Topics("acme/tagged", "claude-code-plugin", "claude-plugins")
	g.Write("acme/out", manifest, "{}")
	w.out["github.com/acme/out"] = true
	ends := w.goOn()
	if diff := cmp.Diff([]string{"github.com/acme/both", "github.com/acme/market"}, w.found()); diff != "" {
		t.Error(diff)
	}
	at := w.clock.Now()
	for method, want := range map[string]plugpack.Discovery{
		byCode:                    {Found: 4, Total: 4, Slices: 1},
		"code-search:plugin.json": {Found: 2, Total: 2, Slices: 1},
		"topics":                  {Found: 2, Total: 2, Slices: len(topics)},
		lookMethod:                {Found: 2, Total: 2, Slices: 1},
	} {
		got := ends[method]
		if got.StartedAt.IsZero() || got.FinishedAt.Before(got.StartedAt) || got.FinishedAt.After(at) {
			t.Errorf("%s took from %s to %s", method, got.StartedAt, got.FinishedAt)
		}
		want.Method, want.StartedAt, want.FinishedAt = method, got.StartedAt, got.FinishedAt
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if n := asked(g.Requests(), "/repos/"); n != 2 {
		t.Errorf("looked %d times", n)
	}
	t.Run("what was found is scanned some time later", func(t *testing.T) {
		st, err := w.states.Get(t.Context(), "github.com/acme/market")
		if err != nil || st.HostID == 0 || st.FoundBy != byCode || st.NextAt.Before(at.Add(-time.Hour)) || st.NextAt.After(at.Add(spread)) {
			t.Errorf("got %+v, %v", st, err)
		}
	})
	t.Run("nothing is asked again before the interval is over", func(t *testing.T) {
		if wait, err := w.round(t.Context()); err != nil || wait <= 23*time.Hour || wait > 24*time.Hour || len(g.Requests()) != 0 || len(w.taken()) != 0 {
			t.Errorf("waits %s, %v", wait, err)
		}
	})
	t.Run("a repository without a marketplace is left alone for a month", func(t *testing.T) {
		for day := range 31 {
			_ = w.clock.Wait(t.Context(), 24*time.Hour)
			w.goOn()
			if n := asked(g.Requests(), "/repos/"); n != 0 && day < 29 {
				t.Errorf("looked %d times after %d days", n, day+1)
			}
		}
		g.Write("acme/plugin-only", manifest, "{}")
		g.Topics("acme/plugin-only") // it is not found otherwise before its turn
		_ = w.clock.Wait(t.Context(), 32*24*time.Hour)
		w.goOn()
		if got := w.found(); len(got) != 3 || got[2] != "github.com/acme/plugin-only" {
			t.Errorf("found %q", got)
		}
	})
}

// A repository that is known under its id was renamed, and needs no second row.
func TestKnownByID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("acme/old", manifest, "{}")
	w.goOn()
	w.github.Rename("acme/old", "acme/new")
	_ = w.clock.Wait(t.Context(), 25*time.Hour)
	w.goOn()
	if diff := cmp.Diff([]string{"github.com/acme/old"}, w.found()); diff != "" {
		t.Error(diff)
	}
}

func TestOptedOutStaysOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("acme/tools", manifest, "{}")
	w.goOn()
	st, err := w.states.Get(t.Context(), "github.com/acme/tools")
	if err != nil {
		t.Fatal(err)
	}
	st.OptedOut = true
	if err := w.states.Put(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	w.github.Rename("acme/tools", "acme/renamed")
	_ = w.clock.Wait(t.Context(), 25*time.Hour)
	w.goOn()
	if got := w.found(); len(got) != 1 {
		t.Errorf("found %q", got)
	}
}

// A discovery that is interrupted anywhere goes on where it was: every slice is
// read to its end once, and counted once.
func TestRestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 2300
	fill(w, n, func(i int) int { return i % 700 })
	whole := w.goOn()[byCode]
	needed := asked(w.github.Requests(), "/search/code")
	if whole.Found != n || whole.Total != n || whole.Incomplete || whole.Slices < 3 {
		t.Fatalf("without interruption: %+v", whole)
	}
	w2 := newWorld(t)
	fill(w2, n, func(i int) int { return i % 700 })
	tries := 0
	for ; ; tries++ {
		ctx, cancel := context.WithCancel(t.Context())
		// The process ends in the middle of its sixteenth question.
		left := 15
		w2.Client = interrupted{w2.Client, func() {
			if left--; left < 0 {
				cancel()
			}
		}}
		_, err := w2.round(ctx)
		cancel()
		if err == nil {
			break
		}
		if tries > 50 {
			t.Fatalf("never ended: %v", err)
		}
		w2.restart()
	}
	got := w2.taken()[byCode]
	if tries < 2 || got.Found != n || got.Total != n || got.Incomplete || got.Slices != whole.Slices {
		t.Errorf("after %d interruptions: %+v, want %+v", tries, got, whole)
	}
	if asks := asked(w2.github.Requests(), "/search/code"); asks > needed+tries*12 {
		t.Errorf("asked %d times, %d without interruption", asks, needed)
	}
}

// interrupted calls before before each question.
type interrupted struct {
	Client
	before func()
}

func (i interrupted) SearchCode(ctx context.Context, query string, page int) (github.Page, error) {
	i.before()
	return i.Client.SearchCode(ctx, query, page)
}

// fill writes n marketplaces whose files have these sizes, more or less.
func fill(w *world, n int, size func(int) int) {
	for i := range n {
		w.github.Write(fmt.Sprintf("owner/r%d", i), manifest, strings.Repeat("x", size(i)))
	}
}

func TestASliceThatCannotBeAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("acme/tools", manifest, "{}")
	w.github.Fault(testkit.GitHubFault{Path: "/search/code", Status: 500})
	for try := range maxTries - 1 {
		if _, err := w.round(t.Context()); errs.KindOf(err) != errs.Unavailable {
			t.Fatalf("try %d: %v", try, err)
		}
		w.restart()
	}
	_, err := w.round(t.Context()) // the next method is interrupted now
	if got := w.taken()[byCode]; err == nil || !got.Incomplete || got.Found != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	w.github.ClearFaults()
	_ = w.clock.Wait(t.Context(), 25*time.Hour)
	if got := w.goOn()[byCode]; got.Incomplete || got.Found != 1 {
		t.Errorf("the next day: %+v", got)
	}
}

func TestIncompleteResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fill(w, 10, func(i int) int { return i })
	w.github.GiveUpSearches(4) // all tries of the first page
	if got := w.goOn()[byCode]; !got.Incomplete || got.Found != 5 || got.Total != 10 {
		t.Errorf("got %+v", got)
	}
}

// The limit of the core is waited for, and every candidate has its turn.
func TestLookWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 30 {
		w.github.Write(fmt.Sprintf("acme/r%d", i), ".claude-plugin/plugin.json", "{}")
	}
	w.github.LimitCore(20, 0)
	begun := w.clock.Now()
	if got := w.goOn()[lookMethod]; got.Found != 30 || got.Total != 30 || got.Incomplete {
		t.Errorf("got %+v", got)
	}
	if took := w.clock.Now().Sub(begun); took < time.Hour {
		t.Errorf("took %s", took)
	}
}

func TestLooksAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range maxLooks + 10 {
		c := Candidate{Key: plugpack.MarketplaceKey(fmt.Sprintf("github.com/a/r%d", i)), Method: lookMethod}
		if err := w.Memory.Add(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.goOn()[lookMethod]; got.Found != maxLooks || got.Total != maxLooks+10 || !got.Incomplete {
		t.Errorf("got %+v", got)
	}
	_ = w.clock.Wait(t.Context(), 25*time.Hour)
	if got := w.goOn()[lookMethod]; got.Found != maxLooks+10 || got.Incomplete {
		t.Errorf("the next day: %+v", got)
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("other/home", manifest, "{}")
	source := func(kind plugpack.SourceKind, origin string) {
		o := sample.Observation("acme/tools", string(kind)+origin, 1)
		o.Facts.Source.Kind, o.Facts.Origin = kind, origin
		m, err := events.NewPluginUpdated(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.bus.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	w.out["github.com/other/out"] = true
	source(plugpack.SourceRelative, "github.com/acme/tools/p")
	source(plugpack.SourceGitHub, "github.com/other/home")
	source(plugpack.SourceURL, "github.com/other/home/sub")
	source(plugpack.SourceGitSubdir, "github.com/other/gone/sub")
	source(plugpack.SourceGitHub, "github.com/acme/tools")
	source(plugpack.SourceGitHub, "github.com/other/out")
	source(plugpack.SourceURL, "gitlab.example/a/b")
	source(plugpack.SourceGitHub, "github.com/..%2f/x")
	source(plugpack.SourceGitHub, "github.com/a")
	source(plugpack.SourceNPM, "github.com/npm/package")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Listen(ctx, w.bus) }()
	testkit.Eventually(t, "all is heard", func(ctx context.Context) bool {
		drained, err := w.bus.Drained(ctx, events.StreamPlugin, listedDurable)
		return err == nil && drained
	})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	all, err := w.Memory.candidates(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("candidates: %+v, %v", all, err)
	}
	if got := w.goOn()[lookMethod]; got.Found != 1 || got.Total != 1 { // the other one is found by its file
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"github.com/other/home"}, w.found()); diff != "" {
		t.Error(diff)
	}
}

// Two scrapers that both believe to be the only one do not count twice.
func TestSecondWriterIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, err := w.Memory.progress(t.Context(), byCode)
	if err != nil {
		t.Fatal(err)
	}
	b := a
	if err := w.Memory.save(t.Context(), byCode, &a); err != nil {
		t.Fatal(err)
	}
	if err := w.Memory.save(t.Context(), byCode, &a); err != nil {
		t.Errorf("the same writer again: %v", err)
	}
	if err := w.Memory.save(t.Context(), byCode, &b); errs.KindOf(err) != errs.Conflict {
		t.Errorf("got %v, want Conflict", err)
	}
}

// What an older version, or a bug, left behind is no reason to stop.
func TestStrangeMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("acme/tools", manifest, "{}")
	for _, value := range []string{
		"nonsense", `{"started_at":"2026-05-01T11:00:00Z","open":[{"query":"x","ranges":[]}]}`,
		`{"started_at":"2026-05-01T11:00:00Z","open":[{"query":"x","ranges":[[9,3]]}]}`,
		`{"started_at":"2026-05-01T11:00:00Z","finished_at":"2999-05-01T11:00:00Z"}`,
		`{"started_at":"2019-05-01T11:00:00Z","open":[{"query":"x","ranges":[[0,3]]}],"found":7}`,
	} {
		if _, err := w.Memory.kv.Put(t.Context(), progressPrefix+events.Token(byCode), []byte(value)); err != nil {
			t.Fatal(err)
		}
		if got := w.goOn()[byCode]; got.Found != 1 || got.Total != 1 {
			t.Errorf("%s: got %+v", value, got)
		}
	}
	if _, err := w.Memory.kv.Put(t.Context(), candidatePrefix+"x", []byte(`{"key":"github.com/a/b"}`)); err != nil {
		t.Fatal(err)
	}
	if all, err := w.Memory.candidates(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("got %+v, %v", all, err)
	}
}

func TestRunWaitsAfterTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var waits []time.Duration
	w.Wait = func(ctx context.Context, d time.Duration) error {
		if waits = append(waits, d); len(waits) == 3 {
			return context.Canceled
		}
		return w.clock.Wait(ctx, d)
	}
	w.github.Fault(testkit.GitHubFault{Path: "/search/repositories", Status: 401, Times: 1})
	if err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(waits) != 3 || waits[0] != startDelay || waits[1] != pause || waits[2] < 23*time.Hour {
		t.Errorf("waited %s", waits)
	}
}

// The bucket's values are read by other versions: their form is a contract.
func TestCandidateForm(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(Candidate{Key: "github.com/a/b", HostID: 7, Method: "topics", CheckedAt: sample.Time})
	if want := `{"key":"github.com/a/b","host_id":7,"method":"topics","checked_at":"2026-01-02T03:04:05Z"}`; err != nil || string(b) != want {
		t.Errorf("got %s, %v", b, err)
	}
}

// A name that a renamed repository gave up may be another marketplace's now.
func TestATakenOverNameIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.github.Write("acme/old", manifest, "{}")
	w.goOn()
	st, err := w.states.Get(t.Context(), "github.com/acme/old")
	if err != nil {
		t.Fatal(err)
	}
	l := sample.Listing("acme/new", 1)
	l.Repository.HostID, st.Listing, st.Request = st.HostID, &l, "scan-1"
	if err := w.states.Put(t.Context(), st); err != nil {
		t.Fatal(err)
	}
	w.github.Rename("acme/old", "acme/new")
	w.github.Write("acme/old", manifest, "{}")
	w.github.Replace("acme/old") // with an id of its own
	_ = w.clock.Wait(t.Context(), 25*time.Hour)
	w.goOn()
	if diff := cmp.Diff([]string{"github.com/acme/new", "github.com/acme/old"}, w.found()); diff != "" {
		t.Error(diff)
	}
	moved, err := w.states.Get(t.Context(), "github.com/acme/new")
	if err != nil || moved.Listing == nil || moved.Request != "scan-1" {
		t.Errorf("the renamed one: %+v, %v", moved, err)
	}
	if taken, err := w.states.Get(t.Context(), "github.com/acme/old"); err != nil || taken.Listing != nil || taken.HostID == st.HostID || taken.FoundBy != byCode {
		t.Errorf("the new one: %+v, %v", taken, err)
	}
}
