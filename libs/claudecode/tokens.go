package claudecode

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// The client's estimate while it is not logged in: a quarter of the characters,
// counted as UTF-16 does, rounded half up. What is shown to the model in every
// session is added up before it is rounded.

// Tokens turns a count of UTF-16 units into tokens.
func Tokens(units int) int { return (2*units + 4) / 8 }

// Units counts s as UTF-16 does: most characters are one, emoji are two.
func Units(s string) int {
	n := 0
	for _, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}

// maxFirstLine is how much of a body's first line stands for a description.
const maxFirstLine = 100

// ListingUnits counts what a session always holds of a skill, command or agent:
// its name, for skills and commands with the plugin's before it, and its
// description.
func ListingUnits(kind plugpack.ComponentKind, plugin, name string, fm FrontMatter, body []byte) int {
	label, fallback := plugin+":"+name, "Skill"
	if kind == plugpack.Agent {
		label, fallback = name, "Agent"
	}
	about := fm.Text("description")
	if about == "" {
		about = FirstLine(string(body), fallback)
	}
	n := Units(label) + 1 + Units(about)
	if when := fm.Text("when_to_use"); when != "" {
		n += 1 + Units(when)
	}
	return n
}

// BodyUnits counts what a component adds to a session when it is used.
func BodyUnits(body []byte) int { return Units(trimmed(string(body))) }

// trimmed cuts what JavaScript takes for blanks.
func trimmed(s string) string {
	return strings.TrimFunc(s, func(r rune) bool {
		switch r {
		case '\t', '\n', '\v', '\f', '\r', ' ', '\u00a0', '\ufeff', '\u1680', '\u2028', '\u2029', '\u202f', '\u205f', '\u3000':
			return true
		}
		return r >= '\u2000' && r <= '\u200a'
	})
}

// FirstLine gives the first line with something on it, without a heading's
// marks, or fallback.
func FirstLine(body, fallback string) string {
	for line := range strings.Lines(body) {
		line = trimmed(line)
		if rest := strings.TrimLeft(line, "#"); rest != line && (rest == "" || trimmed(rest) != rest) {
			if rest == "" {
				return cutUnits(line)
			}
			line = trimmed(rest)
		}
		if line != "" {
			return cutUnits(line)
		}
	}
	return fallback
}

// cutUnits shortens s as the client does: to 97 units and three dots.
func cutUnits(s string) string {
	if Units(s) <= maxFirstLine {
		return s
	}
	n := 0
	for i, r := range s {
		n += Units(string(r))
		if n > maxFirstLine-3 {
			return s[:i] + "..."
		}
	}
	return s
}

// TokenText writes a row's tokens as the client shows them.
func TokenText(n int) string {
	if n < 20 {
		return "< 20"
	}
	n = int(math.Floor(float64(n)/10+0.5)) * 10
	if n < 1000 {
		return fmt.Sprintf("~%d", n)
	}
	k := math.Floor(float64(n)/100+0.5) / 10
	return "~" + strconv.FormatFloat(k, 'f', -1, 64) + "k"
}

// validText replaces what is not UTF-8, as reading a file as text does.
func validText(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\ufffd")
}
