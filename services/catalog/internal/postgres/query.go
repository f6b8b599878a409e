package postgres

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

// wanted is one term of a search with all that may stand for it.
type wanted struct {
	forms []form
	// rarity weighs the term among the others: a word that few plugins have
	// says more.
	rarity float64
}

// form is one way to satisfy a term: a word, the beginning of one, or a phrase.
type form struct {
	query string  // in the language of to_tsquery
	worth float64 // of a match by it, 1 for the word itself
}

// What a match is worth that is not by the word itself.
const (
	worthSame      = 0.8
	worthBeginning = 0.7
	worthCorrected = 0.7
	worthPart      = 0.7
)

// maxLetters bounds what is looked for of a word without blanks, in which each
// letter is more to look for.
const maxLetters = 10

// want makes the terms of q. Terms hold only letters, digits and blanks, so
// none is an error in the query's language.
func want(q searchdoc.Query) []wanted {
	all := make([]wanted, len(q.Terms))
	for i, t := range q.Terms {
		all[i] = wanted{forms: []form{{phrase(t.Text), 1}}, rarity: 1}
		for _, same := range t.Same[:min(len(t.Same), 3)] {
			if words := searchdoc.Words(same); len(words) > 0 {
				all[i].forms = append(all[i].forms, form{phrase(strings.Join(words, " ")), worthSame})
			}
		}
	}
	return all
}

// phrase asks for words that follow each other. Of a word without blanks every
// pair of its letters has to be there, which they hardly are by chance; where
// they are would have to be looked up in each text.
func phrase(words string) string {
	var pairs []string
	for word := range strings.FieldsSeq(words) {
		if !searchdoc.Unspaced(word) {
			pairs = append(pairs, word)
			continue
		}
		found := searchdoc.Pairs(word)
		if utf8.RuneCountInString(word) == 1 {
			found[0] += ":*" // the beginning of a pair
		}
		pairs = append(pairs, found[:min(len(found), maxLetters-1)]...)
	}
	if strings.ContainsFunc(words, isUnspaced) {
		return strings.Join(pairs, " & ")
	}
	return strings.Join(pairs, " <-> ")
}

func isUnspaced(r rune) bool { return searchdoc.Unspaced(string(r)) }

// partOf asks for half of a word without blanks in one piece: there may be
// several words in it. It is empty if no half would be a pair.
func partOf(word string) string {
	pairs := searchdoc.Pairs(word)
	pairs = pairs[:min(len(pairs), maxLetters-1)]
	var halves []string
	for n := max(len(pairs)/2, 1); len(halves)+n <= len(pairs) && len(pairs) > 1; {
		halves = append(halves, "("+strings.Join(pairs[len(halves):len(halves)+n], " & ")+")")
	}
	return strings.Join(halves, " | ")
}

// inPairs writes text, in the language of websearch_to_tsquery, so that its words
// without blanks are found.
func inPairs(text string) string {
	var b strings.Builder
	quoted := false
	for _, run := range searchdoc.Runs(text) {
		switch run = strings.Join(searchdoc.Pairs(run), " "); {
		case !searchdoc.Unspaced(run):
			quoted = quoted != (strings.Count(run, `"`)%2 == 1)
		case quoted:
			run = " " + run + " "
		default:
			run = `"` + run + `"`
		}
		b.WriteString(run)
	}
	return b.String()
}

// textQuery builds SQL for a search: its arguments are the forms.
type textQuery struct {
	terms []string // tsquery expressions
	ranks []string // how well i.headline fits each, 0 to about 1
	none  string   // tsquery expression of what is excluded, if anything is
	args  []any
}

// newTextQuery numbers its placeholders from the first that args leaves free.
// A word is looked for as English reads it, and as it stands, so that a plugin
// is found by its own name even if English thinks nothing of the word.
func newTextQuery(args []any, terms []wanted, excluded []string) textQuery {
	q, excluded := textQuery{args: args}, slices.Clone(excluded)
	for _, t := range terms {
		var any, rank []string
		for _, f := range t.forms {
			q.args = append(q.args, f.query)
			any = append(any, fmt.Sprintf("to_tsquery('simple', $%[1]d) || to_tsquery('english', $%[1]d)", len(q.args)))
			rank = append(rank, fmt.Sprintf("%.2f * ts_rank('{0.1,0.25,0.5,1}', i.headline, (SELECT to_tsquery('english', $%d)))", f.worth/rankOfOne, len(q.args)))
		}
		q.terms = append(q.terms, "("+strings.Join(any, " || ")+")")
		q.ranks = append(q.ranks, "greatest("+strings.Join(rank, ", ")+")")
	}
	if len(excluded) > 0 {
		for i, words := range excluded {
			excluded[i] = phrase(words)
		}
		q.args = append(q.args, strings.Join(excluded, " | "))
		q.none = fmt.Sprintf("to_tsquery('english', $%d)", len(q.args))
	}
	return q
}

// rankOfOne is what ts_rank gives for one word of weight 1 that is there once.
const rankOfOne = 0.6079

// needing gives the condition that at least n of the terms are there.
func (q textQuery) needing(n int) string {
	var ways []string
	for _, way := range combinations(len(q.terms), n) {
		var all []string
		for _, i := range way {
			all = append(all, q.terms[i])
		}
		ways = append(ways, "("+strings.Join(all, " && ")+")")
	}
	condition := strings.Join(ways, " || ")
	if q.none != "" {
		condition = "(" + condition + ") && !! " + q.none
	}
	return condition
}

// combinations gives every choice of n of the numbers below of.
func combinations(of, n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for last := n - 1; last < of; last++ {
		for _, c := range combinations(last, n-1) {
			all = append(all, append(slices.Clone(c), last))
		}
	}
	return all
}

// weigh sets how much each term says, from the number of plugins that have it.
func weigh(terms []wanted, q searchdoc.Query, words map[string]int, plugins int) {
	for i, t := range q.Terms {
		n := 0
		for _, word := range strings.Fields(t.Text) {
			n = cmp.Or(min(cmp.Or(n, math.MaxInt), words[word]), n)
		}
		terms[i].rarity = math.Log(1 + float64(plugins+1)/float64(1+n))
		if t.Vague {
			terms[i].rarity *= 0.3
		}
	}
}
