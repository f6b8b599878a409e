package plugpack

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes fetched text safe to show on one line: invalid UTF-8, control,
// bidi-override and other invisible format characters are removed, runs of
// blanks become one.
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
		case r == utf8.RuneError, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Cc, r):
			return -1
		case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
}

// Cut shortens s to at most n bytes without splitting a character, and marks
// the cut with "…".
func Cut(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	end := n - len(mark)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:max(end, 0)] + mark
}
