package main

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// installCases are plugins to install, each with its entry.
func installCases() (all []installCase) {
	add := func(entry string, pairs ...string) {
		name := fmt.Sprintf("x%d", len(all))
		fields := fmt.Sprintf(`"name":%q,"source":"./%s"`, name, name)
		c := installCase{Entry: json.RawMessage(withField(fields, entry)), Files: map[string]string{"README.md": "x"}}
		for i := 0; i < len(pairs); i += 2 {
			c.Files[pairs[i]] = pairs[i+1]
		}
		all = append(all, c)
	}
	m := func(fields string) string { return withField(`"name":"tool"`, fields) }
	skill := func(head, body string) string { return "---\n" + head + "\n---\n" + body }
	long := strings.Repeat("word ", 60)
	// what a component costs; many are in the last case too, to be asked for at once
	together := map[string]string{pluginFile: m("")}
	for _, head := range []string{
		"description: d", "description: " + long, "description: 12345678901234567890123456789012345678901234567890", "description: 0x1F", "description: 1e3", "description: .inf", "description: true", "description: null", "description: ''", "description: [a, b]", "description: {a: b}", "description: 2024-01-01",
		"description: \"a\\u00e9\\U0001F600\\nb\"", "description: |\n  " + long + "\n  more\n", "description: >\n  folded\n  text\n\n  par\n", "description: a: b " + long, "description: [x " + long, "description: d\nwhen_to_use: " + long, "description: d\nwhen_to_use: 5\nname: other", "name: other\ndescription: d", "name: 5\ndescription: d", "when_to_use: " + long,
		"x: &x {description: merged text here that is long enough to be seen in a row of its own, is it not}\n<<: *x", "description: " + long + " --- " + long, "description: d\ndescription: " + long, "Description: " + long, "description: '" + long + "\n  " + long + "'", "description: d\n...\nname: 1", "description: a\tb: c", "description: @x " + long, "description: \"" + long + "\" x", "a: b: c\ndescription: " + long, "description: ~", "description: !x 5", "description:\n  - " + long,
	} {
		add("", pluginFile, m(""), "skills/a/SKILL.md", skill(head, "body "+long), "agents/b.md", skill(head, "agent body"), "commands/c.md", skill(head, "# Title of it\ntext"))
	}
	for _, body := range []string{"", "# T", "##T", "#", "# ", "\n\n  text  \n", "####### seven", "#\ttab", strings.Repeat("x", 99), strings.Repeat("x", 100), strings.Repeat("x", 101), strings.Repeat("😀", 60), "😀😀", "a\r\nb\r\n", "\u00a0\u3000x", "---\nx: y\n---\n", "- item", "<!-- c -->\nx", "```\ncode\n```", "# \u00a0", "#x\ny", "\ufefftext", strings.Repeat("line\n", 3000), "\u200btext", "x\u0085y"} {
		add("", pluginFile, m(""), "skills/a/SKILL.md", body, "commands/b.md", skill("name: x", body), "agents/c.md", skill("", body))
	}
	for i, c := range all {
		for kind, name := range map[string]string{"skills/%sk/SKILL.md": "skills/a/SKILL.md", "agents/%sa.md": "agents/b.md", "commands/%sc.md": "commands/c.md"} {
			if text := c.Files[name]; text != "" {
				together[fmt.Sprintf(kind, fmt.Sprintf("n%03d", i))] = text
			}
		}
	}
	// what is counted
	add("", "skills/a/SKILL.md", "x")
	add("", "SKILL.md", skill("name: root", "x"))
	add("", pluginFile, m(""), "SKILL.md", "x", "skills/README.md", "x")
	add("", pluginFile, m(`"skills":"./"`), "SKILL.md", skill("name: root", "x"))
	add("", pluginFile, m(`"skills":["./more","./one"]`), "more/a/SKILL.md", "x", "one/SKILL.md", "x", "skills/b/SKILL.md", "x")
	add("", pluginFile, m(`"skills":["./skills","./skills/a"]`), "skills/a/SKILL.md", "x")
	add("", pluginFile, m(""), "skills/SKILL.md", "x", "skills/a/SKILL.md", "x")
	add("", pluginFile, m(`"commands":["./cmd","./one.md"]`), "cmd/a.md", "x", "cmd/b/c.md", "x", "one.md", "x", "commands/z.md", "x")
	add("", pluginFile, m(`"commands":"./one.md"`), "one.md", "x")
	add("", pluginFile, m(`"commands":{"a":{"source":"./cmd/a.md"},"b":{"content":"text"},"c":{"source":"./cmd"}}`), "cmd/a.md", "x")
	add("", pluginFile, m(`"commands":[]`), "commands/z.md", "x")
	add("", pluginFile, m(`"agents":["./a.md"]`), "a.md", "x", "agents/z.md", "x")
	add("", pluginFile, m(`"agents":[]`), "agents/z.md", "x")
	add("", pluginFile, m(""), "commands/a.MD", "x", "commands/b/SKILL.md", "x", "agents/c.MD", "x", "agents/d/e.md", "x", "commands/.md", "x", "agents/.hid.md", "x")
	add("", pluginFile, m(""), "hooks/hooks.json", `{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}],"PreToolUse":[]}}`)
	add("", pluginFile, m(`"hooks":{"Stop":[],"SessionStart":[]}`), "hooks/hooks.json", `{"hooks":{"Stop":[]}}`)
	add("", pluginFile, m(`"hooks":"./h.json"`), "h.json", `{"hooks":{"SessionEnd":[]}}`)
	add("", pluginFile, m(`"hooks":["./h.json",{"Stop":[]}]`), "h.json", `{"hooks":{"SessionEnd":[]}}`)
	add("", pluginFile, m(`"hooks":"./hooks/hooks.json"`), "hooks/hooks.json", `{"hooks":{"Stop":[]}}`)
	add("", pluginFile, m(`"hooks":"./h.json"`), "h.json", `{"SessionEnd":[]}`)
	add("", pluginFile, m(`"hooks":"./none.json"`))
	add("", pluginFile, m(""), "hooks/hooks.json", `{"hooks":{"Nope":[]}}`)
	add("", pluginFile, m(""), "hooks/hooks.json", `{"hooks":{},"description":1}`)
	add("", pluginFile, m(""), "hooks/hooks.json", `{}`)
	add("", pluginFile, m(""), "hooks/hooks.json", ``)
	add(`"hooks":{"Stop":[]}`, pluginFile, m(`"hooks":{"SessionStart":[]}`))
	add(`"hooks":"./h.json"`, pluginFile, m(""), "h.json", `{"hooks":{"Stop":[]}}`)
	add("", pluginFile, m(""), ".mcp.json", `{"a":{"command":"x"},"b":{"url":"x"}}`)
	add("", pluginFile, m(`"mcpServers":{"c":{"command":"x"}}`), ".mcp.json", `{"mcpServers":{"a":{"command":"x"}}}`)
	add("", pluginFile, m(`"mcpServers":"./m.json"`), "m.json", `{"mcpServers":{"a":{"command":"x"}}}`)
	add("", pluginFile, m(`"mcpServers":"./none.json"`))
	add("", pluginFile, m(`"mcpServers":"./none.mcpb"`))
	add("", pluginFile, m(""), ".mcp.json", `{`)
	add("", pluginFile, m(""), ".mcp.json", `{"mcpServers":{"a":{"command":1}}}`)
	add("", pluginFile, m(""), ".mcp.json", `{"mcpServers":[]}`)
	add(`"mcpServers":{"e":{"command":"x"}}`, pluginFile, m(""))
	add(`"mcpServers":{"e":{"command":"x"}}`)
	add("", pluginFile, m(""), ".lsp.json", `{"a":{"command":"x","extensionToLanguage":{".a":"a"}}}`)
	add("", pluginFile, m(`"lspServers":{"b":{"command":"x","extensionToLanguage":{".b":"b"}}}`), ".lsp.json", `{"a":{"command":"x y","extensionToLanguage":{}}}`)
	add("", pluginFile, m(`"lspServers":"./l.json"`), "l.json", `{"a":{"command":"x","extensionToLanguage":{".a":"a"}}}`)
	add("", pluginFile, m(`"lspServers":"./none.json"`))
	add("", pluginFile, m(""), ".lsp.json", `{`)
	add(`"lspServers":{"e":{"command":"x","extensionToLanguage":{".a":"a"}}}`)
	// what loads
	for _, f := range []string{`"commands":"./none"`, `"commands":["./none.md"]`, `"agents":"./none.md"`, `"skills":"./none"`, `"skills":"./x.md"`, `"outputStyles":"./none"`, `"workflows":"./none"`, `"themes":"./none"`, `"monitors":"./none.json"`, `"experimental":{"themes":"./none"}`, `"experimental":{"monitors":"./none.json"}`, `"experimental":{"evals":"./none"}`,
		`"commands":"./../x"`, `"skills":"./a/../d"`, `"agents":"./..x.md"`, `"outputStyles":"./../x"`, `"commands":{"a":{"source":"./none.md"}}`, `"dependencies":["none"]`, `"dependencies":["x0"]`, `"dependencies":[{"name":"x0","marketplace":"tools"}]`, `"dependencies":["x0@other"]`, `"dependencies":["x0@^1.0"]`, `"settings":{"x":1}`, `"userConfig":{"a":{"type":"string","title":"t","description":"d","required":true}}`,
		`"channels":[{"server":"none"}]`, `"version":""`, `"homepage":"x"`, `"zzz":1`, `"metadata":1`, `"experimental":1`, `"monitors":[{"name":"a","command":"x","description":"d"}]`, `"monitors":[]`, `"hooks":{}`, `"defaultEnabled":false`, `"commands":"./x.md"`, `"commands":"./"`, `"outputStyles":"./x.md"`, `"themes":"./x.md"`, `"workflows":"./x.md"`, `"commands":".//x.md"`} {
		add("", pluginFile, m(f), "x.md", "x", "d/SKILL.md", "x")
	}
	for _, f := range []string{`"strict":false`, `"strict":false,"commands":"./x.md"`, `"strict":false,"skills":[]`, `"strict":false,"mcpServers":{}`, `"strict":false,"themes":"./x.md"`, `"strict":false,"workflows":"./x.md"`, `"strict":false,"hooks":{}`, `"strict":false,"experimental":{"themes":"./x.md"}`, `"commands":"./none"`, `"skills":"./none"`, `"agents":"./none.md"`, `"dependencies":["none"]`, `"dependencies":["x1"]`, `"dependencies":["x1@other"]`, `"version":"` + strings.Repeat("1", 300) + `"`, `"version":"` + strings.Repeat("1", 240) + `"`, `"version":"a/b"`, `"defaultEnabled":false`, `"relevance":{}`, `"homepage":"x"`, `"sources":1`} {
		add(f, pluginFile, m(""), "x.md", "x")
		add(f, "x.md", "x")
	}
	for _, text := range []string{"", "{", "[]", "null", "{}", `{"name":""}`, `{"name":"a b"}`, `{"name":"a@b"}`, `{"name":"a/b"}`, `{"name":"../x"}`, "\ufeff{\"name\":\"a\"}", `{"name":"a","x":1,}`, `{"name":"a"}//`} {
		add("", pluginFile, text, "skills/a/SKILL.md", "x")
	}
	for _, text := range []string{`[]`, `{}`, `{`, `[{"name":"a"}]`, `[{"name":"a","command":"x","description":"d"}]`, `[{"name":"a","command":"x","description":"d","y":1}]`} {
		add("", pluginFile, m(""), "monitors/monitors.json", text)
	}
	add("", "plugin.json", `{"name":"root","version":"9"}`)
	add("")
	for i, text := range slices.Concat(yamlBlocks(), fences(), yamlScalars()) {
		if len(text) < 20_000 && utf8.ValidString(text) {
			padded := strings.Replace(text, "name: ", "when_to_use: "+strings.Repeat("when ", 12), 1)
			together[fmt.Sprintf("skills/y%03d/SKILL.md", i)] = padded + strings.Repeat("z", 40)
		}
	}
	add("", slices.Collect(flat(together))...)
	add("", pluginFile, m(""), "output-styles/a.md", "x", "themes/a.json", "{", "workflows/a.js", "x", "settings.json", "{", "bin/x", "x")
	return all
}

// flat gives names and texts by turns.
func flat(files map[string]string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for name, text := range files {
			if !yield(name) || !yield(text) {
				return
			}
		}
	}
}
