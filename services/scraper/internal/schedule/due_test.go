package schedule

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

func many(n int, f func(i int) state.State) map[plugpack.MarketplaceKey]state.State {
	states := map[plugpack.MarketplaceKey]state.State{}
	for i := range n {
		st := f(i)
		st.Key = plugpack.MarketplaceKey(fmt.Sprintf("github.com/o/r%05d", i))
		states[st.Key] = st
	}
	return states
}

// Forty thousand marketplaces that are due at once must not use up any hour's
// limit, and each has its turn once.
func TestBudgetLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, limit, hours = 40_000, 40_000, 2
		w := &world{limit: limit, scans: true, states: many(n, func(int) state.State { return state.State{Commit: "c", Listing: &plugpack.Listing{}} })}
		run(t, w)
		seen := map[string]bool{}
		for hour := range hours {
			pass(time.Hour)
			queued := w.take()
			if len(queued) > limit*9/10 {
				t.Fatalf("%d queued in hour %d", len(queued), hour)
			}
			for _, q := range queued {
				k, _, _ := strings.Cut(q, " ")
				if seen[k] {
					t.Fatalf("%s was queued twice", k)
				}
				seen[k] = true
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d were queued in %d hours", len(seen), n, hours)
		}
	})
}

func TestFirstScansCostMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{limit: 600, states: many(1000, func(int) state.State { return state.State{} })}
		run(t, w)
		if got := len(w.take()); got != 60 { // three tenths of the limit, at three each
			t.Errorf("%d were queued at once", got)
		}
	})
}

func TestPopularFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		w := &world{limit: 20, scans: true, states: many(20, func(i int) state.State {
			l := &plugpack.Listing{Repository: plugpack.Repository{PushedAt: now.Add(-400 * 24 * time.Hour)}}
			if i >= 15 {
				l.Repository.PushedAt = now.Add(-time.Hour)
			}
			return state.State{Commit: "c", Listing: l, NextAt: now.Add(-100 * time.Hour)}
		})}
		run(t, w)
		pass(4 * time.Hour)
		if len(w.orders) != 20 {
			t.Fatalf("%d were queued", len(w.orders))
		}
		for i, r := range w.orders {
			want := events.PriorityPopular
			if i >= 5 {
				want = events.PriorityStale
			}
			if r.Priority != want || r.After != "none" {
				t.Errorf("number %d is %+v", i, r)
			}
		}
	})
}

type otherHost struct{ err error }

func (h otherHost) Reachable(context.Context) error { return h.err }
func (h otherHost) HourlyLimit() int                { return 5000 }

// A host that is away or whose limit is used up holds up no other one.
func TestHostsStandAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const away, there = plugpack.MarketplaceKey("away.example/a/b"), plugpack.MarketplaceKey("there.example/a/b")
		w := &world{
			github: errs.New(errs.TooMany, "used up"), states: map[plugpack.MarketplaceKey]state.State{},
			hosts: map[string]Host{"away.example": otherHost{errs.New(errs.Unavailable, "away")}, "there.example": otherHost{}},
		}
		run(t, w, one, away, there)
		pass(time.Second)
		for _, q := range w.take() {
			if !strings.HasPrefix(q, string(there)) && !strings.HasPrefix(q, string(sample)) {
				t.Errorf("queued %s", q)
			}
		}
		if len(w.orders) == 0 {
			t.Error("nothing was queued")
		}
	})
}

func TestOptOutsAreNeverQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{out: two, scans: true, states: map[plugpack.MarketplaceKey]state.State{one: {Key: one, OptedOut: true}}}
		run(t, w, one, two)
		w.set(two, 0)
		pass(24 * time.Hour)
		want(t, w)
	})
}

// One scraper's schedule learns of an opt-out that another one's scan saw.
func TestOptOutWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		run(t, w, one)
		want(t, w, "github.com/a/one 0")
		w.mu.Lock()
		w.states[one] = state.State{Key: one, OptedOut: true}
		w.mu.Unlock()
		w.changes <- state.State{Key: one, OptedOut: true}
		pass(24 * time.Hour)
		want(t, w)
	})
}

func TestClockThatWasAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{states: map[plugpack.MarketplaceKey]state.State{
			one: {Key: one, NextAt: time.Now().Add(10 * 365 * 24 * time.Hour)},
			two: {Key: two, NextAt: time.Now().Add(6 * 24 * time.Hour)}, // a failure's back-off
		}}
		run(t, w)
		want(t, w, "github.com/a/one 0")
	})
}

func TestStretch(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	days := func(n int) time.Time { return now.Add(-time.Duration(n) * 24 * time.Hour) }
	for _, tt := range []struct {
		name string
		repo plugpack.Repository
		want int
	}{
		{"active", plugpack.Repository{PushedAt: days(3)}, 1},
		{"unknown", plugpack.Repository{}, 1},
		{"ahead of the clock", plugpack.Repository{PushedAt: days(-300)}, 1},
		{"maintained", plugpack.Repository{PushedAt: days(30)}, 2},
		{"maintained and liked", plugpack.Repository{PushedAt: days(30), Stars: 100}, 1},
		{"slow", plugpack.Repository{PushedAt: days(200)}, 4},
		{"slow and famous", plugpack.Repository{PushedAt: days(200), Stars: 5000}, 1},
		{"stale", plugpack.Repository{PushedAt: days(999), Stars: 99}, 8},
		{"stale and liked", plugpack.Repository{PushedAt: days(999), Stars: 100}, 4},
		{"stale and famous", plugpack.Repository{PushedAt: days(999), Stars: 1000}, 2},
		{"archived", plugpack.Repository{PushedAt: days(1), Archived: true, Stars: 5000}, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := stretch(tt.repo, now); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
			const interval = 6 * time.Hour
			st := state.State{Key: one, NextAt: now.Add(interval), Listing: &plugpack.Listing{Repository: tt.repo}}
			wait := dueAt(st, interval, now).Sub(now)
			if most := time.Duration(tt.want) * interval; wait > most || wait < most*9/10 {
				t.Errorf("waits %s, want about %s", wait, most)
			}
			if again := dueAt(st, interval, now).Sub(now); again != wait {
				t.Errorf("two scrapers disagree: %s and %s", wait, again)
			}
			st.Failures = 1
			if at := dueAt(st, interval, now); !at.Equal(st.NextAt) {
				t.Errorf("a failure's back-off is changed to %s", at)
			}
		})
	}
}

func TestPriority(t *testing.T) {
	t.Parallel()
	now := time.Now()
	stale := &plugpack.Listing{Repository: plugpack.Repository{PushedAt: now.Add(-1000 * 24 * time.Hour)}}
	for name, tt := range map[string]struct {
		st   state.State
		want events.Priority
	}{
		"a new source":            {state.State{}, events.PriorityPopular},
		"found by a search":       {state.State{FoundBy: "topics"}, events.PriorityStale},
		"found, and it is active": {state.State{FoundBy: "topics", Listing: &plugpack.Listing{}}, events.PriorityPopular},
		"a source that is stale":  {state.State{Listing: stale}, events.PriorityStale},
	} {
		if got := priority(tt.st, now); got != tt.want {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
	}
}
