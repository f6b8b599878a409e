package plugpack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes fetched text safe to show on one line: invalid UTF-8, control,
// bidi-override and other invisible characters are removed, runs of blanks
// become one.
func Clean(s string) string { return strings.Join(strings.Fields(strip(s, false)), " ") }

// CleanText is Clean for text of several lines: it keeps line breaks and tabs.
func CleanText(s string) string { return strings.TrimSpace(strip(s, true)) }

func strip(s string, lines bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			if lines {
				return r
			}
			return ' '
		case r == utf8.RuneError, unicode.In(r, unicode.Cf, unicode.Cc, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// Cut shortens s to at most n bytes without splitting a character, and marks
// the cut with "…" where n has room for it.
func Cut(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	end := n - len(mark)
	if end < 0 {
		return ""
	}
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}
