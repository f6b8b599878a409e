package claudecode

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of a block: YAML is slow to read, and aliases can make little much.
const (
	maxYAML  = 64 << 10
	maxNodes = 10_000
	maxNest  = 1_000
)

var (
	errTooMuch = errors.New("too much YAML")
	errEscape  = errors.New("an escape that YAML has not")
)

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
	dec := yaml.NewDecoder(strings.NewReader(hide(string(b))))
	var n, more yaml.Node
	if err := dec.Decode(&n); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	r := yamlReader{lines: strings.Split(string(b), "\n"), left: maxNodes}
	if v, err = r.value(&n, place{indent: -1}); err != nil {
		return nil, err
	}
	switch err := dec.Decode(&more); {
	case errors.Is(err, io.EOF):
		return v, nil
	case err != nil:
		return nil, err
	}
	return []any{v}, nil // several documents are a list
}

// yamlReader turns nodes into values.
type yamlReader struct {
	lines []string // of the source
	left  int      // nodes
}

// place is where in the document a node is.
type place struct {
	indent int  // of the block that it is in
	flow   bool // in brackets
	depth  int
}

func (r *yamlReader) value(n *yaml.Node, at place) (any, error) {
	if r.left--; r.left < 0 || at.depth > maxNest {
		return nil, errTooMuch
	}
	at.depth++
	if n.Style&yaml.DoubleQuotedStyle != 0 && strings.Contains(n.Value, tick) {
		return nil, errEscape
	}
	isFlow := n.Style&(yaml.FlowStyle|yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	if isFlow && !at.flow && !r.indented(n, at.indent) {
		return nil, errIndent
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return r.value(n.Content[0], at)
	case yaml.AliasNode:
		at.flow = true // it was looked at where it stands
		return r.value(n.Alias, at)
	case yaml.SequenceNode, yaml.MappingNode:
		if at.flow = at.flow || isFlow; !at.flow {
			at.indent = n.Column - 1
		}
		if n.Kind == yaml.MappingNode {
			return r.mapping(n, at)
		}
		return r.list(n, at)
	}
	return scalar(n), nil
}

func (r *yamlReader) list(n *yaml.Node, at place) (any, error) {
	list := make([]any, 0, len(n.Content))
	for _, c := range n.Content {
		v, err := r.value(c, at)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (r *yamlReader) mapping(n *yaml.Node, at place) (any, error) {
	o, merged := make(object, len(n.Content)/2), object{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if !at.flow && key.Column < n.Column {
			return nil, errIndent
		}
		v, err := r.value(n.Content[i+1], at)
		if err != nil {
			return nil, err
		}
		if key.Tag == "!!merge" {
			for _, m := range objects(v) {
				maps.Copy(merged, m)
			}
			continue
		}
		o[show(key)] = v
	}
	for k, v := range merged {
		if _, own := o[k]; !own {
			o[k] = v
		}
	}
	return o, nil
}

var number = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*|[0-9]+)(\.[0-9]*)?([eE][-+]?[0-9]+)?$|^[-+]?\.[0-9]+([eE][-+]?[0-9]+)?$|^[-+]?0o[0-7]+$|^[-+]?0x[0-9a-fA-F]+$|^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)

// scalar tells text from what is none. Dates, yes and no are text.
func scalar(n *yaml.Node) any {
	const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	tagged := n.Tag == "!!str" && n.Style&yaml.TaggedStyle != 0 || n.Tag != "" && !strings.HasPrefix(n.Tag, "!!")
	if n.Style&quoted != 0 || tagged {
		return show(n)
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
	return show(n)
}

// asNumber writes a number as JSON has it; what JSON has not stays a float.
func asNumber(s string) any {
	f, err := strconv.ParseFloat(strings.ReplaceAll(strings.ToLower(s), ".inf", "inf"), 64)
	if strings.EqualFold(s, ".nan") {
		f, err = math.NaN(), nil
	}
	if i, intErr := strconv.ParseInt(s, 0, 64); intErr == nil && strings.ContainsAny(s, "xo") {
		f, err = float64(i), nil
	}
	switch {
	case math.IsInf(f, 0), math.IsNaN(f):
		return f
	case err != nil:
		return s
	case json.Valid([]byte(s)):
		return json.Number(s)
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}
