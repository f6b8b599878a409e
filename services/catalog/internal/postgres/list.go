package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Sort is an order of a list. Each ends with the id, so it is total.
type Sort string

// The sorts.
const (
	SortDefault  Sort = ""         // featured, then stars
	SortStars    Sort = "stars"    // most first
	SortUpdated  Sort = "updated"  // newest first
	SortName     Sort = "name"     // a to z
	SortScore    Sort = "score"    // best first, then stars
	SortTrending Sort = "trending" // most stars won in a week for its size, then stars
)

// Position is a row's place in a sorted list: what the next page starts after.
// Stars or a score may change between two pages; a plugin that moves meanwhile
// may be seen twice or not at all.
type Position struct {
	Sort     Sort      `json:"s,omitempty"`
	Featured bool      `json:"f,omitempty"`
	Stars    int32     `json:"n,omitempty"`
	Updated  time.Time `json:"u,omitzero"`
	Name     string    `json:"m,omitempty"`
	Score    int32     `json:"q,omitempty"`
	Trend    float32   `json:"t,omitempty"`
	ID       uuid.UUID `json:"i"`
}

// order is how a sort is written in SQL: over plugin_index i, and as a
// comparison with the placeholders from $1 on. What it is compared with is
// hidden from the planner, who would think that nothing comes after a plugin
// that is not featured, and make that plan anew each time.
type order struct {
	by    string
	after string
	args  func(Position) []any
}

var orders = map[Sort]order{
	SortDefault: {
		"i.featured DESC, i.stars DESC, i.plugin_id DESC", "(i.featured, i.stars, i.plugin_id) < ((SELECT $1::boolean), (SELECT $2::int), (SELECT $3::uuid))",
		func(a Position) []any { return []any{a.Featured, a.Stars, a.ID} },
	},
	SortStars: {
		"i.stars DESC, i.plugin_id DESC", "(i.stars, i.plugin_id) < ((SELECT $1::int), (SELECT $2::uuid))",
		func(a Position) []any { return []any{a.Stars, a.ID} },
	},
	SortUpdated: {
		"i.updated_at DESC, i.plugin_id DESC", "(i.updated_at, i.plugin_id) < ((SELECT $1::timestamptz), (SELECT $2::uuid))",
		func(a Position) []any { return []any{a.Updated, a.ID} },
	},
	SortName: {
		"i.name, i.plugin_id", "(i.name, i.plugin_id) > ((SELECT $1::text), (SELECT $2::uuid))",
		func(a Position) []any { return []any{a.Name, a.ID} },
	},
	SortScore: {
		"i.score DESC, i.stars DESC, i.plugin_id DESC", "(i.score, i.stars, i.plugin_id) < ((SELECT $1::int), (SELECT $2::int), (SELECT $3::uuid))",
		func(a Position) []any { return []any{a.Score, a.Stars, a.ID} },
	},
	SortTrending: {
		"i.trend DESC, i.stars DESC, i.plugin_id DESC", "(i.trend, i.stars, i.plugin_id) < ((SELECT $1::real), (SELECT $2::int), (SELECT $3::uuid))",
		func(a Position) []any { return []any{a.Trend, a.Stars, a.ID} },
	},
}

// Page says which part of a list is wanted. After wins over Skip.
type Page struct {
	Sort  Sort
	After *Position
	Skip  int
	Limit int
}

// Listed is one page of a list, with the place that the next one starts after,
// if there is one.
type Listed struct {
	Plugins []plugpack.Plugin
	Next    *Position
}

// selectPage finds the page in the index alone, and only then reads its rows:
// what is skipped costs an index entry each.
const selectPage = `
	SELECT i.plugin_id::text AS id, i.featured, i.stars, i.updated_at, i.name, i.score, i.trend
	FROM (SELECT i.plugin_id FROM plugin_index i %s ORDER BY %s LIMIT %d%s) page
	JOIN plugin_index i ON i.plugin_id = page.plugin_id
	ORDER BY %[2]s`

// Plugins lists live plugins. Of their components it tells the kinds alone.
func (s *Store) Plugins(ctx context.Context, f Filter, page Page) (Listed, error) {
	order, ok := orders[page.Sort]
	if !ok {
		return Listed{}, errs.New(errs.Invalid, "sort: want stars, updated, score, name or trending")
	}
	var args []any
	if page.After != nil {
		if page.After.Sort != page.Sort || page.After.ID == uuid.Nil {
			return Listed{}, errs.New(errs.Invalid, "cursor: it is not of a list in this order")
		}
		args, page.Skip = order.args(*page.After), 0
	}
	where, args := f.where(args)
	if page.After != nil {
		where += " AND " + order.after
	}
	skip := ""
	if page.Skip > 0 {
		args = append(args, page.Skip)
		skip = fmt.Sprintf(" OFFSET $%d", len(args))
	}
	// One more tells whether there is a next page. The limit stands in the text,
	// so that the plan can be kept: with an unknown one it would be for a long list.
	rows, err := s.pool.Query(ctx, fmt.Sprintf(selectPage, where, order.by, page.Limit+1, skip), args...)
	if err != nil {
		return Listed{}, classify("list plugins", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[listRow])
	if err != nil {
		return Listed{}, classify("list plugins", err)
	}
	var l Listed
	if more := len(found) > page.Limit; more {
		found = found[:page.Limit]
		l.Next = new(found[page.Limit-1].position(page.Sort))
	}
	ids := make([]string, len(found))
	for i, p := range found {
		ids[i] = p.ID
	}
	l.Plugins, err = s.inOrder(ctx, ids)
	return l, classify("list plugins", err)
}

// listRow is what a plugin's position in any order depends on.
type listRow struct {
	ID        string
	Featured  bool
	Stars     int32
	UpdatedAt time.Time
	Name      string
	Score     int32
	Trend     float32
}

// position gives the row's place in the order.
func (r listRow) position(sort Sort) Position {
	at := Position{Sort: sort, ID: uuid.MustParse(r.ID)}
	switch sort {
	case SortUpdated:
		at.Updated = r.UpdatedAt
		return at
	case SortName:
		at.Name = r.Name
		return at
	case SortScore:
		at.Score = r.Score
	case SortTrending:
		at.Trend = r.Trend
	case SortDefault:
		at.Featured = r.Featured
	}
	at.Stars = r.Stars
	return at
}
