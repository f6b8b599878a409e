package marketplace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// object is a decoded JSON object. Go structs are no help here: they match
// names in any letter case, and hide which fields were there.
type object = map[string]any

// decodeObject reads b the way the client does: strict JSON without a byte
// order mark, the last of two equal keys counts, and an object at the root.
func decodeObject(b []byte) (object, error) {
	if err := notUTF8Mark(b); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, notJSON(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("is not JSON: something follows the end of it")
	}
	o, ok := v.(object)
	if !ok {
		return nil, errors.New("is not a JSON object")
	}
	return o, nil
}

func notUTF8Mark(b []byte) error {
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		return errors.New("begins with a byte order mark, which is not JSON")
	}
	return nil
}

func notJSON(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("is not JSON: at byte %d, %s", syntax.Offset, syntax)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("is not JSON: it ends too early")
	}
	return fmt.Errorf("is not JSON: %s", err)
}

// A rule says what is wrong with a value, "" if nothing.
type rule func(v any) string

type field struct {
	name string
	rule rule
}

// firstProblem applies the rules to the fields that are there. null is a value
// of the wrong type for every known field.
func firstProblem(o object, fields []field) string {
	for _, f := range fields {
		if v, ok := o[f.name]; ok {
			if problem := f.rule(v); problem != "" {
				return f.name + " " + problem
			}
		}
	}
	return ""
}

func isString(v any) string {
	if _, ok := v.(string); !ok {
		return "is not a string"
	}
	return ""
}

func isBool(v any) string {
	if _, ok := v.(bool); !ok {
		return "is neither true nor false"
	}
	return ""
}

func isObject(v any) string {
	if _, ok := v.(object); !ok {
		return "is not an object"
	}
	return ""
}

func isFilled(v any) string {
	if s, ok := v.(string); !ok || s == "" {
		return "is not a string with text"
	}
	return ""
}

func isAny(any) string { return "" }

func isPositive(v any) string {
	n, ok := v.(json.Number)
	if f, err := n.Float64(); !ok || err != nil || f <= 0 {
		return "is not a number above 0"
	}
	return ""
}

// isWhole accepts whole numbers from least on.
func isWhole(least int64) rule {
	return func(v any) string {
		n, _ := v.(json.Number)
		if i, err := n.Int64(); err != nil || i < least {
			return fmt.Sprintf("is not a whole number from %d on", least)
		}
		return ""
	}
}

func isNumber(v any) string {
	if _, ok := v.(json.Number); !ok {
		return "is not a number"
	}
	return ""
}

func oneOf(words ...string) rule {
	return func(v any) string {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return "is not one of " + strings.Join(words, ", ")
		}
		return ""
	}
}

// listOf applies r to every item of a list.
func listOf(r rule) rule {
	return func(v any) string {
		l, ok := v.([]any)
		if !ok {
			return "is not a list"
		}
		for i, item := range l {
			if problem := r(item); problem != "" {
				return fmt.Sprintf("item %d %s", i, problem)
			}
		}
		return ""
	}
}

// mapOf applies r to every value of an object.
func mapOf(r rule) rule {
	return func(v any) string {
		o, ok := v.(object)
		if !ok {
			return "is not an object"
		}
		for _, name := range sortedKeys(o) {
			if problem := r(o[name]); problem != "" {
				return fmt.Sprintf("%.100q %s", name, problem)
			}
		}
		return ""
	}
}

// oneOrMore accepts an item or a list of items.
func oneOrMore(r rule) rule {
	return func(v any) string {
		if _, ok := v.([]any); ok {
			return listOf(r)(v)
		}
		return r(v)
	}
}

// shape checks an object: required fields first, then all that are there;
// strict refuses others.
func shape(strict bool, required []string, fields ...field) rule {
	return func(v any) string {
		o, ok := v.(object)
		if !ok {
			return "is not an object"
		}
		for _, name := range required {
			if _, ok := o[name]; !ok {
				return "has no " + name
			}
		}
		if problem := firstProblem(o, fields); problem != "" {
			return "has a bad field: " + problem
		}
		for _, name := range sortedKeys(o) {
			if strict && !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
				return fmt.Sprintf("has the unknown field %.100q", name)
			}
		}
		return ""
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
