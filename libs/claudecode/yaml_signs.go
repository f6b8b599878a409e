package claudecode

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// What the client's YAML takes and the library's does not, or the other way
// round.

var errIndent = errors.New("a line is not far enough to the right")

// hidden is where signs are put that the library refuses and the client takes:
// control characters, breaks of lines that are none in YAML 1.2, and question
// marks within words.
const hidden = 0x10F000

func hide(s string) string {
	last, lastSign := '\n', '\n' // of the same line
	return strings.Map(func(r rune) rune {
		before, sign := last, lastSign
		if last = r; r == '\n' || r != ' ' && r != '\t' {
			lastSign = r
		}
		switch {
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r <= 0x9f:
			return hidden + r
		case r == 0x2028, r == 0x2029, r == 0xfffe, r == 0xffff:
			return hidden + 0x100 + r&0xff
		case r == '?' && (!strings.ContainsRune(" \t\r\n[{,?", before) || !strings.ContainsRune("\n[{,?:-", sign)):
			return hidden + r
		}
		return r
	}, escapes.ReplaceAllStringFunc(s, hideEscape))
}

// escapes are two signs each, so that what follows a backslash that is itself
// escaped is not taken for one.
var escapes = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\[^\n]`)

const (
	slash = string(rune(hidden + 0x200)) // for \/, which the library does not know
	tick  = string(rune(hidden + 0x201)) // for \', which the client does not know
)

func hideEscape(s string) string {
	switch {
	case s == `\/`:
		return slash
	case s == `\'`:
		return tick
	case len(s) == 12:
		high, _ := strconv.ParseUint(s[2:6], 16, 16)
		low, _ := strconv.ParseUint(s[8:], 16, 16)
		return fmt.Sprintf(`\U%08X`, utf16.DecodeRune(rune(high), rune(low)))
	}
	return s
}

// show brings them back; an escape is one in double quotes only.
func show(n *yaml.Node) string {
	s := n.Value
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= hidden }) {
		return s
	}
	if n.Style&yaml.DoubleQuotedStyle != 0 {
		s = strings.ReplaceAll(s, slash, "/")
	}
	s = strings.NewReplacer(slash, `\/`, tick, `\'`).Replace(s)
	return strings.Map(func(r rune) rune {
		switch {
		case r >= hidden && r < hidden+0x100:
			return r - hidden
		case r == hidden+0x1fe || r == hidden+0x1ff:
			return 0xff00 + r&0xff
		case r >= hidden+0x100 && r < hidden+0x200:
			return 0x2000 + r&0xff
		}
		return r
	}, s)
}

// indented says whether what stands in brackets or quotes from n on keeps to
// the right of the block that it is in, wherever an item or text begins a line.
func (r *yamlReader) indented(n *yaml.Node, indent int) bool {
	if n.Line < 1 || n.Line > len(r.lines) {
		return true
	}
	f := flowScan{indent: indent}
	line := r.lines[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRuneInString(line)
		line = line[size:]
	}
	for i := n.Line - 1; ; line = r.lines[i] {
		if i > n.Line-1 && !f.begins(line) {
			return false
		}
		f.line(line)
		if i++; f.done || i >= len(r.lines) {
			return true
		}
	}
}

// flowScan follows brackets and quotes.
type flowScan struct {
	indent, depth int
	quote         byte
	wants         bool // an item may come next
	done          bool
}

// begins says whether a line that goes on with it is far enough to the right.
func (f *flowScan) begins(line string) bool {
	text := strings.TrimLeft(line, " ")
	switch {
	case strings.TrimSpace(text) == "", f.quote == 0 && text[0] == '#', f.quote == 0 && !f.wants && strings.IndexByte(",:]}", text[0]) >= 0:
		return true
	}
	return len(line)-len(text) > f.indent
}

func (f *flowScan) line(line string) {
	for i := 0; i < len(line) && !f.done; i++ {
		c := line[i]
		switch {
		case f.quote == '"' && c == '\\':
			i++
		case f.quote == '\'' && c == '\'' && strings.HasPrefix(line[i+1:], "'"):
			i++
		case f.quote != 0:
			if c == f.quote {
				f.quote, f.wants, f.done = 0, false, f.depth == 0
			}
		case c == '#' && i > 0 && (line[i-1] == ' ' || line[i-1] == '\t'):
			return
		case (c == '"' || c == '\'') && (f.wants || f.depth == 0):
			f.quote = c
		case c == '[', c == '{':
			f.depth, f.wants = f.depth+1, true
		case c == ']', c == '}':
			f.depth, f.wants = f.depth-1, false
			f.done = f.depth <= 0
		case c == ',':
			f.wants = true
		case c == ':' && (i+1 == len(line) || strings.IndexByte(" \t\"'[{", line[i+1]) >= 0):
			f.wants = true
		case c != ' ' && c != '\t' && c != '\r':
			f.wants = false
		}
	}
}
