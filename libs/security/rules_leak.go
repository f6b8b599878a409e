package security

// sink are places where data is sent that is not meant to be found with its
// owner: pastes, catch-all webhooks, chat bots and tunnels.
const sink = `(pastebin\.com|paste\.ee|hastebin\.com|transfer\.sh|file\.io|0x0\.st|ix\.io|termbin\.com|dpaste\.(com|org)|gofile\.io|anonfiles\.com|bashupload\.com|oshi\.at|temp\.sh|webhook\.site|requestbin\.\w+|[\w-]+\.m\.pipedream\.net|eo[\w-]*\.pipedream\.net|requestcatcher\.com|beeceptor\.com|hookbin\.com|[\w-]+\.ngrok(-free)?\.(io|app|dev)|[\w-]+\.trycloudflare\.com|[\w-]+\.loca\.lt|serveo\.net|[\w.-]+\.oast\.\w+|[\w.-]+\.oastify\.com|interact\.sh|[\w.-]+\.burpcollaborator\.net|[\w.-]+\.dnslog\.cn|canarytokens\.com|discord(app)?\.com/api/webhooks|api\.telegram\.org/bot)`

// publicIP is an address that is a number, without those that lead nowhere else.
const publicIP = `https?://(1[1-9]|[2-9]\d?|1[013-9]\d|12[0-689]|2[0-2]\d)\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`

const sends = `\b(curl|wget|nc|ncat|requests\.(post|put|get)|httpx\.\w+|urlopen|fetch|axios(\.\w+)?|https?\.request|got\.post|invoke-webrequest|invoke-restmethod|iwr|irm|sendbeacon|http\.post)\b`

// leakRules are about data that leaves the machine.
var leakRules = []textRule{
	{
		Rule: Rule{"leak.environment", 1, sendsData, critical, high, "It sends all environment variables, and so their secrets, over the network.", "Send only what the service needs, by name."},
		in:   anything &^ (other | prose), words: []string{"env", "set |", "set)", "export -p", "declare -x"}, with: []string{"curl", "wget", "nc ", "ncat", "fetch", "axios", "request", "post", "http", "beacon", "urlopen", "openssl"},
		pattern: re(`(?i)(^|[;&|\s(` + "`" + `"'])(env|printenv|set|export -p|declare -x)\s*(\|[^\n]*)?\|\s*(curl|nc|ncat|wget|openssl|base64[^\n]*\|\s*(curl|nc))\b|\b(curl|wget|nc)\b[^\n]*(\$\(|` + "`" + `|<\()\s*(env|printenv|set)\b\s*(\||\)|` + "`" + `)` +
			`|` + sends + `[^\n]*(dict\(os\.environ\)|\bos\.environ\b(\s*[,)}]|\.(items|copy)\()|JSON\.stringify\(\s*(process\.env\b\s*[,)}]|\{[^\n}]*(:\s*|\.\.\.)process\.env\b\s*[,}])|\bbody:\s*process\.env\b)`),
	},
	{
		Rule: Rule{"leak.file", 1, sendsData, critical, high, "It sends a file that holds credentials over the network.", "Remove it."},
		in:   anything &^ other, words: []string{".ssh", ".aws", ".env", ".netrc", ".npmrc", "id_rsa", "id_ed25519", "credentials", ".git-credentials", "/etc/passwd", "keychain", ".kube", ".gnupg", ".claude"}, with: []string{"curl", "wget", "scp", "nc ", "ncat", "rsync", "s3 cp", "gsutil"},
		pattern: re(`(?i)\b(curl|wget|scp|nc|ncat|rsync|aws s3 cp|gsutil cp)\b[^\n]*(@|<\s*|-T\s*|--upload-file[= ]|--post-file[= ]|\$\((cat|base64[^)]{0,20})\s+|\s)["']?[^\s"'|]*(\.ssh/|\.aws/|/\.env\b|@\.env\b|<\s*\.env|\s\.env\b|\.netrc|\.npmrc|id_rsa|id_ed25519|\.git-credentials|/etc/passwd|\.kube/config|\.gnupg|\.credentials\.json)` +
			`|(\.ssh/|\.aws/credentials|\.env\b|\.netrc|\.npmrc|id_rsa|id_ed25519|\.git-credentials|/etc/passwd|\.kube/config)[^\n]*\|[^\n]*\b(curl|nc|ncat|wget)\b`),
		unless: re(`(?i)--env-file|\bscp\s+-i\b|rsync\s[^\n]*--exclude|-e ["']?ssh|ssh -i|scp\s[^\n]{0,30}-i\s|--netrc`),
	},
	{
		Rule: Rule{"leak.sink", 1, sendsData, high, medium, "It connects to a place that takes data from anybody: a paste site, a catch-all webhook, a chat bot or a tunnel.", "Send data to a service of the plugin's own name, and say so in its README."},
		in:   anything &^ (other | prose), words: []string{"paste", "transfer.sh", "file.io", "0x0.st", "ix.io", "termbin", "gofile", "anonfiles", "bashupload", "oshi.at", "temp.sh", "webhook", "requestbin", "pipedream", "requestcatcher", "beeceptor", "hookbin", "ngrok", "trycloudflare", "loca.lt", "serveo", "oast", "interact.sh", "burpcollaborator", "dnslog", "canarytokens", "telegram"},
		pattern: re(`(?i)(` + sends + `[^\n]*|\b(url|uri|endpoint|webhook\w*|host|dest\w*|target|hook|server|c2|sink|addr\w*)["']?\s*[:=]{1,2}\s*[^\n]*|\b(send|post|upload|submit|forward|exfiltrate)\b[^\n]*|"\s*:\s*"https?://)` + sink),
	},
	{
		Rule: Rule{"leak.raw-address", 1, sendsData, high, medium, "It connects to a bare number on the internet, of which nobody can tell whose it is.", "Use a name, over https."},
		in:   anything &^ (other | prose), words: []string{"://1", "://2", "://3", "://4", "://5", "://6", "://7", "://8", "://9"},
		pattern: re(`(?i)(` + sends + `[^\n]*|\b(url|uri|endpoint|host|server|c2|base_?url)["']?\s*[:=]{1,2}\s*["']?|\b(send|post|upload|submit|download|clone|get)\b[^\n]*)` + publicIP),
		unless:  re(`https?://(192\.(168|0\.2|0\.0)|198\.(51\.100|18|19)|203\.0\.113|172\.(1[6-9]|2\d|3[01])|169\.254|8\.8\.8\.8|1\.1\.1\.1|2[4-5]\d)\b`),
	},
	{
		Rule: Rule{"leak.dns", 1, sendsData, high, medium, "It sends data out in the names that it looks up.", "Remove it."},
		in:   code | config | instruction, words: []string{"nslookup ", "dig ", "host "}, with: []string{"$", "`"},
		pattern: re(`(?i)\b(nslookup|dig|host)\s+[^\n]*(\$\(|` + "`" + `|\$\{?\w+\}?)[^\n]*\.[a-z0-9-]+\.[a-z]{2,}`),
	},
	{
		Rule: Rule{"leak.conversation", 1, sendsData, high, medium, "It tells the model to send files, secrets or the conversation somewhere.", "Say what is sent, and let the user decide each time."},
		in:   instruction, words: []string{"http://", "https://"}, with: []string{"send", "post", "upload", "transmit", "exfiltrate", "forward", "submit", "report", "append", "include", "pass", "encode", "put"},
		pattern: re(`(?i)\b(send|post|upload|transmit|exfiltrate|forward|submit|report|append|include|pass|encode|put)\b[^\n]*\b((api|access|private|secret|ssh)[ _-]?keys?|credentials?|secrets?|tokens?|passwords?|env(ironment)? (variables|file)|\.env|conversation|chat history|transcripts?|system prompt|entire (file|repo|codebase)|source code|user'?s (files|data|messages)|session (log|history)|contents? of)\b[^\n]*\bhttps?://`),
	},
	{
		Rule: Rule{"leak.image", 1, sendsData, high, medium, "It has the model show an image whose address carries data away.", "Remove the image."},
		in:   markdown, words: []string{"!["},
		pattern: re(`!\[[^\]\n]*\]\(https?://[^)\s]{1,200}[?&/=](\{\{?|\$\{|<|\[|%7B)?\s*[^)\s]{0,20}(secret|token|conversation|history|context|data|summary|env|key|prompt|content)s?(_\w+)?\s*(\}|>|\]|%7D)`),
	},
}
