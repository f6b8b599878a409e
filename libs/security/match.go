package security

import (
	"regexp"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// match runs the rules over a file, each only where its words are.
func (c *scanner) match(t *text) {
	for n, l := range t.lines {
		for _, i := range c.rules.candidates(l.found) {
			if secret := i - len(c.rules.rules); secret >= 0 {
				c.secret(&secrets[secret], t, n)
				continue
			}
			r := &c.rules.rules[i]
			if level, ok := r.confidence(t, l); ok {
				c.add(r.Rule, level, t.path, l.n, r.Message, l.text)
			}
		}
	}
}

// confidence says how sure a match in l is, if there is one.
func (r *textRule) confidence(t *text, l line) (plugpack.Level, bool) {
	if r.in&t.kind == 0 || r.only != nil && !r.only(l) {
		return "", false
	}
	at := r.pattern.FindStringIndex(l.text)
	if at == nil || r.unless != nil && r.unless.MatchString(l.text) {
		return "", false
	}
	level := r.Confidence
	if r.always {
		return level, true
	}
	switch {
	case l.comment && t.kind&markdown == 0:
		return "", false
	case l.defends, t.kind&code != 0 && printed.MatchString(l.text) && quoted(l.text, at[0]):
		return plugpack.Low, !r.quiet
	}
	switch {
	case t.build, t.kind == prose && r.Category == runsRemote:
		return plugpack.Low, true // how people install things
	case t.kind == prose && !r.quiet, r.known != nil && r.known.MatchString(l.text):
		level = lower(level)
	}
	if r.Category == instructs && (t.kind&code != 0 || t.kind&markdown != 0 && quoted(l.text, at[0])) {
		level = lower(level) // spoken of rather than said
	}
	if t.fixture || l.piece {
		level = lower(level)
	}
	if t.defends {
		level = lower(level)
	}
	return level, true
}

var printed = regexp.MustCompile(`(?i)^\s*(echo|printf|print|cat\s*<<|console\.\w+|log(ger|ging)?\.?\w*|warn|die|fail|usage|info|puts|write-host|raise|throw|[\w.]*(print|warn|error|info|debug|message)\w*\s*\()`)

// quoted says whether the place is within quotes.
func quoted(s string, at int) bool {
	before := s[:at]
	return strings.Count(before, `"`)%2 == 1 || strings.Count(before, `'`)%2 == 1 || strings.Count(before, "`")%2 == 1
}
