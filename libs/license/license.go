// Package license tells which licence a text is, by its SPDX id. It looks for
// the sentences that make a licence what it is, in the text with case,
// punctuation and layout taken out, so that it does not matter whose name or
// year stands in it. A text with the sentences of several licences, or with
// terms added to one, is none that it knows.
package license

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxText bounds what is looked at: the longest licence has 36 KB.
const maxText = 64 << 10

// Match gives the SPDX id of the licence that the text is, "" if it is none
// that is known.
func Match(text string) string {
	text = text[:min(len(text), maxText)]
	if m := tagged.FindStringSubmatch(text); m != nil {
		return ID(m[1])
	}
	words := " " + normal(text) + " "
	if slices.ContainsFunc(additions, func(s string) bool { return strings.Contains(words, s) }) {
		return ""
	}
	found := ""
	for _, l := range licences {
		if !l.is(words) {
			continue
		}
		if found != "" {
			return ""
		}
		found = l.id
	}
	return found
}

// tagged is how a file names its licence for machines.
var tagged = regexp.MustCompile(`(?m)^\W*SPDX-License-Identifier:\s*([A-Za-z0-9.+-]+)\s*$`)

// normal gives the words in lower case with one blank between them.
func normal(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}), " ")
}

// ID gives the spelling that SPDX has for a licence's id, "" for one that is
// not known here. The GNU licences' endings are left out, as GitHub does: a text
// does not tell them.
func ID(declared string) string {
	id := strings.ToLower(strings.TrimSpace(declared))
	for _, ending := range []string{"-or-later", "-only", "+"} {
		if strings.Contains(id, "gpl-") {
			id = strings.TrimSuffix(id, ending)
		}
	}
	for _, l := range licences {
		if strings.ToLower(l.id) == id {
			return l.id
		}
	}
	return ""
}
