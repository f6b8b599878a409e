package postgres

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// MaxTotal caps the count of a search's matches: "more than a thousand".
const MaxTotal = 1001

// candidates is how many matches, the most starred, are ranked: all that the
// pages of a search can reach. Ranking every match of a common word costs tens
// of milliseconds at 100,000 plugins. Facets tell of fewer.
const (
	candidates = 1100
	faceted    = 300
)

// Found is what a search found.
type Found struct {
	Plugins []plugpack.Plugin
	Total   int // at most MaxTotal
	Facets  Facets
}

// The queries below look at the plugins that match. Listings of one origin under
// one name are one plugin seen from several marketplaces and count once.
const (
	// matches joins what a filter may ask for with the text query in $1. Its
	// words as they stand are a second way to match, so a plugin is found by its
	// own name even if English thinks nothing of the word. One condition on one
	// column is what lets the index answer.
	matches = `
		FROM plugin_index i, (SELECT %[1]s AS ranked, %[1]s || websearch_to_tsquery('simple', $1) AS query) q
		%[2]s AND i.principal AND i.search @@ q.query`

	rankMatches = `
		SELECT plugin_id::text FROM (
			SELECT i.plugin_id, (ts_rank('{0.05,0.2,0.5,1.0}', i.headline, q.ranked) * (1 + i.weight)
					+ CASE WHEN i.name = lower($1) THEN 100 ELSE 0 END)::float8 AS rank
			%s
			ORDER BY i.name = lower($1) DESC, i.weight DESC, i.plugin_id DESC
			LIMIT %d
		) c
		ORDER BY rank DESC, plugin_id DESC
		LIMIT %d OFFSET %d`

	countMatches = `SELECT count(*)::int FROM (SELECT %s LIMIT %d) x`

	// wholeWords needs every word; anyPrefix needs one, and takes beginnings of
	// words and of their stems.
	wholeWords = `websearch_to_tsquery('english', $1)`
	anyPrefix  = `(to_tsquery('simple', $1) || to_tsquery('english', $1))`
)

// Search finds live plugins by text, best first. When no plugin has all the
// words, plugins that have a word beginning like one of them are given.
func (s *Store) Search(ctx context.Context, text string, f Filter, skip, limit int) (Found, error) {
	found, err := s.search(ctx, wholeWords, text, f, skip, limit)
	if err != nil || found.Total > 0 {
		return found, err
	}
	if prefixes := prefixQuery(text); prefixes != "" {
		return s.search(ctx, anyPrefix, prefixes, f, skip, limit)
	}
	return found, nil
}

func (s *Store) search(ctx context.Context, query, text string, f Filter, skip, limit int) (found Found, err error) {
	where, args := f.where([]any{text})
	matching := fmt.Sprintf(matches, query, where)
	if err := s.pool.QueryRow(ctx, fmt.Sprintf(countMatches, matching, MaxTotal), args...).Scan(&found.Total); err != nil {
		return found, classify("search", err)
	}
	if found.Total == 0 {
		return found, nil
	}
	if found.Facets, err = s.matchFacets(ctx, matching, args); err != nil {
		return found, classify("search", err)
	}
	ids, err := collectIDs(s.pool.Query(ctx, fmt.Sprintf(rankMatches, matching, candidates, limit, skip), args...))
	if err != nil {
		return found, classify("search", err)
	}
	found.Plugins, err = s.inOrder(ctx, ids)
	return found, classify("search", err)
}

const countFacets = `
	SELECT field, name, count(*)::int AS count
	FROM (
		SELECT i.category, i.license, i.counts
		%s
		ORDER BY i.weight DESC, i.plugin_id DESC
		LIMIT %d
	) c, LATERAL (
		SELECT 'category' AS field, c.category AS name
		UNION ALL SELECT 'license', c.license
		UNION ALL SELECT 'has', jsonb_object_keys(c.counts)
	) v
	WHERE name <> ''
	GROUP BY field, name
	ORDER BY field, count DESC, name`

func (s *Store) matchFacets(ctx context.Context, matching string, args []any) (Facets, error) {
	rows, err := s.pool.Query(ctx, fmt.Sprintf(countFacets, matching, faceted), args...)
	if err != nil {
		return nil, err
	}
	facets := Facets{}
	var (
		field string
		t     Tally
	)
	_, err = pgx.ForEachRow(rows, []any{&field, &t.Name, &t.Count}, func() error {
		facets[field] = append(facets[field], t)
		return nil
	})
	return facets, err
}

// prefixQuery turns free text into a tsquery of word beginnings. Only letters
// and digits go through, so no text is an error in the query's own language.
func prefixQuery(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var terms []string
	for _, w := range words {
		if len([]rune(w)) >= 3 {
			terms = append(terms, w+":*")
		}
	}
	return strings.Join(terms, " | ")
}

const suggestNames = `
	SELECT p.name
	FROM plugin_index i JOIN plugins p ON p.id = i.plugin_id
	WHERE i.name LIKE lower($1)
	GROUP BY p.name
	ORDER BY max(i.weight) DESC, p.name
	LIMIT $2`

// Suggest gives names that begin with text, the most starred first.
func (s *Store) Suggest(ctx context.Context, text string, limit int) ([]string, error) {
	escaped := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
	rows, err := s.pool.Query(ctx, suggestNames, escaped+"%", limit)
	if err != nil {
		return nil, classify("suggest", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return names, classify("suggest", err)
}
