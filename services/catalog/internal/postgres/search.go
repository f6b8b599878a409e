package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/searchdoc"
)

// MaxTotal caps the count of a search's matches: "more than a thousand".
const MaxTotal = 1001

const (
	// window is how many matches are ranked by their text, those of the greatest
	// weight. Ranking every match of a common word costs hundreds of
	// milliseconds at 100,000 plugins. What is behind the window follows by
	// weight alone.
	window = 400
	// named is how many plugins with all words in their name are ranked too,
	// however little they weigh.
	named = 100
	// enough matches, and nothing is guessed beyond what was typed.
	enough = 5
)

// Found is what a search found.
type Found struct {
	Plugins []plugpack.Plugin
	Total   int // at most MaxTotal
	Facets  Facets
	Next    *Place
}

// Place is where the next page of a search begins.
type Place struct {
	Step step `json:"s"`
	Skip int  `json:"n,omitempty"` // within the window
	// Behind the window: after the match of this weight and id.
	Weight float64   `json:"w,omitempty"`
	ID     uuid.UUID `json:"i,omitzero"`
}

// step is how far a search went from what was typed. Every page of a search
// has to stay with the first one's.
type step struct {
	Corrected bool `json:"c,omitempty"`
	Missing   int  `json:"m,omitempty"` // how many terms a match may lack
}

// SearchPage says which part of what is found is wanted. After wins over Skip.
type SearchPage struct {
	After *Place
	Skip  int
	Limit int
}

// Search finds plugins by text, the best first. If too few have what was
// typed, unknown words are corrected; if still too few, a match may lack some of
// the terms, as few as possible.
func (s *Store) Search(ctx context.Context, text string, f Filter, page SearchPage) (Found, error) {
	if strings.ContainsRune(text, 0) {
		return Found{}, errs.New(errs.Invalid, "q: it holds a character that no text may have")
	}
	q := searchdoc.Parse(text)
	if len(q.Terms) == 0 {
		return Found{Facets: Facets{}}, nil
	}
	found, err := s.search(ctx, &search{query: q, terms: want(q), filter: f, page: page})
	return found, classify("search", err)
}

// search is one search under way.
type search struct {
	query  searchdoc.Query
	terms  []wanted
	filter Filter
	page   SearchPage
	step   step
}

func (s *Store) search(ctx context.Context, x *search) (Found, error) {
	words, plugins, err := s.known(ctx, x.query)
	if err != nil {
		return Found{}, err
	}
	weigh(x.terms, x.query, words, plugins)
	if x.query.Sentence {
		x.step.Missing = len(x.terms) / 2
	}
	if x.page.After != nil {
		return s.goOn(ctx, x, words)
	}
	matches, err := s.candidates(ctx, x)
	if err != nil {
		return Found{}, err
	}
	if len(matches) < enough {
		var changed bool
		if x.terms, changed, err = s.corrected(ctx, x.query, x.terms, words); err != nil {
			return Found{}, err
		}
		if x.step.Corrected = changed; changed {
			if matches, err = s.candidates(ctx, x); err != nil {
				return Found{}, err
			}
		}
	}
	for len(matches) < enough && x.step.Missing < len(x.terms)-1 {
		x.step.Missing++
		if matches, err = s.candidates(ctx, x); err != nil {
			return Found{}, err
		}
	}
	return s.answer(ctx, x, matches)
}

// goOn gives a later page of a search, at the step that its first page took.
func (s *Store) goOn(ctx context.Context, x *search, words map[string]int) (Found, error) {
	x.step, x.page.Skip = x.page.After.Step, x.page.After.Skip
	if x.step.Missing < 0 || x.step.Missing >= len(x.terms) || x.page.Skip < 0 {
		return Found{}, errs.New(errs.Invalid, "cursor: it is not of this search")
	}
	if x.step.Corrected {
		var err error
		if x.terms, _, err = s.corrected(ctx, x.query, x.terms, words); err != nil {
			return Found{}, err
		}
	}
	matches, err := s.candidates(ctx, x)
	if err != nil {
		return Found{}, err
	}
	return s.answer(ctx, x, matches)
}

// hidden keeps from the planner what is looked for. It would find that a word is
// common, and then walk down the weights, or read all plugins, and look for the
// word in each one's text: it does not know that texts are stored apart, and
// what it costs to read them. Collected from the index they cost a hundredth.
func hidden(expression string) string { return "(SELECT " + expression + ")" }

// plain lets the planner see it: for a few matches of a common word it is right.
func plain(expression string) string { return "(" + expression + ")" }

// text writes the search's condition behind that of its filter. Of the listings
// of one plugin only the principal is found, unless it is asked for those of one
// marketplace or owner, where another one may be the only one.
func (x *search) text(args []any, show func(string) string) (where string, q textQuery) {
	where, args = x.filter.where(args)
	if x.filter.Marketplace == "" && x.filter.Owner == "" {
		where += " AND i.principal"
	}
	q = newTextQuery(args, x.terms, x.query.Excluded)
	return where + " AND %s @@ " + show(q.needing(len(x.terms)-x.step.Missing)), q
}

// selectTiers collects matches of the heaviest tier, and if those are too few
// also of the next, and of the last.
const selectTiers = `
	%[1]s_0 AS MATERIALIZED (SELECT i.plugin_id, i.weight FROM plugin_index i %[2]s AND i.tier = 0),
	%[1]s_1 AS MATERIALIZED (SELECT i.plugin_id, i.weight FROM plugin_index i %[2]s AND i.tier = 1 AND (SELECT count(*) FROM %[1]s_0) < %[3]d),
	%[1]s_01 AS (SELECT * FROM %[1]s_0 UNION ALL SELECT * FROM %[1]s_1),
	%[1]s_2 AS MATERIALIZED (SELECT i.plugin_id, i.weight FROM plugin_index i %[2]s AND i.tier = 2 AND (SELECT count(*) FROM %[1]s_01) < %[3]d),
	%[1]s AS (SELECT * FROM %[1]s_01 UNION ALL SELECT * FROM %[1]s_2)`

// countMore looks for more matches where those of the first tiers were enough,
// just for as many as are told of.
const countMore = `
	more_1 AS MATERIALIZED (SELECT count(*) AS n FROM (SELECT FROM plugin_index i %[1]s AND i.tier = 1
		AND (SELECT count(*) FROM matches_0) BETWEEN %[2]d AND %[3]d LIMIT %[3]d) x),
	more_2 AS MATERIALIZED (SELECT count(*) AS n FROM (SELECT FROM plugin_index i %[1]s AND i.tier = 2
		AND (SELECT count(*) FROM matches_01) >= %[2]d AND (SELECT count(*) FROM matches_01) + (SELECT n FROM more_1) < %[3]d LIMIT %[3]d) x)`

// selectNamed takes those that have it all in their name, and those that are
// called just that: there the text is no column of an index, or the planner
// would collect all matches from it first.
const selectNamed = `
	named AS (
		(SELECT plugin_id FROM so_named ORDER BY weight DESC, plugin_id DESC LIMIT %[1]d)
		UNION
		(SELECT i.plugin_id FROM plugin_index i %[2]s AND i.name = ANY ($%[3]d) ORDER BY i.weight DESC, i.plugin_id DESC LIMIT %[1]d)
	)`

// The best by weight with those that are found by their name.
const selectCandidates = `
	WITH %[1]s, %[5]s, %[2]s, best AS (
		SELECT plugin_id FROM matches ORDER BY weight DESC, plugin_id DESC LIMIT %[3]d
	), found AS (
		SELECT plugin_id, bool_or(best) AS best
		FROM (SELECT plugin_id, true AS best FROM best UNION ALL SELECT plugin_id, false FROM named) x
		GROUP BY plugin_id
	)
	SELECT i.plugin_id::text AS id, i.name, i.weight, i.category, i.license,
		ARRAY(SELECT jsonb_object_keys(i.counts)) AS has, ARRAY[%[4]s]::float8[] AS fits, found.best,
		least((SELECT count(*) FROM matches) + (SELECT n FROM more_1) + (SELECT n FROM more_2), %[6]d)::int AS total
	FROM found JOIN plugin_index i ON i.plugin_id = found.plugin_id`

// named writes the query for plugins that are found by their name.
func (x *search) named(where string, q *textQuery) string {
	q.args = append(q.args, x.names())
	return fmt.Sprintf(selectTiers, "so_named", fmt.Sprintf(where, "i.names"), named) + "," +
		fmt.Sprintf(selectNamed, named, fmt.Sprintf(where, "(i.search || '')"), len(q.args))
}

// names gives the ways that a plugin would spell what was asked for as a name.
func (x *search) names() []string {
	var words []string
	for _, t := range x.query.Terms {
		words = append(words, strings.Fields(t.Text)...)
	}
	return []string{strings.Join(words, "-"), strings.Join(words, " "), strings.Join(words, "_"), strings.Join(words, "")}
}

func (s *Store) candidates(ctx context.Context, x *search) ([]candidate, error) {
	where, q := x.text(nil, hidden)
	texts := fmt.Sprintf(where, "i.search")
	query := fmt.Sprintf(selectCandidates, fmt.Sprintf(selectTiers, "matches", texts, window), x.named(where, &q), window,
		strings.Join(q.ranks, ", "), fmt.Sprintf(countMore, texts, window, MaxTotal), MaxTotal)
	rows, err := s.pool.Query(ctx, query, q.args...)
	if err != nil {
		return nil, err
	}
	matches, err := pgx.CollectRows(rows, pgx.RowToStructByName[candidate])
	rank(matches, x.terms, x.query)
	return matches, err
}

// answer reads the page of the ranked matches, and of those behind them.
func (s *Store) answer(ctx context.Context, x *search, matches []candidate) (found Found, err error) {
	if len(matches) > 0 {
		found.Total = matches[0].Total
	}
	found.Facets = facetsOfMatches(matches)
	ids, err := s.pageIDs(ctx, x, matches, &found)
	if err != nil {
		return found, err
	}
	found.Plugins, err = s.inOrder(ctx, ids)
	return found, err
}

func (s *Store) pageIDs(ctx context.Context, x *search, matches []candidate, found *Found) ([]string, error) {
	limit, skip := x.page.Limit, x.page.Skip
	var ids []string
	behind := x.page.After != nil && x.page.After.ID != uuid.Nil
	if !behind {
		for _, m := range matches[min(skip, len(matches)):min(skip+limit, len(matches))] {
			ids = append(ids, m.ID)
		}
		if skip+limit < len(matches) {
			found.Next = &Place{Step: x.step, Skip: skip + limit}
			return ids, nil
		}
	}
	last, full := lightest(matches)
	if !full {
		return ids, nil
	}
	at := Place{Step: x.step, Weight: last.Weight, ID: uuid.MustParse(last.ID)}
	if behind {
		at.Weight, at.ID, skip = x.page.After.Weight, x.page.After.ID, len(matches)
	}
	rest, err := s.behind(ctx, x, at, max(skip-len(matches), 0), limit-len(ids))
	if err != nil {
		return nil, err
	}
	if more := len(rest) > limit-len(ids); more {
		rest = rest[:limit-len(ids)]
		if found.Next = &at; len(rest) > 0 {
			end := rest[len(rest)-1]
			found.Next = &Place{Step: x.step, Weight: end.Weight, ID: uuid.MustParse(end.ID)}
		}
	}
	for _, r := range rest {
		ids = append(ids, r.ID)
	}
	return ids, nil
}

// lightest gives the match where the window ends, if there are any behind it.
func lightest(matches []candidate) (last candidate, full bool) {
	n := 0
	for _, m := range matches {
		if !m.Best {
			continue
		}
		if n++; n == 1 || m.Weight < last.Weight || m.Weight == last.Weight && m.ID < last.ID {
			last = m
		}
	}
	return last, n == window
}

// Those that are found by name were in the window already.
const selectBehind = `
	WITH %[2]s
	SELECT i.plugin_id::text AS id, i.weight
	FROM plugin_index i %[1]s AND (i.weight, i.plugin_id) < ($1::real, $2) AND i.plugin_id NOT IN (SELECT plugin_id FROM named)
	ORDER BY i.weight DESC, i.plugin_id DESC
	LIMIT %[3]d OFFSET %[4]d`

// behind gives matches that weigh less than at, and one more than limit if
// there is one.
func (s *Store) behind(ctx context.Context, x *search, at Place, skip, limit int) ([]candidate, error) {
	where, q := x.text([]any{at.Weight, at.ID}, plain)
	query := fmt.Sprintf(selectBehind, fmt.Sprintf(where, "i.search"), x.named(where, &q), limit+1, skip)
	rows, err := s.pool.Query(ctx, query, append([]any{pgx.QueryExecModeDescribeExec}, q.args...)...) // its plan depends on the words
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByNameLax[candidate])
}

// facetsOfMatches counts over the window.
func facetsOfMatches(matches []candidate) Facets {
	counts := map[string]map[string]int{"category": {}, "license": {}, "has": {}}
	for _, m := range matches {
		counts["category"][m.Category]++
		counts["license"][m.License]++
		for _, kind := range m.Has {
			counts["has"][kind]++
		}
	}
	facets := Facets{}
	for field, values := range counts {
		delete(values, "")
		for name, n := range values {
			facets[field] = append(facets[field], Tally{name, n})
		}
		slices.SortFunc(facets[field], MostFirst)
	}
	return facets
}
