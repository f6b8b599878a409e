package testkit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter compiles a filter expression: a text, or a list whose members must
// all hold and whose inner lists are alternatives.
func (i *meiliIndex) filter(expression any) (func(*meiliDoc) bool, error) {
	switch e := expression.(type) {
	case nil:
		return func(*meiliDoc) bool { return true }, nil
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

func (i *meiliIndex) filterList(list []any, all bool) (func(*meiliDoc) bool, error) {
	var parts []func(*meiliDoc) bool
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
	return func(d *meiliDoc) bool {
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

func (i *meiliIndex) parseFilter(text string) (f func(*meiliDoc) bool, err error) {
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

func (p *filterParser) or() func(*meiliDoc) bool {
	f := p.and()
	for p.accept("OR") {
		left, right := f, p.and()
		f = func(d *meiliDoc) bool { return left(d) || right(d) }
	}
	return f
}

func (p *filterParser) and() func(*meiliDoc) bool {
	f := p.not()
	for p.accept("AND") {
		left, right := f, p.not()
		f = func(d *meiliDoc) bool { return left(d) && right(d) }
	}
	return f
}

func (p *filterParser) not() func(*meiliDoc) bool {
	if p.accept("NOT") {
		f := p.not()
		return func(d *meiliDoc) bool { return !f(d) }
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

func (p *filterParser) condition() func(*meiliDoc) bool {
	name := unquote(p.next())
	if !slices.Contains(settingList(p.index.settings["filterableAttributes"]), name) {
		panic(fmt.Sprintf("Attribute `%s` is not filterable. Available filterable attributes are: `%s`.", name, strings.Join(settingList(p.index.settings["filterableAttributes"]), ", ")))
	}
	value := p.index.reader(name)
	equal := func(want string) func(*meiliDoc) bool {
		return func(d *meiliDoc) bool { v, _ := value(d); return equals(v, want) }
	}
	if len(p.tokens) > 1 && strings.EqualFold(p.tokens[1], "TO") {
		from := numeric(value, ">=", unquote(p.next()))
		p.next()
		to := numeric(value, "<=", unquote(p.next()))
		return func(d *meiliDoc) bool { return from(d) && to(d) }
	}
	switch op := p.next(); {
	case op == "=":
		return equal(unquote(p.next()))
	case op == "!=":
		f := equal(unquote(p.next()))
		return func(d *meiliDoc) bool { return !f(d) }
	case strings.EqualFold(op, "EXISTS"):
		return func(d *meiliDoc) bool { _, ok := value(d); return ok }
	case strings.EqualFold(op, "IS"):
		return p.is(value)
	case strings.EqualFold(op, "IN"):
		return p.in(equal)
	case strings.EqualFold(op, "NOT"):
		return p.negated(value, equal)
	case slices.Contains([]string{">", ">=", "<", "<="}, op):
		return numeric(value, op, unquote(p.next()))
	default:
		panic(fmt.Sprintf("Was expecting an operation `=`, `!=`, `>=`, `>`, `<=`, `<`, `IN`, `EXISTS` at `%s`", op))
	}
}

// is reads IS [NOT] NULL and IS [NOT] EMPTY.
func (p *filterParser) is(value meiliValue) func(*meiliDoc) bool {
	not := p.accept("NOT")
	var f func(*meiliDoc) bool
	switch {
	case p.accept("NULL"):
		f = func(d *meiliDoc) bool { v, ok := value(d); return ok && v == nil }
	case p.accept("EMPTY"):
		f = func(d *meiliDoc) bool {
			v, _ := value(d)
			switch v := v.(type) {
			case string:
				return v == ""
			case []any:
				return len(v) == 0
			case map[string]any:
				return len(v) == 0
			}
			return false
		}
	default:
		panic("Was expecting `NULL` or `EMPTY` after `IS`")
	}
	return func(d *meiliDoc) bool { return f(d) != not }
}

// negated reads name NOT IN […] and name NOT EXISTS.
func (p *filterParser) negated(value meiliValue, equal func(string) func(*meiliDoc) bool) func(*meiliDoc) bool {
	if p.accept("EXISTS") {
		return func(d *meiliDoc) bool { _, ok := value(d); return !ok }
	}
	if !p.accept("IN") {
		panic("Was expecting `IN` or `EXISTS` after `NOT`")
	}
	f := p.in(equal)
	return func(d *meiliDoc) bool { return !f(d) }
}

func (p *filterParser) in(equal func(string) func(*meiliDoc) bool) func(*meiliDoc) bool {
	if !p.accept("[") {
		panic("Expected only comma-separated field names inside `IN[..]`")
	}
	var options []func(*meiliDoc) bool
	for !p.accept("]") {
		options = append(options, equal(unquote(p.next())))
		p.accept(",")
	}
	return func(d *meiliDoc) bool {
		return slices.ContainsFunc(options, func(f func(*meiliDoc) bool) bool { return f(d) })
	}
}

func numeric(value meiliValue, op, text string) func(*meiliDoc) bool {
	want, err := strconv.ParseFloat(text, 64)
	if err != nil {
		if at, timeErr := time.Parse(time.RFC3339, text); timeErr == nil {
			want = float64(at.Unix())
		} else {
			panic(fmt.Sprintf("`%s` is not a number", text))
		}
	}
	return func(d *meiliDoc) bool {
		v, _ := value(d)
		have, ok := v.(float64)
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

// equals says whether the value, or one in its list, is what is wanted.
func equals(v any, want string) bool {
	switch v := v.(type) {
	case nil:
		return false
	case string:
		return strings.EqualFold(v, want)
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return equals(e, want) })
	}
	return strings.EqualFold(meiliString(v), want)
}

func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') {
		quote := s[:1]
		return strings.ReplaceAll(s[1:len(s)-1], `\`+quote, quote)
	}
	return s
}
