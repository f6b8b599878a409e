package testkit

import (
	"math/bits"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// meiliWords is an index's dictionary: in which documents each word is, and in
// which of their searchable attributes, as bits. It is added to only.
type meiliWords struct {
	attributes []string // nil: all, by name
	known      map[string]*meiliWord
	sorted     []*meiliWord
	fresh      []*meiliWord // not among the sorted yet
}

type meiliWord struct {
	text    string
	letters uint32 // that it has, as bits; several letters may share one
	places  []meiliPlace
}

type meiliPlace struct{ doc, bits uint32 }

func newMeiliWords(settings map[string]any) *meiliWords {
	w := &meiliWords{known: map[string]*meiliWord{}, attributes: settingList(settings["searchableAttributes"])}
	if slices.Contains(w.attributes, "*") {
		w.attributes = nil
	}
	return w
}

// add enters the words of a document. Its number is above those of all before
// it, so that places stay sorted.
func (w *meiliWords) add(doc uint32, value func(name string) any, names []string) {
	if w.attributes != nil {
		names = w.attributes
	} else {
		names = slices.Sorted(slices.Values(names))
	}
	for n, name := range names {
		bit := uint32(1) << min(n, 31)
		for _, text := range words(flatten(value(name))) {
			word := w.known[text]
			if word == nil {
				word = &meiliWord{text: strings.Clone(text), letters: letters(text)}
				w.known[word.text], w.fresh = word, append(w.fresh, word)
			}
			if last := len(word.places) - 1; last >= 0 && word.places[last].doc == doc {
				word.places[last].bits |= bit
			} else {
				word.places = append(word.places, meiliPlace{doc, bit})
			}
		}
	}
}

// sort brings new words into their order.
func (w *meiliWords) sort() {
	if len(w.fresh) == 0 {
		return
	}
	byText := func(a, b *meiliWord) int { return strings.Compare(a.text, b.text) }
	slices.SortFunc(w.fresh, byText)
	all := make([]*meiliWord, 0, len(w.sorted)+len(w.fresh))
	for _, word := range w.fresh {
		n, _ := slices.BinarySearchFunc(w.sorted, word, byText)
		all = append(append(all, w.sorted[:n]...), word)
		w.sorted = w.sorted[n:]
	}
	w.sorted, w.fresh = append(all, w.sorted...), nil
}

// from gives the words from text on.
func (w *meiliWords) from(text string) []*meiliWord {
	n, _ := slices.BinarySearchFunc(w.sorted, text, func(word *meiliWord, text string) int { return strings.Compare(word.text, text) })
	return w.sorted[n:]
}

// letters gives a word's letters as bits.
func letters(text string) (set uint32) {
	for _, r := range text {
		set |= 1 << (uint32(r) % 32)
	}
	return set
}

// meiliTerm is how one document answers one word of a query.
type meiliTerm struct {
	there     bool
	exact     bool
	typos     uint8
	attribute uint8 // place of the best searchable attribute with a hit
}

// meiliTerms are the answers of all documents, by number.
type meiliTerms []meiliTerm

func (ts meiliTerms) take(doc uint32, hit meiliTerm) {
	old := ts[doc]
	if !old.there || hit.typos < old.typos || hit.typos == old.typos && (hit.attribute < old.attribute || hit.exact && !old.exact) {
		hit.exact = hit.exact || old.exact
		ts[doc] = hit
	}
}

// fill takes what is not there.
func (ts meiliTerms) fill(others meiliTerms) {
	for doc, hit := range others {
		if hit.there && !ts[doc].there {
			ts[doc] = hit
		}
	}
}

// term finds the documents that answer a word of the query: exactly, by a word
// that begins with it if it is the last, by a synonym, or with typos.
func (i *meiliIndex) term(text string, last bool) meiliTerms {
	found := make(meiliTerms, len(i.numbered))
	take := func(word *meiliWord, typos int, exact bool, without uint32) {
		for _, place := range word.places {
			if in := place.bits &^ without; in != 0 && i.numbered[place.doc] != nil {
				found.take(place.doc, meiliTerm{true, exact, uint8(typos), uint8(bits.TrailingZeros32(in))})
			}
		}
	}
	if word := i.words.known[text]; word != nil {
		take(word, 0, true, 0)
	}
	if last {
		for _, word := range i.words.from(text) {
			if !strings.HasPrefix(word.text, text) {
				break
			}
			take(word, 0, word.text == text, 0)
		}
	}
	if allowed := i.typosFor(text); allowed > 0 {
		without := i.withoutTypos()
		i.words.similar(text, last, allowed, func(word *meiliWord, typos int) { take(word, typos, false, without) })
	}
	for _, other := range i.synonyms(text) {
		found.fill(i.every(other))
	}
	return found
}

// similar tells the words that differ from text, or whose beginnings do, by one
// typo to most.
func (w *meiliWords) similar(text string, beginning bool, most int, tell func(word *meiliWord, typos int)) {
	m, set := newMeiliTypos(text, beginning, most), letters(text)
	for _, word := range w.sorted {
		// Each letter that one of them lacks takes an edit.
		if bits.OnesCount32(set&^word.letters) > most || !beginning && bits.OnesCount32(word.letters&^set) > most {
			continue
		}
		if typos := m.typos(word.text); typos > 0 && typos <= most {
			tell(word, typos)
		}
	}
}

// every finds the documents that have every one of the words, as a synonym of
// several words wants.
func (i *meiliIndex) every(phrase []string) meiliTerms {
	found := make(meiliTerms, len(i.numbered))
	for n, text := range phrase {
		part := make(meiliTerms, len(i.numbered))
		if word := i.words.known[text]; word != nil {
			for _, place := range word.places {
				if i.numbered[place.doc] != nil && (n == 0 || found[place.doc].there) {
					part[place.doc] = meiliTerm{there: true, attribute: uint8(bits.TrailingZeros32(place.bits))}
				}
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
func (i *meiliIndex) withoutTypos() (bits uint32) {
	typo, _ := i.settings["typoTolerance"].(map[string]any)
	for _, name := range settingList(typo["disableOnAttributes"]) {
		if n := slices.Index(i.words.attributes, name); n >= 0 {
			bits |= 1 << min(n, 31)
		}
	}
	return bits
}

// meiliTypos counts typos against one word of a query.
type meiliTypos struct {
	want               []rune
	beginning          bool
	most               int
	have               []rune
	before, above, row []int // of the table, kept from one word to the next
}

func newMeiliTypos(want string, beginning bool, most int) *meiliTypos {
	return &meiliTypos{want: []rune(want), beginning: beginning, most: most}
}

// typos counts the edits that make want of have, or of a beginning of have; one
// at the first letter counts twice. More than most may be any number above it.
func (m *meiliTypos) typos(have string) int {
	m.have = m.have[:0]
	for _, r := range have {
		m.have = append(m.have, r)
	}
	a, b := m.want, m.have
	if m.beginning {
		b = b[:min(len(b), len(a)+m.most)]
	}
	if len(b) == 0 || len(a)-len(b) > m.most || len(b)-len(a) > m.most {
		return m.most + 1
	}
	distances := m.distances(b) // from want to each beginning
	best := distances[len(b)]
	if m.beginning {
		best = slices.Min(distances[1:])
	}
	if best > 0 && best <= m.most && a[0] != b[0] {
		best++
	}
	return best
}

// distances are Damerau's, to each beginning of b: an insertion, a deletion,
// another letter, or two letters the other way round.
func (m *meiliTypos) distances(b []rune) []int {
	for len(m.row) <= len(b) {
		m.before, m.above, m.row = append(m.before, 0), append(m.above, 0), append(m.row, 0)
	}
	before, above, row := m.before[:len(b)+1], m.above[:len(b)+1], m.row[:len(b)+1]
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(m.want); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if m.want[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && m.want[i-1] == b[j-2] && m.want[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above
}

// words takes a text apart. The engine has dictionaries for languages that are
// written without blanks; here each letter of those is a word, so that whatever
// word the engine would find in a text is found, and more.
func words(s string) (all []string) {
	for field := range strings.FieldsFuncSeq(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r)
	}) {
		from := 0
		for at, r := range field {
			if !unicode.In(r, withoutBlanks...) {
				continue
			}
			if from < at {
				all = append(all, field[from:at])
			}
			from = at + utf8.RuneLen(r)
			all = append(all, field[at:from])
		}
		if from < len(field) {
			all = append(all, field[from:])
		}
	}
	return all
}

var withoutBlanks = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Myanmar, unicode.Khmer}
