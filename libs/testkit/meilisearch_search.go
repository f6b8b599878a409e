package testkit

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

type meiliSearch struct {
	Q                    string   `json:"q"`
	Offset               int      `json:"offset"`
	Limit                *int     `json:"limit"`
	Filter               any      `json:"filter"`
	Facets               []string `json:"facets"`
	Sort                 []string `json:"sort"`
	AttributesToRetrieve []string `json:"attributesToRetrieve"`
}

// search finds documents that hold every word of q, the last one as a prefix,
// in a searchable attribute. A document ranks by the first attribute with a
// hit, then by the sort and by the custom ranking rules. Typos are not
// tolerated here.
func (s *meiliStandIn) search(r *http.Request) (int, any) {
	i, status, problem := s.index(r)
	if i == nil {
		return status, problem
	}
	var q meiliSearch
	if status, problem := meiliBody(r, &q); problem != nil {
		return status, problem
	}
	keep, err := i.filter(q.Filter)
	if err != nil {
		return meiliError("invalid_search_filter", "%v", err)
	}
	order, err := i.ranking(q.Sort)
	if err != nil {
		return meiliError("invalid_search_sort", "%v", err)
	}
	found := i.match(q.Q, keep)
	slices.SortStableFunc(found, func(a, b meiliHit) int { return cmp.Or(cmp.Compare(a.attribute, b.attribute), order(a.doc, b.doc)) })
	docs := i.distinct(found)

	limit := 20
	if q.Limit != nil {
		limit = *q.Limit
	}
	hits := window(docs, q.Offset, limit)
	for n := range hits {
		hits[n] = project(hits[n], q.AttributesToRetrieve)
	}
	answer := map[string]any{
		"hits": hits, "query": q.Q, "processingTimeMs": 0, "offset": q.Offset, "limit": limit, "estimatedTotalHits": len(docs),
	}
	if q.Facets != nil {
		answer["facetDistribution"] = distribution(docs, q.Facets)
	}
	return http.StatusOK, answer
}

// meiliMessage is an error in the engine's own words.
type meiliMessage string

// Error gives the words.
func (m meiliMessage) Error() string { return string(m) }

func meiliText(format string, args ...any) error { return meiliMessage(fmt.Sprintf(format, args...)) }

type meiliHit struct {
	doc       map[string]any
	attribute int // place of the best attribute with a hit
}

func (i *meiliIndex) match(q string, keep func(map[string]any) bool) []meiliHit {
	terms := words(q)
	var found []meiliHit
	for _, id := range i.order {
		d := i.docs[id]
		if !keep(d) {
			continue
		}
		if best, ok := i.best(d, terms); ok {
			found = append(found, meiliHit{d, best})
		}
	}
	return found
}

// best says whether d holds every term, and the first attribute that has one.
func (i *meiliIndex) best(d map[string]any, terms []string) (attribute int, ok bool) {
	if len(terms) == 0 {
		return 0, true
	}
	attribute = -1
	missing := slices.Clone(terms)
	for n, name := range i.searchable(d) {
		have := words(flatten(d[name]))
		for t, term := range terms {
			last := t == len(terms)-1
			if slices.ContainsFunc(have, func(w string) bool { return w == term || last && strings.HasPrefix(w, term) }) {
				missing = slices.DeleteFunc(missing, func(m string) bool { return m == term })
				if attribute < 0 {
					attribute = n
				}
			}
		}
	}
	return attribute, len(missing) == 0
}

func (i *meiliIndex) searchable(d map[string]any) []string {
	names := settingList(i.settings["searchableAttributes"])
	if slices.Contains(names, "*") {
		names = nil
		for name := range d {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	return names
}

// ranking orders by the query's sort, then by the index's own rules.
func (i *meiliIndex) ranking(sort []string) (func(a, b map[string]any) int, error) {
	sortable := settingList(i.settings["sortableAttributes"])
	for _, s := range sort {
		name, _, _ := strings.Cut(s, ":")
		if !slices.Contains(sortable, name) {
			return nil, meiliText("Attribute `%s` is not sortable. Available sortable attributes are: `%s`.", name, strings.Join(sortable, ", "))
		}
	}
	var rules []string
	rules = append(rules, sort...)
	for _, rule := range settingList(i.settings["rankingRules"]) {
		if strings.Contains(rule, ":") {
			rules = append(rules, rule)
		}
	}
	return func(a, b map[string]any) int {
		for _, rule := range rules {
			name, direction, _ := strings.Cut(rule, ":")
			c := compareValues(a[name], b[name])
			if direction == "desc" {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	}, nil
}

func compareValues(a, b any) int {
	x, ok1 := a.(float64)
	y, ok2 := b.(float64)
	if ok1 && ok2 {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(flatten(a), flatten(b))
}

// distinct keeps the best hit of each value of the distinct attribute.
func (i *meiliIndex) distinct(found []meiliHit) []map[string]any {
	attribute, _ := i.settings["distinctAttribute"].(string)
	seen := map[string]bool{}
	docs := []map[string]any{}
	for _, h := range found {
		if v, ok := h.doc[attribute]; ok && v != nil && attribute != "" {
			if seen[meiliString(v)] {
				continue
			}
			seen[meiliString(v)] = true
		}
		docs = append(docs, h.doc)
	}
	return docs
}

func distribution(docs []map[string]any, facets []string) map[string]map[string]int {
	counts := map[string]map[string]int{}
	for _, facet := range facets {
		counts[facet] = map[string]int{}
		for _, d := range docs {
			for _, v := range values(d[facet]) {
				counts[facet][v]++
			}
		}
	}
	return counts
}

func settingList(v any) []string { return values(v) }

// values gives a value's texts: one of a scalar, each of a list.
func values(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, values(e)...)
		}
		return out
	default:
		return []string{meiliString(v)}
	}
}

func flatten(v any) string { return strings.Join(values(v), " ") }

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// filter compiles a filter expression: a text, or a list whose members must
// all hold and whose inner lists are alternatives.
func (i *meiliIndex) filter(expression any) (func(map[string]any) bool, error) {
	switch e := expression.(type) {
	case nil:
		return func(map[string]any) bool { return true }, nil
	case string:
		if strings.TrimSpace(e) == "" {
			return i.filter(nil)
		}
		return i.parseFilter(e)
	case []any:
		return i.filterList(e, true)
	}
	return nil, meiliText("Invalid syntax for the filter parameter: expected String or Array, found: %v.", expression)
}

func (i *meiliIndex) filterList(list []any, all bool) (func(map[string]any) bool, error) {
	var parts []func(map[string]any) bool
	for _, member := range list {
		part, err := i.filter(member)
		if inner, ok := member.([]any); ok {
			part, err = i.filterList(inner, !all)
		}
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	return func(d map[string]any) bool {
		for _, part := range parts {
			if part(d) != all {
				return !all
			}
		}
		return all || len(parts) == 0
	}, nil
}

var filterToken = regexp.MustCompile(`\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()\[\],]|!=|>=|<=|=|>|<|[^\s()\[\],=!<>"']+)`)

type filterParser struct {
	index  *meiliIndex
	tokens []string
}

func (i *meiliIndex) parseFilter(text string) (f func(map[string]any) bool, err error) {
	p := &filterParser{index: i}
	for _, m := range filterToken.FindAllStringSubmatch(text, -1) {
		p.tokens = append(p.tokens, m[1])
	}
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, fmt.Errorf("%v in filter `%s`", r, text)
		}
	}()
	f = p.or()
	if len(p.tokens) > 0 {
		panic(fmt.Sprintf("Found unexpected characters at the end: `%s`", strings.Join(p.tokens, " ")))
	}
	return f, nil
}

func (p *filterParser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *filterParser) next() string {
	if len(p.tokens) == 0 {
		panic("Was expecting an operation")
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *filterParser) accept(word string) bool {
	if strings.EqualFold(p.peek(), word) {
		p.next()
		return true
	}
	return false
}

func (p *filterParser) or() func(map[string]any) bool {
	f := p.and()
	for p.accept("OR") {
		left, right := f, p.and()
		f = func(d map[string]any) bool { return left(d) || right(d) }
	}
	return f
}

func (p *filterParser) and() func(map[string]any) bool {
	f := p.not()
	for p.accept("AND") {
		left, right := f, p.not()
		f = func(d map[string]any) bool { return left(d) && right(d) }
	}
	return f
}

func (p *filterParser) not() func(map[string]any) bool {
	if p.accept("NOT") {
		f := p.not()
		return func(d map[string]any) bool { return !f(d) }
	}
	if p.accept("(") {
		f := p.or()
		if !p.accept(")") {
			panic("Expression is missing the closing delimiter `)`")
		}
		return f
	}
	return p.condition()
}

func (p *filterParser) condition() func(map[string]any) bool {
	name := unquote(p.next())
	if !slices.Contains(settingList(p.index.settings["filterableAttributes"]), name) {
		panic(fmt.Sprintf("Attribute `%s` is not filterable", name))
	}
	equal := func(want string) func(map[string]any) bool {
		return func(d map[string]any) bool {
			return slices.ContainsFunc(values(d[name]), func(v string) bool { return strings.EqualFold(v, want) })
		}
	}
	switch op := p.next(); {
	case op == "=":
		return equal(unquote(p.next()))
	case op == "!=":
		f := equal(unquote(p.next()))
		return func(d map[string]any) bool { return !f(d) }
	case strings.EqualFold(op, "EXISTS"):
		return func(d map[string]any) bool { _, ok := d[name]; return ok }
	case strings.EqualFold(op, "IN"):
		return p.in(equal)
	case slices.Contains([]string{">", ">=", "<", "<="}, op):
		return numeric(name, op, unquote(p.next()))
	default:
		panic(fmt.Sprintf("Was expecting an operation `=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `EXISTS` at `%s`", op))
	}
}

func (p *filterParser) in(equal func(string) func(map[string]any) bool) func(map[string]any) bool {
	if !p.accept("[") {
		panic("Expected only comma-separated field names inside `IN[..]`")
	}
	var options []func(map[string]any) bool
	for !p.accept("]") {
		options = append(options, equal(unquote(p.next())))
		p.accept(",")
	}
	return func(d map[string]any) bool {
		return slices.ContainsFunc(options, func(f func(map[string]any) bool) bool { return f(d) })
	}
}

func numeric(name, op, text string) func(map[string]any) bool {
	want, err := strconv.ParseFloat(text, 64)
	if err != nil {
		if at, timeErr := time.Parse(time.RFC3339, text); timeErr == nil {
			want = float64(at.Unix())
		} else {
			panic(fmt.Sprintf("`%s` is not a number", text))
		}
	}
	return func(d map[string]any) bool {
		have, ok := d[name].(float64)
		switch op {
		case ">":
			return ok && have > want
		case ">=":
			return ok && have >= want
		case "<":
			return ok && have < want
		}
		return ok && have <= want
	}
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') {
		quote := s[:1]
		return strings.ReplaceAll(s[1:len(s)-1], `\`+quote, quote)
	}
	return s
}
