package searchdoc

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unspaced holds the letters of those who put no blanks between words (Chinese,
// Japanese, Thai, Lao, Burmese, Khmer) or glue to a word what others write apart
// (Korean). The SQL function pairs has the same.
var unspaced = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0e01, Hi: 0x0eff, Stride: 1}, {Lo: 0x1000, Hi: 0x109f, Stride: 1}, {Lo: 0x1100, Hi: 0x11ff, Stride: 1},
		{Lo: 0x1780, Hi: 0x17ff, Stride: 1}, {Lo: 0x3005, Hi: 0x3006, Stride: 1}, {Lo: 0x3041, Hi: 0x309a, Stride: 1},
		{Lo: 0x309d, Hi: 0x309f, Stride: 1}, {Lo: 0x30a1, Hi: 0x30fa, Stride: 1}, {Lo: 0x30fc, Hi: 0x30ff, Stride: 1},
		{Lo: 0x3105, Hi: 0x31bf, Stride: 1}, {Lo: 0x31f0, Hi: 0x31ff, Stride: 1}, {Lo: 0x3400, Hi: 0x4dbf, Stride: 1},
		{Lo: 0x4e00, Hi: 0x9fff, Stride: 1}, {Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, {Lo: 0xf900, Hi: 0xfaff, Stride: 1},
		{Lo: 0xff66, Hi: 0xffdc, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x20000, Hi: 0x3134f, Stride: 1}},
}

// Unspaced says whether text begins with a letter of a language that is written
// without blanks. A word of Words has either only such letters or none.
func Unspaced(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.Is(unspaced, r)
}

// Runs divides a text where letters that are written without blanks begin or
// end.
func Runs(text string) (runs []string) {
	for text != "" {
		inside := Unspaced(text)
		end := strings.IndexFunc(text, func(r rune) bool { return unicode.Is(unspaced, r) != inside })
		if end < 0 {
			end = len(text)
		}
		runs, text = append(runs, text[:end]), text[end:]
	}
	return runs
}

// Pairs spells a word as it is found: one without blanks by every two letters
// that follow each other, since nothing shows where the words in it begin.
func Pairs(word string) []string {
	letters := []rune(word)
	if len(letters) < 2 || !Unspaced(word) {
		return []string{word}
	}
	pairs := make([]string, len(letters)-1)
	for i := range pairs {
		pairs[i] = string(letters[i : i+2])
	}
	return pairs
}

// joints are what people put between and around the words that they ask for.
// Kana that end or tie words count only where they stand between other letters.
var (
	hanJoints = strings.NewReplacer("帮助我", " ", "我们", " ", "我想", " ", "想要", " ", "需要", " ", "帮我", " ", "如何", " ", "怎么", " ",
		"怎样", " ", "一个", " ", "我", " ", "你", " ", "您", " ", "的", " ", "吗", " ", "呢", " ", "和", " ", "与", " ")
	kanaJoints = []string{
		"の", "を", "が", "に", "は", "で", "と", "へ", "も", "や", "から", "まで", "には", "では", "とは", "する", "した", "して", "したい", "です",
		"ます", "ください", "してください", "のための", "のために",
	}
)

// parts divides a word without blanks at its joints and where Han and Katakana
// meet. It stays whole if a single letter would be left: that joint was part of
// a word.
func parts(word string) []string {
	var b strings.Builder
	before := hiragana
	for rest := word; rest != ""; {
		first, _ := utf8.DecodeRuneInString(rest)
		script := scriptOf(first)
		end := strings.IndexFunc(rest, func(r rune) bool { return scriptOf(r) != script })
		if end < 0 {
			end = len(rest)
		}
		piece := rest[:end]
		switch {
		case script == han:
			piece = hanJoints.Replace(piece)
		case script == hiragana && slices.Contains(kanaJoints, piece):
			piece = " "
		}
		if before != hiragana && script != hiragana {
			b.WriteByte(' ')
		}
		b.WriteString(piece)
		before, rest = script, rest[end:]
	}
	all := strings.Fields(b.String())
	if len(all) == 0 || slices.ContainsFunc(all, func(part string) bool { return utf8.RuneCountInString(part) == 1 }) {
		return []string{word}
	}
	return all
}

type script int

const (
	other script = iota
	han
	hiragana
	katakana
)

func scriptOf(r rune) script {
	switch {
	case unicode.Is(unicode.Han, r):
		return han
	case unicode.Is(unicode.Hiragana, r):
		return hiragana
	case unicode.Is(unicode.Katakana, r), r == 'ー':
		return katakana
	}
	return other
}
