package postgres

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Filter narrows a list of plugins; a zero field does not narrow.
type Filter struct {
	Category    string
	Marketplace string // key, or the marketplace's own name
	Owner       string
	Has         string // a component kind
	License     string
	Maintenance plugpack.Maintenance
	MinScore    int
	Featured    *bool
	Verified    *bool
	Text        string // words that all must be found
}

// where gives the condition on plugin_index i, with its arguments; the first
// placeholder is the one after those of args.
func (f Filter) where(args []any) (string, []any) {
	conditions := []string{"true"}
	add := func(condition string, arg any) {
		args = append(args, arg)
		conditions = append(conditions, strings.ReplaceAll(condition, "$?", fmt.Sprintf("$%d", len(args))))
	}
	for _, c := range []struct{ condition, arg string }{
		{"i.category = $?", f.Category},
		{"(i.marketplace IN ($?, lower($?)) OR i.marketplace_name = $?)", f.Marketplace},
		{"i.owner = lower($?)", f.Owner},
		{"i.counts ? $?", f.Has},
		{"lower(i.license) = lower($?)", f.License},
		{"i.maintenance = $?", string(f.Maintenance)},
		{"i.search @@ websearch_to_tsquery('english', $?)", inPairs(f.Text)},
	} {
		if c.arg != "" {
			add(c.condition, c.arg)
		}
	}
	if f.MinScore > 0 {
		add("i.score >= $?", f.MinScore)
	}
	if f.Featured != nil {
		add("i.featured = $?", *f.Featured)
	}
	if f.Verified != nil {
		add("i.verified = $?", *f.Verified)
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

// MaxCount caps what is counted when it is asked for: more than ten thousand.
const MaxCount = 10_001

const (
	// A count that is kept: of everything, or of one value of one facet; licenses
	// are few, and found in any letters.
	keptCount    = `SELECT coalesce(sum(n), 0)::int FROM facet_counts WHERE kind = $1 AND key = $2`
	keptLicenses = `SELECT coalesce(sum(n), 0)::int FROM facet_counts WHERE kind = $1 AND lower(key) = lower($2)`
	countCapped  = `SELECT count(*)::int FROM (SELECT FROM plugin_index i %s LIMIT %d) x`
)

// CountPlugins counts the plugins that match, MaxCount at most where more than
// one condition has to hold.
func (s *Store) CountPlugins(ctx context.Context, f Filter) (n int, err error) {
	if kind, key, ok := f.facet(); ok {
		kept := keptCount
		if kind == "license" {
			kept = keptLicenses
		}
		err = s.pool.QueryRow(ctx, kept, kind, key).Scan(&n)
		return n, classify("count plugins", err)
	}
	where, args := f.where(nil)
	err = s.pool.QueryRow(ctx, fmt.Sprintf(countCapped, where, MaxCount), args...).Scan(&n)
	return n, classify("count plugins", err)
}

// facet gives the facet and value that f stands for, if it is one.
func (f Filter) facet() (kind, key string, ok bool) {
	kind = "all"
	for _, c := range []struct{ kind, key string }{
		{"category", f.Category}, {"owner", strings.ToLower(f.Owner)}, {"has", f.Has},
		{"license", f.License}, {"maintenance", string(f.Maintenance)},
		{"featured", format(f.Featured)}, {"verified", format(f.Verified)},
	} {
		if c.key == "" {
			continue
		}
		if kind != "all" {
			return "", "", false
		}
		kind, key = c.kind, c.key
	}
	return kind, key, cmp.Or(f.Text, f.Marketplace) == "" && f.MinScore == 0
}

func format(b *bool) string {
	if b == nil {
		return ""
	}
	return strconv.FormatBool(*b)
}
