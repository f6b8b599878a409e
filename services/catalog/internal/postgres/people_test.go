package postgres_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func (f fixture) user(login string) plugpack.User {
	f.t.Helper()
	id := int64(7)
	for _, c := range login {
		id = id*31 + int64(c)
	}
	u, err := f.SignIn(f.t.Context(), id, login, "", sample.At(0))
	if err != nil {
		f.t.Fatal(err)
	}
	return u
}

// atOnce runs all at the same moment and gives their errors.
func atOnce(all ...func() error) []error {
	failed := make([]error, len(all))
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() {
			<-begin
			failed[i] = f()
		})
	}
	close(begin)
	wg.Wait()
	return failed
}

// oneWins fails unless exactly one succeeded and the others were told of a
// conflict.
func oneWins(t *testing.T, failed []error) (winner int) {
	t.Helper()
	winner = -1
	for i, err := range failed {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Fatalf("%d and %d both won", winner, i)
		case errs.KindOf(err) != errs.Conflict:
			t.Fatalf("%d: %v", i, err)
		}
	}
	if winner < 0 {
		t.Fatalf("nobody won: %v", errors.Join(failed...))
	}
	return winner
}

func TestWritersAtOnce(t *testing.T) {
	t.Parallel()
	t.Run("of two curators on one pack one is told", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "b", "c")
		p := f.pack(draft("ship", "a"))
		drafts := []plugpack.PackDraft{draft("ship", "a", "b"), draft("ship", "c"), draft("ship", "b")}
		var writers []func() error
		for i, d := range drafts {
			writers = append(writers, func() error {
				_, err := f.UpdatePack(t.Context(), "", p.ID, p.Edition, d, sample.At(i))
				return err
			})
		}
		winner := oneWins(t, atOnce(writers...))
		got, err := f.PackByID(t.Context(), p.ID)
		if err != nil || got.Edition != p.Edition+1 || len(got.Plugins) != len(drafts[winner].Plugins) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
	t.Run("of two edits of one review one is told", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		ann, id := f.user("ann"), f.bySlug("acme-tools-a").ID
		first := atOnce(
			func() error {
				_, err := f.AddReview(t.Context(), ann, id, plugpack.ReviewText{Rating: 1}, sample.At(1))
				return err
			},
			func() error {
				_, err := f.AddReview(t.Context(), ann, id, plugpack.ReviewText{Rating: 2}, sample.At(1))
				return err
			},
		)
		oneWins(t, first)
		var edits []func() error
		for rating := 1; rating <= 4; rating++ {
			edits = append(edits, func() error {
				_, err := f.EditReview(t.Context(), ann, id, 1, plugpack.ReviewText{Rating: rating}, sample.At(2))
				return err
			})
		}
		winner := oneWins(t, atOnce(edits...))
		rs, rating, err := f.Reviews(t.Context(), id, 0, 10)
		if err != nil || len(rs) != 1 || rs[0].Rating != winner+1 || rs[0].Edition != 2 || rating.Count != 1 {
			t.Fatalf("%+v, %+v, %v", rs, rating, err)
		}
	})
	t.Run("many reviewers of one plugin are all counted", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		id := f.bySlug("acme-tools-a").ID
		before := f.bySlug("acme-tools-a").Revision
		var all []func() error
		for i := range 12 {
			u := f.user(fmt.Sprintf("user-%d", i))
			all = append(all, func() error {
				_, err := f.AddReview(t.Context(), u, id, plugpack.ReviewText{Rating: 4}, sample.At(1))
				return err
			})
		}
		if err := errors.Join(atOnce(all...)...); err != nil {
			t.Fatal(err)
		}
		p := f.bySlug("acme-tools-a")
		if p.Rating == nil || p.Rating.Count != 12 || p.Revision != before+12 {
			t.Fatalf("%+v at revision %d, before %d", p.Rating, p.Revision, before)
		}
	})
	t.Run("a review during a rename goes with the plugin", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "b", "c", "d", "e")
		id := f.bySlug("acme-tools-a").ID
		ann := f.user("ann")
		l := sample.Listing(repo, 1, "z", "b", "c", "d", "e")
		l.Renames = map[string]string{"a": "z"}
		failed := atOnce(
			func() error {
				_, err := f.AddReview(t.Context(), ann, id, plugpack.ReviewText{Rating: 5}, sample.At(1))
				return err
			},
			func() error { _, err := f.ApplyListing(t.Context(), l); return err },
		)
		if err := errors.Join(failed...); err != nil {
			t.Fatal(err)
		}
		if p := f.bySlug("acme-tools-z"); p.ID != id || p.Rating == nil || p.Rating.Count != 1 {
			t.Fatalf("%+v", p)
		}
	})
	t.Run("a scan and a curator lose nothing of each other's", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a")
		id := f.bySlug("acme-tools-a").ID
		var all []func() error
		for n := 1; n <= 8; n++ {
			all = append(all, func() error {
				o := sample.Observation(repo, "a", n)
				o.Facts.Description = fmt.Sprintf("at %d", n)
				_, err := f.ApplyObservation(t.Context(), o)
				return err
			})
		}
		all = append(all,
			func() error {
				_, err := f.Curate(t.Context(), "", id, postgres.CurationChange{Featured: new(true)}, sample.At(1))
				return err
			},
			func() error {
				_, err := f.Curate(t.Context(), "", id, postgres.CurationChange{Verified: new(true)}, sample.At(1))
				return err
			},
			func() error {
				_, err := f.Curate(t.Context(), "", id, postgres.CurationChange{Deprecated: new("old")}, sample.At(1))
				return err
			},
		)
		if err := errors.Join(atOnce(all...)...); err != nil {
			t.Fatal(err)
		}
		p := f.bySlug("acme-tools-a")
		if !p.Featured || !p.Verified || p.Deprecated != "old" || p.Facts.Description != "at 8" {
			t.Fatalf("%+v", p)
		}
		a := f.announced()
		if last := a[len(a)-1]; last.Revision != p.Revision || !last.Featured || !last.Verified || last.Deprecated != "old" {
			t.Fatalf("announced %+v", last)
		}
	})
	t.Run("a pack's curator and a rename of its plugins do not stop each other", func(t *testing.T) {
		t.Parallel()
		f := packStore(t, "a", "b", "c", "d", "e", "f")
		p := f.pack(draft("ship", "a", "b"))
		for n := 1; n <= 5; n++ {
			old, name := "a", fmt.Sprintf("a%d", n)
			if n > 1 {
				old = fmt.Sprintf("a%d", n-1)
			}
			l := sample.Listing(repo, n, name, "b", "c", "d", "e", "f")
			l.Renames = map[string]string{old: name}
			failed := atOnce(
				func() error { _, err := f.ApplyListing(t.Context(), l); return err },
				func() error {
					_, err := f.UpdatePack(t.Context(), "", p.ID, 0, draft("ship", "b", old), sample.At(n))
					return err
				},
			)
			if failed[0] != nil || failed[1] != nil && errs.KindOf(failed[1]) != errs.Invalid { // the slug was given up a moment before
				t.Fatal(failed)
			}
			got, err := f.PackByID(t.Context(), p.ID)
			if err != nil || len(got.Plugins) != 2 {
				t.Fatalf("%+v, %v", got, err)
			}
		}
	})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	f := newStore(t)
	f.user("ann")
	if u, err := f.SetRoles(t.Context(), "", "ANN", []plugpack.Role{plugpack.Admin}); err != nil || !u.Is(plugpack.Curator) {
		t.Fatalf("%+v, %v", u, err)
	}
	if _, err := f.SetRoles(t.Context(), "", "ann", []plugpack.Role{"king"}); errs.KindOf(err) != errs.Invalid {
		t.Fatalf("an unknown role: %v", err)
	}
	if _, err := f.SetRoles(t.Context(), "", "nobody", nil); errs.KindOf(err) != errs.NotFound {
		t.Fatalf("an unknown user: %v", err)
	}
	// Whoever renames himself on GitHub stays who he is.
	before := f.user("bea")
	after, err := f.SignIn(t.Context(), before.GitHubID, "beatrice", "", sample.At(1))
	if err != nil || after.ID != before.ID || after.Login != "beatrice" {
		t.Fatalf("%+v, %v", after, err)
	}
}
