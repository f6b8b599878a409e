package postgres

import (
	"context"
	"strings"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

// suggestNames takes names that begin with $1 first, then those in which words
// begin like $2's; each name once, in the letters of its heaviest plugin.
const suggestNames = `
	SELECT coalesce((SELECT p.name FROM plugins p WHERE p.id = best.plugin_id), '')
	FROM (
		SELECT DISTINCT ON (name) name, plugin_id, place, weight
		FROM (
			(SELECT name, plugin_id, 1 AS place, weight FROM plugin_index WHERE name LIKE $1 ORDER BY weight DESC, plugin_id LIMIT 100)
			UNION ALL
			(SELECT name, plugin_id, 2, weight FROM plugin_index
				WHERE names @@ to_tsquery('simple', $2) ORDER BY weight DESC, plugin_id LIMIT 100)
		) x
		ORDER BY name, place, weight DESC, plugin_id
	) best
	ORDER BY place, weight DESC, name
	LIMIT $3`

// Suggest gives names for what is being typed. When none has it, its last word
// is corrected.
func (s *Store) Suggest(ctx context.Context, text string, limit int) ([]string, error) {
	escaped := likeLiterally(strings.ToLower(text))
	words := searchdoc.Words(text)
	names, err := collectIDs(s.pool.Query(ctx, suggestNames, escaped+"%", beginnings(words), limit))
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
	names, err = collectIDs(s.pool.Query(ctx, suggestNames, strings.Join(words, "-")+"%", beginnings(words), limit))
	return names, classify("suggest", err)
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
