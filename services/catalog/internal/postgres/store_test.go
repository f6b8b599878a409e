package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/migrations"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// fixture is a store on a database of the test's own.
type fixture struct {
	*postgres.Store
	t    *testing.T
	pool *pgxpool.Pool
}

func newStore(t *testing.T) fixture {
	t.Helper()
	pool, err := postgres.Open(t.Context(), testkit.Postgres(t, migrations.Up))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return fixture{postgres.New(pool, testkit.Log(t)), t, pool}
}

const repo = "acme/tools"

func (f fixture) list(n int, want postgres.Outcome, change func(*plugpack.Listing), names ...string) {
	f.t.Helper()
	l := sample.Listing(repo, n, names...)
	if change != nil {
		change(&l)
	}
	got, err := f.ApplyListing(f.t.Context(), l)
	if err != nil {
		f.t.Fatal(err)
	}
	if got != want {
		f.t.Fatalf("listing at %d: %s, want %s", n, got, want)
	}
}

func (f fixture) see(name string, n int, want postgres.Outcome, change func(*plugpack.Observation)) {
	f.t.Helper()
	o := sample.Observation(repo, name, n)
	o.Facts.Digest, o.Facts.Commit = "", "" // unchanged unless the test changes it
	if change != nil {
		change(&o)
	}
	got, err := f.ApplyObservation(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	if got != want {
		f.t.Fatalf("observation of %s at %d: %s, want %s", name, n, got, want)
	}
}

func (f fixture) bySlug(slug string) plugpack.Plugin {
	f.t.Helper()
	p, err := f.PluginBySlug(f.t.Context(), slug)
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

func (f fixture) live() []string {
	f.t.Helper()
	ps, err := f.Plugins(f.t.Context(), postgres.Filter{}, postgres.Page{Sort: postgres.SortName, Limit: 100})
	if err != nil {
		f.t.Fatal(err)
	}
	names := []string{}
	for _, p := range ps.Plugins {
		names = append(names, p.Name)
	}
	return names
}

func (f fixture) wantLive(names ...string) {
	f.t.Helper()
	if diff := cmp.Diff(append([]string{}, names...), f.live()); diff != "" {
		f.t.Fatalf("live plugins (-want +got):\n%s", diff)
	}
}

// announced gives the outbox's snapshots in order.
func (f fixture) announced() []plugpack.Plugin {
	f.t.Helper()
	rows, err := f.pool.Query(f.t.Context(), `SELECT data FROM outbox ORDER BY seq`)
	if err != nil {
		f.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p plugpack.Plugin, err error) {
		var data []byte
		if err = r.Scan(&data); err == nil {
			p, err = events.Decode[plugpack.Plugin](data, events.TypePluginChanged)
		}
		return p, err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

// listAs applies a listing under key's name of the repository that sample knows
// as identity.
func (f fixture) listAs(name string, n int, identity string, want postgres.Outcome, names ...string) {
	f.t.Helper()
	l := sample.Listing(name, n, names...)
	l.Repository.HostID = sample.Listing(identity, 0).Repository.HostID
	if got, err := f.ApplyListing(f.t.Context(), l); err != nil || got != want {
		f.t.Fatalf("listing of %s at %d: %s, %v; want %s", name, n, got, err, want)
	}
}

func (f fixture) fail(name string, n int, want postgres.Outcome) {
	f.t.Helper()
	k := plugpack.NewMarketplaceKey("github.com", name)
	if got, err := f.ApplyFailure(f.t.Context(), plugpack.Failure{Key: k, ObservedAt: sample.At(n), Reason: "away"}); err != nil || got != want {
		f.t.Fatalf("failure of %s at %d: %s, %v; want %s", name, n, got, err, want)
	}
}

func (f fixture) wantMarketplaces(keys ...string) {
	f.t.Helper()
	ms, err := f.Marketplaces(f.t.Context(), postgres.MarketplaceFilter{}, "", 0, 100)
	if err != nil {
		f.t.Fatal(err)
	}
	var got []string
	for _, m := range ms {
		got = append(got, string(m.Key))
	}
	if !slices.Equal(got, keys) {
		f.t.Fatalf("marketplaces %v, want %v", got, keys)
	}
}

func described(text string) func(*plugpack.Observation) {
	return func(o *plugpack.Observation) { o.Facts.Description = text }
}

func TestApplyObservation(t *testing.T) {
	t.Parallel()
	t.Run("a new plugin is announced with all that its page shows", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		got := f.announced()
		if len(got) != 1 || got[0].Slug != "acme-tools-deploy" || got[0].Revision != 1 || got[0].Stars != 10 || got[0].Marketplace.Name != "acme-tools" {
			t.Fatalf("announced %+v", got)
		}
		if diff := cmp.Diff(f.bySlug("acme-tools-deploy"), got[0], cmpTimes, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("stored and announced differ:\n%s", diff)
		}
	})
	t.Run("the same content moves the clock and nothing else", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("deploy", 0, postgres.Applied, nil)
		f.see("deploy", 5, postgres.Unchanged, nil)
		// The late message is older than the clock, though its content differs.
		f.see("deploy", 3, postgres.Older, described("an older state"))
		p := f.bySlug("acme-tools-deploy")
		if p.Revision != 1 || p.Facts.Description != "Helps with deploy" || len(f.announced()) != 1 {
			t.Fatalf("got revision %d, %q, %d announcements", p.Revision, p.Facts.Description, len(f.announced()))
		}
	})
	t.Run("a change raises the revision and is announced", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("deploy", 0, postgres.Applied, nil)
		f.see("deploy", 1, postgres.Applied, described("Deploys faster"))
		f.see("deploy", 1, postgres.Unchanged, described("Deploys faster")) // delivered twice
		a := f.announced()
		if len(a) != 2 || a[1].Revision != 2 || a[1].Facts.Description != "Deploys faster" {
			t.Fatalf("announced %+v", a)
		}
	})
	t.Run("two keys with one slug form get two slugs", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("de-ploy", 0, postgres.Applied, nil)
		f.see("de.ploy", 0, postgres.Applied, nil)
		want := plugpack.NewMarketplaceKey("github.com", repo).Plugin("de.ploy").Slug(1)
		if p := f.bySlug(want); p.Name != "de.ploy" || !strings.HasPrefix(want, "acme-tools-de-ploy-") {
			t.Fatalf("%s is %s", want, p.Name)
		}
	})
	t.Run("a text the database cannot hold is refused for good", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		o := sample.Observation(repo, "deploy", 0)
		o.Facts.Description = "NUL \x00"
		if _, err := f.ApplyObservation(t.Context(), o); errs.KindOf(err) != errs.Invalid {
			t.Fatalf("got %v", err)
		}
		o.Facts.Description = strings.Repeat("x", plugpack.MaxDescription+1)
		if _, err := f.ApplyObservation(t.Context(), o); errs.KindOf(err) != errs.Invalid {
			t.Fatalf("got %v", err)
		}
	})
}

func TestApplyListing(t *testing.T) {
	t.Parallel()
	six := []string{"a", "b", "c", "d", "e", "f"}
	start := func(t *testing.T) fixture {
		f := newStore(t)
		f.list(0, postgres.Applied, nil, six...)
		for _, n := range six {
			f.see(n, 0, postgres.Applied, nil)
		}
		f.wantLive(six...)
		return f
	}
	t.Run("a plugin that is not listed any more is removed and stays known", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		f.list(1, postgres.Applied, nil, six[:5]...)
		f.wantLive(six[:5]...)
		p := f.bySlug("acme-tools-f")
		if !p.Removed || p.Revision != 2 {
			t.Fatalf("got %+v", p)
		}
		f.see("f", 0, postgres.Older, described("replayed")) // a replay does not resurrect it
		f.wantLive(six[:5]...)
		f.see("f", 2, postgres.Applied, nil) // listed again
		f.wantLive(six...)
		if back := f.bySlug("acme-tools-f"); back.ID != p.ID || back.Revision != 3 {
			t.Fatalf("came back as %+v", back)
		}
	})
	t.Run("an empty listing removes nothing", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		f.list(1, postgres.Held, nil)
		f.wantLive(six...)
	})
	t.Run("an empty listing removes nothing, though it is the first", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("a", 0, postgres.Applied, nil)
		f.list(1, postgres.Held, nil)
		f.wantLive("a")
		f.list(2, postgres.Applied, nil, "a")
		f.list(3, postgres.Held, nil)
		if removed, err := f.ConfirmScan(t.Context(), "github.com/acme/tools"); err != nil || removed != 1 {
			t.Fatalf("confirmed: %d removed, %v", removed, err)
		}
	})
	t.Run("a listing that lacks over a fifth is held until it is confirmed", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		f.list(1, postgres.Held, nil, six[:4]...)
		f.wantLive(six...)
		ms, err := f.Marketplaces(t.Context(), postgres.MarketplaceFilter{}, "", 0, 10)
		if err != nil || len(ms) != 1 || ms[0].State != plugpack.ScanHeld || ms[0].LastError == "" {
			t.Fatalf("marketplaces %+v, %v", ms, err)
		}
		removed, err := f.ConfirmScan(t.Context(), "github.com/acme/tools")
		if err != nil || removed != 2 {
			t.Fatalf("removed %d, %v", removed, err)
		}
		f.wantLive(six[:4]...)
		if _, err := f.ConfirmScan(t.Context(), "github.com/acme/tools"); errs.KindOf(err) != errs.Conflict {
			t.Fatalf("confirmed twice: %v", err)
		}
	})
	t.Run("a listing that is whole again ends the hold", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		f.list(1, postgres.Held, nil, "a")
		f.list(2, postgres.Applied, nil, six...)
		f.wantLive(six...)
		if _, err := f.ConfirmScan(t.Context(), "github.com/acme/tools"); errs.KindOf(err) != errs.Conflict {
			t.Fatalf("confirmed a scan that is over: %v", err)
		}
	})
	t.Run("an older listing is dropped", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		f.list(5, postgres.Applied, nil, six...)
		f.list(3, postgres.Older, nil, six[:5]...)
		f.wantLive(six...)
	})
	t.Run("stars move in steps, each with a revision", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		stars := func(n int) func(*plugpack.Listing) {
			return func(l *plugpack.Listing) { l.Repository.Stars = n }
		}
		f.list(1, postgres.Applied, stars(1000), six...)
		f.list(2, postgres.Applied, stars(1049), six...) // less than a twentieth
		if p := f.bySlug("acme-tools-a"); p.Stars != 1000 || p.Revision != 2 {
			t.Fatalf("got %d stars at revision %d", p.Stars, p.Revision)
		}
		f.list(3, postgres.Applied, stars(1050), six...)
		if p := f.bySlug("acme-tools-a"); p.Stars != 1050 || p.Revision != 3 {
			t.Fatalf("got %d stars at revision %d", p.Stars, p.Revision)
		}
	})
	t.Run("a failed scan keeps everything and says why", func(t *testing.T) {
		t.Parallel()
		f := start(t)
		_, err := f.ApplyFailure(t.Context(), plugpack.Failure{Key: "github.com/acme/tools", ObservedAt: sample.At(4), Reason: "the file is not JSON"})
		if err != nil {
			t.Fatal(err)
		}
		f.wantLive(six...)
		ms, _ := f.Marketplaces(t.Context(), postgres.MarketplaceFilter{State: "failed"}, "", 0, 10)
		if len(ms) != 1 || ms[0].LastError != "the file is not JSON" || ms[0].Plugins != 6 {
			t.Fatalf("marketplaces %+v", ms)
		}
	})
}

// The plugins that came with a held listing would make its removals look few
// when it is delivered again.
func TestAHeldListingStaysHeldWhenItComesAgain(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.list(0, postgres.Applied, nil, "a", "b", "c", "d", "e", "f")
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		f.see(name, 0, postgres.Applied, nil)
	}
	listed := []string{"a", "b", "c", "d", "g", "h", "i", "j", "k"}
	f.list(1, postgres.Held, nil, listed...)
	for _, name := range listed[4:] {
		f.see(name, 1, postgres.Applied, nil)
	}
	f.list(1, postgres.Held, nil, listed...)
	f.wantLive("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
}

func TestRename(t *testing.T) {
	t.Parallel()
	renames := func(pairs ...string) func(*plugpack.Listing) {
		return func(l *plugpack.Listing) {
			l.Renames = map[string]string{}
			for i := 0; i < len(pairs); i += 2 {
				l.Renames[pairs[i]] = pairs[i+1]
			}
		}
	}
	t.Run("the row moves, the old slug leads to it, late messages are old", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "old")
		f.see("old", 0, postgres.Applied, nil)
		id := f.bySlug("acme-tools-old").ID
		f.list(1, postgres.Applied, renames("old", "new"), "new")
		f.see("new", 1, postgres.Applied, nil)
		p := f.bySlug("acme-tools-old")
		if p.ID != id || p.Slug != "acme-tools-new" || !slices.Equal(p.Aliases, []string{"acme-tools-old"}) {
			t.Fatalf("got %+v", p)
		}
		f.see("old", 0, postgres.Older, described("late"))
		f.wantLive("new")
		f.list(2, postgres.Applied, renames("old", "new"), "new") // the map stays in the file
		if again := f.bySlug("acme-tools-new"); again.Revision != p.Revision {
			t.Fatalf("revision went from %d to %d", p.Revision, again.Revision)
		}
	})
	t.Run("a chain ends at its last name, and a loop nowhere", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "one", "x", "b", "c", "d", "e")
		for _, n := range []string{"one", "x", "b", "c", "d", "e"} {
			f.see(n, 0, postgres.Applied, nil)
		}
		f.list(1, postgres.Applied, renames("one", "two", "two", "three", "x", "y", "y", "x"), "three", "b", "c", "d", "e")
		f.wantLive("b", "c", "d", "e", "three")
	})
	t.Run("of two that led to one name, the live one moves", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "a", "b")
		f.see("a", 0, postgres.Applied, nil)
		f.see("b", 0, postgres.Applied, nil)
		id := f.bySlug("acme-tools-b").ID
		f.list(1, postgres.Applied, renames("a", "b"), "b")
		f.list(2, postgres.Applied, renames("a", "b", "b", "c"), "c")
		f.wantLive("c")
		if p := f.bySlug("acme-tools-b"); p.ID != id || p.Name != "c" || p.Removed {
			t.Fatalf("b went to %+v", p)
		}
	})
	t.Run("a name that comes back takes its own slug back", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "a")
		f.see("a", 0, postgres.Applied, nil)
		f.list(1, postgres.Applied, renames("a", "b"), "b")
		f.list(2, postgres.Applied, renames("b", "a"), "a")
		p := f.bySlug("acme-tools-a")
		if p.Name != "a" || p.Slug != "acme-tools-a" || p.Revision != 3 || !slices.Equal(p.Aliases, []string{"acme-tools-b"}) {
			t.Fatalf("got %+v", p)
		}
	})
	t.Run("a new plugin under a name that was given up is another plugin", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "old")
		f.see("old", 0, postgres.Applied, nil)
		f.list(1, postgres.Applied, renames("old", "new"), "new")
		f.list(2, postgres.Applied, nil, "new", "old")
		f.see("old", 2, postgres.Applied, nil)
		f.wantLive("new", "old")
		if p := f.bySlug("acme-tools-old"); p.Name != "new" {
			t.Fatalf("the old slug leads to %s", p.Name)
		}
	})
	t.Run("where the new name is known, the old one points to it", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "old", "new")
		f.see("old", 0, postgres.Applied, nil)
		f.see("new", 0, postgres.Applied, nil)
		f.list(1, postgres.Applied, renames("old", "new"), "new")
		p := f.bySlug("acme-tools-old")
		if !p.Removed || p.Successor != "acme-tools-new" {
			t.Fatalf("got %+v", p)
		}
		f.list(2, postgres.Applied, renames("old", "new"), "new")
		if again := f.bySlug("acme-tools-old"); again.Revision != p.Revision {
			t.Fatalf("revision went from %d to %d", p.Revision, again.Revision)
		}
	})
	t.Run("a rename to nothing is a removal that needs no confirmation", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "a", "b")
		f.see("a", 0, postgres.Applied, nil)
		f.see("b", 0, postgres.Applied, nil)
		f.list(1, postgres.Applied, renames("b", ""), "a")
		f.wantLive("a")
	})
}

func TestRepositoryIdentity(t *testing.T) {
	t.Parallel()
	t.Run("a renamed repository keeps its plugins, ids and slugs", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		before := f.bySlug("acme-tools-deploy")
		moved := sample.Listing("acme/toolbox", 1, "deploy")
		moved.Repository.HostID = sample.Listing(repo, 0).Repository.HostID
		if _, err := f.ApplyListing(t.Context(), moved); err != nil {
			t.Fatal(err)
		}
		after := f.bySlug("acme-tools-deploy")
		if after.ID != before.ID || after.Key().String() != "github.com/acme/toolbox:deploy" || after.Revision != 2 || after.Removed {
			t.Fatalf("got %+v", after)
		}
		f.see("deploy", 0, postgres.Older, described("late, under the old key"))
		f.list(0, postgres.Older, nil, "deploy")
		if n, _ := f.CountMarketplaces(t.Context(), postgres.MarketplaceFilter{}); n != 1 {
			t.Fatalf("%d marketplaces", n)
		}
	})
	t.Run("a failed scan under the new name does not cut a renamed repository off", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		before := f.bySlug("acme-tools-deploy")
		f.fail("acme/toolbox", 1, postgres.Applied)
		f.listAs("acme/toolbox", 2, repo, postgres.Applied, "deploy")
		if after := f.bySlug("acme-tools-deploy"); after.ID != before.ID || after.Removed {
			t.Fatalf("got %+v", after)
		}
		f.wantMarketplaces("github.com/acme/toolbox")
	})
	t.Run("who claimed the new name has what goes on under it", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		f.fail("acme/toolbox", 1, postgres.Applied)
		failed, err := f.Marketplaces(t.Context(), postgres.MarketplaceFilter{State: "failed"}, "", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		acme := f.user("acme")
		if err := f.ClaimMarketplace(t.Context(), acme, failed[0].ID, sample.At(1)); err != nil {
			t.Fatal(err)
		}
		f.listAs("acme/toolbox", 2, repo, postgres.Applied, "deploy")
		if err := f.OptOutMarketplace(t.Context(), acme, f.bySlug("acme-tools-deploy").Marketplace.ID, "", sample.At(3)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a late failure under a name that was given up is old", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(1, postgres.Applied, nil)
		f.listAs("acme/toolbox", 2, repo, postgres.Applied)
		f.fail(repo, 0, postgres.Older)
		f.see("deploy", 1, postgres.Older, nil) // which the catalog never knew
		f.wantMarketplaces("github.com/acme/toolbox")
		f.listAs(repo, 3, repo, postgres.Applied) // renamed back
		f.wantMarketplaces("github.com/acme/tools")
	})
	t.Run("a repository that lost its name comes back under another one", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		before := f.bySlug("acme-tools-deploy")
		f.listAs(repo, 1, "other/one", postgres.Applied, "deploy")
		f.listAs("acme/toolbox", 2, repo, postgres.Applied, "deploy")
		f.wantMarketplaces("github.com/acme/toolbox", "github.com/acme/tools")
		if _, err := f.ApplyObservation(t.Context(), sample.Observation("acme/toolbox", "deploy", 2)); err != nil {
			t.Fatal(err)
		}
		if after := f.bySlug("acme-tools-deploy"); after.ID != before.ID || after.Removed {
			t.Fatalf("got %+v", after)
		}
		// Again: the name that it had while it had none is free.
		f.listAs("acme/toolbox", 3, "third/one", postgres.Applied, "deploy")
		f.listAs(repo, 4, repo, postgres.Applied, "deploy")
		f.listAs(repo, 5, "other/one", postgres.Applied, "deploy")
	})
	t.Run("a late listing takes no name from anybody", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		f.listAs("other/now", 2, "other/one", postgres.Applied)
		f.listAs(repo, 1, "other/one", postgres.Older)
		f.wantLive("deploy")
	})
	t.Run("what a reader may see is as it was announced, of plugins removed before a rename too", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "a", "b", "c", "d", "e")
		for _, n := range []string{"a", "b", "c", "d", "e"} {
			f.see(n, 0, postgres.Applied, nil)
		}
		f.list(1, postgres.Applied, nil, "a", "b", "c", "d") // e goes
		for _, n := range []string{"a", "e"} {
			if _, err := f.ApplyObservation(t.Context(), sample.Observation("acme/toolbox", n, 2)); err != nil {
				t.Fatal(err)
			}
		}
		f.listAs("acme/toolbox", 3, repo, postgres.Applied, "a", "e")
		newest := map[string]plugpack.Plugin{}
		for _, p := range f.announced() {
			newest[p.Slug] = p
		}
		for _, slug := range []string{"acme-tools-a", "acme-tools-e", "acme-toolbox-a"} {
			if p, told := f.bySlug(slug), newest[slug]; p.Revision != told.Revision || p.Removed != told.Removed || p.Successor != told.Successor {
				t.Errorf("%s is %+v and was announced as %+v", slug, p, told)
			}
		}
	})
	t.Run("a rename waits for who writes under the old name", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		f.see("deploy", 0, postgres.Applied, nil)
		other, err := f.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.Rollback(context.WithoutCancel(t.Context())) }()
		if _, err := other.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('marketplace:github.com/acme/tools', 0))`); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			l := sample.Listing("acme/toolbox", 1, "deploy")
			l.Repository.HostID = sample.Listing(repo, 0).Repository.HostID
			_, err := f.ApplyListing(context.WithoutCancel(t.Context()), l)
			done <- err
		}()
		const waits = `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`
		testkit.Eventually(t, "the listing to wait", func(ctx context.Context) (waiting bool) {
			if len(done) > 0 {
				t.Fatalf("it did not wait: %v", <-done)
			}
			if err := other.QueryRow(ctx, waits).Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			return waiting
		})
		if err := other.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a name taken over by another repository is another marketplace", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy", "gone")
		f.see("deploy", 0, postgres.Applied, nil)
		f.see("gone", 0, postgres.Applied, nil)
		before := f.bySlug("acme-tools-deploy")
		f.list(1, postgres.Applied, func(l *plugpack.Listing) { l.Repository.HostID = 99 }, "deploy")
		f.see("deploy", 1, postgres.Applied, nil)
		f.wantLive("deploy")
		if p := f.bySlug("acme-tools-deploy"); p.ID != before.ID || !p.Removed {
			t.Fatalf("the old plugin is %+v", p)
		}
		f.see("gone", 0, postgres.Older, nil)
		f.list(0, postgres.Older, nil, "deploy", "gone")
		f.wantLive("deploy")
	})
}

// A stream keeps the last message of each subject, so a replay brings plugins
// before the newer listing of their marketplace, and removed ones too.
func TestReplayIntoEmptyDatabase(t *testing.T) {
	t.Parallel()
	lived, replayed := newStore(t), newStore(t)
	for _, n := range []string{"a", "b", "old"} {
		lived.see(n, 0, postgres.Applied, nil)
	}
	lived.list(0, postgres.Applied, nil, "a", "b", "old")
	rename := func(l *plugpack.Listing) { l.Renames = map[string]string{"old": "new"} }
	lived.list(1, postgres.Applied, rename, "a", "b", "new")
	lived.see("new", 1, postgres.Applied, nil)
	lived.list(2, postgres.Held, rename, "a")
	if _, err := lived.ConfirmScan(t.Context(), "github.com/acme/tools"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"a", "b", "old"} {
		replayed.see(n, 0, postgres.Applied, nil)
	}
	replayed.see("new", 1, postgres.Applied, nil)
	replayed.list(2, postgres.Applied, rename, "a")
	if diff := cmp.Diff(lived.live(), replayed.live()); diff != "" {
		t.Fatalf("replay differs:\n%s", diff)
	}
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	var names []string
	for i := range 25 {
		names = append(names, fmt.Sprintf("p%02d", i))
	}
	f.list(0, postgres.Applied, nil, names...)
	for i, n := range names {
		f.see(n, i, postgres.Applied, func(o *plugpack.Observation) {
			if i%5 == 0 {
				o.Facts.Category, o.Facts.Components = "database", []plugpack.Component{{Kind: plugpack.MCP, Name: "db"}}
			}
		})
	}
	for _, sort := range []postgres.Sort{postgres.SortDefault, postgres.SortStars, postgres.SortUpdated, postgres.SortName, postgres.SortScore, postgres.SortTrending} {
		t.Run("pages by cursor are the whole list, sorted by "+string(sort), func(t *testing.T) {
			whole, err := f.Plugins(t.Context(), postgres.Filter{}, postgres.Page{Sort: sort, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			var paged []plugpack.Plugin
			page := postgres.Page{Sort: sort, Limit: 7}
			for {
				next, err := f.Plugins(t.Context(), postgres.Filter{}, page)
				if err != nil {
					t.Fatal(err)
				}
				paged = append(paged, next.Plugins...)
				if page.After = next.Next; page.After == nil {
					break
				}
			}
			if len(whole.Plugins) != 25 || !cmp.Equal(whole.Plugins, paged) {
				t.Fatalf("%d in one list, %d in pages", len(whole.Plugins), len(paged))
			}
		})
	}
	t.Run("pages by name are the whole list in any alphabet", func(t *testing.T) {
		f := newStore(t)
		names := []string{"Émile", "İstanbul", "ÄÖ", "zeta", "Ωmega", "émile2", "ΑΣ"}
		for _, n := range names {
			f.see(n, 0, postgres.Applied, nil)
		}
		page, got := postgres.Page{Sort: postgres.SortName, Limit: 1}, 0
		for got <= len(names) {
			ps, err := f.Plugins(t.Context(), postgres.Filter{}, page)
			if err != nil {
				t.Fatal(err)
			}
			got += len(ps.Plugins)
			if page.After = ps.Next; page.After == nil {
				break
			}
		}
		if got != len(names) {
			t.Fatalf("%d plugins in pages, want %d", got, len(names))
		}
		for _, n := range names {
			if got, err := f.Suggest(t.Context(), string([]rune(n)[:2]), 5); err != nil || !slices.Contains(got, n) {
				t.Errorf("suggestions for %q: %v, %v", n, got, err)
			}
		}
	})
	yes := true
	for name, c := range map[string]struct {
		filter postgres.Filter
		want   int
	}{
		"category":                 {postgres.Filter{Category: "database"}, 5},
		"component kind":           {postgres.Filter{Has: "mcp"}, 5},
		"marketplace by key":       {postgres.Filter{Marketplace: "github.com/ACME/tools"}, 25},
		"marketplace by name":      {postgres.Filter{Marketplace: "acme-tools"}, 25},
		"another marketplace":      {postgres.Filter{Marketplace: "other"}, 0},
		"owner":                    {postgres.Filter{Owner: "Acme"}, 25},
		"owner with a wildcard":    {postgres.Filter{Owner: "a%e"}, 0},
		"licence in any case":      {postgres.Filter{License: "mit"}, 25},
		"featured":                 {postgres.Filter{Featured: &yes}, 0},
		"words":                    {postgres.Filter{Text: "helps p03"}, 1},
		"words and a category":     {postgres.Filter{Text: "helps", Category: "database"}, 5},
		"quotes and SQL are words": {postgres.Filter{Text: `'; DROP TABLE plugins; --`}, 0},
	} {
		t.Run("filter by "+name, func(t *testing.T) {
			n, err := f.CountPlugins(t.Context(), c.filter)
			if err != nil || n != c.want {
				t.Fatalf("got %d, %v; want %d", n, err, c.want)
			}
		})
	}
	t.Run("categories by count", func(t *testing.T) {
		got, err := f.Categories(t.Context())
		want := []postgres.Tally{{Name: "development", Count: 20}, {Name: "database", Count: 5}}
		if err != nil || !cmp.Equal(got, want) {
			t.Fatalf("got %v, %v", got, err)
		}
	})
}

func TestSearch(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.list(0, postgres.Applied, nil, "deploy-helper", "postgres", "review")
	f.see("deploy-helper", 0, postgres.Applied, described("Ships releases to Kubernetes clusters"))
	f.see("postgres", 0, postgres.Applied, described("Looks after databases"))
	f.see("review", 0, postgres.Applied, func(o *plugpack.Observation) {
		o.Facts.Components = []plugpack.Component{{Kind: plugpack.Agent, Name: "auditor", Description: "Finds injection flaws in postgres queries"}}
	})
	twin := sample.Observation("mirror/market", "postgres", 0)
	twin.Facts.Origin = "github.com/acme/tools/plugins/postgres"
	if _, err := f.ApplyObservation(t.Context(), twin); err != nil {
		t.Fatal(err)
	}
	f.list(1, postgres.Applied, nil, "deploy-helper", "postgres", "review", "do", "The It.It")
	f.see("do", 1, postgres.Applied, described("Zap"))
	f.see("The It.It", 1, postgres.Applied, described("Zap"))
	for query, want := range map[string][]string{
		"DO":                       {"do"}, // a word that English leaves out
		"the it.it":                {"The It.It"},
		"postgres -flaws":          {"postgres"},
		"kubernetes release":       {"deploy-helper"},
		"postgres":                 {"postgres", "review"}, // its name first, and one origin once
		"injection":                {"review"},
		"kube":                     {"deploy-helper"}, // a beginning, when no word is whole
		"zzz clustering":           {"deploy-helper"}, // one word of two, in another form
		"review REVIEW":            {"review"},
		"nothing-like-this-exists": {},
		"a | & ! ( ) : *":          {},
		"\\":                       {},
	} {
		t.Run(query, func(t *testing.T) {
			found, err := f.Search(t.Context(), query, postgres.Filter{}, postgres.SearchPage{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, p := range found.Plugins {
				got = append(got, p.Name)
			}
			if !slices.Equal(got, want) || found.Total != len(want) {
				t.Fatalf("got %v (total %d), want %v", got, found.Total, want)
			}
		})
	}
	t.Run("each marketplace's own listing is found in it", func(t *testing.T) {
		for _, filter := range []postgres.Filter{{Marketplace: "github.com/mirror/market"}, {Marketplace: "github.com/acme/tools"}, {Owner: "mirror"}} {
			found, err := f.Search(t.Context(), "postgres", filter, postgres.SearchPage{Limit: 10})
			if err != nil || len(found.Plugins) == 0 || found.Plugins[0].Name != "postgres" {
				t.Errorf("%+v: got %v, %v", filter, found.Plugins, err)
			}
		}
	})
	t.Run("facets count the matches", func(t *testing.T) {
		found, err := f.Search(t.Context(), "review", postgres.Filter{}, postgres.SearchPage{Limit: 10})
		if err != nil || !cmp.Equal(found.Facets["has"], []postgres.Tally{{Name: "agent", Count: 1}}) {
			t.Fatalf("facets %v, %v", found.Facets, err)
		}
	})
	t.Run("suggestions begin with the letters", func(t *testing.T) {
		for text, want := range map[string][]string{"POST": {"postgres"}, "%": nil, "_eview": nil} {
			got, err := f.Suggest(t.Context(), text, 5)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("%q: got %v, %v", text, got, err)
			}
		}
	})
}

// What a search counts can be reached, page by page.
func TestSearchPages(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	const n = 330
	for i := range n {
		f.see(fmt.Sprintf("common-%03d", i), 0, postgres.Applied, nil)
	}
	seen := map[string]bool{}
	for skip := 0; skip < n; skip += 100 {
		found, err := f.Search(t.Context(), "common", postgres.Filter{}, postgres.SearchPage{Skip: skip, Limit: 100})
		if err != nil || found.Total != n {
			t.Fatalf("%d found, %v", found.Total, err)
		}
		for _, p := range found.Plugins {
			seen[p.Name] = true
		}
	}
	if len(seen) != n {
		t.Fatalf("%d plugins on the pages, want %d", len(seen), n)
	}
}

func TestRepublish(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.see("a", 0, postgres.Applied, nil)
	f.see("b", 0, postgres.Applied, nil)
	if _, err := f.pool.Exec(t.Context(), `DELETE FROM outbox`); err != nil {
		t.Fatal(err)
	}
	total := 0
	if err := f.Republish(t.Context(), func(done int) { total = done }); err != nil || total != 2 || len(f.announced()) != 2 {
		t.Fatalf("republished %d, %v", total, err)
	}
}

// What is announced last has the highest revision: the stream keeps the last.
func TestAnnouncementsAreInOrder(t *testing.T) {
	t.Parallel()
	t.Run("of a republish and a change at once", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("a", 0, postgres.Applied, nil)
		changed := false
		// The change comes while the republish has read the plugin.
		if _, err := f.pool.Exec(t.Context(), `
			CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$;
			DELETE FROM outbox;
			CREATE TRIGGER slow BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION slow()`); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- f.Republish(context.WithoutCancel(t.Context()), func(int) {}) }()
		testkit.Eventually(t, "a republish under way", func(ctx context.Context) bool {
			return f.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'INSERT INTO outbox%' AND state = 'active' AND datname = current_database())`).Scan(&changed) == nil && changed
		})
		tx, err := f.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
		if _, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '100ms'`); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `UPDATE plugins SET revision = revision + 1`); err == nil {
			t.Error("the plugin changes while its older state is being announced")
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
	t.Run("of machines whose clocks differ", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("a", 0, postgres.Applied, nil)
		// The first came from a machine whose clock is a minute ahead.
		if _, err := f.pool.Exec(t.Context(), `UPDATE outbox SET id = $1`, uuidAt(time.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		f.see("a", 1, postgres.Applied, described("changed"))
		o, err := f.OpenOutbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		ms, err := o.Oldest(t.Context(), 10)
		if err != nil || len(ms) != 2 {
			t.Fatalf("%d messages, %v", len(ms), err)
		}
		if p, err := events.Decode[plugpack.Plugin](ms[1].Data, events.TypePluginChanged); err != nil || p.Revision != 2 {
			t.Fatalf("the last is revision %d, %v", p.Revision, err)
		}
	})
}

// uuidAt makes a UUIDv7 of a time.
func uuidAt(t time.Time) string {
	ms := fmt.Sprintf("%012x", t.UnixMilli())
	return ms[:8] + "-" + ms[8:] + "-7000-8000-000000000000"
}

var cmpTimes = cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
