package security

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// What secrets and private addresses are replaced by.
const (
	redactedMark = "[redacted]"
	privateMark  = "[private]"
)

var (
	// wide takes also what a format's own structure would not accept: too much
	// taken out costs less than too little.
	wide = []struct {
		words   []string
		pattern *regexp.Regexp
		to      string
	}{
		{[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"}, re(`\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})`), redactedMark},
		{[]string{"akia", "asia"}, re(`\b(AKIA|ASIA)[0-9A-Z]{16}`), redactedMark},
		{[]string{"npm_", "pypi-"}, re(`\b(npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,})`), redactedMark},
		{[]string{"sk-", "sk_live_", "rk_live_"}, re(`\b(sk-[\w-]{20,}|[sr]k_live_\w{16,})`), redactedMark},
		{[]string{"xox", "xapp-"}, re(`\b(xox[abeprs]|xapp)-[\w.-]{10,}`), redactedMark},
		{[]string{"eyj"}, re(`\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+`), redactedMark},
		// What was cut before it came here.
		{[]string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "k_live_", "xox", "akia", "aiza", "dop_v1_", "pypi-", "eyj"},
			re(`\b(gh[pousr]_|github_pat_|glpat-|sk-ant-|sk-proj-|[sr]k_live_|xox[abp]-|AKIA[0-9A-Z]|AIza|dop_v1_|pypi-AgE|eyJ[\w-]{6})[\w.-]*(…|$)`), redactedMark},
		{[]string{"private key"}, re(`-*BEGIN ([A-Z]+ )?PRIVATE KEY( BLOCK)?--[\s\S]*?(-----END ([A-Z]+ )?PRIVATE KEY( BLOCK)?-----|$)`), redactedMark},
		{[]string{"://"}, re(`(://)[^/\s:@"'<>]+:[^/\s@"'<>]+@`), "${1}" + redactedMark + "@"},
		{[]string{"://"}, re(`(://)[^/\s:@"'<>]{20,}@`), "${1}" + redactedMark + "@"},
		{[]string{"bearer ", "basic "}, re(`(?i)\b((?:authorization["']?\s*[:=]\s*["']?\s*)(?:bearer|basic) )[^\s"'$<{]{8,}`), "${1}" + redactedMark},
	}
	assigned = re(`(?i)((?:api[_-]?key|token|secret|passw(?:or)?d|authorization)["']?\s*[:= ]\s*["']?(?:bearer )?)([^\s"'$<{\[]{8,})`)
	secretOf = re(`(?i)(?:^|[\s"'\x60({,])([\w.-]*(?:api[_-]?key|token|secret|passw(?:or)?d|pwd|credential)[\w-]*["']?\s*(?::|=|:=|=>)\s*["']?)([^\s"'$<{\[\x60]{8,200})`)
	numbers  = re(`\b(10\.\d{1,3}\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}|169\.254\.\d{1,3}\.\d{1,3})\b`)
	hosts    = re(`(?i)\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:internal|local|corp|lan|intranet)\b`)
)

// Redact takes secrets and private addresses out of any text.
func Redact(s string) string { return redactPrivate(RedactSecrets(s)) }

// RedactCommand is Redact for a command, in which what follows a word such as
// token is a secret whatever it looks like.
func RedactCommand(s string) string {
	s = RedactSecrets(s)
	return redactPrivate(assigned.ReplaceAllString(s, "${1}"+redactedMark))
}

var secretFlag = re(`(?i)^--?(api[_-]?key|[a-z-]*token|[a-z-]*secret|password|passwd|auth|bearer|pat)$`)

// RedactArgs is RedactCommand for a list of arguments, in which a flag's value
// may be the next one.
func RedactArgs(args []string) []string {
	var out []string
	for i, a := range args {
		out = append(out, RedactCommand(a))
		if i > 0 && secretFlag.MatchString(args[i-1]) && !strings.ContainsAny(a, "${<") && !strings.HasPrefix(a, "-") {
			out[i] = redactedMark
		}
	}
	return out
}

// RedactSecrets takes out secrets alone, for what has to stay an address.
func RedactSecrets(s string) string {
	r := redactions()
	for i := range r.words.find(s).each {
		s = r.replace[i](s)
	}
	if hasRun(s, minNameless) {
		for _, p := range nameless {
			s = p.ReplaceAllString(s, redactedMark)
		}
	}
	return s
}

// redactor is all formats, each with the words that it is never without.
type redactor struct {
	words   *automaton
	replace []func(string) string
}

var redactions = sync.OnceValue(func() *redactor {
	r := &redactor{}
	var lists [][]string
	add := func(words []string, replace func(string) string) {
		lists, r.replace = append(lists, words), append(r.replace, replace)
	}
	for _, f := range secrets {
		switch f.id {
		case "private-key", "url-password", "argument", "assigned", "discord-bot", "twilio", "airtable":
			continue // what is wide or nameless does them
		}
		add(f.words, func(s string) string { return f.pattern.ReplaceAllString(s, redactedMark) })
	}
	for _, w := range wide {
		add(w.words, func(s string) string { return w.pattern.ReplaceAllString(s, w.to) })
	}
	add([]string{"key", "token", "secret", "passw", "pwd", "credential"}, func(s string) string { return replaceValues(s, secretOf) })
	add([]string{"--api", "--token", "--auth", "--access", "--secret", "--client", "--password", "--pat"}, func(s string) string { return replaceValues(s, argumentOf) })
	r.words = newAutomaton(lists)
	return r
})

var (
	argumentOf = re(`(?i)(--(?:api-?key|token|auth-?token|access-?token|secret|client-?secret|password|pat)(?:=|["']?\s*,?\s+["']?))([^\s"',$<{\[]{8,200})`)
	// nameless are formats that no word of their own comes before.
	nameless = []*regexp.Regexp{re(`\b[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}\b`), re(`\bSK[0-9a-f]{32}\b`), re(`\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b`)}
)

// minNameless is the length of the shortest of them.
const minNameless = 34

// hasRun says whether s has n characters of a token in a row.
func hasRun(s string, n int) bool {
	run := 0
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '_' || c == '-' || c == '.' {
			if run++; run >= n {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

// replaceValues takes out values that look as if a machine had made them.
func replaceValues(s string, pattern *regexp.Regexp) string {
	return pattern.ReplaceAllStringFunc(s, func(m string) string {
		parts := pattern.FindStringSubmatchIndex(m)
		if value := m[parts[4]:parts[5]]; random(value) == "" {
			return m
		}
		return m[:parts[4]] + redactedMark + m[parts[5]:]
	})
}

// fileNames end like private hosts and are none.
var fileNames = []string{"settings.local", "env.local", "claude.local", "config.local", "this.local", "self.local"}

func redactPrivate(s string) string {
	if hasAny(s, []string{"10.", "192.168.", "172.", "169.254."}) {
		s = numbers.ReplaceAllString(s, privateMark)
	}
	if !hasAny(strings.ToLower(s), []string{".internal", ".local", ".corp", ".lan", ".intranet"}) {
		return s
	}
	at := hosts.FindAllStringIndex(s, -1)
	var b strings.Builder
	end := 0
	for _, m := range at {
		name := strings.ToLower(s[m[0]:m[1]])
		before, after := s[:m[0]], s[m[1]:]
		path := strings.HasPrefix(after, ".") && len(after) > 1 && after[1] != ' ' && after[1] != '\n' || strings.HasSuffix(before, ".") ||
			strings.HasSuffix(before, "/") && !strings.HasSuffix(before, "//") || strings.HasPrefix(after, "(")
		if path || hasAny(name, fileNames) {
			continue
		}
		b.WriteString(s[end:m[0]])
		b.WriteString(privateMark)
		end = m[1]
	}
	b.WriteString(s[end:])
	return b.String()
}

// RedactFacts takes secrets and private addresses out of every text of f, so
// that nothing that a plugin's author left in a file is published again. Where
// the files are is left as it is but for secrets: it is how they are fetched.
func RedactFacts(f plugpack.Facts) plugpack.Facts {
	source, origin := f.Source, f.Origin
	redactValue(reflect.ValueOf(&f).Elem(), Redact)
	redactValue(reflect.ValueOf(&source).Elem(), RedactSecrets)
	f.Source, f.Origin = source, RedactSecrets(origin)
	return f
}

// redactValue replaces every text that v leads to. Maps and lists are copied
// first: their owner may share them.
func redactValue(v reflect.Value, redact func(string) string) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); len(s) > 6 {
			v.SetString(redact(s))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				redactValue(v.Field(i), redact)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			p := reflect.New(v.Type().Elem())
			p.Elem().Set(v.Elem())
			redactValue(p.Elem(), redact)
			v.Set(p)
		}
	case reflect.Slice:
		redactSlice(v, redact)
	case reflect.Map:
		redactMap(v, redact)
	}
}

func redactSlice(v reflect.Value, redact func(string) string) {
	if v.IsNil() {
		return
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(redactJSON(v.Bytes(), redact))
		return
	}
	list := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(list, v)
	for i := range list.Len() {
		redactValue(list.Index(i), redact)
	}
	v.Set(list)
}

// redactJSON keeps b JSON, whatever is taken out of its texts.
func redactJSON(b []byte, redact func(string) string) []byte {
	if redact(string(b)) == string(b) {
		return b
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return []byte(`"` + redactedMark + `"`)
	}
	out, err := json.Marshal(redactAny(v, redact))
	if err != nil {
		return []byte(`"` + redactedMark + `"`)
	}
	return out
}

func redactAny(v any, redact func(string) string) any {
	switch v := v.(type) {
	case string:
		return redact(v)
	case []any:
		for i := range v {
			v[i] = redactAny(v[i], redact)
		}
	case map[string]any:
		for k := range v {
			v[k] = redactAny(v[k], redact)
			// A value that is only a secret in the light of its name.
			if text, ok := v[k].(string); ok && redact(k+`: "`+text+`"`) != k+`: "`+text+`"` {
				v[k] = redactedMark
			}
		}
	}
	return v
}

func redactMap(v reflect.Value, redact func(string) string) {
	if v.IsNil() {
		return
	}
	m := reflect.MakeMapWithSize(v.Type(), v.Len())
	for at := v.MapRange(); at.Next(); {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(at.Value())
		redactValue(value, redact)
		m.SetMapIndex(at.Key(), value)
	}
	v.Set(m)
}
