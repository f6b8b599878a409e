package security

// persistRules are about what stays after the plugin ran, and what it turns off.
var persistRules = []textRule{
	{
		Rule: Rule{"persist.shell-start", 1, staysOn, high, high, "It writes to a file that every new shell runs.", "Tell the user what to add, and let them do it."},
		in:   code | config | instruction, words: []string{"bashrc", "zshrc", "bash_profile", "zprofile", ".profile", "zshenv", "config.fish", "$profile"},
		pattern: re(`(?i)(>>|>|tee\s+(-a\s+)?|sed\s+-i[^\n]*|cp\s+\S+\s+|install\s+[^\n]*)\s*["']?((~|\$\{?HOME\}?|/root|/home/[^/\s]+|\$\{?ZDOTDIR\}?)["']?/\.(bashrc|zshrc|bash_profile|zprofile|profile|zshenv)|/etc/(profile|bash\.bashrc|zshenv|zsh/zshrc))\b|(>>|>)\s*["']?\S*config\.fish\b|add-content\s+[^\n]*\$profile` +
			`|(appendfile|writefile)(sync)?\s*\([^\n]*\.(bashrc|zshrc|bash_profile|zprofile|profile|zshenv)["'` + "`" + `]|open\s*\([^\n]*\.(bashrc|zshrc|bash_profile|zprofile|profile|zshenv)['"]\)?\)?\s*,\s*['"](a|w)|\.(bashrc|zshrc|bash_profile|zprofile|profile|zshenv)['"]\)?[^\n]{0,20}\.(write_text|open\(['"][aw])`),
	},
	{
		Rule: Rule{"persist.scheduler", 1, staysOn, high, medium, "It has the system run something again later, or at every start.", "Do the work when the user asks for it."},
		in:   code | config | instruction, words: []string{"crontab", "/etc/cron", "launchagents", "launchdaemons", "launchctl", "systemctl", "schtasks", "systemd/", "autostart", "currentversion\\run", "register-scheduledtask", "startup\\"},
		pattern: re(`(?i)\|\s*crontab\s+-|\bcrontab\s+(-u\s+\S+\s+)?(-\s*$|-\s*<|/\S|"?\$|\S+\.(txt|cron))|(>>?|tee\s+(-a\s+)?|cp\s+\S+\s+)\s*["']?/etc/cron|(>>?|tee\s+|cp\s+\S+\s+|ln\s+-\w+\s+\S+\s+|writefile\w*\(|open\()[^\n]*(LaunchAgents|LaunchDaemons|systemd/(user|system)/|autostart/)|\blaunchctl\s+(load|bootstrap|enable)\b|\bsystemctl\s+(--user\s+)?enable\b|\bschtasks\b[^\n]*/create|register-scheduledtask|currentversion\\\\?run\b|subprocess[^\n]*['"]crontab['"]`),
	},
	{
		Rule: Rule{"persist.client-settings", 1, staysOn, high, medium, "It changes the client's own settings or what the model always reads, outside its own plugin.", "Use the plugin's own hooks, settings and userConfig."},
		in:   code | config | instruction, words: []string{".claude/settings", ".claude.json", ".claude/claude.md", "managed-settings", ".claude', 'settings", ".claude\", \"settings", ".claude/hooks"},
		pattern: re(`(?i)(>>|>|tee\s+(-a\s+)?|mv\s+\S+\s+|cp\s+\S+\s+|sed\s+-i[^\n]*|writefile(sync)?\s*\([^\n]*|open\s*\([^\n]*|write_text|json\.dump[^\n]*)\s*["']?(~|\$\{?HOME\}?|/root|\$\{?CLAUDE_CONFIG_DIR\}?|os\.homedir\(\)|path\.join\([^\n]*|[^\s"']*)?["',\s/+]*\.?claude(\.json\b|/settings(\.local)?\.json|['"], ?['"]settings(\.local)?\.json|/CLAUDE\.md)` +
			`|\b(edit|modify|update|append|add|write|change|insert|patch|overwrite)\b[^\n]*(~|\$HOME)/\.claude(\.json|/settings(\.local)?\.json|/CLAUDE\.md|/hooks)|\bsettings\.json['"\)]*\.write_text|jq\s[^\n]*\.claude/settings(\.local)?\.json[^\n]*(>|sponge)`),
		unless: re(`(?i)open\s*\([^\n]*['"]r['"]|\bcat\b[^>\n]*$`),
	},
	{
		Rule: Rule{"persist.ssh-access", 1, staysOn, critical, high, "It lets somebody else's key log in.", "Remove it."},
		in:   code | config | instruction, words: []string{"authorized_keys"},
		pattern: re(`(?i)(>>?|tee\s+(-a\s+)?|appendfile\w*\(|writefile\w*\(|open\()[^\n]*authorized_keys|\b(add|append|write)\b[^\n]*authorized_keys`),
	},
	{
		Rule: Rule{"persist.git-hooks", 1, staysOn, medium, medium, "It has Git run its code in other projects.", "Offer it as a command that the user runs in one project."},
		in:   code | config | instruction, words: []string{"core.hookspath", "init.templatedir", "core.sshcommand", "core.fsmonitor"},
		pattern: re(`(?i)git\s+config\s+--(global|system)\s+(--add\s+)?(core\.hooksPath|init\.templateDir|core\.sshCommand|core\.fsmonitor)\s+\S`),
	},
	{
		Rule: Rule{"disable.tls", 1, weakens, medium, medium, "It turns off the check of who is at the other end of a connection.", "Leave certificates and host keys checked."},
		in:   anything &^ (other | prose), words: []string{"insecure", "reject_unauthorized", "rejectunauthorized", "verify=false", "verify = false", "sslverify", "stricthostkeychecking", "strict-ssl", "no-check-certificate", "_create_unverified_context", "curl -k", " -k ", "trusted-host", "cert_none", "-sk", "-ks", "-skl", "servercertificatevalidationcallback"},
		pattern: re(`(?i)NODE_TLS_REJECT_UNAUTHORIZED["']?\]?\s*[=:]\s*["']?0|rejectUnauthorized["']?\s*:\s*false|\bverify\s*=\s*False\b|http\.sslVerify\s+(false|0)|GIT_SSL_NO_VERIFY\s*=\s*(1|true)|StrictHostKeyChecking[= ]no|strict-ssl\s*(=|\s)\s*false|--no-check-certificate|_create_unverified_context|\bcurl\s([^|;\n]*\s)?(-k|--insecure|-[a-zA-Z]*k[a-zA-Z]*)(\s|$)|--trusted-host\b|\bCERT_NONE\b`),
		unless:  re(`(?i)localhost|127\.0\.0\.1|\[::1\]`),
	},
	{
		Rule: Rule{"disable.protection", 1, weakens, critical, high, "It turns off a protection of the operating system.", "Remove it."},
		in:   code | config | instruction, words: []string{"spctl", "csrutil", "com.apple.quarantine", "setenforce", "set-mppreference", "add-mppreference", "ufw disable", "iptables -f", "windefend", "executionpolicy", "apparmor", "xattr -c", "amsi"},
		pattern: re(`(?i)\bspctl\s+--(master|global)-disable|\bcsrutil\s+disable|\bxattr\s+(-\w+\s+)+com\.apple\.quarantine|\bxattr\s+-c\w*\s+\S|\bsetenforce\s+0|(set|add)-mppreference\s+[^\n]*-(disable\w+|exclusion\w+)|\bufw\s+disable|\biptables\s+-F\b|\b(stop-service|sc(\.exe)?\s+stop)\s+["']?windefend|amsiInitFailed`),
	},
	{
		Rule: Rule{"disable.history", 1, weakens, high, high, "It keeps what it does out of the shell's history or deletes logs.", "Remove it."},
		in:   code | config | instruction, words: []string{"histfile", "history -c", "set +o history", "histsize", "/var/log", "wtmp", "clear-history", "log erase"},
		pattern: re(`(?i)\bunset\s+HISTFILE|\bHISTFILE\s*=\s*(/dev/null|["']{2}|$)|\bHISTSIZE\s*=\s*0|\bset\s+\+o\s+history|\bhistory\s+-c\b|\brm\s+[^\n]*(/var/log/|\.(bash|zsh)_history)|>\s*/var/log/(wtmp|auth\.log|syslog|secure)|clear-history`),
	},
	{
		Rule: Rule{"disable.permissions", 1, weakens, high, high, "It starts the client, or has it started, without asking the user for permissions.", "Name the tools that are needed, so that the user can allow them."},
		in:   code | config | instruction | prose, words: []string{"dangerously-skip-permissions", "bypasspermissions", "dangerouslyskippermissions", "--yolo", "skipdangerousmodepermissionprompt", "enableallprojectmcpservers"},
		pattern: re(`(?i)--dangerously-skip-permissions|["']?(permission-?mode|defaultMode|permissionMode)["']?\s*[:= ]\s*["']?bypassPermissions|dangerouslySkipPermissions["']?\s*[:=]\s*true|--yolo\b|skipDangerousModePermissionPrompt["']?\s*:\s*true|enableAllProjectMcpServers["']?\s*:\s*true`),
	},
}
