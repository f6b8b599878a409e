package postgres_test

import (
	"flag"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/testkit/sample"
)

// stream is PLUGIN as JetStream keeps it: the last message of each subject, in
// the order in which they came.
type stream struct {
	subjects []string
	last     map[string]any
}

func (s *stream) publish(subject string, event any) {
	if i := slices.Index(s.subjects, subject); i >= 0 {
		s.subjects = slices.Delete(s.subjects, i, i+1)
	}
	s.subjects = append(s.subjects, subject)
	s.last[subject] = event
}

// apply brings one event to the store.
func (f fixture) apply(t *rapid.T, event any) {
	var err error
	switch e := event.(type) {
	case plugpack.Listing:
		_, err = f.ApplyListing(f.t.Context(), e)
	case plugpack.Observation:
		_, err = f.ApplyObservation(f.t.Context(), e)
	case plugpack.Failure:
		_, err = f.ApplyFailure(f.t.Context(), e)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// facts gives what scans say of every live plugin, by key, and of every
// marketplace: not ids, slugs and revisions, which tell of the way it came, and
// not which of several commits with the same content it was read at.
func (f fixture) facts(t *rapid.T) []string {
	rows, err := f.pool.Query(f.t.Context(), `
		SELECT p.key || ' ' || p.name || ' ' || f.description || ' ' || f.digest || ' ' || encode(f.checksum, 'hex')
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id WHERE p.removed_at IS NULL
		UNION ALL SELECT m.key || ' ' || m.name || ' ' || m.state || ' ' || array_to_string(m.names, ',') || ' ' || m.last_error
		FROM marketplaces m WHERE m.retired_at IS NULL
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (f fixture) empty(t *rapid.T) {
	const tables = `plugin_facts, plugins, marketplaces, repositories, plugin_aliases, plugin_versions, plugin_index, facet_counts, outbox`
	if _, err := f.pool.Exec(f.t.Context(), `TRUNCATE `+tables+` CASCADE`); err != nil {
		t.Fatal(err)
	}
}

// TestReplay scans two marketplaces in any way that the removal guard lets
// through, and replays what the stream keeps of that into an empty database.
func TestReplay(t *testing.T) {
	t.Parallel()
	// Each check is some hundred transactions; -rapid.checks asks for more.
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("12")
	}
	f := newStore(t)
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	repos := []string{"acme/tools", "other/kit"}
	rapid.Check(t, func(t *rapid.T) {
		f.empty(t)
		s := stream{last: map[string]any{}}
		listed := map[string][]string{}
		for n := range rapid.IntRange(1, 8).Draw(t, "scans") {
			repository := rapid.SampledFrom(repos).Draw(t, "repository")
			key := plugpack.NewMarketplaceKey("github.com", repository)
			if rapid.IntRange(0, 5).Draw(t, "fails") == 0 {
				event := plugpack.Failure{Key: key, ObservedAt: sample.At(n), Reason: fmt.Sprintf("away %d", n)}
				s.publish(events.SubjectMarketplaceFailed(key), event)
				f.apply(t, event)
				continue
			}
			now := listed[repository]
			if now == nil {
				now = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 5, 8, rapid.ID).Draw(t, "names")
			} else if len(now) >= 5 && rapid.Bool().Draw(t, "removes") {
				i := rapid.IntRange(0, len(now)-1).Draw(t, "which")
				now = slices.Delete(slices.Clone(now), i, i+1) // one of five is not over a fifth
			}
			listed[repository] = now
			listing := sample.Listing(repository, n, now...)
			s.publish(events.SubjectMarketplaceScanned(key), listing)
			f.apply(t, listing)
			for _, name := range now {
				o := sample.Observation(repository, name, n)
				o.Facts.Description = rapid.SampledFrom([]string{"one", "two", "three"}).Draw(t, "text")
				o.Facts.Digest = fmt.Sprintf("%064d", len(o.Facts.Description))
				s.publish(events.SubjectPluginUpdated(o.Key()), o)
				f.apply(t, o)
			}
		}
		want := f.facts(t)
		f.empty(t)
		for _, subject := range s.subjects {
			f.apply(t, s.last[subject])
		}
		if diff := cmp.Diff(want, f.facts(t)); diff != "" {
			t.Fatalf("a replay gives other facts (-first +replayed):\n%s", diff)
		}
		for _, subject := range s.subjects { // over a living database
			f.apply(t, s.last[subject])
		}
		if diff := cmp.Diff(want, f.facts(t)); diff != "" {
			t.Fatalf("a second replay gives other facts (-first +replayed):\n%s", diff)
		}
	})
}
