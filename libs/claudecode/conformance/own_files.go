package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const clean = `{"name":"tool","version":"1","description":"d","author":{"name":"A"}}`

// frontMatterCases put one block into one skill each.
func frontMatterCases() (all []ownCase) {
	for i, part := range [][]string{yamlBlocks(), yamlScalars(), fences(), fieldBlocks()} {
		c := ownCase{ID: fmt.Sprintf("frontmatter-%d", i), Files: map[string]string{pluginFile: clean}}
		for j, text := range part {
			c.Files[fmt.Sprintf("skills/s%03d/SKILL.md", j)] = text
		}
		all = append(all, c)
	}
	return all
}

// scalars are values that YAML may take for something other than text.
var scalars = []string{
	"", "~", "null", "Null", "NULL", "nULL", "true", "True", "TRUE", "tRUE", "false", "yes", "Yes", "no", "on", "off", "y", "n", "0", "1", "-1", "+1", "01", "007", "1.0", "1.", ".5", "-.5", "+.5", "1e3", "1E3", "1e+3", "1e-3", "1.5e3", ".e3", "1e", "e3",
	"0x1F", "0xg", "0X1F", "-0x1", "+0x1", "0o17", "0o8", "0O17", "-0o1", "0b1", "1_000", "1,000", "190:20:30", ".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.Inf", ".iNF", ".nan", ".NaN", ".NAN", "+.nan", "-.nan", ".nAn", "inf", "Infinity", "NaN", "2024-01-01", "2024-01-01T00:00:00Z", "12:30", "1:2", "=", "<<", "1.2.3", "v1", "1a", "- 1", "-", "--", "---x", "- ", "?", "? x", ":", ":x", "x:", "x: y", "x:y", "x :y", "x #c", "x#c", "#c", "&a", "&a x", "*a", "!x", "! x", "!!str 1", "!!int 1", "!!int x", "!!float 1", "!!bool true", "!!bool x", "!!null x", "!!binary aGk=", "!!seq []", "!!map {}", "!<tag:yaml.org,2002:str> 1", "!e!x y",
	"%x", "@x", "`x", "|", "|x", "| x", ">", ">-", "|2", "|9", "|0", "|10", "|+-", "'x'", "'x''y'", "'x", "'x' y", "''", `""`, `"x"`, `"x" y`, `"x`, `"\n"`, `"\x"`, `"\x41"`, `"\u0041"`, `"\U00000041"`, `"\ud800"`, `"\e\0\a\b\v\f\r\t\ \"\/\\\N\_\L\P"`, `"\q"`, `"a\` + "\n  b\"", "[", "[]", "[a", "[a]", "[a, b]", "[a,b,]", "[a b]", "[,]", "[a,,b]", "[a: b]", "[{a: b}]", "[a]b", "[a] b", "{", "{}", "{a}", "{a: b}", "{a: b, c: d}", "{a:b}", "{a: b,}", "{a: {b: c}}", "{a, b}", "{\"a\":b}", "{a: b} c", "]", "}", "x, y", "x]", "x}", "x [y]", "x {y}", "(x)", "<x>", "x\ty", "\tx", "x\t", " x", "x ", "é", "😀", "a'b", `a"b`, "it's: x", "\"a\": b", "'a': b", "a: 'b'", "a - b", "a -b", "a ? b", "a | b", "a > b", "a & b", "a * b", "a ! b", "a % b", "a @ b", "$x", "\\x", "/x", "x\\", "..", "...x", "....", "...",
}

func yamlScalars() (all []string) {
	for _, s := range scalars {
		all = append(all, "---\ndescription: d\nname: "+s+"\n---\nx")
	}
	return all
}

// yamlBlocks are whole blocks.
func yamlBlocks() (all []string) {
	for _, b := range []string{
		"", "\n", " ", "# c\n", "x", "- a\n- b", "[a]", "{}", "{a: b}", "{description: d}", "{description: d\n}", "description: d", "description:", "description: \n", "description:\n  d", "description:\n d\n e", "description: d\n  e", "description: d\n e: f", "description: d\ne", "description: d\n\ne: f", "description: d\n- a",
		"description: d\nname: a\nname: b", "description: d\nname: a\nname: 1", "description: d\nname: 1\nname: a", "a: b\na: c\ndescription: d", "description: d\n<<: {a: b}", "description: d\n<<: *x", "x: &x {name: 1}\n<<: *x\ndescription: d", "x: &x d\ndescription: *x", "description: *none", "x: &x [*x]\ndescription: d", "x: &x\n  y: *x\ndescription: d", "&x description: d", "description: d\n&y name: a", "x: &x\ndescription: d", "*x : d",
		"description: |\n  d\n  e", "description: |\n d", "description: |\nd", "description: >\n  d\n\n  e", "description: >-\n  d", "description: |+\n  d\n\n", "description: |2\n   d", "description: |\n   d\n  e", "description: |\n\td", "description: |\n  d\n\te", "description: | # c\n  d", "description: >\n", "description: |\n\nname: a", "description: >1\n d",
		"description: 'd\n  e'", "description: \"d\n  e\"", "description: 'd\ne'", "description: \"d\ne\"", "description: \"d\n\n  e\"", "description: 'd\n---\n'", "description: [a,\n  b]", "description: [a,\nb]", "description: {a: b,\n  c: d}", "description: [\n]", "description:\n- a", "description:\n  - a\n  - b", "description:\n  a: b",
		"allowed-tools:\n- a\n- b\ndescription: d", "allowed-tools:\n  - a\n - b\ndescription: d", "allowed-tools:\n  - Bash(git *)\ndescription: d", "allowed-tools:\n  - a: b\ndescription: d", "allowed-tools:\n  -a\ndescription: d", "allowed-tools: a, b\ndescription: d", "allowed-tools: Bash(git:*), Read\ndescription: d", "allowed-tools: [Bash(git:*), Read]\ndescription: d", "allowed-tools: [\"Bash(git:*)\"]\ndescription: d", "allowed-tools: Bash(npm run test: *)\ndescription: d", "allowed-tools: *\ndescription: d", "allowed-tools: [*]\ndescription: d", "allowed-tools:\ndescription: d", "allowed-tools: -\ndescription: d",
		" description: d", "  description: d\n  name: a", " description: d\nname: a", "description: d\n  name: a", "\tdescription: d", "description:\td", "description: d\t", "description\t: d", "description : d", "description:d", "description: d # c", "description: d #c: e", "# c\ndescription: d", "description: d\n# c", "description: d\n  # c\nname: a", "description: d\r\nname: a\r", "description: d\rname: a",
		"? description\n: d", "? description", "? a\ndescription: d", "? [a]\n: b\ndescription: d", "[a]: b\ndescription: d", "{a: b}: c\ndescription: d", "1: a\ndescription: d", "true: a\ndescription: d", "null: a\ndescription: d", "~: a\ndescription: d", "\"description\": d", "'description': d", "\"a b\": c\ndescription: d", "a b: c\ndescription: d", "a: b: c\ndescription: d", "a:\n  b: c: d\ndescription: d", "é: a\ndescription: d", "-: a\ndescription: d", "- : a", "a-b: c\ndescription: d", "a?: b\ndescription: d", "a#b: c\ndescription: d", "a #b: c\ndescription: d",
		"...\ndescription: d", "description: d\n...", "description: d\n...\nname: 1", "description: d\n....\n", "description: d\n ---\n", "%YAML 1.2\ndescription: d", "%YAML 1.1\ndescription: d", "%TAG ! tag:x,2000:\ndescription: d", "%x\ndescription: d", "description: d\n%x", "!x\ndescription: d", "!!map\ndescription: d", "!!map {description: d}", "!!seq\n- a", "!!str x", "description: !x d", "description: !!str 1", "description: !!int d", "description: !<x> d", "!x description: d",
		"description: a: b", "description: a:b", "description: 'a: b'", "description: a: b\nname: 1", "description: use: [x", "description: a\n  b: c", "description: a\n  b\n  c: d", "description: \"a\" b", "description: 'a' b", "description: [a] b", "description: {a} b", "description: @a", "description: `a`", "description: %a", "description: &a", "description: *a", "description: !a", "description: |a", "description: >a", "description: ?a", "description: -a", "description: - a", "description: :a", "description: a, b", "description: a [b]", "description: [a", "description: {a", "description: a]", "description: \"a", "description: 'a", "description: it's", "description: a #b", "description: #a", "description: a\\b", "description: \"a\\b\"", "description: \"\\q\"", "description: <example>\n</example>", "description: a\n<example>", "description: Use this. Examples: <example>user: \"x\"</example>",
		"description: d\x00", "description: d\x01", "description: d\x7f", "description: \ufeffd", "\ufeffdescription: d", "description: d\u0085e", "description: d\u2028e", "description: d\u00a0: e", "description: d\xff", "description: \ufffe", "description: \"\x01\"",
		"description: " + strings.Repeat("[", 200) + strings.Repeat("]", 200), "description: d\nx: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), "description: d\nx: " + strings.Repeat("{a: ", 60) + "1" + strings.Repeat("}", 60), "description: " + strings.Repeat("x", 60_000), "description: d\nx: " + strings.Repeat("x: ", 2), "description: d\n" + strings.Repeat("x: y\n", 3000), "description: d\na: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]",
		"description: d\nmetadata:\n  version: 1.0\n  tags: [a, b]\n", "description: d\nhooks:\n  PreToolUse:\n    - matcher: \"*\"\n      hooks:\n        - type: command\n          command: x", "description: d\nx:\n  - a\n  -\n    - b\n  - - c\n    - d\n", "description: d\nx:\n- a: 1\n  b: 2\n-\n  c: 3", "description: d\nx:\n\n\n  y: z", "description: d\nx:\n  y: z\n w: v", "description: d\nx:\n  y: z\n   w: v", "description: d\nx: y\n  z: w", "description: d\nx: [a\n, b]", "description: d\nx: {a: b\n, c: d}", "description: d\nx: [a, # c\n b]", "description: d\nx: 'a''b'", "description: d\nx: \"a\\\n  b\"", "description: d\nx: a\n\n\n  b", "description: d\nx: - a\n   - b", "description: d\nx: >\n  a\n b", "description: d\nx: |\n   a\n  b\nname: c", "description: d\nx: |\n\n   \n  a",
		"description: d\nargument-hint: [a] [b]", "description: d\nargument-hint: [a]", "description: d\nargument-hint: <a> [b]", "description: d\nargument-hint: [a|b] <c>", "description: d\nargument-hint: \"[a] [b]\"", "description: d\nargument-hint: [--x <y>]", "description: d\nargument-hint: [a: b]", "description: d\nargument-hint: [a?]", "description: d\nargument-hint: [?a]", "description: d\nargument-hint: [-a]", "description: d\nargument-hint: [- a]", "description: d\nargument-hint: [a, ...]", "description: d\nargument-hint: [a...]", "description: d\nargument-hint: {a|b}", "description: d\nargument-hint: @a", "description: d\nmodel: *",
		"name: \"\\e\"", "name: \"\\0\"", "name: \"\\a\"", "name: \"\\b\"", "name: \"\\v\"", "name: \"\\f\"", "name: \"\\r\"", "name: \"\\t\"", "name: \"\\ \"", "name: \"\\\"\"", "name: \"\\/\"",
		"name: \"\\\\\"", "name: \"\\N\"", "name: \"\\_\"", "name: \"\\L\"", "name: \"\\P\"", "name: \"\\n\"", "name: \"\\x41\"", "name: \"\\u0041\"", "name: \"\\U00000041\"", "name: \"\\'\"",
		"name: \"\\-\"", "name: \"\\ud83d\\ude00\"", "name: \"\\udc00\"", "name: \"\\U00110000\"", "name: \"\\x4\"", "x: | #c\n  d", "x: |-\n  d", "name: 1_000", "name: 0b1", "name: +1",
		"name: 1.2e3", "name: 1e", "name: 00", "name: -0", "name: 0o", "name: 0x", "x: [a\nb]", "x: [a\n b]", "x: {a:\nb}", "x: {a:\n b}", "x: [a,\n# c\n b]", "x: [a,\n b\n# c\n]",
		"x: [\n# c\n a]", "x: ['a',\n'b']", "x: [\"a: b\", c]", "x: [a\n,\n b]", "x: [a,\n b,\n]", "x: [\n  a,\n  b,\n]", "x: [\n  \"a\",\n  \"b\",\n]", "x: {\n  a: b,\n}", "x: [\n\ta,\n\tb\n]",
		"x:\n\t- a", "x:\n  - a\n\t- b", "name: 1\n", "\n\nname: 1", "name: \"a\\e\"", "name: \"a\\0\"", "name: \"a\\ \"", "name: \"\\/\"", "name: \"\\P\"", "name: \"\\_\"", "name: \"\\N\"",
		"name: \"\\L\"", "name: \"\\v\\f\\a\\b\"", "argument-hint: [file?]", "argument-hint: [?file]", "argument-hint: [a ? b]", "allowed-tools: [\n  a,\n  b\n]", "x:\n  y: [\n  a\n  ]",
		"x:\n  y: [\n  a\n ]", "x:\n  y: [\n    a\n]", "x: {\n  a: b\n}", "x: 'a\n\nb'", "x: 'a\n\n b'", "x: 'a\n'", "x: \"a\n\"", "x:\n- 'a\nb'", "x:\n- 'a\n b'", "x:\n- [a,\nb]",
		"x:\n- [a,\n b]", "x:\n  - [a,\n b]", "x:\n  - [a,\n  b]", "x:\n  y: 'a\n b'", "x:\n  y: 'a\n  b'", "x:\n  y: 'a\n   b'", "[a,\nb]", "{a: b,\nc: d}", "{a: b,\nc: d\n}",
		"x: {a: [b,\n c],\n d: e}", "x: [a,\n\n]", "x: [a # ]\n , b]", "x: [a, # c\n]",
	} {
		all = append(all, "---\n"+b+"\n---\nx")
	}
	return all
}

// fences are how a block begins and ends.
func fences() []string {
	return []string{
		"", "x", "---", "---\n", "---\n---", "---\n---\n", "---\ndescription: d\n---", "---\ndescription: d\n---\n", "---\ndescription: d\n---x", "---\ndescription: d\n--- \nx", "---\ndescription: d\n---\t\nx", "---\ndescription: d\n ---\nx", "---\ndescription: d\n----\nx", "---\ndescription: d\n--\nx", "---\ndescription: d\n...\nx", "---\ndescription: d\n", "---\ndescription: d",
		"--- \ndescription: d\n---\n", "---\t\ndescription: d\n---\n", "---x\ndescription: d\n---\n", "----\ndescription: d\n---\n", " ---\ndescription: d\n---\n", "\n---\ndescription: d\n---\n", "\ufeff---\ndescription: d\n---\n", "---\r\ndescription: d\r\n---\r\nx", "---\r\ndescription: d\n---\nx", "---\rdescription: d\r---\rx", "---\ndescription: d\r\n---\r\n", "---\n\n---\n", "--- # c\ndescription: d\n---\n", "---\ndescription: d\n--- # c\n---\n", "---description: d\n---\n", "+++\ndescription: d\n+++\n", "---\ndescription: d\n---\n---\nname: 1\n---\n", "```\n---\ndescription: d\n---\n", "<!-- c -->\n---\ndescription: d\n---\n", "---\u00a0\ndescription: d\n---\n", "---\ndescription: d\n---\u00a0\nx", "---\v\ndescription: d\n---\n", "---\f\ndescription: d\n---\n", "---\n\ufeffdescription: d\n---\n", "---\ndescription: d\n---\r", "---\ndescription: d\r---\n", "---\u2028\ndescription: d\n---\n", "---\n---\n---\n", "---\n# c\n---\n", "---\n---x\n---\n",
	}
}

// fieldBlocks are the fields that are looked at, with every kind of value.
func fieldBlocks() (all []string) {
	values := []string{"", "~", "''", "x", "1", "1.5", ".inf", ".nan", "true", "2024-01-01", "[]", "[a]", "[1]", "[a, 1]", "[null]", "[[a]]", "[{a: b}]", "{}", "{a: b}", "bash", "BASH", "Bash", "powershell", "PowerShell", "sh", "zsh", "' bash'", "' '", "!!str 1", "!x 1", "0x10", "0o7", "|\n  a"}
	for _, f := range strings.Fields("description name allowed-tools shell when_to_use model effort context tools disallowed-tools user-invocable disable-model-invocation agent hooks paths argument-hint arguments version license metadata compatibility color isolation maxTurns skills memory background mcpServers permissionMode Name Description DESCRIPTION allowedTools allowed_tools tags author category") {
		for _, v := range values {
			head := "description: d\n"
			if f == "description" {
				head = ""
			}
			all = append(all, "---\n"+head+f+": "+v+"\n---\nx")
		}
	}
	return all
}

// hookCases vary handlers in a file of hooks.
func hookCases() []ownCase {
	var groups []string
	for _, f := range []form{
		{`{"hooks":[{"type":"command","command":"x",@}]}`, []string{`"args":[]`, `"args":["x"]`, `"args":[1]`, `"args":"x"`, `"args":null`, `"async":1`, `"async":true`, `"asyncRewake":1`, `"asyncRewake":false`, `"shell":"bash"`, `"shell":"powershell"`, `"shell":"Bash"`, `"shell":"sh"`, `"shell":null`, `"statusMessage":1`, `"statusMessage":""`, `"once":1`, `"once":true`, `"if":1`, `"if":"Bash(x)"`, `"if":""`, `"x":1`, `"rewakeMessage":1`, `"rewakeMessage":""`, `"rewakeSummary":1`, `"rewakeSummary":""`, `"rewakeMessage":null`, `"env":1`, `"cwd":1`, `"description":1`, `"name":1`, `"matcher":1`, `"continueOnBlock":1`, `"blocking":1`}},
		{`{"hooks":[{"type":"command","command":"x","timeout":@}]}`, numbers}, {`{"hooks":[{"type":"http","url":"https://a","timeout":@}]}`, numbers}, {`{"hooks":[{"type":"prompt","prompt":"x","timeout":@}]}`, numbers}, {`{"hooks":[{"type":"agent","prompt":"x","timeout":@}]}`, numbers}, {`{"hooks":[{"type":"mcp_tool","server":"a","tool":"b","timeout":@}]}`, numbers},
		{`{"hooks":[{"type":"command","command":@}]}`, texts}, {`{"hooks":[{"type":@,"command":"x"}]}`, append(texts, `"command"`, `"Command"`, `"http"`, `"prompt"`, `"agent"`, `"mcp_tool"`, `"mcp-tool"`, `"callback"`, `"function"`)}, {`{"hooks":[{"command":"x"@}]}`, []string{``}},
		{`{"hooks":[{"type":"http","url":@}]}`, slices.Concat(addresses, texts)}, {`{"hooks":[{"type":"http","url":"https://a",@}]}`, []string{`"headers":{}`, `"headers":{"A":1}`, `"headers":[]`, `"headers":null`, `"allowedEnvVars":[]`, `"allowedEnvVars":[1]`, `"allowedEnvVars":"x"`, `"method":1`, `"body":1`, `"async":1`, `"once":1`, `"if":1`, `"statusMessage":1`}},
		{`{"hooks":[{"type":"prompt","prompt":@}]}`, texts}, {`{"hooks":[{"type":"prompt","prompt":"x","model":@}]}`, texts}, {`{"hooks":[{"type":"agent","prompt":@}]}`, texts}, {`{"hooks":[{"type":"agent","prompt":"x","model":@}]}`, texts}, {`{"hooks":[{"type":"prompt","prompt":"x",@}]}`, []string{`"continueOnBlock":1`, `"continueOnBlock":true`, `"once":1`, `"async":1`, `"x":1`}},
		{`{"hooks":[{"type":"mcp_tool","server":@,"tool":"x"}]}`, texts}, {`{"hooks":[{"type":"mcp_tool","server":"x","tool":@}]}`, texts}, {`{"hooks":[{"type":"mcp_tool","server":"x","tool":"y","input":@}]}`, append(texts, `{"a":[1]}`)},
		{`{"matcher":@,"hooks":[]}`, append(texts, `"["`, `"*"`)}, {`{"hooks":@}`, append(texts, `[null]`, `[1]`, `[[]]`, `[{}]`)}, {`{"hooks":[],"x":@}`, texts[:2]}, {`@`, append(texts, `{"matcher":"x"}`)},
	} {
		for _, v := range f.values {
			groups = append(groups, replaceHole(f.around, v))
		}
	}
	file := func(id, text string) ownCase {
		return ownCase{ID: id, Files: map[string]string{pluginFile: clean, "hooks/hooks.json": text}}
	}
	all := []ownCase{file("hooks-groups", `{"hooks":{"Stop":[`+strings.Join(groups, ",\n")+"]}}")}
	var events []string
	for _, e := range strings.Fields(`SessionStart Setup UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest PermissionDenied PostToolUse PostToolUseFailure PostToolBatch Notification MessageDisplay SubagentStart SubagentStop TaskCreated TaskCompleted Stop StopFailure TeammateIdle InstructionsLoaded ConfigChange CwdChanged FileChanged WorktreeCreate WorktreeRemove PreCompact PostCompact Elicitation ElicitationResult SessionEnd DirectoryAdded sessionStart PREToolUse preToolUse PreTool Start End Error BeforeTool AfterTool PreCommit Any * __x`) {
		events = append(events, fmt.Sprintf("%q:[]", e))
	}
	all = append(all, file("hooks-events", `{"hooks":{`+strings.Join(events, ",")+`}}`))
	for i, text := range []string{"", "{}", "[]", "null", `"x"`, `{"Stop":[]}`, `{"hooks":null}`, `{"hooks":[]}`, `{"hooks":{}}`, `{"hooks":{"Stop":{}}}`, `{"hooks":{"Stop":null}}`, `{"hooks":{"Stop":"x"}}`, `{"hooks":{},"description":1,"x":1}`, `{"hooks":{},}`, "\ufeff{\"hooks\":{}}", `{"hooks":{}}//c`, `{"hooks":{"Stop":1},"hooks":{}}`, `{"hooks":{"__proto__":[]}}`, `{"Hooks":{}}`, `{"hooks":{"constructor":[]}}`, `{"hooks":{"":[]}}`, `{"hooks":{},"description":""}`, `{"hooks":{},"description":null}`, `{"hooks":{},"version":1,"name":1,"$schema":1}`, `{"hooks":{},"disableAllHooks":1}`} {
		all = append(all, file(fmt.Sprintf("hooks-file-%d", i), text))
	}
	return all
}

// headCases vary the head of a marketplace; one fault rejects it all, so each
// is on its own.
func headCases() (all []ownCase) {
	add := func(kind, head string) {
		all = append(all, ownCase{ID: fmt.Sprintf("head-%s-%d", kind, len(all)), Files: map[string]string{marketFile: "{" + head + "}"}})
	}
	entry := `"plugins":[{"name":"a","source":"./a"},{"name":"b","source":"./a"}]`
	base := `"name":"tools","owner":{"name":"A"},"description":"d",` + entry
	for _, n := range marketNames {
		b, _ := json.Marshal(n)
		add("name", base+`,"name":`+string(b))
	}
	for _, f := range []string{"$schema", "description", "version", "metadata", "forceRemoveDeletedPlugins", "allowCrossMarketplaceDependenciesOn", "renames", "owner", "plugins", "name"} {
		for _, v := range []string{`null`, `true`, `1`, `""`, `"x"`, `[]`, `["x"]`, `[1]`, `{}`, `{"a":"b"}`, `{"a":null}`, `{"a":1}`} {
			add(f, base+fmt.Sprintf(",%q:%s", f, v))
		}
	}
	for _, f := range []form{
		{`"owner":{"name":@}`, texts}, {`"owner":{"name":"a","email":@}`, texts[:4]}, {`"owner":{"name":"a","url":@}`, texts[:6]}, {`"owner":{"name":"a","x":@}`, texts[:1]},
		{`"metadata":{"description":@}`, texts[:6]}, {`"metadata":{"version":@}`, texts[:4]}, {`"metadata":{"pluginRoot":@}`, append(texts, `"./a"`, `"../a"`)}, {`"metadata":{"x":@}`, texts[:1]}, {`"metadata":{"descriptio":@}`, texts[:1]},
		{`"renames":@`, []string{`{"x":"a"}`, `{"x":"y"}`, `{"x":"y","y":"a"}`, `{"x":"y","y":null}`, `{"x":"y","y":"x"}`, `{"x":"x"}`, `{"a":"b"}`, `{"a":"a"}`, `{"x":""}`, `{"":"a"}`, `{"x":"y","y":"z"}`, `{"x":null,"y":"x"}`, `{"x":"y","y":"z","z":"x"}`, `{"w":"x","x":"y","y":"x"}`, `{"x":"a b"}`, `{"x":[]}`, `{"x":true}`, `{"a":null}`, `{"a":"b","b":"a"}`, `{"__proto__":"a"}`, `{"x":"toString"}`, `{"constructor":"a"}`}},
		{`"plugins":@`, []string{`[null]`, `[1]`, `["x"]`, `[[]]`, `[{}]`, `[{"name":"a"}]`, `[{"source":"./a"}]`, `[{"name":"a","source":"./a"},{"name":"a","source":"./b"}]`, `[{"name":"a","source":"./a"},{"name":"A","source":"./b"}]`, `[{"name":"a","source":"./a"},{"name":"a","source":"./b"},{"name":"b","source":"./a","homepage":"x"}]`, `[{"name":"a","source":"./a"},{"name":"a","source":"x"}]`, `[{"name":"a","source":"./a"},{"name":"a","source":"./b"},{"name":"a","source":"./c"}]`, `[{"name":"a","source":"./..a"},{"name":"a","source":"./b"}]`, `[{"name":"a","source":{"source":"unsupported"}},{"name":"a","source":"./a"}]`}},
	} {
		for _, v := range f.values {
			add("form", base+","+replaceHole(f.around, v))
		}
	}
	for _, f := range strings.Fields("homepage license keywords icon packs Name descriptions versions plugin owners metadat author repository category tags id strict pluginRoot $id") {
		add("unknown", base+fmt.Sprintf(",%q:1", f))
	}
	for _, text := range []string{`"owner":{"name":"A"},` + entry, `"name":"tools",` + entry, `"name":"tools","owner":{"name":"A"}`, `"name":"tools","owner":{"name":"A"},` + entry, `"name":"tools","owner":{"name":"A"},"plugins":[]`, ``, `"plugins":1`, `"name":"tools","owner":{"name":"A"},"metadata":{"description":"d"},` + entry, `"name":"tools","owner":{"name":"A"},"metadata":{"description":""},"description":"",` + entry} {
		add("missing", text)
	}
	for i, n := range []string{`"a"`, `""`, `" "`, `"a b"`, `null`, `1`, `"A"`, `"a@b"`, `"a/b"`, `".."`, `"a\tb"`, `"é"`, `"a_b"`} {
		all = append(all, market(fmt.Sprintf("entry-name-%d", i), []string{`{"name":` + n + `,"source":"./a"}`}))
	}
	return all
}

var marketNames = append(strings.Fields(`a A a_b a.b a-b 1 a:b a* a" a% a@b a/b a\b .. a..b . ... a... -a a- inline INLINE builtin Builtin skills-dir synced npm github agent-skills Agent-Skills
	claude-code-marketplace claude-code-plugins claude-plugins-official claude-plugins-community claude-community anthropic-marketplace anthropic-plugins anthropic-agent-skills knowledge-work-plugins
	life-sciences claude-for-legal claude-for-financial-services financial-services-plugins healthcare first-party-plugins claude-tag-plugins anthropic-plugin-directory claude-plugin-directory claude-plugin-test
	claude anthropic claude-plugin claude-plugins claudeplugins claude_plugins claude--plugins claude.plugins claude-marketplace claudemarketplace claude-market claude-official official-claude officialclaude official-x-claude
	x-official-claude x-claude-official x-claude-marketplace my-claude-plugins the-anthropic-plugins anthropic-official anthropic-x-official anthropicofficial anthropicplugins anthropic-pluginx claude-code-official claude-x-official
	official official-plugins official-anthropic officially-claude unofficial-claude unofficial-anthropic-plugins claude-unofficial claude-inofficial claude-tools claude-code-plugins-plus claude-code anthropic-tools-v2 claude-code.plugins claude.code.plugins
	CLAUDE-PLUGINS Claude-Official constructor toString __proto__ hasOwnProperty valueOf prototype null undefined true claudeai-x org unknown official1claude official!claude claude1official claude!marketplace claude1marketplace
	anthropic-marketplaces claude-plugins-x x-claude-plugins-official claudeofficial1 claude@official claude~plugins`),
	"", " ", "a b", "a\tb", "a\nb", "é", "漢", "😀", "a\u0000", "a\u007f", "a\u00a0b", "сlaude-plugins", strings.Repeat("a", 300), "a ", " a", "official claude", "claude\u200bplugins")

// placeCases vary what is where.
func placeCases() []ownCase {
	return []ownCase{
		{"place-none", map[string]string{"README.md": "x"}}, {"place-root-manifest", map[string]string{"plugin.json": clean}}, {"place-root-market", map[string]string{"marketplace.json": `{"name":"a","owner":{"name":"A"},"plugins":[]}`}},
		{"place-both", map[string]string{pluginFile: "{", marketFile: `{"name":"a","owner":{"name":"A"},"plugins":[],"description":"d"}`}}, {"place-claude-md", map[string]string{pluginFile: clean, "CLAUDE.md": "x"}}, {"place-claude-md-dir", map[string]string{pluginFile: clean, "CLAUDE.md/x": "x"}}, {"place-claude-md-lower", map[string]string{pluginFile: clean, "claude.md": "x"}},
		{"place-skill-depth", map[string]string{pluginFile: clean, "skills/SKILL.md": "x", "skills/a/SKILL.md": "x", "skills/a/b/SKILL.md": "x", "skills/c/skill.md": "x", "skills/d/README.md": "x", "skills/e.md": "x", "skills/f/Skill.md": "x", "SKILL.md": "x"}},
		{"place-commands", map[string]string{pluginFile: clean, "commands/a.md": "x", "commands/b/c.md": "x", "commands/d.MD": "x", "commands/e.Md": "x", "commands/README.md": "x", "commands/f.markdown": "x", "commands/g.txt": "x", "commands/h.md/x.md": "x", "commands/.i.md": "x", "commands/.j/k.md": "x", "commands/.md": "x", "commands/x/SKILL.md": "x", "commands/node_modules/a.md": "x"}},
		{"place-agents", map[string]string{pluginFile: clean, "agents/a.md": "x", "agents/b/c.md": "x", "agents/d.MD": "x", "agents/README.md": "x", "agents/.md": "x", "agents/deep/a/b/c/d/e.md": "x"}},
		{"place-other-folders", map[string]string{pluginFile: clean, "output-styles/a.md": "---\nname: 1\n---\n", "themes/a.json": "{", "monitors/monitors.json": "{", "workflows/a.js": "x", ".mcp.json": "{", ".lsp.json": "{", "settings.json": "{", "bin/x": "x"}},
		{"place-custom-folders", map[string]string{pluginFile: strings.Replace(clean, "{", `{"commands":"./c","agents":["./a/x.md"],"skills":"./s","hooks":"./h.json","outputStyles":"./none",`, 1), "c/a.md": "---\nname: 1\n---", "a/x.md": "---\nname: 1\n---", "s/a/SKILL.md": "---\nname: 1\n---", "h.json": "{", "commands/d.md": "x", "agents/d.md": "x", "skills/d/SKILL.md": "x"}},
		{"place-bad-manifest", map[string]string{pluginFile: "{", "skills/a/SKILL.md": "x", "hooks/hooks.json": "{", "CLAUDE.md": "x"}}, {"place-bad-schema", map[string]string{pluginFile: `{"name":1}`, "skills/a/SKILL.md": "x", "hooks/hooks.json": "{"}}, {"place-not-object", map[string]string{pluginFile: `[]`, "skills/a/SKILL.md": "x", "hooks/hooks.json": "{"}},
		{"place-manifest-dir", map[string]string{pluginFile + "/x": "x"}}, {"place-hooks-dir", map[string]string{pluginFile: clean, "hooks/hooks.json/x": "x"}}, {"place-commands-file", map[string]string{pluginFile: clean, "commands": "x", "agents": "x", "skills": "x", "hooks": "x"}}, {"place-skill-dir", map[string]string{pluginFile: clean, "skills/a/SKILL.md/x": "x"}},
		{"market-versions", map[string]string{marketFile: `{"name":"tools","owner":{"name":"A"},"description":"d","plugins":[{"name":"a","source":"./a","version":"1"},{"name":"b","source":"./a","version":"2"},{"name":"c","source":"./a","version":""},{"name":"d","source":"./b","version":"1"},{"name":"e","source":"./a","version":"1","strict":false},{"name":"f","source":"./c","version":"1"},{"name":"g","source":"./none","version":"1"},{"name":"h","source":"./a","description":"other"},{"name":"i","source":"."},{"name":"j","source":"./"},{"name":"k","source":"./f"}]}`, "a/" + pluginFile: clean, "b/" + pluginFile: `{"name":"b"}`, "c/" + pluginFile: "{", "f": "x"}},
		{"market-bad-entry-local", map[string]string{marketFile: `{"name":"tools","owner":{"name":"A"},"description":"d","plugins":[{"name":"a","source":"./a","homepage":"x"},{"name":"b","source":"./b"}]}`, "a/" + pluginFile: `{"name":1}`, "b/" + pluginFile: `{"name":1}`}},
		{"market-bad-head-local", map[string]string{marketFile: `{"name":"tools","owner":{"name":""},"description":"d","plugins":[{"name":"a","source":"./a"}]}`, "a/" + pluginFile: `{"name":1}`}}, {"market-json", map[string]string{marketFile: "{"}}, {"market-list", map[string]string{marketFile: "[]"}}, {"market-null", map[string]string{marketFile: "null"}}, {"market-mark", map[string]string{marketFile: "\ufeff{}"}}, {"market-dir", map[string]string{marketFile + "/x": "x"}},
		{"market-unsupported", map[string]string{marketFile: `{"name":"tools","owner":{"name":"A"},"description":"d","plugins":[{"name":"a","source":{"source":"unsupported"},"homepage":"x","zzz":1,"relevance":1}]}`}},
	}
}
