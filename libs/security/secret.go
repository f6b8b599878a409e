package security

import (
	"encoding/base64"
	"encoding/json"
	"hash/crc32"
	"math"
	"regexp"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// secret is a format of tokens or keys that its maker publishes, or that
// everybody uses.
type secret struct {
	id, what string
	words    []string // lower-case; a line without any of them is not matched
	with     []string // nor one without any of these
	pattern  *regexp.Regexp
	// check tells how sure a match is by the format's own structure; "" is no
	// secret. Without it, what looks random is surely one.
	check func(match string) plugpack.Level
}

func (s secret) rule() Rule {
	return Rule{
		ID: "secret." + s.id, Version: 1, Category: hasSecret, Severity: high, Confidence: high,
		Message: "It holds what looks like " + s.what + ", which everybody who has the files can use.",
		Fix:     "Revoke it, take it out of the history, and ask the user for one with userConfig.",
	}
}

// secrets are looked for in every text. The order matters to redaction: a
// narrower format comes before a wider one.
var secrets = []secret{
	{"github", "a token of GitHub", []string{"ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, nil, re(`\bgh[pousr]_[A-Za-z0-9]{36}\b`), checksum62},
	{"github-fine", "a fine-grained token of GitHub", []string{"github_pat_"}, nil, re(`\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b`), nil},
	{"gitlab", "a token of GitLab", []string{"glpat-", "gldt-", "glrt-", "glcbt-", "glptt-"}, nil, re(`\bgl(pat|dt|rt|cbt|ptt)-[\w-]{20,}`), nil},
	{"npm", "a token of npm", []string{"npm_"}, nil, re(`\bnpm_[A-Za-z0-9]{36}\b`), checksum62},
	{"pypi", "a token of PyPI", []string{"pypi-ageichlwas5vcmc"}, nil, re(`\bpypi-AgEIcHlwaS5vcmc[\w-]{50,}`), nil},
	{"aws-key-id", "an access key of AWS", []string{"akia", "asia"}, nil, re(`\b(AKIA|ASIA)[A-Z2-7]{16}\b`), nil},
	{"aws-secret", "a secret key of AWS", []string{"secret_access_key", "secretaccesskey", "aws_secret"}, nil, re(`(?i)(secret_?access_?key|aws_secret\w*)["']?\s*[:=]\s*["']?[A-Za-z0-9/+]{40}\b`), nil},
	{"google-api", "an API key of Google", []string{"aiza"}, nil, re(`\bAIza[\w-]{35}\b`), nil},
	{"google-oauth", "a client secret of Google", []string{"gocspx-"}, nil, re(`\bGOCSPX-[\w-]{28}\b`), nil},
	{"slack", "a token of Slack", []string{"xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xapp-", "xoxe"}, nil, re(`\b(xox[abeprs]|xapp)-[\w.-]{20,}`), nil},
	{"slack-webhook", "a webhook of Slack", []string{"hooks.slack.com"}, nil, re(`hooks\.slack\.com/(services|workflows)/T[A-Z0-9]{7,}/[AB][A-Z0-9]{7,}/[A-Za-z0-9]{20,}`), nil},
	{"discord-webhook", "a webhook of Discord", []string{"/api/webhooks/"}, nil, re(`discord(app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}`), nil},
	{"discord-bot", "a bot's token of Discord", []string{"discord", "bot_token", "bot-token", "bottoken", "bot token"}, nil, re(`\b[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}\b`), discordID},
	{"telegram-bot", "a bot's token of Telegram", []string{":aa"}, nil, re(`\b\d{8,10}:AA[\w-]{33}\b`), nil},
	{"stripe", "a live key of Stripe", []string{"sk_live_", "rk_live_", "whsec_"}, nil, re(`\b((sk|rk)_live_[A-Za-z0-9]{20,}|whsec_[A-Za-z0-9]{32,})`), nil},
	{"anthropic", "a key of Anthropic", []string{"sk-ant-"}, nil, re(`\bsk-ant-(api|admin|oat|sid)\d\d-[\w-]{60,}`), nil},
	{"openai", "a key of OpenAI", []string{"sk-"}, nil, re(`\bsk-((proj|svcacct|admin)-[\w-]{40,}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|[A-Za-z0-9]{48})\b`), nil},
	{"openrouter", "a key of OpenRouter", []string{"sk-or-v1-"}, nil, re(`\bsk-or-v1-[0-9a-f]{64}\b`), nil},
	{"huggingface", "a token of Hugging Face", []string{"hf_"}, nil, re(`\bhf_[A-Za-z]{34}\b`), nil},
	{"groq", "a key of Groq", []string{"gsk_"}, nil, re(`\bgsk_[A-Za-z0-9]{52}\b`), nil},
	{"sendgrid", "a key of SendGrid", []string{"sg."}, nil, re(`\bSG\.[\w-]{22}\.[\w-]{43}\b`), nil},
	{"twilio", "a key of Twilio", []string{"twilio"}, nil, re(`\bSK[0-9a-f]{32}\b`), nil},
	{"mailgun", "a key of Mailgun", []string{"key-"}, nil, re(`\bkey-[0-9a-f]{32}\b`), nil},
	{"digitalocean", "a token of DigitalOcean", []string{"dop_v1_", "doo_v1_", "dor_v1_"}, nil, re(`\bdo[opr]_v1_[0-9a-f]{64}\b`), nil},
	{"shopify", "a token of Shopify", []string{"shpat_", "shpca_", "shppa_", "shpss_"}, nil, re(`\bshp(at|ca|pa|ss)_[0-9a-fA-F]{32}\b`), nil},
	{"databricks", "a token of Databricks", []string{"dapi"}, nil, re(`\bdapi[0-9a-f]{32}(-\d)?\b`), nil},
	{"linear", "a key of Linear", []string{"lin_api_"}, nil, re(`\blin_api_[A-Za-z0-9]{40}\b`), nil},
	{"notion", "a token of Notion", []string{"ntn_", "secret_"}, nil, re(`\b(ntn_[A-Za-z0-9]{40,50}|secret_[A-Za-z0-9]{43})\b`), nil},
	{"grafana", "a token of Grafana", []string{"glsa_"}, nil, re(`\bglsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}\b`), nil},
	{"sentry", "a token of Sentry", []string{"sntrys_", "sntryu_"}, nil, re(`\b(sntrys_eyJ[\w+/=]{40,}|sntryu_[0-9a-f]{64})`), nil},
	{"docker", "a token of Docker Hub", []string{"dckr_pat_"}, nil, re(`\bdckr_pat_[\w-]{27,}`), nil},
	{"supabase", "a token of Supabase", []string{"sbp_"}, nil, re(`\bsbp_[0-9a-f]{40}\b`), nil},
	{"replicate", "a token of Replicate", []string{"r8_"}, nil, re(`\br8_[A-Za-z0-9]{37}\b`), nil},
	{"figma", "a token of Figma", []string{"figd_"}, nil, re(`\bfigd_[\w-]{40,}`), nil},
	{"airtable", "a token of Airtable", []string{"airtable"}, nil, re(`\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b`), nil},
	{"vault", "a token of Vault", []string{"hvs.", "hvb."}, nil, re(`\bhv[sb]\.[\w-]{90,}`), nil},
	{"azure-storage", "an account key of Azure", []string{"accountkey="}, nil, re(`(?i)\bAccountKey=[A-Za-z0-9+/]{86}==`), nil},
	{"age", "a secret key of age", []string{"age-secret-key-1"}, nil, re(`\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b`), nil},
	{"private-key", "a private key", []string{"private key-----"}, nil, re(`-----BEGIN ([A-Z]+ )?PRIVATE KEY( BLOCK)?-----`), nil},
	{"jwt", "a signed token (JWT)", []string{"eyj"}, nil, re(`\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}`), signedToken},
	{"url-password", "a password in an address", []string{"://"}, []string{"@"}, re(`\b[a-z][a-z0-9+.-]{1,20}://[^/\s:@"'<>{}$` + "`" + `]{1,64}:[^/\s:@"'<>{}$` + "`" + `]{3,128}@[\w.-]+`), addressPassword},
	{"argument", "a secret as an argument of a command", []string{"--api", "--token", "--auth", "--access", "--secret", "--client", "--password", "--pat"}, nil, re(`(?i)--(api-?key|token|auth-?token|access-?token|secret|client-?secret|password|pat)(=|["']?\s*,?\s+["']?)[^\s"',$<{\[]{8,}`), argument},
	{"assigned", "a secret in the clear", []string{"key", "token", "secret", "passw", "pwd", "credential"}, []string{"=\"", "= \"", "='", "= '", ":\"", ": \"", ":'", ": '", "> \"", "> '"}, re(`(?i)\b[\w-]*(api[_-]?key|secret([_-]?key)?|access[_-]?token|auth[_-]?token|token|passw(or)?d|pwd|credential)["']?\s*(:|=|:=|=>)\s*["'][^"'\s$<{]{12,200}["']`), assignment},
}

// placeholders are written where a secret would stand.
var placeholders = []string{
	"example", "placeholder", "your", "xxxx", "changeme", "change-me", "change_me", "dummy", "fake", "redacted", "sample", "insert", "replace", "todo", "<", "${", "{{", "...", "***", "000000", "123456", "abcdef", "deadbeef", "test", "demo", "secret-key", "my-", "my_", "foobar", "lorem", "notreal", "not-real", "aaaa", "1111", "-here", "_here", "env.", "getenv", "environ",
}

func isPlaceholder(s string) bool { return hasAny(strings.ToLower(s), placeholders) }

// secret reports the tokens or keys of one format in a line.
func (c *scanner) secret(s *secret, t *text, n int) {
	for _, m := range s.pattern.FindAllString(t.lines[n].text, 8) {
		if level := s.confidence(t, n, m); level != "" {
			r := s.rule()
			c.add(r, level, t.path, t.lines[n].n, r.Message, t.lines[n].text)
		}
	}
}

// confidence gives "" for what is none: a placeholder, or what the format's own
// structure says is no token.
func (s *secret) confidence(t *text, n int, match string) plugpack.Level {
	level := high
	switch {
	case s.id == "private-key":
		level = keyBody(t, n)
	case s.check != nil:
		level = s.check(match)
	case isPlaceholder(match) || entropy(match) < 3.3:
		return ""
	}
	if level != "" && (t.fixture || t.lines[n].defends && t.kind&markdown != 0) {
		return low
	}
	return level
}

// keyBody asks for the key under a head: the head alone is how keys are spoken
// of.
func keyBody(t *text, n int) plugpack.Level {
	body := t.lines[n].text
	_, body, _ = strings.Cut(body, "PRIVATE KEY")
	for i := n + 1; i < min(n+4, len(t.lines)); i++ {
		body += "\n" + t.lines[i].text
	}
	if m := keyLine.FindString(body); m == "" || isPlaceholder(m) && entropy(m) < 4 {
		return ""
	}
	return high
}

var keyLine = re(`[A-Za-z0-9+/]{40,}`)

// checksum62 holds a token of GitHub's form to the CRC-32 in its last six
// characters, written in base 62.
func checksum62(token string) plugpack.Level {
	_, body, _ := strings.Cut(token, "_")
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	n := crc32.ChecksumIEEE([]byte(body[:30]))
	sum := make([]byte, 6)
	for i := range sum {
		sum[5-i] = digits[n%62]
		n /= 62
	}
	switch {
	case string(sum) == body[30:]:
		return high
	case isPlaceholder(body) || entropy(body) < 4:
		return ""
	}
	return low // made up, or of a form that is newer than this
}

// signedToken asks for a head that is JSON and names its algorithm. What is
// public by design, such as the tokens of documentation, is less sure.
func signedToken(token string) plugpack.Level {
	head, rest, _ := strings.Cut(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(head)
	var h struct{ Alg string }
	if err != nil || json.Unmarshal(b, &h) != nil || h.Alg == "" {
		return ""
	}
	body, _, _ := strings.Cut(rest, ".")
	claims, _ := base64.RawURLEncoding.DecodeString(body)
	if text := strings.ToLower(string(claims)); strings.Contains(text, "john doe") || strings.Contains(text, "1234567890") || strings.Contains(text, `"anon"`) || strings.Contains(text, "example") {
		return ""
	}
	return medium
}

// discordID asks for the number that the token's first part is.
func discordID(token string) plugpack.Level {
	head, _, _ := strings.Cut(token, ".")
	b, err := base64.RawStdEncoding.DecodeString(head)
	if err != nil || strings.Trim(string(b), "0123456789") != "" || len(b) < 17 {
		return ""
	}
	return high
}

func addressPassword(match string) plugpack.Level {
	_, rest, _ := strings.Cut(match, "://")
	user, rest, _ := strings.Cut(rest, ":")
	password := rest[:strings.LastIndex(rest, "@")]
	at := rest[strings.LastIndex(rest, "@")+1:]
	if random(password) == "" {
		return low
	}
	local := strings.HasPrefix(at, "localhost") || strings.HasPrefix(at, "127.") || !strings.Contains(at, ".")
	switch {
	case isPlaceholder(user + " " + password), strings.Contains(at, "example"), strings.EqualFold(user, password), hasAny(strings.ToLower(password), []string{"pass", "pwd", "secret", "token", "postgres", "root", "admin", "guest", "key"}), strings.ToUpper(password) == password && strings.Trim(password, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == "":
		return ""
	case local:
		return low
	}
	return medium
}

var argumentName = re(`(?i)^--[a-z-]*?(api-?key|token|secret|password|pat)(=|["']?\s*,?\s+["']?)`)

func argument(match string) plugpack.Level {
	return random(argumentName.ReplaceAllString(match, ""))
}

func assignment(match string) plugpack.Level {
	i := strings.IndexAny(match, ":=")
	return random(strings.Trim(match[i+1:], `:=> "'`))
}

// random says how much a value looks like one that a machine made up.
func random(s string) plugpack.Level {
	var digits, letters, upper int
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r >= 'a' && r <= 'z':
			letters++
		case r >= 'A' && r <= 'Z':
			upper++
		case strings.ContainsRune("(){}[]<>,;:*\\|", r):
			return "" // code rather than a value
		}
	}
	switch e := entropy(s); {
	case isPlaceholder(s) || digits == 0 || letters+upper == 0 || strings.Contains(s, "://"):
		return ""
	case len(s) >= 20 && e >= 3.8 && digits >= 3:
		return medium
	case len(s) >= 12 && e >= 3.3 && digits >= 2:
		return low
	}
	return ""
}

// entropy gives Shannon's entropy in bits a character.
func entropy(s string) float64 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	var e float64
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(s))
			e -= p * math.Log2(p)
		}
	}
	return e
}
