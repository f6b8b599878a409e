package marketplace

import (
	"path"
	"slices"
	"strings"
)

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
