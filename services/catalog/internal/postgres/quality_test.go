package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func pushedAt(at time.Time) func(*plugpack.Listing) {
	return func(l *plugpack.Listing) { l.Repository.PushedAt = at }
}

// age lets time pass and wants so many more announcements.
func (f fixture) age(now time.Time, want int) {
	f.t.Helper()
	before := len(f.announced())
	if err := f.Age(f.t.Context(), now); err != nil {
		f.t.Fatal(err)
	}
	if got := len(f.announced()) - before; got != want {
		f.t.Fatalf("%d announcements, want %d", got, want)
	}
}

func TestQuality(t *testing.T) {
	t.Parallel()
	t.Run("what is large is kept apart from what lists and announcements hold", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, nil, "deploy")
		seen := sample.Observation(repo, "deploy", 0).Facts
		seen.Documents.Readme.Text, seen.Documents.Readme.Bytes = strings.Repeat("é", 5000), 10_000
		seen.Documents.Changelog = &plugpack.Document{Path: "CHANGELOG.md", Bytes: 5, Text: "1.0.0"}
		f.see("deploy", 0, postgres.Applied, func(o *plugpack.Observation) { o.Facts.Documents = seen.Documents })
		p := f.bySlug("acme-tools-deploy")
		if p.Facts.Security != nil || p.Facts.Quality != nil || p.Facts.Documents.Changelog.Text != "" {
			t.Errorf("the page holds %+v", p.Facts)
		}
		if r := p.Facts.Documents.Readme; len(r.Text) > 1000 || len(r.Text) < 900 || !r.Cut || r.Path != "README.md" {
			t.Errorf("the page holds the readme %+v", r)
		}
		if p.Findings != seen.Security.Counts() {
			t.Errorf("findings %+v", p.Findings)
		}
		r, err := f.Report(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(postgres.Report{Security: seen.Security, Quality: seen.Quality}, r); diff != "" {
			t.Errorf("report -want +got:\n%s", diff)
		}
		d, err := f.Documents(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(seen.Documents, d); diff != "" {
			t.Errorf("documents -want +got:\n%s", diff)
		}
	})
	t.Run("a plugin that was not read has no score and is not scanned", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("deploy", 0, postgres.Applied, func(o *plugpack.Observation) {
			o.Facts.Quality, o.Facts.Security, o.Facts.Documents = nil, nil, plugpack.Documents{}
		})
		p := f.bySlug("acme-tools-deploy")
		if p.Score != nil || p.Findings.State != plugpack.NotScanned {
			t.Errorf("score %v, findings %+v", p.Score, p.Findings)
		}
		r, err := f.Report(t.Context(), p.ID)
		if err != nil || r.Quality != nil || r.Security != nil {
			t.Errorf("report %+v, %v", r, err)
		}
	})
	t.Run("the score follows the repository, whichever comes first", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		scores := sample.Observation(repo, "a", 0).Facts.Quality.Scores()
		f.see("a", 0, postgres.Applied, nil)
		if p := f.bySlug("acme-tools-a"); *p.Score != scores[plugpack.MaintenanceUnknown] {
			t.Errorf("before a listing: %d of %v", *p.Score, scores)
		}
		f.list(1, postgres.Applied, pushedAt(sample.At(1)), "a", "b")
		f.see("b", 1, postgres.Applied, nil)
		for _, slug := range []string{"acme-tools-a", "acme-tools-b"} {
			if p := f.bySlug(slug); p.Maintenance != plugpack.Active || *p.Score != scores[plugpack.Active] {
				t.Errorf("%s: %s, %d of %v", slug, p.Maintenance, *p.Score, scores)
			}
		}
		f.list(2, postgres.Applied, func(l *plugpack.Listing) { l.Repository.Archived = true }, "a", "b")
		f.wantTrueIndex()
		if p := f.bySlug("acme-tools-a"); p.Maintenance != plugpack.Archived || *p.Score != scores[plugpack.Archived] || p.Revision != 3 {
			t.Errorf("archived: %s, %d at revision %d", p.Maintenance, *p.Score, p.Revision)
		}
	})
	t.Run("time moves a repository on, once, and announces its plugins", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, pushedAt(sample.Time), "a", "b")
		f.see("a", 0, postgres.Applied, nil)
		f.see("b", 0, postgres.Applied, nil)
		day := func(n int) time.Time { return sample.Time.Add(time.Duration(n) * 24 * time.Hour) }
		f.age(day(13), 0)
		f.age(day(14), 2)
		f.age(day(89), 0)
		if p := f.bySlug("acme-tools-a"); p.Maintenance != plugpack.Maintained || p.Revision != 2 {
			t.Errorf("after 14 days %s at revision %d", p.Maintenance, p.Revision)
		}
		f.age(day(400), 2) // over a state that it was never seen in
		f.age(day(4000), 0)
		announced := f.announced()
		last := announced[len(announced)-1]
		if last.Maintenance != plugpack.Stale || *last.Score != sample.Quality("").Scores()[plugpack.Stale] {
			t.Errorf("the last is %s with %d", last.Maintenance, *last.Score)
		}
	})
	t.Run("a repository stored before there were states gets its own", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.list(0, postgres.Applied, pushedAt(sample.Time), "a")
		f.see("a", 0, postgres.Applied, nil)
		if _, err := f.pool.Exec(t.Context(), `UPDATE repositories SET maintenance = 'unknown'`); err != nil {
			t.Fatal(err)
		}
		f.age(sample.At(5), 1)
		if p := f.bySlug("acme-tools-a"); p.Maintenance != plugpack.Active {
			t.Errorf("it is %s", p.Maintenance)
		}
	})
}
