package postgres

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/searchdoc"
)

// candidate is a plugin that matches, with what its place depends on.
type candidate struct {
	ID       string
	Name     string // small letters
	Weight   float64
	Category string
	License  string
	Has      []string
	Fits     []float64 // how well the headline fits each term; 0: not at all
	// Best is set of those that were taken because of their weight.
	Best bool
	// Total is how many plugins match, at most MaxTotal; the same in all.
	Total int
}

// What a candidate gains on top of its fit.
const (
	gainExactName = 1.5 // it is called what was asked for
	gainNameIsIt  = 0.5 // its name has no other words
	leastFit      = 0.05
)

// rank sorts candidates, the best first. How well the text fits is a mean over
// the terms, in which a rare word weighs more; weight then multiplies it by up
// to about two, so that a plugin nobody knows yet still comes first where it
// fits best.
func rank(candidates []candidate, terms []wanted, q searchdoc.Query) {
	asked := make([]string, len(q.Terms))
	for i, t := range q.Terms {
		asked[i] = t.Text
	}
	scores := make(map[string]float64, len(candidates))
	for _, c := range candidates {
		scores[c.ID] = c.score(terms, strings.Join(asked, " "))
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(scores[b.ID], scores[a.ID]), cmp.Compare(b.ID, a.ID))
	})
}

// score is the mean fit, times the share of what was asked for that is there.
// Fits count less and less the better they are: a word in the name is worth a
// little more than one in the description, not twice as much, or one word in a
// name would win over all words in a text.
func (c candidate) score(terms []wanted, asked string) float64 {
	fit, there, all := 0.0, 0.0, 0.0
	for i, t := range terms {
		all += t.rarity
		if f := c.Fits[i]; f > 0 {
			fit += t.rarity * 1.5 * f / (f + 0.5)
			there += t.rarity
		} else {
			fit += t.rarity * leastFit
		}
	}
	words := searchdoc.Words(c.Name)
	score := fit / all * (0.2 + 0.8*there/all) * (1 + gainNameIsIt*share(words, asked))
	if strings.Join(words, " ") == asked {
		score += gainExactName
	}
	return score * (1 + c.Weight)
}

// share says how many of the words were asked for.
func share(words []string, asked string) float64 {
	n := 0
	for _, w := range words {
		if strings.Contains(" "+asked+" ", " "+w+" ") {
			n++
		}
	}
	return float64(n) / float64(max(len(words), 1))
}
