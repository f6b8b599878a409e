package claudecode

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nlnwa/whatwg-url/url"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// object is a decoded JSON object.
type object = map[string]any

// absent is the value of a field that is not there; null is another thing.
type absent struct{}

// maxIssues bounds what one file can have wrong with it.
const maxIssues = 500

// issue is one thing that is wrong, at a field's path.
type issue struct{ path, code, text string }

// rule checks a value and gives what is wrong with it.
type rule func(path string, v any) []issue

// field is a key of an object with its rule.
type field struct {
	name     string
	required bool
	rule     rule
}

func need(name string, r rule) field { return field{name, true, r} }
func may(name string, r rule) field  { return field{name, false, r} }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func at(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func wrongType(path, want string, v any) []issue {
	if _, missing := v.(absent); missing {
		return []issue{{path, "wrong_type", fmt.Sprintf("It is missing; give it %s.", want)}}
	}
	return []issue{{path, "wrong_type", fmt.Sprintf("It is %s; make it %s.", typeName(v), want)}}
}

func typeName(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number, float64, int:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

func isAny(string, any) []issue { return nil }

func isString(path string, v any) []issue {
	if _, ok := v.(string); !ok {
		return wrongType(path, "text", v)
	}
	return nil
}

func isBool(path string, v any) []issue {
	if _, ok := v.(bool); !ok {
		return wrongType(path, "true or false", v)
	}
	return nil
}

func isNumber(path string, v any) []issue {
	if _, ok := finite(v); !ok {
		return wrongType(path, "a number", v)
	}
	return nil
}

// finite gives a number's value; to the client, one that is too large for a
// float is no number.
func finite(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// maxWhole is the largest whole number that a float holds exactly.
const maxWhole = 1<<53 - 1

// filled wants text that is not empty; code names that fault.
func filled(code string) rule {
	return func(path string, v any) []issue {
		if s, ok := v.(string); !ok {
			return wrongType(path, "text", v)
		} else if s == "" {
			return []issue{{path, code, "It is empty; fill it in."}}
		}
		return nil
	}
}

// above wants a number greater than least, or from least on where equal.
func above(least float64, equal, whole bool) rule {
	return func(path string, v any) []issue {
		f, ok := finite(v)
		if !ok {
			return wrongType(path, "a number", v)
		}
		if whole && (f != math.Trunc(f) || math.Abs(f) > maxWhole) {
			return wrongType(path, "a whole number", v)
		}
		if f < least || f == least && !equal {
			return []issue{{path, "number_too_small", fmt.Sprintf("The number is too small; give one above %v.", least)}}
		}
		return nil
	}
}

func oneOf(words ...string) rule {
	return func(path string, v any) []issue {
		if s, ok := v.(string); !ok || !slices.Contains(words, s) {
			return []issue{{path, "bad_enum", "It has to be one of: " + strings.Join(words, ", ") + "."}}
		}
		return nil
	}
}

// isAddress wants what a browser's URL parser takes: any scheme.
func isAddress(path string, v any) []issue {
	s, ok := v.(string)
	if !ok {
		return wrongType(path, "an address", v)
	}
	if !parsesAsURL(s) {
		return []issue{{path, "bad_url", "It is not an address; begin it with https://."}}
	}
	return nil
}

// parsesAsURL follows the standard of browsers, as the client does.
func parsesAsURL(s string) bool {
	_, err := url.Parse(s)
	return err == nil
}

// listOf wants a list whose items all keep r.
func listOf(r rule) rule {
	return func(path string, v any) []issue {
		l, ok := v.([]any)
		if !ok {
			return wrongType(path, "a list", v)
		}
		var all []issue
		for i, item := range l {
			if all = append(all, r(at(path, i), item)...); len(all) > maxIssues {
				break
			}
		}
		return all
	}
}

// mapOf wants an object with keys that good takes and values that keep r. The
// client does not see __proto__ in one, and takes one with constructor for
// something else.
func mapOf(good func(string) bool, r rule) rule {
	return func(path string, v any) []issue {
		o, ok := v.(object)
		if !ok {
			return wrongType(path, "an object", v)
		}
		if _, ok := o["constructor"]; ok {
			return []issue{{path, "wrong_type", `The client breaks at the name "constructor"; rename it.`}}
		}
		var all []issue
		for _, k := range sortedKeys(o) {
			if k == "__proto__" {
				continue
			}
			if good != nil && !good(k) {
				all = append(all, issue{path + "." + k, "bad_map_key", fmt.Sprintf("%.60q is no name that is known here; rename or remove it.", k)})
				continue
			}
			if all = append(all, r(path+"."+k, o[k])...); len(all) > maxIssues {
				break
			}
		}
		return all
	}
}

// shape wants an object with these fields. A strict one has no others.
func shape(strict bool, fields ...field) rule {
	return func(path string, v any) []issue {
		o, ok := v.(object)
		if !ok {
			return wrongType(path, "an object", v)
		}
		var all []issue
		known := map[string]bool{}
		for _, f := range fields {
			known[f.name] = true
			value, there := o[f.name]
			switch {
			case there:
				all = append(all, f.rule(join(path, f.name), value)...)
			case f.required:
				all = append(all, f.rule(join(path, f.name), absent{})...)
			}
		}
		if strict {
			for _, k := range sortedKeys(o) {
				if !known[k] {
					return append(all, issue{path, "unknown_key_strict", fmt.Sprintf("It has the field %.60q, which is not known here; remove it.", k)})
				}
			}
		}
		return all
	}
}

// anyOf wants one of several forms, and says only that none fits: which was
// meant cannot be told.
func anyOf(want string, rules ...rule) rule {
	return func(path string, v any) []issue {
		for _, r := range rules {
			if len(r(path, v)) == 0 {
				return nil
			}
		}
		return []issue{{path, "no_union_match", "It has none of the forms that are known; make it " + want + "."}}
	}
}

// oneOrMore wants one value that keeps r, or a list of such.
func oneOrMore(r rule) rule {
	return func(path string, v any) []issue {
		if l, ok := v.([]any); ok {
			return listOf(r)(path, l)
		}
		return r(path, v)
	}
}

// all wants every rule kept.
func allOf(rules ...rule) rule {
	return func(path string, v any) (found []issue) {
		for _, r := range rules {
			found = append(found, r(path, v)...)
		}
		return found
	}
}

func sortedKeys(o object) []string { return slices.Sorted(maps.Keys(o)) }

// problem makes what is shown of an issue.
func (i issue) problem(s plugpack.Severity, file string) plugpack.Fault {
	return plugpack.Fault{
		Severity: s, File: clip(file), Path: clip(i.path), Code: i.code, Message: clip(i.text),
	}
}

func clip(s string) string { return plugpack.Cut(plugpack.Clean(s), plugpack.MaxShort) }
