package marketplace

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A command may hold what its author meant for nobody else. Formats of tokens
// are those that their makers publish.
var (
	tokens      = regexp.MustCompile(`\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abprs]-[\w-]{10,}|sk_live_\w{16,}|sk-[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)`)
	assigned    = regexp.MustCompile(`(?i)((?:api[_-]?key|token|secret|passw(?:or)?d|authorization)["']?\s*[:= ]\s*["']?(?:bearer )?)([^\s"'$<{]{8,})`)
	credentials = regexp.MustCompile(`(://)[^/\s:@]+:[^/\s@]+@`)
	private     = regexp.MustCompile(`\b(10\.\d{1,3}\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}|169\.254\.\d{1,3}\.\d{1,3}|[\w-]+\.(?:internal|local|corp|lan))\b`)
)

// redacted takes secrets and private addresses out of a command.
func redacted(s string) string {
	s = tokens.ReplaceAllString(s, "[redacted]")
	s = assigned.ReplaceAllString(s, "${1}[redacted]")
	s = credentials.ReplaceAllString(s, "$1[redacted]@")
	return private.ReplaceAllString(s, "[private]")
}

// runtimes are what has to be there for a program to start.
var runtimes = map[string]string{
	"node": "node", "npx": "node", "npm": "node", "tsx": "node", "ts-node": "node", "pnpm": "node", "yarn": "node",
	"bun": "bun", "bunx": "bun", "deno": "deno", "python": "python", "python3": "python", "pip": "python", "pipx": "python",
	"uv": "uv", "uvx": "uv", "docker": "docker", "podman": "podman", "go": "go", "java": "java", "dotnet": "dotnet",
	"ruby": "ruby", "php": "php", "cargo": "rust", "pwsh": "powershell", "powershell": "powershell", "jq": "jq", "git": "git", "gh": "gh", "curl": "curl",
}

// runtimeOf names what a command needs; "" for a shell or a program of the
// plugin's own.
func runtimeOf(command string) string {
	words := strings.Fields(command)
	skip := []string{"sh", "bash", "zsh", "env", "exec", "sudo", "cd", "-c", "&&"}
	for len(words) > 0 && (slices.Contains(skip, path.Base(words[0])) || strings.Contains(words[0], "=")) {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	return runtimes[path.Base(strings.Trim(words[0], `"'`))]
}
