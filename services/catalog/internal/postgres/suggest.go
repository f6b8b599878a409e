package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

// suggested is how many plugins are looked at for suggestions.
const suggested = 100

// What begins with the text comes first, then that in which words begin like
// the text's; both from the heaviest plugins down, tier by tier as in a search.
var suggestByWords = "WITH " + fmt.Sprintf(selectTiers, "beginning", `WHERE i.names @@ (SELECT to_tsquery('simple', $3)) AND i.name LIKE $2 AND i.principal`, suggested) + "," +
	fmt.Sprintf(selectTiers, "within", `WHERE i.names @@ (SELECT to_tsquery('simple', $3)) AND i.principal`, suggested) + `,
	found AS (
		(SELECT plugin_id, 1 AS place FROM beginning ORDER BY weight DESC, plugin_id DESC LIMIT ` + fmt.Sprint(suggested) + `)
		UNION ALL
		(SELECT plugin_id, 2 FROM within ORDER BY weight DESC, plugin_id DESC LIMIT ` + fmt.Sprint(suggested) + `)
	)` + chooseNames

// One letter begins too many words, and a text may have none.
var suggestByLetters = `
	WITH found AS (
		SELECT plugin_id, 1 AS place FROM plugin_index WHERE name LIKE $2 AND principal ORDER BY weight DESC, plugin_id DESC LIMIT ` + fmt.Sprint(suggested) + `
	)` + chooseNames

// chooseNames gives each name once, in the letters of its heaviest plugin.
const chooseNames = `
	SELECT coalesce((SELECT p.name FROM plugins p WHERE p.id = best.plugin_id), '')
	FROM (
		SELECT DISTINCT ON (i.name) i.name, i.plugin_id, f.place, i.weight
		FROM found f JOIN plugin_index i ON i.plugin_id = f.plugin_id
		ORDER BY i.name, f.place, i.weight DESC, i.plugin_id DESC
	) best
	ORDER BY place, weight DESC, name
	LIMIT $1`

// Suggest gives names for what is being typed. When none has it, its last word
// is corrected.
func (s *Store) Suggest(ctx context.Context, text string, limit int) ([]string, error) {
	words := searchdoc.Words(text)
	names, err := s.names(ctx, strings.ToLower(text), words, limit)
	if err != nil || len(names) > 0 || len(words) == 0 {
		return names, classify("suggest", err)
	}
	last := len(words) - 1
	if searchdoc.Unspaced(words[last]) {
		return nil, nil
	}
	near, err := s.nearest(ctx, words[last])
	if err != nil || len(near) == 0 {
		return nil, classify("suggest", err)
	}
	words[last] = near[0]
	names, err = s.names(ctx, strings.Join(words, "-"), words, limit)
	return names, classify("suggest", err)
}

// names gives names that begin with the text or have the words' beginnings.
func (s *Store) names(ctx context.Context, text string, words []string, limit int) ([]string, error) {
	like := likeLiterally(text) + "%"
	if query := beginnings(words); query != "" {
		return collectIDs(s.pool.Query(ctx, suggestByWords, limit, like, query))
	}
	return collectIDs(s.pool.Query(ctx, suggestByLetters, limit, like))
}

// likeLiterally writes a text so that LIKE takes every letter for itself.
func likeLiterally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text)
}

// beginnings asks for words that begin like each of words. One letter begins
// too many.
func beginnings(words []string) string {
	var all []string
	for _, w := range words {
		if len(words) > 1 || len([]rune(w)) > 1 {
			all = append(all, searchdoc.Pairs(w)...)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, ":* & ") + ":*"
}
