package postgres_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func draft(slug string, plugins ...string) plugpack.PackDraft {
	d := plugpack.PackDraft{Slug: slug, PackText: plugpack.PackText{
		Name: "Pack " + slug, Description: "Ships it", Difficulty: plugpack.Beginner, Tags: []string{"ops"}, Minutes: 5, Curator: "Ann",
	}}
	for i, p := range plugins {
		d.Plugins = append(d.Plugins, plugpack.DraftPlugin{
			Slug: "acme-tools-" + p, Phase: []string{"Set up", "Ship"}[i%2], Description: "For " + p, Commands: []string{"/" + p},
		})
	}
	return d
}

func (f fixture) pack(d plugpack.PackDraft) plugpack.Pack {
	f.t.Helper()
	p, err := f.CreatePack(f.t.Context(), "", d, sample.At(0))
	if err == nil {
		p, err = f.MarkPack(f.t.Context(), "", p.ID, p.Edition, postgres.PackMarks{Published: new(true)}, sample.At(0))
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return p
}

// announcedPacks gives the outbox's packs in order.
func (f fixture) announcedPacks() []plugpack.Pack {
	f.t.Helper()
	rows, err := f.pool.Query(f.t.Context(), `SELECT data FROM outbox WHERE subject LIKE 'catalog.changed.pack.%' ORDER BY seq`)
	if err != nil {
		f.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p plugpack.Pack, err error) {
		var data []byte
		if err = r.Scan(&data); err == nil {
			p, err = events.Decode[plugpack.Pack](data, events.TypePackChanged)
		}
		return p, err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}

func members(p plugpack.Pack) (all []string) {
	for _, m := range p.Plugins {
		text := m.Phase + ": " + m.Name
		if m.Gone {
			text += " (gone)"
		}
		all = append(all, text)
	}
	return all
}

func packStore(t *testing.T, plugins ...string) fixture {
	f := newStore(t)
	f.list(0, postgres.Applied, nil, plugins...)
	for _, p := range plugins {
		f.see(p, 0, postgres.Applied, nil)
	}
	return f
}

func TestPacks(t *testing.T) {
	t.Parallel()
	t.Run("a pack is kept in the order of its phases and announced", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "b", "c")
		p := f.pack(draft("ship", "a", "b", "c"))
		got, err := f.PackBySlug(t.Context(), "ship")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Set up: a", "Set up: c", "Ship: b"}, members(got)); diff != "" {
			t.Fatal(diff)
		}
		if !got.Live() || got.Edition != 2 || got.ID != p.ID || got.Plugins[0].Commands[0] != "/a" {
			t.Fatalf("got %+v", got)
		}
		a := f.announcedPacks()
		if diff := cmp.Diff(got, a[len(a)-1], cmpTimes); diff != "" || a[0].Published {
			t.Fatalf("announced is not what is kept:\n%s", diff)
		}
	})
	t.Run("a draft is seen by nobody", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		if _, err := f.CreatePack(t.Context(), "", draft("ship", "a"), sample.At(0)); err != nil {
			t.Fatal(err)
		}
		if n, err := f.CountPacks(t.Context(), postgres.PackFilter{}); n != 0 || err != nil {
			t.Fatalf("%d packs, %v", n, err)
		}
		if _, n, err := f.SearchPacks(t.Context(), "ship", 10); n != 0 || err != nil {
			t.Fatalf("%d found, %v", n, err)
		}
	})
	t.Run("a plugin that is removed stays in the pack and says so; one that was renamed goes on", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "b", "c", "d", "e", "f")
		before := f.pack(draft("ship", "a", "b"))
		f.list(1, postgres.Applied, func(l *plugpack.Listing) { l.Renames = map[string]string{"a": "z"} }, "z", "c", "d", "e", "f")
		got, err := f.PackBySlug(t.Context(), "ship")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Set up: z", "Ship: b (gone)"}, members(got)); diff != "" {
			t.Fatal(diff)
		}
		a := f.announcedPacks()
		if last := a[len(a)-1]; last.Revision <= before.Revision || last.Edition != before.Edition || !last.Plugins[1].Gone {
			t.Fatalf("announced %+v", last)
		}
		// Its curator may leave it in, or take it out.
		d := draft("ship", "z", "b")
		if got, err = f.UpdatePack(t.Context(), "", got.ID, got.Edition, d, sample.At(2)); err != nil || len(got.Plugins) != 2 {
			t.Fatalf("%+v, %v", got, err)
		}
		if _, err = f.CreatePack(t.Context(), "", draft("other", "b"), sample.At(2)); errs.KindOf(err) != errs.Invalid {
			t.Fatalf("a removed plugin came into a new pack: %v", err)
		}
	})
	t.Run("a pack is told of what becomes of a plugin's successor", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "old", "new", "c", "d", "e", "f")
		f.pack(draft("ship", "old"))
		f.list(1, postgres.Applied, func(l *plugpack.Listing) { l.Renames = map[string]string{"old": "new"} }, "new", "c", "d", "e", "f")
		f.list(2, postgres.Applied, func(l *plugpack.Listing) { l.Renames = map[string]string{"new": "newer"} }, "newer", "c", "d", "e", "f")
		a := f.announcedPacks()
		if diff := cmp.Diff([]string{"Set up: newer"}, members(a[len(a)-1])); diff != "" {
			t.Fatalf("announced (-want +got):\n%s", diff)
		}
	})
	t.Run("the second of two curators is told and loses nothing", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "b")
		p := f.pack(draft("ship", "a"))
		if _, err := f.UpdatePack(t.Context(), "", p.ID, p.Edition, draft("ship", "a", "b"), sample.At(1)); err != nil {
			t.Fatal(err)
		}
		_, err := f.UpdatePack(t.Context(), "", p.ID, p.Edition, draft("ship", "b"), sample.At(2))
		if errs.KindOf(err) != errs.Conflict || !strings.Contains(err.Error(), "edition") {
			t.Fatalf("got %v", err)
		}
		if got, _ := f.PackByID(t.Context(), p.ID); len(got.Plugins) != 2 {
			t.Fatalf("the first one's work is lost: %+v", got)
		}
	})
	t.Run("what cannot be is refused", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		f.pack(draft("ship", "a"))
		if _, err := f.CreatePack(t.Context(), "", draft("ship", "a"), sample.At(0)); errs.KindOf(err) != errs.Conflict {
			t.Errorf("a slug twice: %v", err)
		}
		if _, err := f.CreatePack(t.Context(), "", draft("x", "nobody"), sample.At(0)); errs.KindOf(err) != errs.Invalid {
			t.Errorf("an unknown plugin: %v", err)
		}
		if _, err := f.CreatePack(t.Context(), "", draft("y", "a", "a"), sample.At(0)); errs.KindOf(err) != errs.Invalid {
			t.Errorf("a plugin twice: %v", err)
		}
		empty, err := f.CreatePack(t.Context(), "", draft("z"), sample.At(0))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.MarkPack(t.Context(), "", empty.ID, 0, postgres.PackMarks{Published: new(true)}, sample.At(0)); errs.KindOf(err) != errs.Invalid {
			t.Errorf("an empty pack published: %v", err)
		}
		if _, err := f.MarkPack(t.Context(), "", "018f0000-0000-7000-8000-000000000000", 0, postgres.PackMarks{}, sample.At(0)); errs.KindOf(err) != errs.NotFound {
			t.Errorf("an unknown pack: %v", err)
		}
	})
	t.Run("packs are found by any of their words, and by their plugins", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "kubernetes")
		f.pack(draft("ship", "kubernetes"))
		f.pack(draft("other", "a"))
		for text, want := range map[string]int{"shipping pipeline": 2, "kubernetes": 1, "nothing": 0, "!!": 0} {
			packs, n, err := f.SearchPacks(t.Context(), text, 10)
			if err != nil || n != want || len(packs) != want {
				t.Errorf("%q: %d packs of %d, %v; want %d", text, len(packs), n, err, want)
			}
		}
	})
	t.Run("a removed pack is gone and its slug stays taken", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		p := f.pack(draft("ship", "a"))
		if _, err := f.MarkPack(t.Context(), "", p.ID, p.Edition, postgres.PackMarks{Removed: true}, sample.At(1)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.PackBySlug(t.Context(), "ship"); err != nil || got.Live() || got.Revision <= p.Revision {
			t.Fatalf("got %+v, %v", got, err)
		}
		a := f.announcedPacks()
		if !a[len(a)-1].Removed {
			t.Fatal("the removal is not announced")
		}
		if _, err := f.CreatePack(t.Context(), "", draft("ship", "a"), sample.At(2)); errs.KindOf(err) != errs.Conflict {
			t.Fatalf("the slug was given again: %v", err)
		}
	})
	t.Run("republishing announces packs too, at the revision they have", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		p := f.pack(draft("ship", "a"))
		n := len(f.announcedPacks())
		if err := f.Republish(t.Context(), func(int) {}); err != nil {
			t.Fatal(err)
		}
		if a := f.announcedPacks(); len(a) != n+1 || a[n].Revision != p.Revision {
			t.Fatalf("announced %+v", a)
		}
	})
}

// What the schema takes and what the parser takes end at the same length.
func TestPackBounds(t *testing.T) {
	t.Parallel()
	f := packStore(t, "a")
	p := f.pack(draft("bounds", "a"))
	for _, c := range []struct {
		statement string
		most      int
	}{
		{`UPDATE packs SET tags = ARRAY['x', repeat('ä', $1)]`, plugpack.MaxTag},
		{`UPDATE pack_plugins SET commands_to_run = ARRAY['x', repeat('ä', $1)]`, plugpack.MaxPackCommand},
	} {
		if _, err := f.pool.Exec(t.Context(), c.statement, c.most+1); err == nil {
			t.Errorf("%s: one more than %d passes", c.statement, c.most)
		}
		if _, err := f.pool.Exec(t.Context(), c.statement, c.most); err != nil {
			t.Errorf("%s: %v", c.statement, err)
		}
	}
	d := draft("bounds", "a")
	d.Tags = []string{strings.Repeat("ä", plugpack.MaxTag+1)}
	if _, err := f.UpdatePack(t.Context(), "", p.ID, 0, d, sample.At(1)); errs.KindOf(err) != errs.Invalid || !strings.HasPrefix(errs.Detail(err), "tags[0]: ") {
		t.Errorf("a long tag: %v", err)
	}
}
