package security

// instructionRules are about what is said to the model rather than run.
var instructionRules = []textRule{
	{
		Rule: Rule{"instruction.override", 2, instructs, critical, high, "It tells the model to drop what it was told before.", "Say what to do; leave other instructions alone."},
		in:   markdown | config | code, words: []string{"ignore", "disregard", "forget", "override", "no longer bound", "new instructions", "bypass"},
		pattern: re(`(?i)\b(ignore|disregard|forget|override|bypass)\s+(all\s+|any\s+|every\s+|the\s+|your\s+|these\s+|of\s+)*((previous|prior|earlier|above|preceding|existing|other|system|safety|original|developer|user'?s?|anthropic'?s?|claude'?s?)[\s,]+(and\s+|or\s+)?)+(instructions?|prompts?|rules?|guidelines?|directives?|restrictions?|constraints?|polic(y|ies)|safeguards?)\b|\b(ignore|disregard|forget) (everything|all) (you were told|above|before|that came before|you know about)|\byou are no longer bound\b|\bthese (instructions|rules) (override|supersede|take precedence over) (all|any|your|the user)`),
		quiet:   false,
	},
	{
		Rule: Rule{"instruction.conceal", 2, instructs, high, high, "It tells the model to hide something from the user.", "Let the user see what is done."},
		in:   instruction | prose | config, words: []string{"not ", "n't ", "never ", "dont ", "without ", "hide ", "conceal", "keep ", "silently", "quietly", "secretly", "covertly", "avoid "}, with: []string{"user", "human", "operator", "developer", "silently", "quietly", "secretly", "covertly"},
		pattern: re(`(?i)\b(do not|don'?t|never|must not|should not|avoid)\s+(ever\s+)?(tell|inform|alert|notify|warn|let)(ing)?\s+((the|your)\s+(user|human|operator|developer)s?|user|human)\s+(that|about|of|know|anything|this|why|what|when|it)\b` +
			`|\b(do not|don'?t|never)\s+(ever\s+)?(mention|reveal|disclose|report|show|display|say|log|print|expose)\b[^\n]*\b(this|these|that you|step|command|upload|request|action|file|instruction|output)s?\b[^\n]*\bto\s+the\s+(user|human|operator)` +
			`|\bwithout\s+(telling|informing|notifying|alerting|asking|mentioning (it|this) to|the knowledge of)\s+(the\s+)?(user|human|operator)` +
			`|\b(hide|conceal|keep)\b[^\n]*\b(this|it|these|steps?|output|actions?|instructions?)\b[^\n]{0,30}\b(from|secret from|hidden from)\s+(the\s+)?(user|human|operator)|\bthe user (must|should|need) not (know|see|notice|be told|be aware)|\b(silently|quietly|secretly|covertly)\s+(\w+\s+){0,3}(send|upload|post|transmit|exfiltrate|install|download|copy|forward|collect|run|execute|add|append)\b[^\n]*(https?://|credential|secret|token|key|\.env|\.ssh|settings|\.claude|transcript|conversation)`),
		unless: re(`(?i)(don'?t|do not|never|avoid|must not|should not) (silently|quietly|secretly)|spoiler|internal (id|uuid)|until (you|the|it|all)|raw (json|error|stack)|without asking the user (first )?(is|counts)`),
	},
	{
		Rule: Rule{"instruction.permissions", 1, instructs, high, medium, "It asks for the client's questions for permission to be turned off or answered for the user.", "Name the tools that are needed, so that the user can allow them."},
		in:   markdown | config, words: []string{"permission", "approv", "confirmation", "always allow", "always accept", "alwaysallow", "disablesandbox"}, with: []string{"disable", "turn off", "switch off", "skip", "bypass", "suppress", "remove", "approve", "always", "autoapprove"},
		pattern: re(`(?i)\b(disable|turn off|switch off|skip|bypass|suppress|remove)\b[^\n]*\b(permission|approval|confirmation)s?\s*(prompt|check|dialog|request|question|system|mode)s?\b|\b(auto-?approve|always (allow|approve|accept)|approve)\b[^\n]{0,30}\b(all|every|any)\b[^\n]{0,30}\b(tool|command|permission|request|bash|prompt)s?\b|"(autoApprove|alwaysAllow)"\s*:\s*\[\s*"\*"|\bdangerouslyDisableSandbox\b["']?\s*[:=]\s*true`),
		unless:  re(`(?i)if (they|you|the user) (want|wish|choose)|Unix permission|file permission`),
	},
	{
		Rule: Rule{"instruction.any-tool", 1, instructs, medium, medium, "It lets the model run any shell command without asking.", "List the commands that are needed, such as Bash(git status:*)."},
		in:   instruction, words: []string{"allowed-tools"},
		pattern: re(`(?i)^allowed-tools\s*:\s*.*(Bash\(\s*(\*|:\*|\*:\*)\s*\)|["'\[ ,]\*["'\], ]|:\s*["']?\*["']?\s*$)`),
		always:  true,
	},
	{
		Rule: Rule{"instruction.hidden-comment", 1, instructs, high, high, "An HTML comment, which no reader of the page sees, tells the model what to do.", "Say it in the open or take it out."},
		in:   markdown, words: []string{"<!--", "ignore", "run", "execute", "send", "curl", "must", "user", "system", "upload", "read", "install", "fetch"},
		pattern: re(`(?i)\b(ignore|disregard|forget)\b[^\n]*\b(instruction|rule|prompt|guideline)s?\b|\b(curl|wget)\s+[^\n]*https?://|\b(do not|don'?t|never)\s+(tell|mention|inform|reveal|show)\b|\b(you must|you should|always|assistant|claude|model|agent|system|ai)\b[^\n]*\b(run|execute|send|upload|read|fetch|install|download|include|append|post|invoke|open|call|add)\b[^\n]*(https?://|~/|\$HOME|\.env|\.ssh|secret|token|key|credential|command|script|bash|npm|pip|settings|silently|first|before)|\b(execute|run) (the following|this) (command|script|code)|\b(send|upload|exfiltrate|post)\b[^\n]*(https?://|credential|secret|token|\.env|\.ssh)`),
		unless:  re(`(?i)prettier-|markdownlint|textlint|eslint|toc|auto-?generated|generated by|do not edit|all-contributors|BEGIN|END |TODO|FIXME`),
		only:    func(l line) bool { return l.comment && !l.fence },
		always:  true,
	},
	{
		Rule: Rule{"instruction.fake-role", 1, instructs, high, medium, "It pretends to be a message of the system or of another speaker.", "Write plain text."},
		in:   markdown, words: []string{"<|im_start|>", "<|system|>", "[system", "<system>", "[inst]", "<<sys>>", "system:", "</instructions>", "<system-reminder>", "admin override", "developer mode"},
		pattern: re(`(?i)<\|(im_start|system|start_header_id)\|>|<<SYS>>|\[INST\]|^\s*(\[system( message| override| update| notice)?\]|system (message|override|update)\s*:)|<system-reminder>|\b(developer|god|dan|jailbreak) mode (is )?(enabled|activated|on)\b|\badmin(istrator)? override\s*[:=]`),
		quiet:   true,
	},
	{
		Rule: Rule{"instruction.before-all", 1, instructs, medium, medium, "It has a command run before anything else, whatever the user asked for.", "Let the task decide what is run."},
		in:   instruction, words: []string{"before doing", "before answering", "before starting", "before you do", "before responding", "regardless of", "on every message", "on every prompt", "on every request", "on every session"}, with: []string{"run", "execute", "curl", "fetch", "download", "install", "call", "send"},
		pattern: re(`(?i)\b(before (doing|answering|starting|you do|responding to) (anything( else)?|any (request|question|task|prompt))|regardless of (what|the) (the )?(user|request|task)|on every (message|prompt|request|session))\b[^\n]*\b(run|execute|curl|fetch|download|install|call|send)\b[^\n]*(https?://|curl|wget|npx|pip|npm|bash|\.sh|python)`),
	},
	{
		Rule: Rule{"registry.python", 1, redirects, high, high, "It has Python packages come from another place than PyPI.", "Install from PyPI, or say in the README whose index it is and why."},
		in:   anything &^ other, words: []string{"index-url", "index_url", "pip.conf", "uv_index", "pip_index", "find-links", "index-strategy", "default-index", "--index"},
		pattern: re(`(?i)(--(extra-)?index-url|--default-index|--index)[= ]+["']?https?://[^\s"']+|\b(PIP|UV)_(EXTRA_|DEFAULT_)?INDEX(_URL)?\s*[=:]\s*["']?https?://[^\s"']+|\bpip3?\s+config\s+(--\w+\s+)?set\s+\S*index-url|(>>?|tee\s+(-a\s+)?)\s*\S*(pip\.conf|pip/pip\.ini)|^\s*(extra-)?index-url\s*=\s*https?://`),
		unless:  re(`(?i)https?://(test\.)?pypi\.org|https://download\.pytorch\.org|https://pypi\.nvidia\.com|https://files\.pythonhosted\.org|https://abetlen\.github\.io|localhost|127\.0\.0\.1|<[\w-]+>|example\.(com|org)|your-`),
	},
	{
		Rule: Rule{"registry.node", 1, redirects, high, high, "It has Node packages come from another registry than npm's.", "Install from registry.npmjs.org, or say in the README whose registry it is and why."},
		in:   anything &^ other, words: []string{"registry", ".npmrc"},
		pattern: re(`(?i)\b(npm|pnpm|yarn|bun)\s+(config\s+)?set\s+(-g\s+|--global\s+|--location[= ]\w+\s+)?["']?(@[\w-]+:)?(registry|npmRegistryServer)[ =]+["']?(https?:)?//?\S+|--registry[= ]+["']?https?://\S+|\b(npm_config_registry|NPM_CONFIG_REGISTRY|YARN_NPM_REGISTRY_SERVER|BUN_CONFIG_REGISTRY)\s*[=:]\s*["']?https?://\S+|^\s*(@[\w-]+:)?registry\s*=\s*["']?https?://\S+|echo\s+["']?(@[\w-]+:)?registry=\S+[^\n]{0,20}>>?\s*\S*\.npmrc`),
		unless:  re(`(?i)https?://registry\.(npmjs\.org|yarnpkg\.com)|https://npm\.pkg\.github\.com|https://npm\.jsr\.io|localhost|127\.0\.0\.1|<[\w-]+>|example\.(com|org)|your-`),
	},
	{
		Rule: Rule{"registry.other", 1, redirects, high, medium, "It has packages of another language come from a place of its own choice.", "Use the language's own registry, or say whose it is and why."},
		in:   anything &^ other, words: []string{"goproxy", "gosumdb", "gonosumdb", "goflags", "gem sources", "cargo", "bundle config", "mirror."},
		pattern: re(`(?i)\bGOPROXY\s*[= ]\s*["']?https?://\S+|\bgo\s+env\s+-w\s+GOPROXY=\S*https?://\S+|\b(GOSUMDB|GONOSUMCHECK)\s*=\s*["']?off|\bgem\s+sources?\s+(--add|-a)\s+https?://\S+|\bbundle\s+config\s+(set\s+)?(--\w+\s+)?mirror\.\S+\s+https?://|\bCARGO_REGISTRIES_\w+_INDEX\s*=`),
		unless:  re(`(?i)https://proxy\.golang\.org|https://rubygems\.org|https://goproxy\.(io|cn)|localhost|127\.0\.0\.1`),
	},
}
