package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Whatever several intakes and commands do at once and in whatever order: a
// plugin's announcements have growing revisions and end with what is stored,
// and every key is that of its marketplace.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	ctx := context.WithoutCancel(t.Context())
	seed := time.Now().UnixNano()
	t.Log("seed", seed)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), uint64(worker)))
			for range 40 {
				event := anyEvent(r)
				for try := 0; ; try++ {
					err := event(ctx, f.Store)
					if kind := errs.KindOf(err); err == nil || kind == errs.Conflict || kind == errs.NotFound {
						break
					}
					if try == 20 {
						t.Errorf("still %v", err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	newest := map[string]plugpack.Plugin{}
	for _, p := range f.announced() {
		if p.Revision < newest[p.ID].Revision {
			t.Errorf("%s goes from revision %d to %d", p.Slug, newest[p.ID].Revision, p.Revision)
		}
		newest[p.ID] = p
	}
	for id, told := range newest {
		p, err := f.PluginByID(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if p.Revision != told.Revision || p.Removed != told.Removed || p.Slug != told.Slug || p.Facts.Description != told.Facts.Description {
			t.Errorf("stored %+v\nannounced %+v", p, told)
		}
	}
	f.wantTrueIndex()
	var wrong int
	if err := f.pool.QueryRow(ctx, `
		SELECT count(*) FROM plugins p JOIN marketplaces m ON m.id = p.marketplace_id WHERE p.key <> m.key || ':' || p.name`).Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%d plugins have another marketplace's key, %v", wrong, err)
	}
	if err := f.pool.QueryRow(ctx, `
		SELECT count(*) FROM plugins p JOIN plugin_aliases a ON a.slug = p.slug AND a.plugin_id <> p.id`).Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%d slugs were given twice, %v", wrong, err)
	}
}

// anyEvent makes an event of two repositories that swap and change their names.
func anyEvent(r *rand.Rand) func(context.Context, *postgres.Store) error {
	repos := []string{"acme/tools", "acme/toolbox", "acme/third"}
	names := []string{"a", "b", "c", "d"}
	at, name, repo := r.IntN(100), names[r.IntN(len(names))], repos[r.IntN(len(repos))]
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		o := sample.Observation(repo, name, at)
		o.Facts.Description = fmt.Sprint("state ", at)
		return func(ctx context.Context, s *postgres.Store) error { _, err := s.ApplyObservation(ctx, o); return err }
	case 4, 5, 6, 7:
		var listed []string
		renames := map[string]string{}
		for _, n := range names {
			if r.IntN(3) > 0 {
				listed = append(listed, n)
			} else if r.IntN(2) > 0 {
				renames[n] = names[r.IntN(len(names))]
			}
		}
		l := sample.Listing(repo, at, listed...)
		l.Renames, l.Repository.HostID = renames, int64(1+r.IntN(2))
		return func(ctx context.Context, s *postgres.Store) error { _, err := s.ApplyListing(ctx, l); return err }
	case 8:
		k := plugpack.NewMarketplaceKey("github.com", repo)
		if r.IntN(2) > 0 {
			return func(ctx context.Context, s *postgres.Store) error { _, err := s.ConfirmScan(ctx, k); return err }
		}
		return func(ctx context.Context, s *postgres.Store) error {
			_, err := s.ApplyFailure(ctx, plugpack.Failure{Key: k, ObservedAt: sample.At(at), Reason: "away"})
			return err
		}
	}
	return func(ctx context.Context, s *postgres.Store) error { return s.Republish(ctx, func(int) {}) }
}
