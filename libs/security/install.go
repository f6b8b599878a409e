package security

import (
	"encoding/json"
	"fmt"
)

// installScripts reports what a package manager runs by itself.
func (c *scanner) installScripts(t *text, content string) {
	var m struct{ Scripts map[string]string }
	if json.Unmarshal([]byte(content), &m) != nil {
		return
	}
	for _, name := range []string{"preinstall", "install", "postinstall", "prepare"} {
		command, ok := m.Scripts[name]
		if !ok || command == "" {
			continue
		}
		level := high
		if t.fixture || harmless.MatchString(command) || name == "prepare" && !fetches.MatchString(command) {
			level = low
		}
		c.add(ruleInstall, level, t.path, lineOf(t, `"`+name+`"`), fmt.Sprintf("%s (%s.)", ruleInstall.Message, name), command)
		return
	}
}

// fetches: a step of development, as prepare is, has no need of it.
var fetches = re(`(?i)\b(curl|wget|node -e|eval|https?:|base64)\b`)

// harmless are the usual steps of development.
var harmless = re(`^\s*(husky( install)?|tsc(\s+[\w./ -]*)?|npm run build|(pnpm|yarn|bun)( run)? build|patch-package|lefthook install|simple-git-hooks|is-ci \|\| husky( install)?|node-gyp rebuild|prebuild-install|electron-builder install-app-deps|ngcc)\s*(\|\| (true|exit 0))?\s*$`)

func lineOf(t *text, what string) int {
	for _, l := range t.lines {
		if hasAny(l.text, []string{what}) {
			return l.n
		}
	}
	return 0
}
