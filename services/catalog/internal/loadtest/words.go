package loadtest

import (
	"math"
	"math/rand/v2"
	"strings"
)

var (
	licenses   = []string{"MIT", "Apache-2.0", "", "GPL-3.0-only", "BSD-3-Clause", "ISC", "MPL-2.0", "Unlicense"}
	categories = []string{
		"development", "productivity", "", "testing", "security", "database", "documentation", "deployment", "design", "monitoring", "learning", "data",
	}
	// domain words come first, so they are the frequent ones.
	domain = strings.Fields(`code review test deploy git workflow agent api database security docs build release debug plan design data cloud
		python typescript rust java react docker kubernetes terraform postgres redis graphql lint format refactor migrate monitor log trace
		prompt context memory search index schema query cache queue event stream file image video audio text markdown pdf slide mail chat
		issue ticket sprint board team commit branch merge pull request pipeline runner secret token scan audit license policy cost budget
		report chart metric alert incident backup restore sync import export convert translate summarize generate validate parse render`)
)

// vocabulary gives n words: the domain's, then made-up ones that can be spoken.
func vocabulary(n int) []string {
	words := append([]string{}, domain...)
	seen := map[string]bool{}
	r := rand.New(rand.NewPCG(11, 13))
	const consonants, vowels = "bcdfglmnprstvz", "aeiou"
	for len(words) < n {
		var b strings.Builder
		for range 2 + r.IntN(3) {
			b.WriteByte(consonants[r.IntN(len(consonants))])
			b.WriteByte(vowels[r.IntN(len(vowels))])
		}
		b.WriteByte(consonants[r.IntN(len(consonants))])
		if w := b.String(); !seen[w] {
			seen[w] = true
			words = append(words, w)
		}
	}
	return words
}

// Word gives the word of the rank: 0 is the most frequent.
func (w World) Word(rank int) string { return w.words[rank] }

func (w World) word(r *rand.Rand) string { return w.words[zipf(r, len(w.words), 0.9)] }

func (w World) text(r *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.word(r))
	}
	return b.String()
}

// zipf draws a rank below n, roughly as often as 1/(rank+1)^s. The inverse of
// the integral is near enough.
func zipf(r *rand.Rand, n int, s float64) int {
	u := r.Float64()
	if s == 1 {
		return min(int(math.Exp(u*math.Log(float64(n)+1)))-1, n-1)
	}
	x := math.Pow(u*(math.Pow(float64(n)+1, 1-s)-1)+1, 1/(1-s))
	return min(int(x)-1, n-1)
}
