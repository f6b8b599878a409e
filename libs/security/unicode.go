package security

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	ruleTags      = Rule{"unicode.tags", 1, instructs, critical, high, "It holds invisible tag characters, which can spell a text that only the model reads.", "Remove the invisible characters."}
	ruleBidi      = Rule{"unicode.bidi", 1, hidesCode, high, high, "It holds characters that turn the direction of text, so that it reads otherwise than it runs.", "Remove the direction characters."}
	ruleInvisible = Rule{"unicode.invisible", 1, hidesCode, high, medium, "It holds invisible characters within its text, which can hide words or break them up.", "Remove the invisible characters."}
	ruleSelectors = Rule{"unicode.selectors", 1, hidesCode, critical, high, "It holds rows of variation selectors, which are invisible and can carry data or code.", "Remove the invisible characters."}
	unicodeRules  = []Rule{ruleTags, ruleBidi, ruleInvisible, ruleSelectors}
)

// unseen counts what cannot be seen in a text.
type unseen struct {
	tags, bidi, invisible, selectors places
	rightToLeft                      bool // it has letters that are written so
	joiners                          bool // it has letters that need joiners
}

type places struct{ count, line int }

func (p *places) seen(line int) {
	if p.count++; p.line == 0 {
		p.line = line
	}
}

// invisible reports characters that no reader sees.
func (c *scanner) invisible(t *text, content string) {
	u := lookForUnseen(content)
	report := func(r Rule, p places, least int) {
		if p.count < least {
			return
		}
		confidence := r.Confidence
		if t.fixture || t.kind == other || r.ID == ruleBidi.ID && u.rightToLeft || r.ID == ruleInvisible.ID && (p.count < 3 || u.joiners) {
			confidence = low
		}
		c.add(r, confidence, t.path, p.line, fmt.Sprintf("%s (%d of them.)", r.Message, p.count), "")
	}
	report(ruleTags, u.tags, 1)
	report(ruleBidi, u.bidi, 1)
	report(ruleInvisible, u.invisible, 1)
	report(ruleSelectors, u.selectors, 4)
}

func lookForUnseen(content string) (u unseen) {
	if isASCII(content) {
		return u
	}
	line, before, inFlag, selectors := 1, rune(0), false, 0
	for i, r := range content {
		// A pattern's class of characters, such as what looks for them holds.
		inClass := before == '-' || before == '[' || strings.HasPrefix(content[i+utf8.RuneLen(r):], "-")
		isSelector := r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF
		if isSelector {
			selectors++
		} else {
			selectors = 0
		}
		switch {
		case r == '\n':
			line++
		case r < utf8.RuneSelf, inClass:
		case r == 0x1F3F4: // a flag's tags are how it is written
			inFlag, before = true, r
			continue
		case r >= 0xE0000 && r <= 0xE007F:
			if !inFlag {
				u.tags.seen(line)
			}
			before = r
			continue
		case isSelector && selectors > 1:
			u.selectors.seen(line)
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			u.bidi.seen(line)
		case r == 0x200B, r == 0x2060, r >= 0x2061 && r <= 0x2064, r == 0xFEFF && i > 0, r == 0x180E, r == 0x3164, r == 0xFFA0, r == 0x115F, r == 0x1160:
			u.invisible.seen(line)
		case (r == 0x200C || r == 0x200D) && before < utf8.RuneSelf && unicode.IsLetter(before):
			u.invisible.seen(line)
		case unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana):
			u.rightToLeft = true
		case unicode.In(r, unicode.Thai, unicode.Khmer, unicode.Lao, unicode.Myanmar, unicode.Devanagari, unicode.Bengali):
			u.joiners = true
		}
		inFlag, before = false, r
	}
	return u
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// alike says whether a name mixes Latin letters with those of a script whose
// letters look the same.
func alike(name string) bool {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) {
		latin, foreign := false, false
		for _, r := range word {
			latin = latin || unicode.Is(unicode.Latin, r)
			foreign = foreign || unicode.In(r, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee) && !slices.Contains([]rune("µμπλΩΔαβγ"), r)
		}
		if latin && foreign {
			return true
		}
	}
	return false
}
