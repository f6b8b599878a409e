package postgres_test

import (
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// What people and scans write of one plugin.
var scansAndPeople = []overlap{
	{name: "a review goes with a plugin that is renamed", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a", "b", "c", "d", "e")
		return r.review(r.user("ann"), id, 5), r.apply(r.renamed("a", "z", "b", "c", "d", "e")), func(one, other error) {
			r.ok(one, other)
			r.want(id, r.bySlug(r.slug("z")).ID)
			r.wantRating(r.slug("z"), 1, 5)
		}
	}},
	{name: "a review goes with a plugin whose repository is renamed", prepare: func(r *round) (writer, writer, check) {
		id, to := r.plugins("a"), r.repo+"-two"
		return r.review(r.user("ann"), id, 5), r.apply(r.moved(to, 1, "a")), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("a"))
			r.want([]string{id, "github.com/" + to}, []string{p.ID, string(p.Marketplace.Key)})
			r.wantRating(r.slug("a"), 1, 5)
		}
	}},
	{name: "a review goes with a plugin whose repository gets another owner", prepare: func(r *round) (writer, writer, check) {
		id, to := r.plugins("a"), "other/"+r.repo[5:]
		seen := sample.Observation(to, "a", 1)
		return r.review(r.user("ann"), id, 5), r.apply(r.moved(to, 1, "a"), seen), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("a"))
			r.want([]string{id, "github.com/" + to}, []string{p.ID, string(p.Marketplace.Key)})
			r.wantRating(r.slug("a"), 1, 5)
		}
	}},
	{name: "a review of a plugin that is removed is kept or refused", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a", "b", "c", "d", "e")
		return r.review(r.user("ann"), id, 5), r.apply(r.listing(1, "b", "c", "d", "e")), func(review, scan error) {
			r.ok(scan)
			r.okOr(errs.NotFound, review)
			count := 1
			if review != nil {
				count = 0
			}
			r.wantRating(r.slug("a"), count, 5)
			if p := r.bySlug(r.slug("a")); !p.Removed {
				r.t.Error("it is listed still")
			}
		}
	}},
	{name: "a scan and a curator lose nothing of each other's", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("b", "a")
		all := postgres.CurationChange{Featured: new(true), Verified: new(true), Official: new(true)}
		return r.apply(r.observation("b", 1), r.observation("a", 1)), r.curate(id, all), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("b"))
			r.want([]any{true, true, true, "b at 1"}, []any{p.Featured, p.Verified, p.Official, p.Facts.Description})
			r.want(2, len(r.said[id]))
		}
	}},
	{name: "what a curator hides stays hidden when a scan changes it", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a")
		l := r.listing(1, "a")
		l.Repository.Stars = 5000
		return r.apply(l, r.observation("a", 1)), r.curate(id, postgres.CurationChange{Hidden: new("malware")}), func(one, other error) {
			r.ok(one, other)
			var hidden, shown bool
			r.ok(r.pool.QueryRow(r.t.Context(), `
				SELECT hidden, EXISTS (SELECT FROM plugin_index WHERE plugin_id = p.id) FROM plugins p WHERE id = $1`, id).Scan(&hidden, &shown))
			r.want([]bool{true, false}, []bool{hidden, shown})
			r.want(2, len(r.said[id]))
		}
	}},
	{name: "a plugin that a curator features is removed by a scan", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a", "b", "c", "d", "e")
		return r.apply(r.listing(1, "b", "c", "d", "e")), r.curate(id, postgres.CurationChange{Featured: new(true)}), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("a"))
			r.want([]bool{true, true}, []bool{p.Featured, p.Removed})
			r.want(2, len(r.said[id]))
		}
	}},
	{name: "a pack says which of its new plugins a scan removed", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b", "c", "d", "e")
		p := r.pack(r.draft("b"))
		return r.update(p, p.Edition, "a", "b"), r.apply(r.listing(1, "b", "c", "d", "e")), func(write, scan error) {
			r.ok(scan)
			r.okOr(errs.Invalid, write)
			want := []string{"Set up: a (gone)", "Ship: b"}
			if write != nil {
				want = []string{"Set up: b"}
			}
			r.want(want, r.packPlugins(p.ID))
		}
	}},
	{name: "a pack says which of its plugins a scan removed", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b", "c", "d", "e")
		p := r.pack(r.draft("a", "b"))
		return r.update(p, p.Edition, "b", "a"), r.apply(r.listing(1, "b", "c", "d", "e")), func(write, scan error) {
			r.ok(write, scan)
			r.want([]string{"Set up: b", "Ship: a (gone)"}, r.packPlugins(p.ID))
		}
	}},
	{name: "a pack that is published says which of its plugins a scan removed", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b", "c", "d", "e")
		p := r.pack(r.draft("a", "b"))
		feature := func(s *postgres.Store) error {
			_, err := s.MarkPack(r.t.Context(), "", p.ID, p.Edition, postgres.PackMarks{Featured: new(true)}, sample.At(1))
			return err
		}
		return feature, r.apply(r.listing(1, "b", "c", "d", "e")), func(one, other error) {
			r.ok(one, other)
			r.want([]string{"Set up: a (gone)", "Ship: b"}, r.packPlugins(p.ID))
		}
	}},
	{name: "a pack has a plugin that is renamed under its new name", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b", "c", "d", "e")
		p := r.pack(r.draft("b"))
		return r.update(p, p.Edition, "a", "b"), r.apply(r.renamed("a", "z", "b", "c", "d", "e")), func(write, scan error) {
			r.ok(scan)
			r.okOr(errs.Invalid, write) // nothing has the old slug any more
			want := []string{"Set up: z", "Ship: b"}
			if write != nil {
				want = []string{"Set up: b"}
			}
			r.want(want, r.packPlugins(p.ID))
		}
	}},
	// The scan comes to them in another order than the curator.
	{name: "a pack's curator and a scan of its plugins do not stop each other", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b")
		p := r.pack(r.draft("a"))
		return r.update(p, p.Edition, "a", "b"), r.apply(r.observation("b", 1), r.observation("b", 2), r.observation("a", 1)), func(one, other error) {
			r.ok(one, other)
			r.want([]string{"Set up: a", "Ship: b"}, r.packPlugins(p.ID))
			r.want("b at 2", r.bySlug(r.slug("b")).Facts.Description)
		}
	}, crossed: true},
	{name: "a claim goes with a marketplace that is renamed", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a")
		id, acme := r.bySlug(r.slug("a")).Marketplace.ID, r.user("acme")
		claim := func(s *postgres.Store) error { return s.ClaimMarketplace(r.t.Context(), acme, id, sample.At(1)) }
		return claim, r.apply(r.moved(r.repo+"-two", 1, "a")), func(one, other error) {
			r.ok(one, other)
			var n int
			r.ok(r.pool.QueryRow(r.t.Context(), `SELECT count(*) FROM marketplace_owners WHERE marketplace_id = $1`, id).Scan(&n))
			r.want(1, n)
		}
	}},
	{name: "a claim of a name that another repository takes", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a")
		to, acme := r.repo+"-two", r.user("acme")
		r.fail(to, 0, postgres.Applied)
		var id string
		r.ok(r.pool.QueryRow(r.t.Context(), `SELECT id::text FROM marketplaces WHERE key = $1`, "github.com/"+to).Scan(&id))
		claim := func(s *postgres.Store) error { return s.ClaimMarketplace(r.t.Context(), acme, id, sample.At(1)) }
		return claim, r.apply(r.moved(to, 1, "a")), func(claim, scan error) {
			r.ok(scan)
			r.okOr(errs.NotFound, claim)
			var n int
			r.ok(r.pool.QueryRow(r.t.Context(), `
				SELECT count(*) FROM marketplace_owners WHERE marketplace_id = $1`, r.bySlug(r.slug("a")).Marketplace.ID).Scan(&n))
			r.want(claim == nil, n == 1)
		}
	}},
	{name: "a submission and the scan of its repository", prepare: func(r *round) (writer, writer, check) {
		var sub plugpack.Submission
		submit := func(s *postgres.Store) (err error) {
			sub, err = s.Submit(r.t.Context(), "", r.listing(0).Key, sample.At(0))
			return err
		}
		return submit, r.apply(r.listing(1, "a"), r.observation("a", 1)), func(one, other error) {
			r.ok(one, other)
			now, err := r.SubmissionByID(r.t.Context(), sub.ID)
			r.ok(err)
			if now.State != plugpack.SubmissionQueued && now.State != plugpack.SubmissionListed {
				r.t.Errorf("it is %s", now.State)
			}
		}
	}},
}

var scans = []overlap{
	{name: "of two observations of one plugin the newer stays", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a")
		return r.apply(r.observation("a", 1)), r.apply(r.observation("a", 2)), func(one, other error) {
			r.ok(one, other)
			r.want("a at 2", r.bySlug(r.slug("a")).Facts.Description)
		}
	}},
	{name: "two catalogs that take the same events make everything once", prepare: func(r *round) (writer, writer, check) {
		same := r.apply(r.listing(1, "a", "b"), r.observation("a", 1), r.observation("b", 1))
		return same, same, func(one, other error) {
			r.ok(one, other)
			for _, name := range []string{"a", "b"} {
				r.want(1, len(r.said[r.bySlug(r.slug(name)).ID]))
			}
		}
	}},
	{name: "a repository that is renamed and its plugins under the old name", prepare: func(r *round) (writer, writer, check) {
		id, to := r.plugins("a"), r.repo+"-two"
		return r.apply(r.moved(to, 2, "a")), r.apply(r.listing(1, "a"), r.observation("a", 1)), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("a"))
			r.want([]string{id, "github.com/" + to}, []string{p.ID, string(p.Marketplace.Key)})
		}
	}},
	{name: "a repository that is renamed there and back", prepare: func(r *round) (writer, writer, check) {
		id, to := r.plugins("a"), r.repo+"-two"
		r.ok(apply(r.Store, r.t, r.moved(to, 1, "a")))
		return r.apply(r.moved(r.repo, 2, "a")), r.apply(r.moved(to, 3, "a")), func(one, other error) {
			r.ok(one, other)
			p := r.bySlug(r.slug("a"))
			r.want([]string{id, "github.com/" + to}, []string{p.ID, string(p.Marketplace.Key)})
		}
	}},
	{name: "an owner's opt-out and a scan of what is listed", prepare: func(r *round) (writer, writer, check) {
		id := r.plugins("a")
		return r.optOut(r.repo), r.apply(r.listing(1, "a"), r.observation("a", 1)), func(one, other error) {
			r.ok(one, other)
			r.wantRemoved(id)
		}
	}},
	{name: "an owner's opt-out and the first scan", prepare: func(r *round) (writer, writer, check) {
		return r.optOut(r.repo), r.apply(r.listing(1, "a"), r.observation("a", 1)), func(one, other error) {
			r.ok(one, other)
			r.wantNone("github.com/" + r.repo + ":a")
		}
	}},
	{name: "an owner's opt-out and a scan of who lists his plugin", prepare: func(r *round) (writer, writer, check) {
		o := sample.Observation("mirror/"+r.repo[5:], "a", 1)
		o.Facts.Origin = "github.com/" + r.repo + "/plugins/a"
		return r.optOut(r.repo), r.apply(o), func(one, other error) {
			r.ok(one, other)
			r.wantNone("github.com/mirror/" + r.repo[5:] + ":a")
		}
	}},
	{name: "every plugin is in its tier when the floors move", prepare: func(r *round) (writer, writer, check) {
		r.plugins("a", "b", "c", "d")
		l := r.listing(1, "a", "b", "c", "d")
		l.Repository.Stars = 5000
		// The floor goes to the middle, and there it has to be made anew.
		n, err := r.CountPlugins(r.t.Context(), postgres.Filter{})
		r.ok(err)
		move := func(s *postgres.Store) error { return s.MoveFloor(r.t.Context(), 0, n/2) }
		return move, r.apply(l, r.observation("b", 1), r.observation("e", 1)), func(one, other error) { r.ok(one, other) }
	}},
	{name: "the index ages while a scan changes it", prepare: func(r *round) (writer, writer, check) {
		l := r.listing(0, "a", "b")
		l.Repository.PushedAt = sample.At(0)
		r.ok(apply(r.Store, r.t, l, r.observation("a", 0), r.observation("b", 0)))
		l.ObservedAt, l.Repository.Stars = sample.At(1), 500
		age := func(s *postgres.Store) error { return s.Age(r.t.Context(), sample.Time.AddDate(2, 0, 0)) }
		return age, r.apply(l, r.observation("b", 1)), func(one, other error) { r.ok(one, other) }
	}},
}
