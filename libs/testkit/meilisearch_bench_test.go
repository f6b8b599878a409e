package testkit

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// BenchmarkMeiliSearch searches 100,000 documents of words that follow Zipf's
// law, as the catalog does.
func BenchmarkMeiliSearch(b *testing.B) {
	const documents, vocabulary = 100_000, 5000
	r := rand.New(rand.NewPCG(1, 2))
	word := func() string { return fmt.Sprintf("w%dx", int(math.Pow(vocabulary, r.Float64()))) }
	text := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = word()
		}
		return strings.Join(all, " ")
	}
	i := newMeiliIndex()
	i.settings["searchableAttributes"] = []any{"name", "description", "excerpt"}
	i.settings["filterableAttributes"] = []any{"category", "quality"}
	i.settings["rankingRules"] = []any{"words", "typo", "attribute", "exactness", "popularity:desc", "quality:desc"}
	i.settings["distinctAttribute"] = "distinct"
	i.renumber()
	for n := 0; n < documents; n += 1000 {
		var (
			ids  []string
			docs []map[string]any
		)
		for k := n; k < n+1000; k++ {
			ids = append(ids, fmt.Sprint(k))
			docs = append(docs, map[string]any{
				"id": fmt.Sprint(k), "name": fmt.Sprintf("%s-%s-%d", word(), word(), k), "description": text(30), "excerpt": text(150),
				"category": fmt.Sprint("c", r.IntN(12)), "popularity": float64(r.IntN(10)), "quality": float64(r.IntN(100)), "distinct": fmt.Sprint(k / 2),
			})
		}
		i.put(ids, docs, false)
	}
	for name, q := range map[string]string{"common": "w1x", "rare": "w4321x", "two": "w12x w700x", "typo": "w43221x", "beginning": "w4"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				keep, _ := i.filter("quality > 10")
				order, _ := i.ranking(nil)
				s := meiliSearch{Q: q, Facets: []string{"category"}}
				i.answer(s, i.distinct(i.match(s, keep), order), order)
			}
		})
	}
}
