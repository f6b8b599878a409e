package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// past is what was said of one or two marketplaces.
type past []said

func (p past) list(repository string, id int64, n int, renames map[string]string, names ...string) past {
	l := sample.Listing(repository, n, names...)
	l.Repository.HostID, l.Repository.Stars, l.Renames = id, 1000+n, renames
	return append(p, said{events.SubjectMarketplaceScanned(l.Key), 0, l})
}

func (p past) see(repository string, n int, digest string, names ...string) past {
	for _, name := range names {
		o := sample.Observation(repository, name, n)
		o.Facts.Digest, o.Facts.Description = fmt.Sprintf("%064s", digest), digest
		p = append(p, said{events.SubjectPluginUpdated(o.Key()), 0, o})
	}
	return p
}

func (p past) gone(repository string, n int) past {
	k := plugpack.NewMarketplaceKey("github.com", repository)
	return append(p, said{events.SubjectMarketplaceFailed(k), 0, plugpack.Failure{Key: k, ObservedAt: sample.At(n), Reason: "gone", Gone: true}})
}

func (p past) optOut(name string, n int) past {
	return append(p, said{events.SubjectRepositoryOptedOut(name), 0, plugpack.OptOut{Name: name, At: sample.At(n)}})
}

// TestCompaction shows what a replay of the stream cannot bring back: two pasts
// leave the same messages in it, and yet the catalog that lived through them
// knew different things. See ADR 0008.
func TestCompaction(t *testing.T) {
	t.Parallel()
	ten := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	shrunk := past{}.see(repo, 0, "x", ten...).list(repo, 1, 0, nil, ten...)
	for n := 9; n > 6; n-- {
		shrunk = shrunk.list(repo, 1, 10-n, nil, ten[:n]...)
	}
	few := past{}
	for i, name := range []string{"acme/m0", "acme/m1"} {
		few = few.list(name, int64(i+1), 1, nil, "p").see(name, 1, "x", "p")
	}
	many := slices.Clone(few)
	for i := range 10 {
		many = many.list(fmt.Sprint("acme/n", i), int64(i+10), 1, nil, "p")
	}
	many, few = many.gone("acme/m0", 2).gone("acme/m1", 3), few.gone("acme/m0", 2).gone("acme/m1", 3)
	for i := range 10 {
		many, few = many.list(fmt.Sprint("acme/n", i), int64(i+10), 4, nil, "p"), few.list(fmt.Sprint("acme/n", i), int64(i+10), 4, nil, "p")
	}
	six := past{}.list(repo, 1, 0, nil, ten[:6]...).see(repo, 0, "x", ten[:6]...)
	renamed := append(slices.Clone(ten[1:6]), "new")
	const live = `SELECT key FROM plugins WHERE removed_at IS NULL ORDER BY 1`
	for _, c := range []struct {
		name       string
		one, other past
		fact       string
	}{
		{
			"whether the guard held back a removal", shrunk.list(repo, 1, 9, nil, ten[:6]...),
			past{}.see(repo, 0, "x", ten...).list(repo, 1, 0, nil, ten...).list(repo, 1, 9, nil, ten[:6]...), live,
		},
		{"whether many went at once", many, few, live},
		{
			"the first of several commits with one content", past{}.list(repo, 1, 0, nil, "a").see(repo, 0, "x", "a").see(repo, 1, "x", "a"),
			past{}.list(repo, 1, 0, nil, "a").see(repo, 1, "x", "a"), `SELECT commit_sha FROM plugin_facts`,
		},
		{
			"earlier versions", past{}.list(repo, 1, 0, nil, "a").see(repo, 0, "y", "a").see(repo, 1, "x", "a"),
			past{}.list(repo, 1, 0, nil, "a").see(repo, 1, "x", "a"), `SELECT digest FROM plugin_versions ORDER BY 1`,
		},
		{
			"a rename that the file tells of no more",
			slices.Clone(six).list(repo, 1, 1, map[string]string{"a": "new"}, renamed...).see(repo, 1, "x", "new").list(repo, 1, 2, nil, renamed...),
			slices.Clone(six).list(repo, 1, 1, nil, renamed...).see(repo, 1, "x", "new").list(repo, 1, 2, nil, renamed...),
			`SELECT key FROM plugin_aliases`,
		},
		{
			"stars within a step", past{}.see(repo, 0, "x", "a").list(repo, 1, 0, nil, "a").list(repo, 1, 9, nil, "a"),
			past{}.see(repo, 0, "x", "a").list(repo, 1, 9, nil, "a"), `SELECT stars::text FROM plugins`,
		},
		{
			"which repository had a name when the name was taken out",
			past{}.list(repo, 1, 0, nil, "a").optOut("acme", 1).list(repo, 2, 2, nil, "a").list("beta/tools", 1, 3, nil, "a").see("beta/tools", 3, "x", "a"),
			past{}.optOut("acme", 1).list(repo, 2, 2, nil, "a").list("beta/tools", 1, 3, nil, "a").see("beta/tools", 3, "x", "a"), live,
		},
		{
			"a name that was left before its new one was lost",
			past{}.list("o/old", 1, 0, nil, "a").see("o/old", 0, "x", "a").list("o/new", 1, 1, nil, "a").see("o/new", 1, "x", "a").
				list("o/new", 2, 2, nil, "a").see("o/new", 2, "x", "a"),
			past{}.list("o/old", 1, 0, nil, "a").see("o/old", 0, "x", "a").list("o/new", 2, 2, nil, "a").see("o/new", 2, "x", "a"), live,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(compacted(c.one), compacted(c.other), cmp.AllowUnexported(said{})); diff != "" {
				t.Fatalf("the stream tells the two pasts apart:\n%s", diff)
			}
			one, other := c.one.facts(t, c.fact), c.other.facts(t, c.fact)
			if slices.Equal(one, other) {
				t.Errorf("both pasts give %v, so a replay can give it too", one)
			}
		})
	}
}

// facts gives what a catalog knows that lived through the past.
func (p past) facts(t *testing.T, query string) []string {
	t.Helper()
	f := newStore(t)
	for _, m := range p {
		if _, err := f.one(m.event); err != nil {
			t.Fatal(err)
		}
	}
	return f.texts(t, query)
}

// one brings an event of any kind to the store.
func (f fixture) one(event any) (postgres.Outcome, error) {
	switch e := event.(type) {
	case plugpack.Listing:
		return f.ApplyListing(f.t.Context(), e)
	case plugpack.Observation:
		return f.ApplyObservation(f.t.Context(), e)
	case plugpack.Failure:
		return f.ApplyFailure(f.t.Context(), e)
	case plugpack.OptOut:
		return f.ApplyOptOut(f.t.Context(), e)
	case plugpack.Discovery:
		return f.ApplyDiscovery(f.t.Context(), e)
	}
	return "", fmt.Errorf("an event of type %T", event)
}

// What comes late, or after something of the same name, changes nothing that is
// not its own. Each case was found by TestReplay.
func TestLate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		past past
		fact string
		want []string
	}{
		{
			"a listing from before a failed scan does not end the failure",
			past{}.list(repo, 1, 0, nil, "a").see(repo, 0, "x", "a").fail(repo, 2).list(repo, 1, 1, nil, "a"),
			`SELECT state || ' ' || last_error FROM marketplaces`, []string{"failed away"},
		},
		{
			"a listing of a repository that is out does not take out the next owner of its name",
			past{}.list(repo, 1, 0, nil, "a").list("acme/box", 1, 1, nil, "a").outByNumber("github.com/acme/box", 1, 2).
				list(repo, 2, 3, nil, "a").list(repo, 1, 0, nil, "a").see(repo, 3, "x", "a"),
			`SELECT key FROM plugins WHERE removed_at IS NULL`, []string{"github.com/acme/tools:a"},
		},
		{
			"a number that is out is out before any scan knows it",
			past{}.outByNumber("github.com/acme/box", 1, 0).list(repo, 1, 1, nil, "a").see(repo, 1, "x", "a"),
			`SELECT key FROM plugins WHERE removed_at IS NULL`, []string{},
		},
		{
			"what came before the listing that is refused goes",
			past{}.outByNumber("github.com/acme/box", 1, 0).see(repo, 1, "x", "a").list(repo, 1, 2, nil, "a"),
			`SELECT key FROM plugins WHERE removed_at IS NULL`, []string{},
		},
		{
			"an observation of the repository that had the name before",
			past{}.list(repo, 1, 0, nil, "a").list(repo, 2, 5, nil, "a").see(repo, 3, "y", "a"),
			`SELECT key FROM plugins WHERE removed_at IS NULL`, []string{},
		},
		{
			"an observation of the repository that had the name before and gave it up",
			past{}.list(repo, 1, 0, nil, "a").list("acme/box", 1, 2, nil, "a").list(repo, 2, 5, nil, "a").see(repo, 1, "y", "a"),
			`SELECT key FROM plugins WHERE removed_at IS NULL`, []string{},
		},
		{
			"a plugin that comes back has the stars of now",
			past{}.list(repo, 1, 0, nil, "a", "b", "c", "d", "e").see(repo, 0, "x", "a", "b", "c", "d", "e").list(repo, 1, 1, nil, "b", "c", "d", "e").
				list(repo, 1, 9000, nil, "a", "b", "c", "d", "e").see(repo, 9000, "x", "a"),
			`SELECT stars::text FROM plugins WHERE name = 'a'`, []string{"10000"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, c.past.facts(t, c.fact)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func (p past) fail(repository string, n int) past {
	k := plugpack.NewMarketplaceKey("github.com", repository)
	return append(p, said{events.SubjectMarketplaceFailed(k), 0, plugpack.Failure{Key: k, ObservedAt: sample.At(n), Reason: "away"}})
}

func (p past) outByNumber(name string, id int64, n int) past {
	return append(p, said{events.SubjectRepositoryOptedOut(name), 0, plugpack.OptOut{Name: name, Host: "github.com", HostID: id, At: sample.At(n)}})
}
