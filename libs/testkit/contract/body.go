package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/plugpack/plugpack/libs/api"
)

// Usual is the body that the document gives as its example, "" for none.
func (o Operation) Usual() string {
	for _, m := range o.RequestBody.Content {
		if b, err := json.Marshal(m.Example); err == nil && m.Example != nil {
			return string(b)
		}
	}
	return ""
}

// raw are JSON values that a member is tried with in place of its own: of other
// types, beyond every bound, and texts that break what is not careful. Some are
// no JSON at all.
var raw = append([]string{
	"null", "true", `"true"`, "{}", "[]", "[[]]", `{"$ne":1}`, `[null]`, `[1]`, `""`, `"x"`,
	"0", "-1", "1", "6", "1.5", "1e3", "400", "10001", "2000000000000", "9223372036854775808", "-9223372036854775809", "1e30", "1e999", "1e-999", "-0", "NaN", "01",
	`"\ud800"`, `"\u0000"`, `"a\u0000b"`, "\"a\x00b\"", "\"\xff\"", "\"a\xc3\x28\"", "\"\xed\xa0\x80\"", "'x'", `"`,
}, texts()...)

// texts are the hostile values as JSON, and longer and longer ones.
func texts() (all []string) {
	values := []string{
		`' OR '1'='1`, `'; DROP TABLE plugins; --`, `"><script>alert(1)</script>`, `\`, "${jndi:ldap://x}", " ", "\t\r\n", "🧩",
		"\u202e\u2066x", "\u200b\u200d\ufeff", "e\u0301", strings.Repeat("a", 1<<16), strings.Repeat("(", 1<<10),
	}
	for _, n := range []int{51, 65, 101, 129, 201, 501, 513, 1001, 2001, 4097, 5001} {
		values = append(values, strings.Repeat("ä", n-1), strings.Repeat("ä", n))
	}
	for _, v := range values {
		b, _ := json.Marshal(v)
		all = append(all, string(b))
	}
	return all
}

// Bodies tries the operation with bodies and tells what is against the
// document.
func (c *Contract) Bodies(o Operation) (found []string) {
	if o.body == nil {
		return nil
	}
	usual := o.Usual()
	note := func(body, place string, w *httptest.ResponseRecorder, refused bool) {
		if err := c.judge(o, w, place, refused); err != nil {
			found = append(found, fmt.Sprintf("%.120q at %q: %v", body, place, err))
		}
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(usual))
	if err != nil || o.body.Validate(value) != nil {
		return []string{fmt.Sprintf("the document's own body is none: %s", usual)}
	}
	note(usual, "", c.Send(o, usual), false)
	for _, place := range places(value, nil) {
		for _, r := range raw {
			body := with(value, place, r)
			note(body, place.String(), c.Send(o, body), !o.accepts(body))
		}
		body := without(value, place)
		note(body, place.String(), c.Send(o, body), !o.accepts(body))
	}
	for place, body := range wholes(usual) {
		note(body, place, c.Send(o, body), !o.accepts(body))
	}
	return append(found, c.carriers(o, usual)...)
}

// wholes are bodies that are wrong as a whole, by the place that is to be named.
func wholes(usual string) map[string]string {
	first, _, _ := strings.Cut(strings.TrimPrefix(usual, `{"`), `"`)
	return map[string]string{
		"body." + first:   strings.TrimSuffix(usual, "}") + `,"` + first + `":null}`,
		"body.unknown":    strings.TrimSuffix(usual, "}") + `,"unknown":1}`,
		"body.UNKNOWN":    strings.TrimSuffix(usual, "}") + `,"UNKNOWN":{"a":[{}]}}`,
		"body.":           strings.TrimSuffix(usual, "}") + `,"deep":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "}",
		"body":            strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000),
		"body (a list)":   "[" + usual + "]",
		"body (a text)":   `"x"`,
		"body (null)":     "null",
		"body (no JSON)":  "{",
		"body (two)":      usual + usual,
		"body (nothing)":  "",
		"body (a number)": "1e999",
	}
}

// carriers sends the usual body in ways that are wrong.
func (c *Contract) carriers(o Operation, usual string) (found []string) {
	for _, t := range []struct {
		kind, body string
		want       []int
	}{
		{"text/plain", usual, []int{http.StatusUnsupportedMediaType}},
		{"application/x-www-form-urlencoded", "a=b", []int{http.StatusUnsupportedMediaType}},
		{"multipart/form-data; boundary=x", "--x--", []int{http.StatusUnsupportedMediaType}},
		{"nonsense;;", usual, []int{http.StatusUnsupportedMediaType}},
		{"application/json", `{"name":"` + strings.Repeat("a", 1<<20) + `"}`, []int{http.StatusRequestEntityTooLarge}},
	} {
		r := request(o.Method, c.Address(o, nil), t.body)
		r.Header.Set("Content-Type", t.kind)
		w := c.answer(r)
		err := c.Check(o, w)
		if err == nil && !slices.Contains(t.want, w.Code) {
			err = fmt.Errorf("answers %d %.200s, want %d", w.Code, w.Body, t.want)
		}
		if err != nil {
			found = append(found, fmt.Sprintf("%d bytes as %s: %v", len(t.body), t.kind, err))
		}
	}
	return found
}

// judge judges the answer to a body that is wrong at the place, or may be right.
func (c *Contract) judge(o Operation, w *httptest.ResponseRecorder, place string, wrong bool) error {
	if err := c.Check(o, w); err != nil {
		return err
	}
	switch {
	case wrong && w.Code != http.StatusUnprocessableEntity && w.Code != http.StatusBadRequest:
		return fmt.Errorf("answers %d %.200s to a body that the document does not allow", w.Code, w.Body)
	case !wrong && w.Code == http.StatusBadRequest:
		return fmt.Errorf("does not read a body that the document allows: %.200s", w.Body)
	case w.Code != http.StatusUnprocessableEntity:
		return nil
	}
	var problem api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil {
		return err
	}
	place, _, _ = strings.Cut(place, " (")
	if !slices.ContainsFunc(problem.Errors, func(f api.ProblemField) bool {
		return strings.HasPrefix(f.Location, place) || wrong && strings.HasPrefix(place, f.Location+".") && strings.Contains(f.Message, "property")
	}) {
		return fmt.Errorf("does not name %s: %.300s", place, w.Body)
	}
	return nil
}

// accepts says whether the document allows the body, which is text that every
// store can hold.
func (o Operation) accepts(body string) bool {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(body))
	return err == nil && api.CheckText([]byte(body)) == nil && o.body.Validate(withoutNulls(value)) == nil
}

// withoutNulls takes the members out that are null, which are as good as none.
func withoutNulls(value any) any {
	switch v := value.(type) {
	case map[string]any:
		rest := map[string]any{}
		for name, m := range v {
			if m != nil {
				rest[name] = withoutNulls(m)
			}
		}
		return rest
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = withoutNulls(item)
		}
		return items
	}
	return value
}

// path is a place in a body: names of members, and numbers of items.
type path []any

// String gives the place as problem documents name it.
func (p path) String() string {
	s := "body"
	for _, step := range p {
		if name, isName := step.(string); isName {
			s += "." + name
		} else {
			s += fmt.Sprintf("[%d]", step)
		}
	}
	return s
}

// places gives the places of all members and items in the value, below at.
func places(value any, at path) (all []path) {
	below := func(step any, v any) {
		p := append(slices.Clone(at), step)
		all = append(append(all, p), places(v, p)...)
	}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			below(name, v[name])
		}
	case []any:
		for i := range v {
			below(i, v[i])
		}
	}
	return all
}

const placeholder = "the place of what is tried"

// with gives the body with the raw text at the place.
func with(value any, at path, text string) string {
	b, _ := json.Marshal(replaced(value, at, func(any) any { return placeholder }))
	return string(bytes.Replace(b, []byte(`"`+placeholder+`"`), []byte(text), 1))
}

// without gives the body without what is at the place; an item becomes null.
func without(value any, at path) string {
	last, isName := at[len(at)-1].(string)
	if !isName {
		return with(value, at, "null")
	}
	b, _ := json.Marshal(replaced(value, at[:len(at)-1], func(o any) any {
		rest := maps.Clone(o.(map[string]any))
		delete(rest, last)
		return rest
	}))
	return string(b)
}

// replaced copies the value as far as it changes.
func replaced(value any, at path, f func(any) any) any {
	if len(at) == 0 {
		return f(value)
	}
	switch v := value.(type) {
	case map[string]any:
		c, name := maps.Clone(v), at[0].(string)
		c[name] = replaced(v[name], at[1:], f)
		return c
	case []any:
		c, i := slices.Clone(v), at[0].(int)
		c[i] = replaced(v[i], at[1:], f)
		return c
	}
	return value
}
