package claudecode

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The forms of fields that plugin.json and entries share, as the client's own
// schema has them.
var (
	isStrings = listOf(isString)
	isAuthor  = shape(false, need("name", filled("empty_author_name")), may("email", isString), may("url", isString))
	isObject  = mapOf(nil, isAny)
	isPath    = pathTo()
	noBlank   = filled("empty_plugin_name")
)

// isName is a plugin's name.
func (p *Profile) isName(path string, v any) []issue {
	if found := noBlank(path, v); found != nil {
		return found
	}
	switch s := v.(string); {
	case strings.Contains(s, " "):
		return []issue{{path, "plugin_name_space", "It has a blank; write it in kebab-case, such as my-plugin."}}
	case strings.ContainsAny(s, p.nameSigns):
		return []issue{{path, "plugin_name_signs", `It has a sign such as "@", ":", "/" or "\" in it; write it in kebab-case, such as my-plugin.`}}
	}
	return nil
}

// pathTo wants a path that begins with "./" and has one of the endings.
func pathTo(endings ...string) rule {
	return func(path string, v any) []issue {
		s, ok := v.(string)
		if !ok || !strings.HasPrefix(s, "./") || len(endings) > 0 && !hasEnding(s, endings...) {
			return wrongType(path, `a path that begins with "./"`, v)
		}
		return nil
	}
}

func hasEnding(s string, endings ...string) bool {
	return slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(s, e) })
}

// skillsPath is a folder of skills.
func (p *Profile) skillsPath(path string, v any) []issue {
	if p.dotSkills && v == "." {
		return nil
	}
	return isPath(path, v)
}

var isCommands = anyOf("a path, a list of paths or a map of commands", oneOrMore(isPath), mapOf(nil, isCommand))

// isCommand is a value of a map of commands: it has a file or a text, never
// both.
func isCommand(path string, v any) []issue {
	o, _ := v.(object)
	if isSet(o["source"]) == isSet(o["content"]) {
		return wrongType(path, "an object with either source or content", v)
	}
	return shape(false, may("source", isPath), may("content", isString), may("description", isString),
		may("argumentHint", isString), may("model", isString), may("allowedTools", isStrings))(path, v)
}

// isSet says whether there is a text with something in it, or something else
// that JavaScript takes for true.
func isSet(v any) bool { return v != nil && v != "" && v != false && v != json.Number("0") }

var (
	dependencyWord = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._]*$`)
	dependencyText = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._]*(@[A-Za-z0-9][-A-Za-z0-9._]*)?(@\^[^@]*)?$`)
)

func matching(re *regexp.Regexp) rule {
	return func(path string, v any) []issue {
		if s, ok := v.(string); !ok || !re.MatchString(s) {
			return wrongType(path, "a plugin's name", v)
		}
		return nil
	}
}

var isDependencies = listOf(anyOf("a plugin's name, or an object with one", matching(dependencyText),
	shape(false, need("name", matching(dependencyWord)), may("marketplace", matching(dependencyWord)))))

// isHookMap is what hooks declare for each event. In a file every fault has its
// own place.
func (p *Profile) isHookMap(path string, v any) []issue {
	known := func(event string) bool { return slices.Contains(p.hookEvents, event) }
	return mapOf(known, listOf(shape(false, may("matcher", isString), need("hooks", listOf(isHandler)))))(path, v)
}

var handlerCommon = []field{
	may("timeout", above(0, false, false)), may("statusMessage", isString), may("once", isBool), may("if", isString),
}

var handlers = map[string]rule{
	"command": shape(false, append([]field{
		need("command", isString), may("args", isStrings), may("async", isBool), may("asyncRewake", isBool),
		may("rewakeMessage", filled("empty_string")), may("rewakeSummary", filled("empty_string")), may("shell", oneOf("bash", "powershell")),
	}, handlerCommon...)...),
	"http": shape(false, append([]field{
		need("url", isAddress), may("headers", mapOf(nil, isString)), may("allowedEnvVars", isStrings),
	}, handlerCommon...)...),
	"mcp_tool": shape(false, append([]field{
		need("server", isString), need("tool", isString), may("input", isObject),
	}, handlerCommon...)...),
	"prompt": shape(false, append([]field{need("prompt", isString), may("model", isString), may("continueOnBlock", isBool)}, handlerCommon...)...),
	"agent":  shape(false, append([]field{need("prompt", isString), may("model", isString)}, handlerCommon...)...),
}

func isHandler(path string, v any) []issue {
	o, ok := v.(object)
	if !ok {
		return wrongType(path, "an object", v)
	}
	kind, _ := o["type"].(string)
	r, ok := handlers[kind]
	if !ok {
		return []issue{{join(path, "type"), "no_union_match", "The type of the hook has to be command, http, mcp_tool, prompt or agent."}}
	}
	return r(path, v)
}

func (p *Profile) isHooks(path string, v any) []issue {
	return anyOf("a path to a .json file, hooks by event, or a list of those", oneOrMore(anyOf("", pathTo(".json"), p.isHookMap)))(path, v)
}

var (
	isMCPBundle = func(path string, v any) []issue {
		s, ok := v.(string)
		if s = trimmed(s); !ok || !parsesAsURL(s) || !hasEnding(s, ".mcpb", ".dxt") {
			return wrongType(path, "an address of a .mcpb file", v)
		}
		return nil
	}
	isMCP = anyOf("a path, servers by name, or a list of those",
		oneOrMore(anyOf("", pathTo(".json", ".mcpb", ".dxt"), isMCPBundle, mapOf(nil, isMCPServer))))
)

// serverCommon are the fields that all servers have.
var serverCommon = []field{may("timeout", above(0, false, true)), may("alwaysLoad", isBool)}

var (
	localServer  = shape(false, append([]field{need("command", filled("empty_string")), may("args", isStrings), may("env", mapOf(nil, isString))}, serverCommon...)...)
	remoteFields = append([]field{need("url", isString), may("headers", mapOf(nil, isString)), may("headersHelper", isString)}, serverCommon...)
	remoteServer = shape(false, append([]field{may("oauth", isOAuth)}, remoteFields...)...)
)

// servers are the kinds of MCP servers by their type.
var servers = map[string]rule{
	"stdio": localServer, "http": remoteServer, "streamable-http": remoteServer, "sse": remoteServer, "ws": shape(false, remoteFields...),
	"sdk":            shape(false, append([]field{need("name", isString)}, serverCommon...)...),
	"sse-ide":        shape(false, append([]field{need("url", isString), need("ideName", isString), may("ideRunningInWindows", isBool)}, serverCommon...)...),
	"ws-ide":         shape(false, append([]field{need("url", isString), need("ideName", isString), may("authToken", isString), may("ideRunningInWindows", isBool)}, serverCommon...)...),
	"claudeai-proxy": shape(false, append([]field{need("url", isString), need("id", isString)}, serverCommon...)...),
}

var isOAuth = shape(false, may("clientId", isString), may("callbackPort", above(0, false, true)),
	may("authServerMetadataUrl", func(path string, v any) []issue {
		if s, ok := v.(string); !ok || !parsesAsURL(s) || !strings.HasPrefix(s, "https://") {
			return wrongType(path, "an address that begins with https://", v)
		}
		return nil
	}), may("scopes", filled("empty_string")), may("xaa", isBool))

// isMCPServer is a server of .mcp.json or of a manifest.
func isMCPServer(path string, v any) []issue {
	o, ok := v.(object)
	if !ok {
		return wrongType(path, "an object", v)
	}
	kind, named := o["type"]
	if !named {
		return localServer(path, v)
	}
	name, _ := kind.(string)
	r, ok := servers[name]
	if !ok {
		return wrongType(join(path, "type"), "a kind of server that is known", kind)
	}
	return r(path, v)
}

var isLSP = anyOf("a path to a .json file, servers by name, or a list of those", oneOrMore(anyOf("", pathTo(".json"), mapOf(nil, isLSPServer))))

var isLSPServer = shape(true,
	need("command", func(path string, v any) []issue {
		if s, ok := v.(string); !ok || s == "" || strings.Contains(s, " ") && !strings.HasPrefix(s, "/") {
			return wrongType(path, "one command without its arguments", v)
		}
		return nil
	}),
	need("extensionToLanguage", func(path string, v any) []issue {
		if o, ok := v.(object); ok && len(o) == 0 {
			return wrongType(path, "a map with at least one file ending", v)
		}
		return mapOf(func(ending string) bool { return len(ending) > 1 && ending[0] == '.' }, filled("empty_string"))(path, v)
	}),
	may("args", listOf(filled("empty_string"))), may("transport", oneOf("stdio", "socket")), may("env", mapOf(nil, isString)),
	may("initializationOptions", isAny), may("settings", isAny), may("workspaceFolder", isString),
	may("startupTimeout", above(0, false, true)), may("shutdownTimeout", above(0, false, true)), may("restartOnCrash", isBool),
	may("maxRestarts", above(0, true, true)), may("diagnostics", isBool),
)

var (
	whenSkill  = regexp.MustCompile(`(?s)^on-skill-invoke:.`)
	isMonitors = anyOf("a path to a .json file or a list of monitors", pathTo(".json"), allOf(listOf(isMonitor), distinctNames))
)

var isMonitor = shape(true, need("name", filled("empty_string")), need("command", filled("empty_string")),
	need("description", filled("empty_string")), may("when", func(path string, v any) []issue {
		if s, ok := v.(string); !ok || s != "always" && !whenSkill.MatchString(s) {
			return wrongType(path, `"always" or "on-skill-invoke:" with a skill's name`, v)
		}
		return nil
	}))

func distinctNames(path string, v any) []issue {
	seen := map[any]bool{}
	l, _ := v.([]any)
	for i, item := range l {
		o, _ := item.(object)
		name, _ := o["name"].(string)
		if seen[name] {
			return []issue{{at(path, i), "duplicate_name", "Another one has the same name; rename it."}}
		}
		seen[name] = true
	}
	return nil
}

var (
	configKey    = regexp.MustCompile(`^[A-Za-z_]\w*$`)
	isUserConfig = mapOf(configKey.MatchString, isOption)
	isOption     = shape(true,
		need("type", oneOf("string", "number", "boolean", "directory", "file")), need("title", isString), need("description", isString),
		may("required", isBool), may("sensitive", isBool), may("multiple", isBool), may("min", isNumber), may("max", isNumber),
		may("default", anyOf("text, a number, true or false, or a list of texts", isString, isNumber, isBool, isStrings)))
	isChannels = listOf(shape(true, need("server", filled("empty_string")), may("displayName", isString), may("userConfig", mapOf(nil, isOption))))
)

// isExperimental passes what is not an object: the client ignores it with a
// warning.
func isExperimental(path string, v any) []issue {
	if _, ok := v.(object); !ok {
		return nil
	}
	paths := anyOf("a path or a list of paths", oneOrMore(isPath))
	return shape(false, may("themes", paths), may("monitors", isMonitors), may("evals", anyOf("a path or a list of paths", oneOrMore(isString))))(path, v)
}

// shared are the fields that plugin.json and an entry have in common.
func (p *Profile) shared() []field {
	paths := anyOf("a path or a list of paths", oneOrMore(isPath))
	return append(slices.Clone(p.more), []field{
		may("$schema", isString), may("displayName", isString), may("version", isString), may("description", isString),
		may("author", isAuthor), may("homepage", isAddress), may("repository", isString), may("license", isString),
		may("keywords", isStrings), may("defaultEnabled", isBool), may("dependencies", isDependencies), may("settings", isObject),
		may("commands", isCommands), may("agents", anyOf("a path to a .md file or a list of those", oneOrMore(pathTo(".md")))),
		may("skills", anyOf("a path of a folder or a list of those", oneOrMore(p.skillsPath))), may("hooks", p.isHooks),
		may("mcpServers", isMCP), may("lspServers", isLSP), may("outputStyles", paths), may("workflows", paths), may("themes", paths),
		may("monitors", isMonitors), may("userConfig", isUserConfig), may("channels", isChannels), may("experimental", isExperimental),
	}...)
}

// manifest checks plugin.json.
func (p *Profile) manifest(v any) []issue {
	return shape(false, append([]field{need("name", p.isName)}, p.shared()...)...)("", v)
}

// entry checks an entry; its name and source are as important as its type.
func (p *Profile) entry(path string, v any) []issue {
	fields := append([]field{need("name", p.isName), need("source", p.isSource)}, p.shared()...)
	fields = append(append(fields, p.entryMore...), may("category", isString), may("tags", isStrings), may("strict", isBool))
	return shape(false, fields...)(path, v)
}

var commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)

// isSource is where an entry's plugin is.
func (p *Profile) isSource(path string, v any) []issue {
	if s, ok := v.(string); ok && (s == "." || strings.HasPrefix(s, "./")) {
		return nil
	}
	text := `It is no source that the client knows; write "./folder", or an object with source github, url, git-subdir or npm.`
	if o, ok := v.(object); ok {
		kind, named := o["source"].(string)
		known := slices.Contains(p.sourceKinds, kind)
		var found []issue
		if known {
			found = sourceShapes[kind](path, v)
		}
		switch {
		case known && len(found) == 0:
			return nil
		case known:
			text = fmt.Sprintf("Its %s: %s", strings.TrimPrefix(found[0].path, path+"."), found[0].text)
		case named:
			text = fmt.Sprintf("The source type %.60q is unknown to client %s; use github, url, git-subdir or npm.", kind, p.Version)
		}
	}
	return []issue{{path, "no_union_match", text}}
}

// inside wants text without "..".
func inside(path string, v any) []issue {
	if s, ok := v.(string); !ok || strings.Contains(s, "..") {
		return wrongType(path, `text without ".."`, v)
	}
	return nil
}

var (
	isCommit     = matching(commitID)
	sourceShapes = map[string]rule{
		"github":     shape(false, need("repo", isString), may("ref", isString), may("sha", isCommit)),
		"url":        shape(false, need("url", isString), may("ref", isString), may("sha", isCommit)),
		"git-subdir": shape(false, need("url", isString), need("path", filled("empty_string")), may("ref", isString), may("sha", isCommit)),
		"npm":        shape(false, need("package", inside), may("version", isString), may("registry", isAddress)),
		"archive":    shape(false, need("url", isAddress), may("sha256", isString)),
		"command":    shape(false, need("command", isString)),
	}
)
