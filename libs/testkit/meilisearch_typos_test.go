package testkit

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The dictionary finds just the words that a look at each of them finds.
func TestMeiliWordsSimilar(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[abcdé]{1,7}`)
	rapid.Check(t, func(t *rapid.T) {
		w := newMeiliWords(map[string]any{"searchableAttributes": []any{"text"}})
		want := map[string]int{}
		text, beginning, most := word.Draw(t, "text"), rapid.Bool().Draw(t, "beginning"), rapid.IntRange(1, 2).Draw(t, "most")
		all := rapid.SliceOfN(word, 1, 30).Draw(t, "all")
		for n, have := range all {
			w.add(uint32(n), func(string) any { return have }, nil)
			w.sort()
			if typos := slowTypos(text, have, beginning); typos > 0 && typos <= most {
				want[have] = typos
			}
		}
		got := map[string]int{}
		w.similar(text, beginning, most, func(word *meiliWord, typos int) { got[word.text] = typos })
		if !maps.Equal(got, want) {
			t.Fatalf("similar to %q among %q: %v, want %v", text, all, got, want)
		}
		slices.Sort(all)
		if !slices.EqualFunc(w.sorted, slices.Compact(all), func(w *meiliWord, text string) bool { return w.text == text }) {
			t.Fatalf("the words of %q are out of order", all)
		}
	})
}

// slowTypos is the definition: the least edits to the word, or to any of its
// beginnings, one more where the first letters differ.
func slowTypos(want, have string, beginning bool) int {
	a, b := []rune(want), []rune(have)
	best := slowDistance(a, b)
	for n := 1; beginning && n <= len(b); n++ {
		best = min(best, slowDistance(a, b[:n]))
	}
	if best > 0 && !strings.HasPrefix(have, string(a[:1])) {
		best++
	}
	return best
}

func slowDistance(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	cost := 1
	if a[0] == b[0] {
		cost = 0
	}
	best := min(slowDistance(a[1:], b)+1, slowDistance(a, b[1:])+1, slowDistance(a[1:], b[1:])+cost)
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		best = min(best, slowDistance(a[2:], b[2:])+1)
	}
	return best
}
