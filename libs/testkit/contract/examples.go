package contract

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Examples says where the document does not show what stands in a place: each
// parameter and each member of what is sent and answered has an example that its
// own schema allows, or a default or a list of all values. Of a flag, a time and
// an id it is plain, and an object is shown by its members.
func (c *Contract) Examples() (faults []string) { return c.examples(c.whole, nil) }

func (c *Contract) examples(at any, place []string) (faults []string) {
	deeper := func(name string) []string { return append(slices.Clip(place), name) }
	switch at := at.(type) {
	case []any:
		for i, v := range at {
			faults = append(faults, c.examples(v, deeper(strconv.Itoa(i)))...)
		}
	case map[string]any:
		if at["in"] != nil && at["schema"] != nil { // a parameter
			faults = append(faults, c.exampleOf(at["schema"], deeper("schema"))...)
		}
		members, _ := at["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(members)) {
			faults = append(faults, c.exampleOf(members[name], append(deeper("properties"), name))...)
		}
		for _, name := range slices.Sorted(maps.Keys(at)) {
			if name != "example" && name != "examples" && name != "default" {
				faults = append(faults, c.examples(at[name], deeper(name))...)
			}
		}
	}
	return faults
}

func (c *Contract) exampleOf(schema any, place []string) (faults []string) {
	if !c.shows(schema) {
		return []string{fmt.Sprintf("%s: nothing shows what stands there", strings.Join(place, " "))}
	}
	examples, _ := schema.(map[string]any)["examples"].([]any)
	judge, err := c.schema(place...)
	for _, example := range examples {
		if err == nil {
			err = judge.Validate(example)
		}
	}
	if err != nil {
		faults = append(faults, fmt.Sprintf("%s: its example is none: %v", strings.Join(place, " "), err))
	}
	return faults
}

// shows says whether a schema lets its reader see what stands in its place.
func (c *Contract) shows(schema any) bool {
	s, _ := schema.(map[string]any)
	for _, name := range []string{"examples", "default", "enum", "const", "properties"} {
		if s[name] != nil {
			return true
		}
	}
	if ref, ok := s["$ref"].(string); ok {
		components, _ := c.whole.(map[string]any)["components"].(map[string]any)
		schemas, _ := components["schemas"].(map[string]any)
		return c.shows(schemas[strings.TrimPrefix(ref, "#/components/schemas/")])
	}
	if s["format"] == "date-time" || s["format"] == "uuid" || s["type"] == "boolean" {
		return true
	}
	return s["items"] != nil && c.shows(s["items"])
}
