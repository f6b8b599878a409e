package contract

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/plugpack/plugpack/libs/api"
)

// hostile are values that break what is not careful: SQL, HTML, NUL, broken
// UTF-8, numbers that no type holds, other types, other languages' syntax.
var hostile = []string{
	`'`, `' OR '1'='1`, `'; DROP TABLE plugins; --`, `"><script>alert(1)</script>`, `%`, `_`, `\`, `$1`, `a:* & !b | (`, `"a`,
	"\x00", "a\x00b", "\xff", "a\xc3\x28", "\xed\xa0\x80", "\ufeff", "\u202e", "\uffff", "e\u0301", "🧩", " ", "\t\r\n", "%00",
	"0", "-1", "1.5", "1e309", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "NaN", "0x10", "१",
	"true", "null", "undefined", "[]", "{}", `{"$ne":1}`, "../../etc/passwd", "${jndi:ldap://x}", "{{7*7}}", "bnVsbA", "e30", "eyJrIjoiXHUwMDAwIn0",
	strings.Repeat("a", 1<<16), strings.Repeat("🧩", 1<<10), strings.Repeat("(", 1<<10), uuid.Nil.String(), strings.Repeat("0", 64),
}

// Values gives the values that a parameter is tried with: the hostile ones, and
// those at its schema's bounds and one beyond.
func (p Parameter) Values() []string {
	values := append([]string{""}, hostile...)
	for _, v := range append(append(p.Schema.Enum, p.Schema.Examples...), p.Schema.Default) {
		if v != nil {
			values = append(values, fmt.Sprint(v), fmt.Sprint(v)+"x")
		}
	}
	for _, n := range []*int{p.Schema.Minimum, p.Schema.Maximum} {
		if n != nil {
			values = append(values, strconv.Itoa(*n-1), strconv.Itoa(*n), strconv.Itoa(*n+1))
		}
	}
	for _, n := range []*int{p.Schema.MinLength, p.Schema.MaxLength} {
		if n != nil {
			values = append(values, strings.Repeat("a", max(*n-1, 0)), strings.Repeat("a", *n), strings.Repeat("ä", *n), strings.Repeat("a", *n+1))
		}
	}
	return values
}

// allows says whether the document allows the value. One that is empty is as
// good as none.
func (p Parameter) allows(value string) bool {
	if value == "" {
		return !p.Required
	}
	if !api.IsText(value) {
		return false
	}
	var v any = value
	var err error
	switch p.Schema.Type {
	case "integer":
		v, err = strconv.ParseInt(value, 10, 64)
	case "number":
		v, err = strconv.ParseFloat(value, 64)
	case "boolean":
		v, err = strconv.ParseBool(value)
	}
	return err == nil && p.judge.Validate(v) == nil
}
