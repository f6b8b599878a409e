package security

import "strings"

// Texts that teach, forbid or look for attacks name them, and are the main
// source of false alarms. What they say counts for less, never for nothing:
// an attacker can write "never" too.

// warning words turn what stands beside them into its opposite.
var warning = []string{
	"never", "don't", "do not ", "must not", "should not", "shouldn't", "avoid", "refuse", "reject", "forbid", "forbidden", "prohibit", "disallow", "not allowed",
	"malicious", "attack", "suspicious", "dangerous", "unsafe", "insecure", "vulnerab", "exploit", "red flag", "anti-pattern", "antipattern", "bad example", "wrong:", "❌", "🚫", "⚠",
	"detect", "flag any", "scan for", "look for", "watch for", "watch out", "check for", "prompt injection", "such as \"", "instead of", "rather than", "block ", "blocks ", "blocked", "deny", "denied", "threat", "warn",
	"cwe-", "owasp", "mitre", "indicator", "backdoor", "payload", "malware", "if you see", "if a file", "if the page", "untrusted", "treat any", "is a violation", "attempts to",
}

// conceals takes a warning word back: these are orders, whatever they forbid.
var conceals = []string{
	"do not tell", "don't tell", "never tell", "do not mention", "don't mention", "never mention", "do not inform", "don't inform", "never inform", "do not reveal", "don't reveal", "never reveal",
	"do not show", "don't show", "never show", "do not ask", "don't ask", "never ask", "do not report", "don't report", "do not disclose", "don't disclose", "do not display", "do not let the user", "don't let the user",
	"do not notify", "don't notify", "do not log", "don't log", "do not warn", "don't warn", "without warning", "no warning", "do not alert", "don't alert", "do not refuse", "don't refuse", "must not know", "should not know", "never warn",
	"do not say", "don't say", "dangerously", "never skip", "do not skip", "don't skip", "never forget", "do not forget", "don't forget",
}

func warns(l line) bool {
	if !l.found.has(listWarning) || !l.found.has(listConceal) {
		return l.found.has(listWarning)
	}
	text := strings.ToLower(l.text)
	for _, c := range conceals {
		text = strings.ReplaceAll(text, c, "")
	}
	return hasAny(text, warning)
}

// looking is how code looks for a pattern, or speaks of it.
var looking = []string{
	"re.compile", "re.search", "re.match", "re.findall", "regexp", "new regex", "regex(", "pattern", "grep -", "grep \"", "rg ", ".test(", ".match(", "=~ ", "blocklist", "denylist", "blacklist", "dangerous", "forbidden", "blocked", "suspicious", "malicious",
	"assert", "expect(", "in command", "in cmd", "startswith", "includes(", "deny", "refus", "description:", "\"description\"", "message:",
}

func looksFor(l line) bool {
	return l.found.has(listLooking) && hasAny(strings.ReplaceAll(strings.ToLower(l.text), "dangerously", ""), looking)
}

// about are words of a document's head that say it is about attacks.
var about = []string{
	"security", "vulnerab", "pentest", "penetration test", "red team", "exploit", "threat", "malware", "prompt injection", "injection", "hardening", "forensic", "ctf", "audit", "guardrail", "attack", "owasp", "incident response", "secret scan", "detection",
}

// aboutAttacks goes by the name of the file, its front matter and first heading.
func aboutAttacks(t *text) bool {
	if hasAny(strings.ToLower(t.path), []string{"security", "pentest", "vuln", "injection", "threat", "audit", "hardening", "exploit", "attack", "redteam", "red-team"}) {
		return true
	}
	for i, l := range t.lines {
		if t.kind&markdown == 0 || i > 40 || l.fence {
			break
		}
		head := strings.ToLower(l.text)
		if (strings.HasPrefix(head, "# ") || strings.HasPrefix(head, "name:") || strings.HasPrefix(head, "description:")) && hasAny(head, about) {
			return true
		}
	}
	return false
}

func hasAny(s string, words []string) bool {
	for _, w := range words {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}
