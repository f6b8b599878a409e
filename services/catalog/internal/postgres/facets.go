package postgres

import (
	"cmp"
	"context"

	"github.com/jackc/pgx/v5"
)

// Tally is a value and how many plugins have it.
type Tally struct {
	Name  string
	Count int
}

// MostFirst orders tallies as facets show them.
func MostFirst(a, b Tally) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
}

// Facets tell how many plugins have which value of what can be filtered by.
type Facets map[string][]Tally

// facetsOf takes the most frequent values of each kind alone: there are tens of
// thousands of owners.
const facetsOf = `
	SELECT k.kind, v.key, v.n
	FROM unnest($1::text[]) WITH ORDINALITY AS k (kind, place), LATERAL (
		SELECT key, n FROM facet_counts WHERE kind = k.kind AND n > 0 AND key <> '' ORDER BY n DESC, key LIMIT $2
	) v
	ORDER BY k.place, v.n DESC, v.key`

// Facets gives the values of each filter, the most frequent first.
func (s *Store) Facets(ctx context.Context, most int) (Facets, error) {
	return s.facets(ctx, most, "category", "has", "license", "maintenance", "marketplace", "owner", "score", "featured", "verified")
}

// Categories counts the plugins of each category, most first.
func (s *Store) Categories(ctx context.Context) ([]Tally, error) {
	const all = 10_000
	f, err := s.facets(ctx, all, "category")
	return f["category"], err
}

func (s *Store) facets(ctx context.Context, most int, kinds ...string) (Facets, error) {
	rows, err := s.pool.Query(ctx, facetsOf, kinds, most)
	if err != nil {
		return nil, classify("read facets", err)
	}
	f := Facets{}
	for _, k := range kinds {
		f[k] = []Tally{}
	}
	var (
		kind string
		t    Tally
	)
	_, err = pgx.ForEachRow(rows, []any{&kind, &t.Name, &t.Count}, func() error {
		f[kind] = append(f[kind], t)
		return nil
	})
	return f, classify("read facets", err)
}
