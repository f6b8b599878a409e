package testkit

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// meiliWords is an index's dictionary: in which documents each word is, and in
// which of their searchable attributes, as bits.
type meiliWords struct {
	attributes []string // nil: all, by name
	places     map[string]map[string]uint64
	sorted     []string // all words; nil when it has to be made anew
}

func (i *meiliIndex) words() *meiliWords {
	if i.dictionary == nil {
		w := &meiliWords{places: map[string]map[string]uint64{}, attributes: settingList(i.settings["searchableAttributes"])}
		if slices.Contains(w.attributes, "*") {
			w.attributes = nil
		}
		i.dictionary = w
		for id, d := range i.docs {
			w.add(id, d)
		}
	}
	return i.dictionary
}

func (w *meiliWords) each(d map[string]any, f func(word string, bit uint64)) {
	names := w.attributes
	if names == nil {
		names = slices.Sorted(maps.Keys(d))
	}
	for n, name := range names {
		for _, word := range words(flatten(d[name])) {
			f(word, 1<<min(n, 63))
		}
	}
}

func (w *meiliWords) add(id string, d map[string]any) {
	w.each(d, func(word string, bit uint64) {
		docs := w.places[word]
		if docs == nil {
			docs = map[string]uint64{}
			w.places[word], w.sorted = docs, nil
		}
		docs[id] |= bit
	})
}

func (w *meiliWords) remove(id string, d map[string]any) {
	w.each(d, func(word string, _ uint64) {
		delete(w.places[word], id)
		if len(w.places[word]) == 0 {
			delete(w.places, word)
			w.sorted = nil
		}
	})
}

func (w *meiliWords) all() []string {
	if w.sorted == nil {
		w.sorted = slices.Sorted(maps.Keys(w.places))
	}
	return w.sorted
}

// meiliTerm is how one document answers one word of a query.
type meiliTerm struct {
	typos     int
	attribute int // place of the best searchable attribute with a hit
	exact     bool
}

// term finds the documents that answer a word of the query: exactly, by a word
// that begins with it if it is the last, by a synonym, or with typos.
func (i *meiliIndex) term(word string, last bool) map[string]meiliTerm {
	w := i.words()
	found := map[string]meiliTerm{}
	take := func(have string, typos int, exact bool) {
		for id, bits := range w.places[have] {
			if typos > 0 {
				bits &^= i.withoutTypos(w)
			}
			if bits == 0 {
				continue
			}
			hit := meiliTerm{typos, lowest(bits), exact}
			if old, there := found[id]; !there || hit.typos < old.typos || hit.typos == old.typos && (hit.attribute < old.attribute || hit.exact && !old.exact) {
				hit.exact = hit.exact || there && old.exact
				found[id] = hit
			}
		}
	}
	take(word, 0, true)
	if last {
		at, _ := slices.BinarySearch(w.all(), word)
		for _, have := range w.all()[at:] {
			if !strings.HasPrefix(have, word) {
				break
			}
			take(have, 0, have == word)
		}
	}
	if allowed := i.typosFor(word); allowed > 0 {
		for _, have := range w.all() {
			if typos := typosBetween(word, have, last, allowed); typos > 0 && typos <= allowed {
				take(have, typos, false)
			}
		}
	}
	for _, other := range i.synonyms(word) {
		for id, hit := range i.every(other) {
			if _, there := found[id]; !there {
				found[id] = hit
			}
		}
	}
	return found
}

// every finds the documents that have every one of the words, as a synonym of
// several words wants.
func (i *meiliIndex) every(phrase []string) map[string]meiliTerm {
	var found map[string]meiliTerm
	for _, word := range phrase {
		part := map[string]meiliTerm{}
		for id, bits := range i.words().places[word] {
			if _, there := found[id]; found == nil || there {
				part[id] = meiliTerm{attribute: lowest(bits)}
			}
		}
		found = part
	}
	return found
}

func (i *meiliIndex) synonyms(word string) (others [][]string) {
	table, _ := i.settings["synonyms"].(map[string]any)
	for _, other := range settingList(table[word]) {
		others = append(others, words(other))
	}
	return others
}

// typosFor gives how many typos the word may have.
func (i *meiliIndex) typosFor(word string) int {
	typo, _ := i.settings["typoTolerance"].(map[string]any)
	if typo["enabled"] == false || slices.Contains(settingList(typo["disableOnWords"]), word) {
		return 0
	}
	if typo["disableOnNumbers"] == true && strings.Trim(word, "0123456789") == "" {
		return 0
	}
	sizes, _ := typo["minWordSizeForTypos"].(map[string]any)
	one, _ := sizes["oneTypo"].(float64)
	two, _ := sizes["twoTypos"].(float64)
	switch n := float64(utf8.RuneCountInString(word)); {
	case n >= two:
		return 2
	case n >= one:
		return 1
	}
	return 0
}

// withoutTypos gives the attributes that want words spelt right.
func (i *meiliIndex) withoutTypos(w *meiliWords) (bits uint64) {
	typo, _ := i.settings["typoTolerance"].(map[string]any)
	for _, name := range settingList(typo["disableOnAttributes"]) {
		if n := slices.Index(w.attributes, name); n >= 0 {
			bits |= 1 << min(n, 63)
		}
	}
	return bits
}

// typosBetween counts the edits that make want of have, or of a beginning of
// have; one at the first letter counts twice. More than most may be any number
// above it.
func typosBetween(want, have string, beginning bool, most int) int {
	a, b := []rune(want), []rune(have)
	best := most + 1
	if abs(len(a)-len(b)) <= most {
		best = min(best, distance(a, b))
	}
	if beginning {
		for n := max(1, len(a)-most); n <= min(len(b), len(a)+most); n++ {
			best = min(best, distance(a, b[:n]))
		}
	}
	if best > 0 && best <= most && len(b) > 0 && a[0] != b[0] {
		best++
	}
	return best
}

// distance is Damerau's: an insertion, a deletion, another letter, or two
// letters the other way round.
func distance(a, b []rune) int {
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

func abs(n int) int { return max(n, -n) }

func lowest(bits uint64) int {
	n := 0
	for bits&1 == 0 {
		bits >>= 1
		n++
	}
	return n
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
