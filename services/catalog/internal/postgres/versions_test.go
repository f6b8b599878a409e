package postgres_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

func content(n int) func(*plugpack.Observation) {
	return func(o *plugpack.Observation) {
		o.Facts.Digest, o.Facts.Commit, o.Facts.Files = fmt.Sprintf("%064x", n), fmt.Sprintf("%040x", n), n
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	digests := func(vs []plugpack.Version) (all []string) {
		for _, v := range vs {
			mark := ""
			if v.Current {
				mark = " current"
			}
			all = append(all, v.Digest[62:]+mark)
		}
		return all
	}
	t.Run("every content is a version, a description is not", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("deploy", 0, postgres.Applied, content(1))
		f.see("deploy", 1, postgres.Applied, content(2))
		f.see("deploy", 2, postgres.Applied, func(o *plugpack.Observation) { content(2)(o); o.Facts.Description = "Other words" })
		f.see("deploy", 3, postgres.Applied, content(3))
		id := f.bySlug("acme-tools-deploy").ID
		vs, total, err := f.Versions(t.Context(), id, nil, 10)
		if err != nil || total != 3 {
			t.Fatalf("%d versions, %v", total, err)
		}
		if diff := cmp.Diff([]string{"03 current", "02", "01"}, digests(vs)); diff != "" {
			t.Fatal(diff)
		}
		if !vs[1].FirstSeen.Equal(sample.At(1)) || vs[1].Commit != fmt.Sprintf("%040x", 2) {
			t.Fatalf("the second is %+v", vs[1])
		}
		after := postgres.VersionPosition{FirstSeen: vs[0].FirstSeen, Digest: vs[0].Digest}
		if vs, _, err = f.Versions(t.Context(), id, &after, 1); err != nil || digests(vs)[0] != "02" {
			t.Fatalf("next page %v, %v", digests(vs), err)
		}
	})
	t.Run("a content that comes back is the version it was", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		for n, c := range []int{1, 2, 1} {
			f.see("deploy", n, postgres.Applied, content(c))
		}
		vs, _, err := f.Versions(t.Context(), f.bySlug("acme-tools-deploy").ID, nil, 10)
		if diff := cmp.Diff([]string{"02", "01 current"}, digests(vs)); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	})
	t.Run("an older observation makes no version", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		f.see("deploy", 5, postgres.Applied, content(5))
		f.see("deploy", 3, postgres.Older, content(3))
		if _, total, err := f.Versions(t.Context(), f.bySlug("acme-tools-deploy").ID, nil, 10); total != 1 || err != nil {
			t.Fatalf("%d versions, %v", total, err)
		}
	})
	t.Run("two versions are found by digest, or the last two", func(t *testing.T) {
		t.Parallel()
		f := newStore(t)
		for n := 1; n <= 3; n++ {
			f.see("deploy", n, postgres.Applied, content(n))
		}
		id := f.bySlug("acme-tools-deploy").ID
		digest := func(n int) string { return fmt.Sprintf("%064x", n) }
		for _, c := range []struct{ from, to, wantFrom, wantTo string }{
			{"", "", digest(2), digest(3)}, {"", digest(2), digest(1), digest(2)}, {digest(3), digest(1), digest(3), digest(1)},
		} {
			a, b, err := f.TwoVersions(t.Context(), id, c.from, c.to)
			if err != nil || a.Digest != c.wantFrom || b.Digest != c.wantTo {
				t.Errorf("%.4q to %.4q: %s, %s, %v", c.from, c.to, a.Digest, b.Digest, err)
			}
		}
		if _, _, err := f.TwoVersions(t.Context(), id, digest(9), ""); errs.KindOf(err) != errs.NotFound {
			t.Errorf("an unknown digest: %v", err)
		}
		if _, _, err := f.TwoVersions(t.Context(), id, "", digest(1)); errs.KindOf(err) != errs.NotFound {
			t.Errorf("before the first: %v", err)
		}
	})
}
