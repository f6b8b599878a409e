package rest

import (
	"maps"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

// maxExample is how deep an example goes: a schema may contain itself.
const maxExample = 8

// exemplify gives every JSON body of an operation an example, made from the
// types and the examples of their fields.
func exemplify(r huma.Registry, op *huma.Operation) {
	contents := []map[string]*huma.MediaType{}
	if op.RequestBody != nil {
		contents = append(contents, op.RequestBody.Content)
	}
	for _, response := range op.Responses {
		contents = append(contents, response.Content)
	}
	for _, content := range contents {
		if m := content["application/json"]; m != nil && m.Example == nil && m.Schema != nil {
			m.Example = example(r, m.Schema, "example", 0)
		}
	}
}

// example makes a value of the schema; one without an example of its own is
// made up from its type and the name of its field.
func example(r huma.Registry, s *huma.Schema, name string, depth int) any {
	if s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Default != nil:
		return s.Default
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		return exampleObject(r, s, depth+1)
	case huma.TypeArray:
		if depth > maxExample {
			return []any{}
		}
		return []any{example(r, s.Items, name, depth+1)}
	case huma.TypeBoolean:
		return false
	case huma.TypeInteger, huma.TypeNumber:
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case huma.TypeString:
		return exampleText(s, name)
	}
	return nil
}

func exampleObject(r huma.Registry, s *huma.Schema, depth int) map[string]any {
	o := map[string]any{}
	names := slices.Sorted(maps.Keys(s.Properties))
	if depth > maxExample {
		names = s.Required
	}
	for _, name := range names {
		o[name] = example(r, s.Properties[name], name, depth)
	}
	if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
		o["name"] = example(r, of, "value", depth)
	}
	return o
}

func exampleText(s *huma.Schema, name string) string {
	switch s.Format {
	case "uuid":
		return "018f2c5e-7c1a-7b3d-9a42-5d6f1e0c8b71"
	case "date-time":
		return "2026-01-02T03:04:05Z"
	case "uri":
		return "https://plugpack.example/"
	}
	return name
}
