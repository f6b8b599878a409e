package claudecode

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// FrontMatter is the YAML block at the head of a Markdown file. Plain scalars
// keep their text; true, numbers and null are told from it.
type FrontMatter struct {
	// Found says that the file has a block at all.
	Found bool
	// Problem says why the block is not a map of YAML; Fields then holds what the
	// client recovers when it runs.
	Problem string
	// NotMap says that the block is YAML, but no map.
	NotMap bool
	// Fields has string, json.Number, bool, nil, []any and object, and a float64
	// for the numbers that JSON has not.
	Fields map[string]any
}

// Text gives a field's text, trimmed; "" when it has none. The client takes
// numbers, true and false for text here.
func (f FrontMatter) Text(name string) string {
	switch v := f.Fields[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		f, _ := v.Float64()
		return numberText(f)
	case float64:
		return numberText(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// numberText writes a number as JavaScript does.
func numberText(f float64) string {
	size := math.Abs(f)
	switch {
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+") + "inity"
	case size != 0 && (size >= 1e21 || size < 1e-6):
		return strings.Replace(strings.Replace(strconv.FormatFloat(f, 'e', -1, 64), "e-0", "e-", 1), "e+0", "e+", 1)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// JSON gives the fields as JSON, for whoever shows them.
func (f FrontMatter) JSON() map[string]json.RawMessage {
	if len(f.Fields) == 0 {
		return nil
	}
	m := make(map[string]json.RawMessage, len(f.Fields))
	for k, v := range f.Fields {
		if b, err := json.Marshal(v); err == nil {
			m[k] = b
		}
	}
	return m
}

// ReadFrontMatter splits a Markdown file into its block and its body.
func ReadFrontMatter(text []byte) (FrontMatter, []byte) {
	head, body, found := split(text)
	if !found {
		return FrontMatter{}, text
	}
	f := FrontMatter{Found: true}
	v, err := readYAML(head)
	if err != nil {
		f.Problem = "The block at its head is not YAML; put quotes around values with a colon or other signs in them."
		v, _ = readYAML(quoteRisky(head))
	} else if _, ok := v.(object); !ok {
		f.NotMap, f.Problem = true, "The block at its head has no fields; write them as name: value."
	}
	f.Fields, _ = v.(object)
	return f, body
}

// The client looks for the marks of a block without regard to lines: what ends
// it is the next "---", wherever that is.
var (
	blockBegin = regexp.MustCompile(`^---` + blanks + `*\n`)
	blockEnd   = regexp.MustCompile(`---` + blanks + `*\n?`)
)

// blanks are what JavaScript takes for such.
const blanks = `[\s\v\x{a0}\x{feff}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}]`

// split finds the marks that a block stands between.
func split(text []byte) (head, body []byte, found bool) {
	begin := blockBegin.FindIndex(text)
	if begin == nil {
		return nil, text, false
	}
	end := blockEnd.FindIndex(text[begin[1]:])
	if end == nil {
		return nil, text, false
	}
	return text[begin[1] : begin[1]+end[0]], text[begin[1]+end[1]:], true
}

var (
	simpleLine = regexp.MustCompile(`^([a-zA-Z_-]+):[ \t]+(.+?)[ \t\r]*$`)
	risky      = regexp.MustCompile("[{}\\[\\]*&#!|>%@`]")
)

// quoteRisky puts quotes around the one-line values that YAML trips over, and
// blanks in the place of tabs at their beginnings, as the client does before it tries a second time.
func quoteRisky(b []byte) []byte {
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		text := strings.TrimLeft(line, " \t")
		line = strings.ReplaceAll(line[:len(line)-len(text)], "\t", "  ") + text
		lines[i] = line
		m := simpleLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v := m[2]
		quoted := len(v) > 1 && slices.Contains([]byte(`"'`), v[0]) && v[len(v)-1] == v[0]
		if !quoted && (risky.MatchString(v) || strings.Contains(v, ": ")) {
			lines[i] = m[1] + `: "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		}
	}
	return []byte(strings.Join(lines, "\n"))
}
