package claudecode

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a block: YAML is slow to read, and aliases can make little much.
const (
	maxYAML  = 64 << 10
	maxNodes = 10_000
	maxNest  = 50
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
	Fields map[string]any // string, json.Number, bool, nil, []any or object
}

// Text gives a field's text, trimmed; "" when it has none. The client takes
// numbers, true and false for text here.
func (f FrontMatter) Text(name string) string {
	switch v := f.Fields[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
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

// split finds the lines of --- that a block stands between.
func split(text []byte) (head, body []byte, found bool) {
	first, rest, ok := bytes.Cut(text, []byte("\n"))
	if !ok || !isFence(first) {
		return nil, text, false
	}
	for at := 0; ; {
		line, after := rest[at:], len(rest)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, after = line[:i], at+i+1
		}
		if isFence(line) {
			return rest[:at], rest[after:], true
		}
		if after >= len(rest) {
			return nil, text, false
		}
		at = after
	}
}

func isFence(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) && len(bytes.Trim(line[3:], " \t\r")) == 0
}

var errTooMuch = errors.New("too much YAML")

// readYAML reads one document as YAML 1.2's core schema has it.
func readYAML(b []byte) (v any, err error) {
	if len(b) > maxYAML {
		return nil, errTooMuch
	}
	// The parser panics on some damaged documents.
	defer func() {
		if recover() != nil {
			v, err = nil, errTooMuch
		}
	}()
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return nil, err
	}
	if n.Kind == 0 {
		return nil, nil
	}
	left := maxNodes
	return value(&n, 0, &left)
}

func value(n *yaml.Node, depth int, left *int) (any, error) {
	if *left--; *left < 0 || depth > maxNest {
		return nil, errTooMuch
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return value(n.Content[0], depth, left)
	case yaml.AliasNode:
		return value(n.Alias, depth+1, left)
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := value(c, depth+1, left)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		o := make(object, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := value(n.Content[i+1], depth+1, left)
			if err != nil {
				return nil, err
			}
			o[n.Content[i].Value] = v
		}
		return o, nil
	}
	return scalar(n), nil
}

var number = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*|[0-9]+)(\.[0-9]*)?([eE][-+]?[0-9]+)?$|^[-+]?\.[0-9]+([eE][-+]?[0-9]+)?$|^0o[0-7]+$|^0x[0-9a-fA-F]+$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)

// scalar tells text from what is none. Dates, yes and no are text.
func scalar(n *yaml.Node) any {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 || n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0 {
		return n.Value
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	if number.MatchString(n.Value) {
		return asNumber(n.Value)
	}
	return n.Value
}

// asNumber writes a number as JSON has it; what JSON has not stays text.
func asNumber(s string) any {
	f, err := strconv.ParseFloat(s, 64)
	if i, intErr := strconv.ParseInt(s, 0, 64); intErr == nil && len(s) > 1 && (s[1] == 'x' || s[1] == 'o') {
		f, err = float64(i), nil
	}
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return s
	}
	if json.Valid([]byte(s)) {
		return json.Number(s)
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

var (
	simpleLine = regexp.MustCompile(`^([a-zA-Z_-]+):[ \t]+(.+?)[ \t\r]*$`)
	risky      = regexp.MustCompile("[{}\\[\\]*&#!|>%@`]")
)

// quoteRisky puts quotes around the one-line values that YAML trips over, and
// blanks in the place of tabs, as the client does before it tries a second time.
func quoteRisky(b []byte) []byte {
	lines := strings.Split(strings.ReplaceAll(string(b), "\t", "  "), "\n")
	for i, line := range lines {
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
