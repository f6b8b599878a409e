package postgres_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// compacted is PLUGIN as JetStream keeps it: the last message of each subject,
// in the order in which they came.
func compacted(log []said) (kept []said) {
	seen := map[string]bool{}
	for _, m := range slices.Backward(log) {
		if !seen[m.subject] {
			kept = append(kept, m)
		}
		seen[m.subject] = true
	}
	slices.Reverse(kept)
	return kept
}

// shuffled lets each group's messages come when they like, in their order, and
// some come twice.
func shuffled(t *rapid.T, log []said, apart bool) (all []said) {
	queues := map[int][]said{}
	for _, m := range log {
		group := 0
		if apart {
			group = m.group
		}
		queues[group] = append(queues[group], m)
	}
	var before []said
	for len(queues) > 0 {
		group := 0
		if len(queues) > 1 {
			group = rapid.IntRange(0, 1).Draw(t, "group")
		} else if queues[group] == nil {
			group = 1
		}
		m := queues[group][0]
		all, before = append(all, m), append(before, m)
		if queues[group] = queues[group][1:]; len(queues[group]) == 0 {
			delete(queues, group)
		}
		if rapid.IntRange(0, 5).Draw(t, "twice") == 0 {
			all = append(all, before[rapid.IntRange(0, len(before)-1).Draw(t, "again")])
		}
	}
	return all
}

// apply brings events to the store, and says whether the guard held one. After
// each, lists show what the database has.
func (f fixture) apply(t *rapid.T, log []said) (held bool) {
	for _, m := range log {
		outcome, err := f.one(m.event)
		if err != nil {
			t.Fatalf("%s: %v", m, err)
		}
		held = held || outcome == postgres.Held
		if diff := f.keptDiff(); diff != "" {
			t.Fatalf("%s: lists differ (-database +kept):\n%s", m, diff)
		}
	}
	return held
}

// String tells what a person needs who looks for what went wrong.
func (m said) String() string {
	switch e := m.event.(type) {
	case plugpack.Listing:
		return fmt.Sprintf("%s listing %s #%d %v renames %v", e.ObservedAt.Format("02 15:04"), e.Key, e.Repository.HostID, e.Names, e.Renames)
	case plugpack.Observation:
		return fmt.Sprintf("%s plugin %s %q from %s", e.ObservedAt.Format("02 15:04"), e.Key(), e.Facts.Description, e.Facts.Origin)
	case plugpack.Failure:
		return fmt.Sprintf("%s failure %s gone %v", e.ObservedAt.Format("02 15:04"), e.Key, e.Gone)
	case plugpack.OptOut:
		return fmt.Sprintf("%s opt-out %s #%d", e.At.Format("02 15:04"), e.Name, e.HostID)
	}
	return fmt.Sprint(m.event)
}

func tell(log []said) string {
	lines := make([]string, len(log))
	for i, m := range log {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// What scans say of live plugins, marketplaces and searches. Ids and revisions
// tell of the way it came.
const (
	latestFacts = `
		SELECT p.key || ' ' || encode(f.checksum, 'hex') || ' ' || f.description || ' ' || f.digest || ' ' || f.state || ' ' || f.origin AS fact
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id WHERE p.removed_at IS NULL
		UNION ALL SELECT concat_ws(' ', 'shown', p.key, i.marketplace)
		FROM plugin_index i JOIN plugins p ON p.id = i.plugin_id
		UNION ALL SELECT concat_ws(' ', m.key, m.name, m.state, m.names, m.entries, m.commit_sha, m.last_error, r.host_id, r.full_name, r.stars)
		FROM marketplaces m LEFT JOIN repositories r ON r.id = m.repository_id WHERE m.retired_at IS NULL
		UNION ALL SELECT concat_ws(' ', 'facet', kind, key, n) FROM facet_counts WHERE n <> 0
		UNION ALL SELECT concat_ws(' ', 'search', method, found, finished_at) FROM discoveries
		ORDER BY 1`
	// history is what the last messages alone cannot tell; see TestCompaction.
	history = `
		SELECT concat_ws(' ', p.key, p.slug, p.stars, f.commit_sha) AS fact
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id WHERE p.removed_at IS NULL
		UNION ALL SELECT concat_ws(' ', 'principal', p.key) FROM plugin_index i JOIN plugins p ON p.id = i.plugin_id WHERE i.principal
		UNION ALL SELECT concat_ws(' ', 'version', p.key, v.digest, v.commit_sha, v.version, v.first_seen)
		FROM plugin_versions v JOIN plugins p ON p.id = v.plugin_id WHERE p.removed_at IS NULL
		UNION ALL SELECT concat_ws(' ', 'alias', a.key, a.slug, p.key)
		FROM plugin_aliases a JOIN plugins p ON p.id = a.plugin_id WHERE p.removed_at IS NULL
		UNION ALL SELECT concat_ws(' ', 'successor', o.key, p.key)
		FROM plugins o JOIN plugins p ON p.id = o.successor_id WHERE p.removed_at IS NULL
		ORDER BY 1`
	redirects = `
		SELECT a.key || ' ' || p.key FROM plugin_aliases a JOIN plugins p ON p.id = a.plugin_id WHERE p.removed_at IS NULL
		UNION SELECT o.key || ' ' || p.key FROM plugins o JOIN plugins p ON p.id = o.successor_id
		WHERE o.removed_at IS NOT NULL AND p.removed_at IS NULL
		ORDER BY 1`
	selectCommits = `
		SELECT f.commit_sha || ' ' || f.description || ' ' || f.origin
		FROM plugins p JOIN plugin_facts f ON f.plugin_id = p.id WHERE p.removed_at IS NULL`
)

func (f fixture) texts(t rapid.TB, query string) []string {
	t.Helper()
	rows, err := f.pool.Query(f.t.Context(), query)
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
	const tables = `plugin_facts, plugins, marketplaces, repositories, plugin_aliases, plugin_versions, plugin_index, facet_counts, outbox, opt_outs, discoveries`
	if _, err := f.pool.Exec(f.t.Context(), `TRUNCATE `+tables+` CASCADE`); err != nil {
		t.Fatal(err)
	}
}

// TestReplay lets repositories be scanned, renamed, transferred, taken over,
// gone, back and opted out in any way, and brings what was said of them to an
// empty database again: all of it, which gives the same facts and the same
// history, and what the stream keeps of it, which gives the same facts; each
// time with repetitions and with unrelated repositories in another order, and
// then once more over the living database.
//
// What the guards of removals hold back depends on the order in which
// everything came, so a stream that was compacted cannot tell it; see
// TestCompaction.
func TestReplay(t *testing.T) {
	t.Parallel()
	// Each check is some hundred transactions. The worlds are the same each time,
	// unless -rapid.checks asks for more or -rapid.seed for others.
	checks, seed := flag.Lookup("rapid.checks"), flag.Lookup("rapid.seed")
	if checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("20")
		if seed.Value.String() == seed.DefValue {
			_ = seed.Value.Set("20261127")
		}
	}
	f := newStore(t)
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.live(rapid.IntRange(2, 16).Draw(t, "steps"))
		f.empty(t)
		held := f.apply(t, w.log)
		want, wantHistory, wantRedirects := f.texts(t, latestFacts), f.texts(t, history), f.texts(t, redirects)

		f.empty(t)
		again := shuffled(t, w.log, !held && w.gone < 2)
		f.apply(t, again)
		f.same(t, "a replay of everything", again, want, latestFacts)
		f.same(t, "a replay of everything", again, wantHistory, history)
		if held {
			return
		}
		f.empty(t)
		kept := compacted(w.log)
		again = shuffled(t, kept, w.gone < 2)
		f.apply(t, again)
		f.same(t, "a replay of what the stream keeps", again, want, latestFacts)
		f.wantCommits(t, w.log)
		f.wantRedirects(t, kept, wantRedirects)
		f.apply(t, kept)
		f.same(t, "a replay over a living database", kept, want, latestFacts)
	})
}

func (f fixture) same(t *rapid.T, what string, log []said, want []string, query string) {
	if diff := cmp.Diff(want, f.texts(t, query)); diff != "" {
		t.Fatalf("%s gives other facts (-first +replayed):\n%s\nit was\n%s", what, diff, tell(log))
	}
}

// wantCommits: a content that was seen at several commits is now said to be of
// one of them.
func (f fixture) wantCommits(t *rapid.T, log []said) {
	var seen []string
	for _, m := range log {
		if o, ok := m.event.(plugpack.Observation); ok {
			seen = append(seen, o.Facts.Commit+" "+o.Facts.Description+" "+o.Facts.Origin)
		}
	}
	for _, fact := range f.texts(t, selectCommits) {
		if !slices.Contains(seen, fact) {
			t.Fatalf("nobody saw %s", fact)
		}
	}
}

// wantRedirects: an old name that the marketplace's file still tells of leads to
// the new one.
func (f fixture) wantRedirects(t *rapid.T, kept []said, want []string) {
	got := f.texts(t, redirects)
	for _, m := range kept {
		l, _ := m.event.(plugpack.Listing)
		for old := range l.Renames {
			key := l.Key.Plugin(old).String() + " "
			for _, redirect := range want {
				if strings.HasPrefix(redirect, key) && !slices.Contains(got, redirect) {
					t.Fatalf("%s is not told any more; there are %v\nit was\n%s", redirect, got, tell(kept))
				}
			}
		}
	}
}
