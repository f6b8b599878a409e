package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

const (
	wordsDue = `
		SELECT a.n > 0 AND coalesce(d.made_at < now() - interval '1 hour'
			OR d.made_at < now() - interval '1 minute' AND abs(a.n - d.size) * 20 > d.size, true)
		FROM (SELECT coalesce(sum(n), 0)::int AS n FROM facet_counts WHERE kind = 'all') a
		LEFT JOIN derived d ON d.name = 'words'`

	// Below the limit a word is as likely a slip of its author as a word.
	makeWords = `
		INSERT INTO words (word, ndoc)
		SELECT w.word, max(w.ndoc)
		FROM (
			SELECT word, ndoc, true AS named
			FROM ts_stat($$ SELECT to_tsvector('simple', i.name) FROM (SELECT searchable(name) AS name FROM plugin_index) i $$)
			UNION ALL
			SELECT word, ndoc, false FROM ts_stat($$
				SELECT to_tsvector('simple', searchable(array_to_string(f.keywords, ' ') || ' ' || f.category || ' ' || f.description))
				FROM plugin_index i JOIN plugin_facts f ON f.plugin_id = i.plugin_id $$)
		) w, (SELECT count(*) AS plugins FROM plugin_index) n
		WHERE length(w.word) BETWEEN 3 AND 40 AND w.word !~ '^[0-9]' AND (w.named OR w.ndoc > n.plugins / 25000)
		GROUP BY w.word`

	noteWords = `
		INSERT INTO derived (name, version, made_at, size)
		SELECT 'words', 1, now(), coalesce(sum(n), 0) FROM facet_counts WHERE kind = 'all'
		ON CONFLICT (name) DO UPDATE SET made_at = excluded.made_at, size = excluded.size`
)

// RefreshWords makes the table of words anew if it is an hour old or the
// catalog has grown or shrunk by more than a twentieth since.
func (s *Store) RefreshWords(ctx context.Context) error {
	var due bool
	if err := s.pool.QueryRow(ctx, wordsDue).Scan(&due); err != nil || !due {
		return classify("look at the words", err)
	}
	err := s.tx(ctx, "make the words", func(tx pgx.Tx) error {
		// The row is the lock: another catalog that finds them due waits, and
		// makes them once more at the worst.
		for _, statement := range []string{noteWords, `DELETE FROM words`, makeWords} {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

const (
	knownWords = `
		SELECT w.word, w.ndoc, (SELECT coalesce(sum(n), 0)::int FROM facet_counts WHERE kind = 'all')
		FROM words w WHERE w.word = ANY ($1)`

	// Most slips leave the first letter. One that does not is the only one: the
	// letter is too many, in the second one's place, missing or another; so what
	// was meant is looked up and not compared with every word. It counts like one
	// slip more. A long word may have three slips if it sounds like the other one.
	// Of words that are as near the more frequent is meant more often.
	nearWords = `
		SELECT w.word
		FROM (
			SELECT word, ndoc, levenshtein_less_equal(word, $1, CASE WHEN length($1) < 8 THEN 2 ELSE 3 END) AS slips FROM words
			WHERE left(word, 1) = left($1, 1) AND length(word) BETWEEN length($1) - 2 AND length($1) + 2
			UNION ALL
			SELECT word, ndoc, 2 FROM words WHERE word IN (substr($1, 2), substr($1, 2, 1) || left($1, 1) || substr($1, 3)) AND left(word, 1) <> left($1, 1)
			UNION ALL
			SELECT word, ndoc, 2 FROM words WHERE substr(word, 2) IN ($1, substr($1, 2)) AND left(word, 1) <> left($1, 1)
		) w
		WHERE w.slips <= 2 OR length($1) >= 8 AND w.slips = 3 AND dmetaphone(w.word) = dmetaphone($1)
		ORDER BY w.slips, w.ndoc DESC, w.word
		LIMIT 20`
)

// known gives how many plugins have each of the words, and how many there are.
func (s *Store) known(ctx context.Context, q searchdoc.Query) (words map[string]int, plugins int, err error) {
	var all []string
	for _, t := range q.Terms {
		all = append(all, strings.Fields(t.Text)...)
	}
	rows, err := s.pool.Query(ctx, knownWords, all)
	if err != nil {
		return nil, 0, err
	}
	words = map[string]int{}
	var (
		word string
		n    int
	)
	_, err = pgx.ForEachRow(rows, []any{&word, &n, &plugins}, func() error { words[word] = n; return nil })
	return words, plugins, err
}

// nearest gives the words that word was probably meant to be.
func (s *Store) nearest(ctx context.Context, word string) ([]string, error) {
	if n := len([]rune(word)); n < 4 || n > 40 {
		return nil, nil
	}
	found, err := collectIDs(s.pool.Query(ctx, nearWords, word))
	if err != nil {
		return nil, err
	}
	near := found[:0]
	for _, w := range found {
		if likely(word, w) {
			near = append(near, w)
		}
	}
	return near[:min(len(near), 3)], nil
}

// likely says whether a slip of the pen makes typed of meant: in a short word
// one letter too many, too few, another, or two in each other's place.
func likely(typed, meant string) bool {
	a, b := []rune(typed), []rune(meant)
	if len(a) >= 8 {
		return true
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	swapped := len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
	return max(len(a), len(b)) <= 1 || swapped
}

// corrected adds to each word that no plugin has the words that it begins, and
// those that it is probably a slip of; to one without blanks the parts of it. It
// says whether there was any.
func (s *Store) corrected(ctx context.Context, q searchdoc.Query, terms []wanted, words map[string]int) ([]wanted, bool, error) {
	terms, changed := slices.Clone(terms), false
	for i, t := range q.Terms {
		if searchdoc.Unspaced(t.Text) {
			if part := partOf(t.Text); part != "" && !t.Quoted {
				terms[i].forms, changed = append(slices.Clone(terms[i].forms), form{part, worthPart}), true
			}
			continue
		}
		if strings.Contains(t.Text, " ") || words[t.Text] > 0 || len([]rune(t.Text)) < 3 {
			continue
		}
		forms := append(slices.Clone(terms[i].forms), form{t.Text + ":*", worthBeginning})
		near, err := s.nearest(ctx, t.Text)
		if err != nil {
			return nil, false, err
		}
		for _, word := range near {
			forms = append(forms, form{word, worthCorrected})
		}
		terms[i].forms, changed = forms, true
	}
	return terms, changed, nil
}
