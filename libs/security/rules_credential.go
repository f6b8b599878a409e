package security

// credentialRules are about files and stores that hold other people's secrets.
var credentialRules = []textRule{
	{
		Rule: Rule{"credential.ssh", 1, readsSecret, high, high, "It reads private SSH keys.", "Use the SSH agent; never the keys."},
		in:   anything &^ (other | prose), words: []string{".ssh"},
		pattern: re(`(?i)\b(cat|cp|tar|zip|scp|rsync|base64|head|less|more|xxd|curl|read|open|readfile\w*|read_text|read_bytes|send|upload|copy|print|show|include|collect|gather|find|grep|get-content|type|contents? of)\b[^\n]*(~|\$\{?HOME\}?|/root|/home/\S{1,40}|/Users/\S{1,40}|homedir\(\)|home\(\)|expanduser|userprofile%?)[^\n]{0,20}\.ssh(\b[/\\"', ]*(id_\w+|\*|identity|\S+\.pem)|/?["'\s)` + "`" + `]|$)|\.ssh["'/, ]+id_(rsa|ed25519|ecdsa|dsa)\b[^.\w][^\n]*(read|open|\|)`),
		unless:  re(`(?i)id_\w+\.pub\b|known_hosts|ssh-keygen|ssh-add|mkdir|chmod|\.ssh/config`),
	},
	{
		Rule: Rule{"credential.cloud", 1, readsSecret, high, high, "It reads a cloud's or cluster's credentials from their files.", "Let the cloud's own tools use them."},
		in:   anything &^ (other | prose), words: []string{".aws", "gcloud", ".azure", ".kube", "169.254.169.254", "metadata.google"},
		pattern: re(`(?i)\b(cat|cp|tar|zip|scp|base64|head|read|open|readfile\w*|read_text|send|upload|copy|print|show|include|collect|gather|grep|curl|get-content|type|contents? of)\b[^\n]*(\.aws["'/, \\]+credentials|\.config/gcloud|application_default_credentials|\.azure["'/, ]+(accessTokens|msal_token|azureProfile)|\.kube["'/, ]+config)|169\.254\.169\.254/latest/meta-data/iam|metadata\.google\.internal/computeMetadata[^\n]*token|\.aws["'/, ]+credentials["')]*\s*[,)]?[^\n]{0,20}(read|open)`),
		unless:  re(`(?i)--kubeconfig|export KUBECONFIG|mkdir|chmod`),
	},
	{
		Rule: Rule{"credential.keychain", 1, readsSecret, high, high, "It reads passwords from the system's keychain.", "Ask the user for the one value, or use userConfig with sensitive set."},
		in:   anything &^ (other | prose), words: []string{"find-generic-password", "find-internet-password", "dump-keychain", "secret-tool", "login.keychain", "kwallet", "cmdkey", "vaultcmd", "credential manager", "keychain-db", "lsass", "mimikatz"},
		pattern: re(`(?i)\bsecurity\s+(find-(generic|internet)-password\b[^\n]*\s-\w*[wg]|dump-keychain)|\bsecret-tool\s+(lookup|search)|(cp|cat|tar|zip|open|read)\b[^\n]*(login\.keychain|keychain-db|kwallet)|\b(mimikatz|lsass\.dmp)\b|sekurlsa`),
	},
	{
		Rule: Rule{"credential.browser", 1, readsSecret, critical, high, "It reads passwords or cookies that a browser saved.", "Remove it."},
		in:   anything &^ (other | prose), words: []string{"login data", "cookies", "logins.json", "key4.db", "cookies.sqlite", "web data", "local extension settings", "user data"},
		pattern: re(`\b(Chrome|Chromium|Brave[\w-]*|Edge|Firefox|Opera|Vivaldi|Arc|User Data|Default|Profiles?)["']?[/\\,][^\n]*[/\\"'](Login Data|Cookies|Web Data|Local Extension Settings)\b|\b(logins\.json|key4\.db|cookies\.sqlite)\b`),
	},
	{
		Rule: Rule{"credential.client", 1, readsSecret, critical, high, "It reads the credentials of the client itself.", "Remove it; a plugin needs no access to the user's account."},
		in:   anything &^ other, words: []string{".credentials.json", "claude code-credentials", "claude_code_oauth_token", "oauthaccount"},
		pattern: re(`(?i)\.claude["'/, \\]+\.credentials\.json|Claude Code-credentials|\b(echo|print\w*|cat|curl|send|post|getenv|environ)\b[^\n]*CLAUDE_CODE_OAUTH_TOKEN`),
	},
	{
		Rule: Rule{"credential.wallet", 1, readsSecret, critical, high, "It looks for the keys of a wallet.", "Remove it."},
		in:   anything &^ (other | prose), words: []string{"wallet.dat", "metamask", "nkbihfbeogaeaoehlefnkodbefgpgknn", "solana/id.json", "keystore", "exodus", "seed phrase", "mnemonic", "electrum"},
		pattern: re(`(?i)\bwallet\.dat\b|nkbihfbeogaeaoehlefnkodbefgpgknn|\.config["'/, ]+solana["'/, ]+id\.json|\.ethereum["'/, ]+keystore|(Exodus|Electrum|Atomic)["'/\\, ]+(exodus\.wallet|wallets?)\b|\b(send|upload|post|collect|read|find|grep)\b[^\n]*\b(seed phrase|mnemonic phrase|recovery phrase)s?\b`),
	},
	{
		Rule: Rule{"credential.files", 1, readsSecret, high, medium, "It reads a file in which tools keep their tokens.", "Let the tool use its own token, or ask the user for one."},
		in:   anything &^ (other | prose), words: []string{".netrc", ".npmrc", ".pypirc", ".docker", ".git-credentials", "hosts.yml", "gh auth token", ".pgpass", ".gem/credentials", ".cargo/credentials", ".gnupg", "/etc/shadow", ".vault-token"},
		pattern: re(`(?i)\b(cat|cp|tar|zip|scp|base64|head|read|open|readfile\w*|read_text|send|upload|copy|print|show|include|collect|gather|grep|curl\s[^\n]*-d|get-content|contents? of)\b[^\n]*(~|\$\{?HOME\}?|/root|homedir\(\)|home\(\)|expanduser)[^\n]{0,24}(\.netrc|\.npmrc|\.pypirc|\.docker["'/, ]+config\.json|\.git-credentials|\.config["'/, ]+gh["'/, ]+hosts\.yml|\.pgpass|\.gem/credentials|\.cargo/credentials|\.gnupg|\.vault-token)|\b(cat|read|open|cp|grep)\b[^\n]*/etc/shadow|\bgh\s+auth\s+token\b[^\n]*\|\s*(curl|nc|base64)`),
	},
	{
		Rule: Rule{"credential.dotenv", 1, readsSecret, medium, low, "It reads a project's .env file, which usually holds secrets.", "Read the one variable that is needed."},
		in:   code | instruction | config, words: []string{".env"}, with: []string{"cat ", "base64", "curl", "scp", "tar ", "zip ", "head ", "less ", "read", "send", "include", "print", "show", "upload", "open", "copy"},
		pattern: re(`(?i)\b(cat|base64|curl\s[^\n]*(-d|-F|-T|--data\S*|--upload-file)|scp|tar\s+\S+|zip\s+\S+|head|less)\s[^\n|]*[\s/@"'=]\.env(\.\w+)?(\s|["'|;]|$)|\b(read|send|include|print|show|upload|open|copy)\b[^\n]*[\s/"'` + "`" + `]\.env(\.(local|production|prod))?["'` + "`" + `\s,.)]`),
		unless:  re(`(?i)\.env\.(example|sample|template|dist)|dotenv|gitignore|load_env`),
		quiet:   true,
	},
}
