// Package contract holds a running API to the OpenAPI document that it gives of
// itself: requests made from the document's own schemas, good ones and hostile
// ones, go to every operation, and every answer has to be one that the document
// tells of. A new operation is covered by being there.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/plugpack/plugpack/libs/api"
)

// Contract is a running API and its document.
type Contract struct {
	*document
	Operations []Operation
	// PlainPaths says that the API takes the escapes off a path before it looks
	// at it, so that a slash in a parameter is one of the path.
	PlainPaths bool

	handler http.Handler
	known   map[string]map[string][]string // values by path and member of its answer
	sign    func(*http.Request)            // says whose requests they are; nil for nobody's
}

// As gives the contract of somebody, whose requests sign makes them.
func (c *Contract) As(sign func(*http.Request)) *Contract {
	other := *c
	other.sign = sign
	return &other
}

// Send sends the operation with the body.
func (c *Contract) Send(o Operation, body string) *httptest.ResponseRecorder {
	return c.send(o.Method, c.Address(o, nil), body)
}

func (c *Contract) send(method, address, body string) *httptest.ResponseRecorder {
	return c.answer(request(method, address, body))
}

func (c *Contract) answer(r *http.Request) *httptest.ResponseRecorder {
	if c.sign != nil {
		c.sign(r)
	}
	return send(c.handler, r)
}

// New reads the document of the API and what its lists show.
func New(t testing.TB, h http.Handler) *Contract {
	t.Helper()
	d, err := readDocument(h)
	if err != nil {
		t.Fatal(err)
	}
	c := &Contract{document: d, handler: h, known: map[string]map[string][]string{}}
	if c.Operations, err = c.operations(); err != nil {
		t.Fatal(err)
	}
	for _, o := range c.Operations {
		if o.Method == http.MethodGet && !strings.Contains(o.Path, "{") && !o.Streams() {
			c.learn(o)
		}
	}
	return c
}

// learn keeps what the operation's answer names, for the paths below it.
func (c *Contract) learn(o Operation) {
	var answer any
	if json.Unmarshal(c.send(o.Method, c.Address(o, nil), "").Body.Bytes(), &answer) != nil {
		return
	}
	c.known[o.Path] = map[string][]string{}
	items, _ := answer.([]any)
	for _, item := range items {
		members, _ := item.(map[string]any)
		for name, v := range members {
			c.known[o.Path][name] = append(c.known[o.Path][name], fmt.Sprint(v))
		}
	}
}

// Know tells of something that no list shows: the value of a member of what is
// below path.
func (c *Contract) Know(path, member, value string) {
	c.known[path] = map[string][]string{member: {value}}
}

// example gives a value with which the operation has something to answer: that
// of the nearest list above it, or the document's own.
func (c *Contract) example(o Operation, p Parameter) string {
	for _, whole := range []string{o.Path, strings.Replace(o.Path, "/admin", "", 1)} {
		for path := whole; path != ""; path = path[:strings.LastIndex(path, "/")] {
			if values := c.known[path][p.Name]; len(values) > 0 {
				return values[0]
			}
		}
	}
	if examples := p.Schema.Examples; len(examples) > 0 {
		return fmt.Sprint(examples[0])
	}
	for _, path := range slices.Sorted(maps.Keys(c.known)) { // the same each time
		if values := c.known[path][p.Name]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// hasSample says whether there is something that every parameter of the
// operation's path names: its own list tells, or where it has none the document.
func (c *Contract) hasSample(o Operation) bool {
	for _, p := range o.Parameters {
		list, _, _ := strings.Cut(o.Path, "/{")
		list = strings.TrimSuffix(list, "/slug")
		known, listed := c.known[list]
		if p.In == "path" && len(known[p.Name]) == 0 && (listed || len(p.Schema.Examples) == 0) {
			return false
		}
	}
	return true
}

// Address writes the operation's address with the parameters that it needs, and
// with the given ones.
func (c *Contract) Address(o Operation, given map[string]string) string {
	path, query := o.Path, url.Values{}
	for _, p := range o.Parameters {
		value, isGiven := given[p.Name]
		if !isGiven && p.Required {
			value = c.example(o, p)
		}
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == "query" && (isGiven || p.Required):
			query.Set(p.Name, value)
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// Faults tries the operation with everything but bodies, which are of Bodies,
// and tells what is against the document.
func (c *Contract) Faults(o Operation) (found []string) {
	if c.sign == nil && (o.mutates() || len(o.Security) > 0) && !o.open() {
		return c.refused(o)
	}
	note := func(address string, err error) {
		if err != nil {
			found = append(found, fmt.Sprintf("%.200q: %v", address, err))
		}
	}
	note("the document", c.checkExamples(o))
	address := c.Address(o, nil)
	w := c.ask(o, address)
	note(address, c.Check(o, w))
	unlisted := o.Path == "/api/submissions/{id}" // whose id only its sender knows
	if len(o.Security) == 0 && w.Code != http.StatusOK && c.hasSample(o) && !unlisted {
		note(address, fmt.Errorf("answers %d %.300s, want 200", w.Code, w.Body))
	}
	if !o.mutates() {
		note(address, c.sameBySlash(o, w))
	}
	for _, p := range o.Parameters {
		for _, value := range p.Values() {
			if p.In == "path" && (value == "" || c.PlainPaths && strings.Contains(value, "/")) || p.In == "header" {
				continue
			}
			address := c.Address(o, map[string]string{p.Name: value})
			note(address, c.tried(o, p, value, c.ask(o, address)))
		}
	}
	return found
}

// checkExamples wants an example of every answer, which that answer's own schema
// allows if it is JSON.
func (c *Contract) checkExamples(o Operation) error {
	for status, response := range o.Responses {
		for kind, media := range response.Content {
			if media.Example == nil {
				return fmt.Errorf("no example of the answer %s in %s", status, kind)
			}
			if judge := o.judges[status+" "+kind]; judge != nil {
				if err := judge.Validate(media.Example); err != nil {
					return fmt.Errorf("the example of the answer %s is none: %w", status, err)
				}
			}
		}
	}
	return nil
}

// tried judges the answer to a value of a parameter.
func (c *Contract) tried(o Operation, p Parameter, value string, w *httptest.ResponseRecorder) error {
	if err := c.Check(o, w); err != nil {
		return err
	}
	refused := w.Code == http.StatusUnprocessableEntity || w.Code == http.StatusBadRequest
	if !refused && !p.allows(value) {
		return fmt.Errorf("answers %d to a value that the document does not allow for %s", w.Code, p.Name)
	}
	if !refused {
		return nil
	}
	var problem api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		return err
	}
	if !slices.ContainsFunc(problem.Errors, func(f api.ProblemField) bool { return f.Location == p.In+"."+p.Name }) {
		return fmt.Errorf("does not name %s.%s: %.300s", p.In, p.Name, w.Body)
	}
	return nil
}

// refused tries an operation for the signed-in without being so. A body that is
// none may be refused for that.
func (c *Contract) refused(o Operation) (found []string) {
	usual := o.Usual()
	for _, body := range []string{usual, "", "{", "null", "[]", "{}", `{"name":"\u0000"}`, "\"\xff\""} {
		w := c.Send(o, body)
		if err := c.Check(o, w); err != nil {
			found = append(found, err.Error())
		}
		isBad := body != usual && (w.Code == http.StatusBadRequest || w.Code == http.StatusUnprocessableEntity)
		if w.Code != http.StatusUnauthorized && w.Code != http.StatusForbidden && !isBad {
			found = append(found, fmt.Sprintf("answers %d to somebody who is not signed in: %.300s", w.Code, w.Body))
		}
	}
	return found
}

// sameBySlash asks with a slash at the end, and for the head only.
func (c *Contract) sameBySlash(o Operation, w *httptest.ResponseRecorder) error {
	path, query, _ := strings.Cut(c.Address(o, nil), "?")
	slash := c.ask(o, path+"/?"+query)
	if slash.Code != w.Code || !o.Streams() && !bytes.Equal(slash.Body.Bytes(), w.Body.Bytes()) {
		return fmt.Errorf("with a slash at its end it answers %d %.200s", slash.Code, slash.Body)
	}
	if o.Streams() {
		return nil
	}
	if head := c.send(http.MethodHead, path+"?"+query, ""); head.Code != w.Code {
		return fmt.Errorf("HEAD answers %d", head.Code)
	}
	return nil
}

// Check holds an answer to what the document says of the operation.
func (c *Contract) Check(o Operation, w *httptest.ResponseRecorder) error {
	if w.Code >= http.StatusInternalServerError {
		return fmt.Errorf("answers %d: %.300s", w.Code, w.Body)
	}
	status := strconv.Itoa(w.Code)
	response, listed := o.Responses[status]
	if !listed {
		return fmt.Errorf("answers %d, which the document does not list: %.300s", w.Code, w.Body)
	}
	if len(response.Content) == 0 {
		return nil
	}
	kind, _, err := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if _, listed := response.Content[kind]; err != nil || !listed {
		return fmt.Errorf("answers %d as %q, which the document does not list", w.Code, w.Header().Get("Content-Type"))
	}
	if w.Code >= http.StatusBadRequest {
		if err := checkProblem(w); err != nil {
			return err
		}
	}
	judge := o.judges[status+" "+kind]
	if judge == nil {
		return nil
	}
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		return err
	}
	return judge.Validate(body)
}

// checkProblem wants a problem document that tells a person something, and
// neither the database's words nor what the client sent.
func checkProblem(w *httptest.ResponseRecorder) error {
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		return err
	}
	if w.Header().Get("Content-Type") != "application/problem+json" || p.Status != w.Code || p.Title == "" || p.Detail == "" {
		return fmt.Errorf("no problem document of %d: %.300s", w.Code, w.Body)
	}
	for _, leak := range []string{"SQLSTATE", "ERROR:", "<script>", "DROP TABLE", "etc/passwd"} {
		if strings.Contains(w.Body.String(), leak) {
			return fmt.Errorf("tells %s: %.300s", leak, w.Body)
		}
	}
	return nil
}

// ask sends the request and takes the answer, of one without end the beginning.
func (c *Contract) ask(o Operation, address string) *httptest.ResponseRecorder {
	if !o.Streams() {
		return c.send(o.Method, address, o.Usual())
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	w := &beginning{httptest.NewRecorder(), cancel}
	c.handler.ServeHTTP(w, request(o.Method, address, "").WithContext(ctx))
	return w.ResponseRecorder
}

// beginning hangs up as soon as something was written.
type beginning struct {
	*httptest.ResponseRecorder
	hangUp func()
}

// Write hangs up.
func (b *beginning) Write(p []byte) (int, error) {
	defer b.hangUp()
	return b.ResponseRecorder.Write(p)
}

// Flush hangs up.
func (b *beginning) Flush() {
	b.ResponseRecorder.Flush()
	b.hangUp()
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// request makes one as a server would: the address need not be a good one.
func request(method, address, body string) *http.Request {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(address, "?")
	if plain, err := url.PathUnescape(path); err == nil {
		r.URL.Path = plain
		if plain != path {
			r.URL.RawPath = path
		}
	}
	r.URL.RawQuery, r.RequestURI = query, address
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}
