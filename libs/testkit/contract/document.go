package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// document is the OpenAPI document that a running API gives of itself.
type document struct {
	Paths      map[string]map[string]Operation
	Components struct{ Schemas map[string]shape }

	whole   any
	schemas *jsonschema.Compiler
}

// Operation is one method of one path.
type Operation struct {
	Method, Path string

	Parameters  []Parameter
	RequestBody struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }
	Security    []map[string][]string

	judges map[string]*jsonschema.Schema // of answers, by status and content type
	body   *jsonschema.Schema            // of the request's body, nil for none
}

// Parameter is one of the path, the query or the headers.
type Parameter struct {
	Name, In string
	Required bool
	Schema   shape

	judge *jsonschema.Schema
}

type media struct {
	Example any
}

// shape is what of a schema values are made from.
type shape struct {
	Type                 any
	Enum                 []any
	Default              any
	Examples             []any
	Minimum, Maximum     *int
	MinLength, MaxLength *int
}

// documentName is the address that the document's own references are within.
const documentName = "https://plugpack.example/api/openapi.json"

// nothingElse loads no schema: the document holds all that it needs.
type nothingElse struct{}

// Load refuses.
func (nothingElse) Load(url string) (any, error) {
	return nil, errors.New("the document refers to " + url + ", which it does not hold")
}

func readDocument(h http.Handler) (*document, error) {
	w := send(h, request(http.MethodGet, "/api/openapi.json", ""))
	d := &document{}
	if err := json.Unmarshal(w.Body.Bytes(), d); err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		return nil, err
	}
	d.whole, d.schemas = whole, jsonschema.NewCompiler()
	d.schemas.DefaultDraft(jsonschema.Draft2020)
	d.schemas.AssertFormat()
	d.schemas.UseLoader(nothingElse{})
	return d, d.schemas.AddResource(documentName, whole)
}

// schema compiles what is at the place of the document.
func (d *document) schema(place ...string) (*jsonschema.Schema, error) {
	escape := strings.NewReplacer("~", "~0", "/", "~1", "%", "%25", "{", "%7B", "}", "%7D")
	at := documentName + "#"
	for _, p := range place {
		at += "/" + escape.Replace(p)
	}
	return d.schemas.Compile(at)
}

// operations gives all operations in order, ready to be judged.
func (d *document) operations() (all []Operation, err error) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			o := d.Paths[path][method]
			o.Path, o.Method = path, strings.ToUpper(method)
			if err := d.compile(&o, "paths", path, method); err != nil {
				return nil, err
			}
			all = append(all, o)
		}
	}
	return all, nil
}

// compile makes the judges of an operation.
func (d *document) compile(o *Operation, at ...string) (err error) {
	for i := range o.Parameters {
		if o.Parameters[i].judge, err = d.schema(append(at, "parameters", strconv.Itoa(i), "schema")...); err != nil {
			return err
		}
	}
	if len(o.RequestBody.Content) > 0 {
		if o.body, err = d.schema(append(at, "requestBody", "content", "application/json", "schema")...); err != nil {
			return err
		}
	}
	o.judges = map[string]*jsonschema.Schema{}
	for status, response := range o.Responses {
		for kind := range response.Content {
			if !strings.HasSuffix(kind, "json") {
				continue
			}
			if o.judges[status+" "+kind], err = d.schema(append(at, "responses", status, "content", kind, "schema")...); err != nil {
				return err
			}
		}
	}
	return nil
}

// mutates says whether the operation may change something.
func (o Operation) mutates() bool { return o.Method != http.MethodGet && o.Method != http.MethodHead }

// open says whether the operation is for everybody by its own word.
func (o Operation) open() bool {
	return slices.ContainsFunc(o.Security, func(s map[string][]string) bool { return len(s) == 0 })
}

// Streams says whether the answer has no end.
func (o Operation) Streams() bool {
	_, yes := o.Responses["200"].Content["text/event-stream"]
	return yes
}
