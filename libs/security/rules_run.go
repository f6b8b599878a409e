package security

import "github.com/plugpack/plugpack/libs/plugpack"

const (
	low      = plugpack.Low
	medium   = plugpack.Medium
	high     = plugpack.High
	critical = plugpack.Critical
)

// shellRules are about code that comes from elsewhere, hides, or opens a door.
var shellRules = []textRule{
	{
		Rule: Rule{"shell.pipe-to-shell", 2, runsRemote, high, high, "It runs what it downloads without anybody having seen it.", "Download to a file, check its hash, then run it; or name a package with its version."},
		in:   anything &^ other, words: []string{"curl", "wget", "iwr", "irm", "invoke-webrequest", "invoke-restmethod", "fetch ", "urlopen", "downloadstring", "requests.get"},
		pattern: re(`(?i)\b(curl|wget|fetch)\b[^;\n]*\|\s*(sudo\s+(-\w+\s+)*)?(/usr/bin/|/bin/)?(env\s+(\w+=\S+\s+)*)?(ba|z|da|k|fi)?sh\b` +
			`|\b(curl|wget)\b[^|;\n]*\|\s*(sudo\s+)?(python3?|perl|ruby|node|php|bun)\b(\s*$|\s+-(\s|$)|\s*["'&;)` + "`" + `])` +
			`|\b(ba|z|da)?sh\s+(-\w+\s+)?(<\(|"?\$\(|` + "`" + `)\s*(curl|wget)\b|\b(source|eval|\.)\s+("?\$\(|<\(|` + "`" + `)\s*(curl|wget)\b` +
			`|\b(iwr|irm|invoke-webrequest|invoke-restmethod|curl)\b[^;\n]*\|\s*(iex|invoke-expression)\b|\b(iex|invoke-expression)\b[^;\n]*(iwr|irm|invoke-webrequest|invoke-restmethod|downloadstring)` +
			`|\b(exec|eval)\s*\(\s*(urllib\.request\.)?(urlopen|requests\.get)\s*\(|\beval\s*\(\s*await\s*\(?\s*await\s+fetch`),
		known: re(`https://(sh\.rustup\.rs|astral\.sh/|get\.docker\.com|deno\.land/|bun\.(sh|com)/|raw\.githubusercontent\.com/(Homebrew|nvm-sh)/|install\.python-poetry\.org|get\.pnpm\.io|deb\.nodesource\.com|claude\.ai/install|sh\.rustup)`),
	},
	{
		Rule: Rule{"shell.download-and-run", 1, runsRemote, high, medium, "It downloads a program and makes it run in one go.", "Name a package with its version, or check a hash before it runs."},
		in:   anything &^ other, words: []string{"curl", "wget"},
		pattern: re(`(?i)\b(curl|wget)\b[^\n]*\s-(o|O|\w*[oO])\s*\S*[^\n]*(&&|;)\s*(sudo\s+)?(chmod\s+(\+x|a\+x|u\+x|7\d\d)\b[^\n]*(&&|;)\s*(sudo\s+)?(\./|/tmp/|~/|\$|/var/tmp/)|(ba|z|da)?sh\s+[^-\s]|(sudo\s+)?/tmp/)`),
		unless:  re(`(?i)sha(256|512)sum|shasum|gpg --verify|cosign`),
	},
	{
		Rule: Rule{"shell.decode-exec", 1, hidesCode, critical, high, "It decodes hidden text and runs it.", "Ship the code as it is, so that it can be read."},
		in:   anything &^ other, words: []string{"base64", "b64decode", "atob", "xxd", "-enc", "openssl enc", "fromhex", "unhexlify", "zlib", "rot13", "frombase64string", "gunzip", "marshal"},
		pattern: re(`(?i)\bbase64\s+(-d|-D|--decode)\b[^\n]*\|\s*(sudo\s+)?(/bin/)?((ba|z|da|k)?sh|python3?|node|perl|ruby|gunzip\s*\|\s*(ba)?sh)\b` +
			`|\b(eval|(ba|z)?sh\s+-c|source|exec)\s+["']?(\$\(|` + "`" + `|<\()[^\n]*(base64\s+(-d|-D|--decode)|xxd\s+-r|openssl\s+(enc\s+)?-(d|base64\s+-d))` +
			`|\b(xxd\s+-r(\s+-p)?|openssl\s+enc\s[^|\n]*-d[^|\n]*|tr\s+['"]?a-zA-Z['"]?\s+['"]?n-za-mN-ZA-M['"]?)\s*\|\s*(ba|z)?sh\b` +
			`|\b(exec|eval|compile)\s*\(\s*(compile\s*\()?\s*(__import__\(\s*['"](base64|zlib|marshal|codecs)['"]\s*\)|base64|b64decode|bytes\.fromhex|binascii|codecs\.decode|zlib\.decompress|marshal\.loads)` +
			`|\b(eval|function|settimeout|exec|execsync)\s*\(\s*(atob\s*\(|buffer\.from\s*\([^)\n]*['"](base64|hex)['"])` +
			`|\b(powershell|pwsh)(\.exe)?\b[^\n]*\s-e(nc|ncodedcommand|c)?\s+[a-z0-9+/=]{20,}|\b(iex|invoke-expression)\b[^\n]*frombase64string`),
	},
	{
		Rule: Rule{"code.dynamic-exec", 1, hidesCode, medium, low, "It runs text as code, so that reading the file does not tell what it does.", "Call what is meant by its name."},
		in:   code, words: []string{"eval", "exec(", "function(", "runinnewcontext", "runinthiscontext", "__import__", "fromcharcode", "getattr("},
		pattern: re(`(?i)(^|[^\w.$])eval\s*\(\s*[a-z_$]|\bnew\s+Function\s*\(|\bvm\.runIn(New|This)Context\s*\(|(^|[^\w.])exec\s*\(\s*(compile\s*\(|[a-z_]+\s*[,)])|__import__\s*\(\s*['"](os|subprocess)['"]\s*\)\s*\.|^\s*eval\s+"?\$[{\w(]`),
		unless:  re(`(?i)ssh-agent|direnv|pyenv|rbenv|nodenv|brew shellenv|dircolors|starship|zoxide|fnm env|mise activate|getopt|cursor\.|db\.exec|\.exec\(`),
		quiet:   true,
	},
	{
		Rule: Rule{"code.char-assembly", 1, hidesCode, high, medium, "It puts code together from character codes, which hides what it is.", "Write the text as it is."},
		in:   code, words: []string{"fromcharcode", "chr(", `\x`},
		pattern: re(`(?i)(eval|function|exec)\s*\([^\n]*fromcharcode|fromcharcode\s*\((\s*(0x)?[0-9a-f]{2,3}\s*,){12,}|(chr\(\d+\)\s*[+.]\s*){8,}|(\\x[0-9a-f]{2}){40,}`),
	},
	{
		Rule: Rule{"shell.reverse-shell", 1, runsRemote, critical, high, "It opens a shell for somebody at the other end of a connection.", "Remove it."},
		in:   anything &^ other, words: []string{"/dev/tcp/", "/dev/udp/", "nc -", "ncat", "netcat", "socat", "dup2", "mkfifo", "tcpclient", "fsockopen", "pty.spawn", "net.socket", "net.connect", "createconnection"},
		pattern: re(`(?i)(/dev/(tcp|udp)/[\w.$\{\}-]+/[\w$\{\}]+[^\n]*(0?>&1|<&|0<)|(ba|z)?sh\s+-i\s+(>&|&>|[0-9]*>)\s*/dev/(tcp|udp)|exec\s+\d+<>\s*/dev/(tcp|udp)/)` +
			`|\b(nc|ncat|netcat)\b[^\n|]*\s(-\w*e|--exec|-c)\s*["']?(/bin/|cmd|powershell|(ba|z)?sh)|\bmkfifo\b[^\n]*\b(nc|ncat|netcat|openssl s_client|telnet)\b` +
			`|\bsocat\b[^\n]*\bexec:["']?(/bin/)?(ba|z)?sh|\bos\.dup2\s*\(\s*\w+\.fileno\(\)|\bnew-object\s+(system\.)?net\.sockets\.tcpclient` +
			`|spawn\s*\(\s*['"](/bin/)?((ba|z)?sh|cmd(\.exe)?)['"][^\n]*\.(pipe|stdin)|net\.(connect|socket|createconnection)\b[^\n]*\.pipe\(\s*\w+\.stdin`),
	},
	{
		Rule: Rule{"shell.miner", 1, runsRemote, critical, high, "It mines a currency on the user's machine.", "Remove it."},
		in:   anything &^ other, words: []string{"xmrig", "stratum+tcp", "stratum+ssl", "minerd", "cryptonight", "coinhive"},
		pattern: re(`(?i)stratum\+(tcp|ssl)://|\b(xmrig|minerd|coinhive)\b`),
	},
	{
		Rule: Rule{"shell.destroy", 1, destroys, high, high, "It deletes or overwrites far more than files of its own.", "Name the folder that is meant, and check that the variable is set."},
		in:   code | config | instruction, words: []string{"rm -", "mkfs", "of=/dev/", "rmtree", "rmsync", "remove-item", ":(){", "shred "},
		pattern: re(`(?i)\brm\s+(-[a-z]*\s+)*-([a-z]*r[a-z]*f|[a-z]*f[a-z]*r)[a-z]*\s+(-[a-z-]+\s+)*["']?(/|~|\$\{?HOME\}?|/\*|~/\*|\$HOME/\*|/(etc|usr|var|home|Users))/?["']?(\s|$|;|&|\|)` +
			`|\bmkfs(\.\w+)?\s+/dev/|\bdd\s+[^\n]*of=/dev/(sd|nvme|disk|hd)|:\(\)\s*\{\s*:\|:&\s*\};:|\bshutil\.rmtree\s*\(\s*(os\.path\.expanduser\(\s*['"]~/?['"]|Path\.home\(\)\s*[,)]|['"]/['"])` +
			`|\brmSync\s*\(\s*(os\.homedir\(\)|process\.env\.HOME)\s*,|remove-item\s+[^\n]*-recurse[^\n]*(\$home|\$env:userprofile|c:\\)["']?\s*(-|$)|\bshred\s+[^\n]*(~|\$HOME)/`),
	},
}
