package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Whoever writes at the same time, nothing of either is lost, and what is
// announced last is what is there.
func TestWritersAtOnce(t *testing.T) {
	t.Parallel()
	for _, o := range slices.Concat(curators, reviewers, scansAndPeople, scans) {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			o.run(t)
		})
	}
}

// oneWon fails unless one of the two succeeded and the other was told of a
// conflict. It says whether it was the first.
func (r *round) oneWon(one, other error) (first bool) {
	r.t.Helper()
	lost := one
	if one == nil {
		lost = other
	}
	if one != nil && other != nil || errs.KindOf(lost) != errs.Conflict {
		r.t.Fatalf("%v; %v", one, other)
	}
	return one == nil
}

// okOr fails unless there is no error, or one of the kind.
func (r *round) okOr(kind errs.Kind, err error) {
	r.t.Helper()
	if err != nil && errs.KindOf(err) != kind {
		r.t.Fatal(err)
	}
}

func (r *round) packPlugins(id string) []string {
	r.t.Helper()
	p, err := r.PackByID(r.t.Context(), id)
	r.ok(err)
	return members(p)
}

func (r *round) want(want, got any) {
	r.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("(-want +got):\n%s", diff)
	}
}

// wantRating fails unless the plugin shows so many stars in so many reviews.
func (r *round) wantRating(slug string, count int, average float64) {
	r.t.Helper()
	p := r.bySlug(slug)
	switch {
	case p.Rating == nil && count == 0:
	case p.Rating == nil || p.Rating.Count != count || p.Rating.Average != average:
		r.t.Errorf("%+v, want %d reviews of %v on average", p.Rating, count, average)
	}
	var there int
	r.ok(r.pool.QueryRow(r.t.Context(), `SELECT count(*) FROM reviews WHERE plugin_id = $1 AND state = 'shown'`, p.ID).Scan(&there))
	r.want(count, there)
}

func (r *round) update(p plugpack.Pack, edition int64, plugins ...string) writer {
	d := r.draft(plugins...)
	return func(s *postgres.Store) error {
		_, err := s.UpdatePack(r.t.Context(), "", p.ID, edition, d, sample.At(1))
		return err
	}
}

func (r *round) review(u plugpack.User, plugin string, rating int) writer {
	return func(s *postgres.Store) error {
		_, err := s.AddReview(r.t.Context(), u, plugin, plugpack.ReviewText{Rating: rating}, sample.At(1))
		return err
	}
}

func (r *round) reviewed(u plugpack.User, plugin string, rating int) plugpack.Review {
	r.t.Helper()
	v, err := r.AddReview(r.t.Context(), u, plugin, plugpack.ReviewText{Rating: rating}, sample.At(1))
	r.ok(err)
	return v
}

func (r *round) edit(u plugpack.User, v plugpack.Review, rating int) writer {
	return func(s *postgres.Store) error {
		_, err := s.EditReview(r.t.Context(), u, v.PluginID, v.Edition, plugpack.ReviewText{Rating: rating}, sample.At(2))
		return err
	}
}

func (r *round) report(u plugpack.User, v plugpack.Review) writer {
	return func(s *postgres.Store) error {
		return s.ReportReview(r.t.Context(), u, v.ID, "advertising", sample.At(2))
	}
}

func (r *round) curate(plugin string, c postgres.CurationChange) writer {
	return func(s *postgres.Store) error {
		_, err := s.Curate(r.t.Context(), "", plugin, c, sample.At(1))
		return err
	}
}

func (r *round) apply(events ...any) writer {
	return func(s *postgres.Store) error { return apply(s, r.t, events...) }
}

func (r *round) optOut(name string) writer {
	return func(s *postgres.Store) error {
		_, err := s.ApplyOptOut(r.t.Context(), plugpack.OptOut{Name: name, At: sample.At(2)})
		return err
	}
}

// renamed lists the plugins, of which the new one was the old one before.
func (r *round) renamed(old, name string, others ...string) plugpack.Listing {
	l := r.listing(1, append([]string{name}, others...)...)
	l.Renames = map[string]string{old: name}
	return l
}

// moved lists the same repository under another name.
func (r *round) moved(to string, n int, plugins ...string) plugpack.Listing {
	l := sample.Listing(to, n, plugins...)
	l.Repository.HostID = sample.Listing(r.repo, 0).Repository.HostID
	return l
}

// wantRemoved fails if readers see the plugin.
func (r *round) wantRemoved(id string) {
	r.t.Helper()
	var removed bool
	r.ok(r.pool.QueryRow(r.t.Context(), `SELECT removed_at IS NOT NULL FROM plugins WHERE id = $1`, id).Scan(&removed))
	r.want(true, removed)
}

// wantNone fails if readers see a plugin of the key.
func (r *round) wantNone(key string) {
	r.t.Helper()
	var shown bool
	r.ok(r.pool.QueryRow(r.t.Context(), `
		SELECT EXISTS (SELECT FROM plugins WHERE key = $1 AND removed_at IS NULL)`, key).Scan(&shown))
	r.want(false, shown)
}
