package postgres_test

import (
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

var curators = []overlap{
	{name: "of two curators of one pack one is told", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b", "c")
		p := r.pack(r.draft("a"))
		return r.update(p, p.Edition, "a", "b"), r.update(p, p.Edition, "c"), func(one, other error) {
			want := []string{"Set up: c"}
			if r.oneWon(one, other) {
				want = []string{"Set up: a", "Ship: b"}
			}
			r.want(want, r.packPlugins(p.ID))
			r.want(1, len(r.said[p.ID]))
		}
	}},
	{name: "of a curator who writes a pack and one who removes it one is told", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b")
		p := r.pack(r.draft("a"))
		remove := func(s *postgres.Store) error {
			_, err := s.MarkPack(r.t.Context(), "", p.ID, p.Edition, postgres.PackMarks{Removed: true}, sample.At(1))
			return err
		}
		return r.update(p, p.Edition, "b"), remove, func(write, remove error) {
			if (write == nil) == (remove == nil) {
				r.t.Fatalf("%v; %v", write, remove)
			}
			r.okOr(errs.NotFound, write)
			r.okOr(errs.Conflict, remove)
		}
	}},
	{name: "of two packs with one slug there is one", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b")
		create := func(plugin string) writer {
			d := r.draft(plugin)
			return func(s *postgres.Store) error {
				_, err := s.CreatePack(r.t.Context(), "", d, sample.At(1))
				return err
			}
		}
		return create("a"), create("b"), func(one, other error) {
			want := []string{"Set up: b"}
			if r.oneWon(one, other) {
				want = []string{"Set up: a"}
			}
			p, err := r.PackBySlug(r.t.Context(), r.draft().Slug)
			r.ok(err)
			r.want(want, members(p))
		}
	}},
	{name: "what two curators say of one plugin is all kept", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a")
		feature, verify := postgres.CurationChange{Featured: new(true)}, postgres.CurationChange{Verified: new(true), Deprecated: new("old")}
		return r.curate(id, feature), r.curate(id, verify), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("a"))
			r.want([]any{true, true, "old"}, []any{p.Featured, p.Verified, p.Deprecated})
			r.want(2, len(r.said[id]))
		}
	}},
	{name: "of two who set a user's roles the later has the last word", prepare: func(r *round) (writer, writer, check) {
		login := r.user("user-" + r.repo[5:]).Login
		set := func(roles ...plugpack.Role) writer {
			return func(s *postgres.Store) error {
				_, err := s.SetRoles(r.t.Context(), "", login, roles)
				return err
			}
		}
		return set(plugpack.Admin), set(plugpack.Curator), func(one, other error) {
			r.ok(one, other)
			log, err := r.Audit(r.t.Context(), "user:"+login, 0, 10)
			r.ok(err)
			r.want(2, len(log))
			r.want(map[string]any{"roles": []any{string(r.user(login).Roles[0])}}, log[0].Detail)
		}
	}},
	{name: "two who claim a marketplace both have it", prepare: func(r *round) (writer, writer, check) {
		l := r.listing(0, "a")
		l.Owners = []string{"ann"}
		r.ok(apply(r.Store, r.t, l, r.observation("a", 0)))
		id := r.bySlug(r.slug("a")).Marketplace.ID
		claim := func(login string) writer {
			u := r.user(login)
			return func(s *postgres.Store) error { return s.ClaimMarketplace(r.t.Context(), u, id, sample.At(1)) }
		}
		return claim("acme"), claim("ann"), func(one, other error) {
			r.ok(one, other)
			var n int
			r.ok(r.pool.QueryRow(r.t.Context(), `SELECT count(*) FROM marketplace_owners WHERE marketplace_id = $1`, id).Scan(&n))
			r.want(2, n)
		}
	}, apart: true},
	{name: "one who claims a marketplace twice has it once", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a")
		id, acme := r.bySlug(r.slug("a")).Marketplace.ID, r.user("acme")
		claim := func(s *postgres.Store) error { return s.ClaimMarketplace(r.t.Context(), acme, id, sample.At(1)) }
		return claim, claim, func(one, other error) {
			r.ok(one, other)
			var n int
			r.ok(r.pool.QueryRow(r.t.Context(), `SELECT count(*) FROM marketplace_owners WHERE marketplace_id = $1`, id).Scan(&n))
			r.want(1, n)
		}
	}},
	{name: "two who submit one repository wait for one scan", prepare: func(r *round) (writer, writer, check) {
		k := r.listing(0).Key
		var ids [2]string
		submit := func(i int) writer {
			return func(s *postgres.Store) error {
				sub, err := s.Submit(r.t.Context(), "", k, sample.At(1))
				ids[i] = sub.ID
				return err
			}
		}
		return submit(0), submit(1), func(one, other error) {
			r.ok(one, other)
			r.want(ids[0], ids[1])
			var scans int
			r.ok(r.pool.QueryRow(r.t.Context(), `
				WITH taken AS (DELETE FROM outbox RETURNING subject) SELECT count(*) FROM taken WHERE subject LIKE 'scan.requested.%'`).Scan(&scans))
			r.want(1, scans)
		}
	}},
	{name: "of two last tokens that a user may have he gets one", prepare: func(r *round) (writer, writer, check) {
		u := r.user("user-" + r.repo[5:])
		create := func(s *postgres.Store) error {
			_, _, err := s.CreateToken(r.t.Context(), u, "t", []plugpack.Scope{plugpack.ScopePacks}, time.Hour, sample.At(1))
			return err
		}
		for range 49 {
			r.ok(create(r.Store))
		}
		return create, create, func(one, other error) { r.oneWon(one, other) }
	}},
}

var reviewers = []overlap{
	{name: "two reviewers of one plugin are both counted", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a")
		return r.review(r.user("ann"), id, 5), r.review(r.user("bea"), id, 2), func(one, other error) {
			r.ok(one, other)
			r.wantRating(r.slug("a"), 2, 3.5)
			r.want(2, len(r.said[id]))
		}
	}},
	{name: "one who reviews a plugin twice is told", prepare: func(r *round) (writer, writer, check) {
		id, ann := r.plugins("a"), r.user("ann")
		return r.review(ann, id, 5), r.review(ann, id, 2), func(one, other error) {
			rating := 2.0
			if r.oneWon(one, other) {
				rating = 5
			}
			r.wantRating(r.slug("a"), 1, rating)
			r.want(1, len(r.said[id]))
		}
	}},
	{name: "of two edits of one review one is told", prepare: func(r *round) (writer, writer, check) {
		ann := r.user("ann")
		v := r.reviewed(ann, r.plugins("a"), 1)
		return r.edit(ann, v, 5), r.edit(ann, v, 2), func(one, other error) {
			rating := 2.0
			if r.oneWon(one, other) {
				rating = 5
			}
			r.wantRating(r.slug("a"), 1, rating)
		}
	}},
	{name: "an edited review that is deleted is gone", prepare: func(r *round) (writer, writer, check) {
		ann := r.user("ann")
		v := r.reviewed(ann, r.plugins("a"), 1)
		remove := func(s *postgres.Store) error { return s.DeleteReview(r.t.Context(), ann, v.ID) }
		return r.edit(ann, v, 5), remove, func(edit, remove error) {
			r.okOr(errs.NotFound, edit)
			r.ok(remove)
			r.wantRating(r.slug("a"), 0, 0)
		}
	}},
	{name: "a review that is hidden stays so when it is edited", prepare: func(r *round) (writer, writer, check) {
		ann := r.user("ann")
		v := r.reviewed(ann, r.plugins("a"), 1)
		hide := func(s *postgres.Store) error {
			return s.ModerateReview(r.t.Context(), r.user("cur"), v.ID, plugpack.ReviewHidden, "rude", sample.At(2))
		}
		return r.edit(ann, v, 5), hide, func(edit, hide error) {
			r.ok(edit, hide)
			r.wantRating(r.slug("a"), 0, 0)
			var rating int
			r.ok(r.pool.QueryRow(r.t.Context(), `SELECT rating FROM reviews WHERE id = $1`, v.ID).Scan(&rating))
			r.want(5, rating)
		}
	}},
	{name: "helpful and reported are both counted", prepare: func(r *round) (writer, writer, check) {
		v := r.reviewed(r.user("ann"), r.plugins("a"), 4)
		bea := r.user("bea")
		helpful := func(s *postgres.Store) error { return s.MarkHelpful(r.t.Context(), bea, v.ID, true, sample.At(2)) }
		return helpful, r.report(r.user("cat"), v), func(one, other error) {
			r.ok(one, other)
			vs, _, err := r.Reviews(r.t.Context(), v.PluginID, 0, 10)
			r.ok(err)
			r.want([]int{1, 1}, []int{vs[0].Helpful, vs[0].Reported})
		}
	}},
	{name: "the report that is one too many holds the review", prepare: func(r *round) (writer, writer, check) {
		v := r.reviewed(r.user("ann"), r.plugins("a"), 4)
		r.ok(r.report(r.user("bea"), v)(r.Store))
		return r.report(r.user("cat"), v), r.report(r.user("dan"), v), func(one, other error) {
			r.ok(one, other)
			r.wantRating(r.slug("a"), 0, 0)
			held, err := r.HeldReviews(r.t.Context(), 0, 100)
			r.ok(err)
			i := slices.IndexFunc(held, func(h plugpack.Review) bool { return h.ID == v.ID })
			if i < 0 || held[i].Reported != 3 {
				r.t.Errorf("held: %+v", held)
			}
		}
	}},
}
