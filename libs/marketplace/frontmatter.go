package marketplace

import (
	"bytes"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFrontMatter bounds what is given to the YAML parser.
const maxFrontMatter = 64 << 10

// frontMatter holds the values of a component's head that are plain text.
type frontMatter map[string]string

var fence = regexp.MustCompile(`^---[ \t]*\r?\n`)
var fenceEnd = regexp.MustCompile(`(?m)^---[ \t]*\r?$`)

// readFrontMatter reads the block between the first two --- lines. Many real
// files write `description: Use this when: …`, which no YAML parser takes; the
// client then puts the values in quotes, and what still fails is read by line.
func readFrontMatter(b []byte) (head frontMatter, body []byte) {
	start := fence.FindIndex(b)
	if start == nil {
		return nil, b
	}
	end := fenceEnd.FindIndex(b[start[1]:])
	if end == nil {
		return nil, b
	}
	block, body := b[start[1]:start[1]+end[0]], b[start[1]+end[1]:]
	if len(block) > maxFrontMatter {
		return nil, body
	}
	if head, ok := parseYAML(block); ok {
		return head, body
	}
	if head, ok := parseYAML(quoteRisky(block)); ok {
		return head, body
	}
	return readLines(block), body
}

// parseYAML takes a mapping's plain values from the syntax tree: duplicate keys
// are no error then, and no alias is ever expanded.
func parseYAML(block []byte) (head frontMatter, ok bool) {
	// The parser panics on some damaged documents.
	defer func() {
		if recover() != nil {
			head, ok = nil, false
		}
	}()
	var doc yaml.Node
	if err := yaml.Unmarshal(block, &doc); err != nil {
		return nil, false
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, false
	}
	head = frontMatter{}
	for pairs := doc.Content[0].Content; len(pairs) >= 2; pairs = pairs[2:] {
		key, value := pairs[0], pairs[1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if key.Kind == yaml.ScalarNode && value.Kind == yaml.ScalarNode && value.Tag != "!!null" {
			head[key.Value] = value.Value
		}
	}
	return head, true
}

var keyLine = regexp.MustCompile(`^([A-Za-z_-]+):[ \t]+(.+?)[ \t]*$`)

func quoteRisky(block []byte) []byte {
	var out bytes.Buffer
	for line := range strings.Lines(string(block)) {
		text := strings.TrimRight(line, "\r\n")
		m := keyLine.FindStringSubmatch(text)
		if m != nil && !quoted(m[2]) && (strings.Contains(m[2], ": ") || strings.ContainsAny(m[2], "{}[]*&#!|>%@`")) {
			text = m[1] + `: "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(m[2]) + `"`
		}
		out.WriteString(text + "\n")
	}
	return out.Bytes()
}

func quoted(s string) bool {
	return len(s) > 1 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0]
}

func readLines(block []byte) frontMatter {
	head := frontMatter{}
	for line := range strings.Lines(string(block)) {
		if m := keyLine.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			if quoted(m[2]) {
				m[2] = m[2][1 : len(m[2])-1]
			}
			head[m[1]] = m[2]
		}
	}
	return head
}

// firstLine gives the body's first line of text, which the client shows when
// there is no description.
func firstLine(body []byte) string {
	for line := range strings.Lines(string(body)) {
		if text := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "#")); text != "" {
			return text
		}
	}
	return ""
}
