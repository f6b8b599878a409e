package postgres_test

import (
	"fmt"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func (f fixture) optOut(name string, n int) {
	f.t.Helper()
	if got, err := f.ApplyOptOut(f.t.Context(), plugpack.OptOut{Name: name, At: sample.At(n)}); err != nil || got != postgres.Applied {
		f.t.Fatalf("opt-out of %s: %s, %v", name, got, err)
	}
}

// seeAt applies an observation of a plugin whose files are at origin.
func (f fixture) seeAt(marketplace, name, origin string, n int, want postgres.Outcome) {
	f.t.Helper()
	o := sample.Observation(marketplace, name, n)
	o.Facts.Origin = origin
	if got, err := f.ApplyObservation(f.t.Context(), o); err != nil || got != want {
		f.t.Fatalf("observation of %s at %d: %s, %v; want %s", name, n, got, err, want)
	}
}

func TestOptOut(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"acme", "acme/tools", "github.com/acme/tools"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newStore(t)
			f.list(0, postgres.Applied, nil, "a", "b")
			f.see("a", 0, postgres.Applied, nil)
			f.see("b", 0, postgres.Applied, nil)
			f.listAs("other/market", 0, "other/market", postgres.Applied, "theirs", "own")
			f.seeAt("other/market", "theirs", "github.com/Acme/Tools/plugins/a", 0, postgres.Applied)
			f.seeAt("other/market", "own", "github.com/other/market/own", 0, postgres.Applied)
			f.optOut(name, 1)
			f.wantLive("own")
			f.wantMarketplaces("github.com/other/market")

			// Nothing brings it back.
			f.list(2, postgres.OptedOut, nil, "a", "b")
			f.see("a", 2, postgres.OptedOut, nil)
			f.fail(repo, 2, postgres.OptedOut)
			f.listAs("renamed/tools", 3, repo, postgres.OptedOut, "a")
			f.seeAt("renamed/tools", "a", "github.com/renamed/tools/a", 3, postgres.OptedOut)
			f.seeAt("other/market", "theirs", "github.com/acme/tools/plugins/a", 4, postgres.OptedOut)
			f.seeAt("other/market", "own", "github.com/acme/tools", 4, postgres.OptedOut) // it moved there
			f.optOut(name, 5)
			f.wantLive()
			f.wantMarketplaces("github.com/other/market")
		})
	}
	t.Run("others are left alone", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "a")
		f.see("a", 0, postgres.Applied, nil)
		before := len(f.announced())
		for _, name := range []string{"tools", "acme/tool", "acme/tools2", "gitlab.com/acme/tools", "ac%"} {
			f.optOut(name, 1)
		}
		f.wantLive("a")
		if n := len(f.announced()); n != before {
			t.Errorf("%d announcements", n-before)
		}
	})
	t.Run("one that is known by its number only", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.listAs("acme/renamed", 0, repo, postgres.Applied, "a")
		f.seeAt("acme/renamed", "a", "", 0, postgres.Applied)
		o := plugpack.OptOut{Name: "github.com/" + repo, Host: "github.com", HostID: sample.Listing(repo, 0).Repository.HostID, At: sample.At(1)}
		if _, err := f.ApplyOptOut(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		f.wantLive()
		f.wantMarketplaces()
	})
}

func (f fixture) gone(name string, n int, want postgres.Outcome) {
	f.t.Helper()
	failure := plugpack.Failure{Key: plugpack.NewMarketplaceKey("github.com", name), ObservedAt: sample.At(n), Reason: "It is gone.", Gone: true}
	if got, err := f.ApplyFailure(f.t.Context(), failure); err != nil || got != want {
		f.t.Fatalf("%s is gone: %s, %v; want %s", name, got, err, want)
	}
}

func TestGone(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	const week = 7 * 24 * 60
	for i := range 6 {
		name := fmt.Sprintf("acme/m%d", i)
		f.listAs(name, 0, name, postgres.Applied, "p")
		f.seeAt(name, "p", "", 0, postgres.Applied)
	}
	before := f.bySlug("acme-m0-p")
	f.fail("acme/m0", 1, postgres.Applied)
	if p := f.bySlug("acme-m0-p"); p.Removed {
		t.Error("a failure removed a plugin")
	}
	f.gone("acme/m0", 2, postgres.Applied)
	if p := f.bySlug("acme-m0-p"); !p.Removed {
		t.Error("the plugin of a repository that is gone is still there")
	}
	f.gone("acme/m1", 3, postgres.Held) // two of six within a week
	f.gone("acme/m0", 3, postgres.Applied)
	f.gone("acme/m1", 2*week, postgres.Held) // what is held stays so
	f.gone("never/listed", 3, postgres.Applied)
	f.wantLive("p", "p", "p", "p", "p")
	ms, err := f.Marketplaces(t.Context(), postgres.MarketplaceFilter{State: "held"}, "", 0, 10)
	if err != nil || len(ms) != 1 || ms[0].Key != "github.com/acme/m1" || ms[0].LastError == "" {
		t.Errorf("held: %+v, %v", ms, err)
	}
	if n, err := f.ConfirmScan(t.Context(), "github.com/acme/m1"); err != nil || n != 1 {
		t.Errorf("confirmed: %d, %v", n, err)
	}
	f.wantLive("p", "p", "p", "p")
	t.Run("what comes back is what it was", func(t *testing.T) {
		f.listAs("acme/m0", 1, "acme/m0", postgres.Older, "p") // a late message brings nothing back
		f.seeAt("acme/m0", "p", "", 1, postgres.Older)
		f.listAs("acme/m0", 5, "acme/m0", postgres.Applied, "p")
		f.seeAt("acme/m0", "p", "", 5, postgres.Applied)
		if p := f.bySlug("acme-m0-p"); p.Removed || p.ID != before.ID {
			t.Errorf("got %+v", p)
		}
	})
}

// A database that fails says nothing of what the owner wants.
func TestSubmitWithoutOptOuts(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	if _, err := f.pool.Exec(t.Context(), `ALTER TABLE opt_outs RENAME TO away`); err != nil {
		t.Fatal(err)
	}
	_, err := f.Submit(t.Context(), "", plugpack.NewMarketplaceKey("github.com", repo), sample.At(0))
	if err == nil || errs.KindOf(err) != errs.Internal {
		t.Fatalf("got %v", err)
	}
}
