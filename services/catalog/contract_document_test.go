package catalog_test

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
	Paths      map[string]map[string]operation
	Components struct{ Schemas map[string]shape }

	whole   any
	schemas *jsonschema.Compiler
}

// operation is one method of one path.
type operation struct {
	method, path string

	Parameters  []parameter
	RequestBody struct{ Content map[string]media }
	Responses   map[string]struct{ Content map[string]media }
	Security    []map[string][]string

	judges map[string]*jsonschema.Schema // of answers, by status and content type
}

type parameter struct {
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
	w := ask(h, http.MethodGet, "/api/openapi.json", "")
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
func (d *document) operations() (all []operation, err error) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			o := d.Paths[path][method]
			o.path, o.method = path, strings.ToUpper(method)
			if err := d.compile(&o, "paths", path, method); err != nil {
				return nil, err
			}
			all = append(all, o)
		}
	}
	return all, nil
}

// compile makes the judges of an operation.
func (d *document) compile(o *operation, at ...string) (err error) {
	for i := range o.Parameters {
		if o.Parameters[i].judge, err = d.schema(append(at, "parameters", strconv.Itoa(i), "schema")...); err != nil {
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
func (o operation) mutates() bool { return o.method != http.MethodGet && o.method != http.MethodHead }

// open says whether the operation is for everybody by its own word.
func (o operation) open() bool {
	return slices.ContainsFunc(o.Security, func(s map[string][]string) bool { return len(s) == 0 })
}

// streams says whether the answer has no end.
func (o operation) streams() bool {
	_, yes := o.Responses["200"].Content["text/event-stream"]
	return yes
}
