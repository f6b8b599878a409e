package marketplace

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// manifestFields are the fields that plugin.json and an entry share.
var manifestFields = []field{
	{"$schema", isString}, {"displayName", isString}, {"version", isString}, {"description", isString},
	{"author", isAuthor}, {"homepage", isAddress}, {"repository", isString}, {"license", isString},
	{"keywords", isStrings}, {"defaultEnabled", isBool}, {"dependencies", isDependencies}, {"settings", isObject},
	{"commands", isCommands}, {"agents", isAgents}, {"skills", isPaths}, {"hooks", isHooks},
	{"mcpServers", isMCP}, {"lspServers", isLSP}, {"outputStyles", isPaths}, {"workflows", isPaths},
	{"userConfig", isUserConfig}, {"channels", isChannels}, {"monitors", isMonitors}, {"experimental", isExperimental},
}

var entryFields = append(slices.Clone(manifestFields),
	field{"category", isString}, field{"tags", isStrings}, field{"strict", isBool})

var (
	isStrings = listOf(isString)
	isAuthor  = shape(false, []string{"name"}, field{"name", isFilled}, field{"email", isString}, field{"url", isString})
	isPaths   = oneOrMore(isPath)
	isAgents  = oneOrMore(pathEnding(".md"))
)

func isAddress(v any) string {
	s, ok := v.(string)
	if !ok {
		return "is not a string"
	}
	if u, err := url.Parse(s); err != nil || u.Scheme == "" {
		return "is not an address"
	}
	return ""
}

func isPath(v any) string {
	if s, ok := v.(string); !ok || !strings.HasPrefix(s, "./") {
		return `is not a path that begins with "./"`
	}
	return ""
}

func pathEnding(ends ...string) rule {
	return func(v any) string {
		if problem := isPath(v); problem != "" {
			return problem
		}
		if !hasEnding(v.(string), ends...) {
			return "is not a path to a " + strings.Join(ends, " or ") + " file"
		}
		return ""
	}
}

func hasEnding(s string, ends ...string) bool {
	return slices.ContainsFunc(ends, func(end string) bool { return strings.HasSuffix(s, end) })
}

func isCommands(v any) string {
	if _, ok := v.(object); !ok {
		return isPaths(v)
	}
	return mapOf(func(v any) string {
		o, _ := v.(object)
		_, source := o["source"]
		_, content := o["content"]
		if source == content {
			return "has not exactly one of source and content"
		}
		return shape(false, nil, field{"source", isPath}, field{"content", isString}, field{"description", isString},
			field{"argumentHint", isString}, field{"model", isString}, field{"allowedTools", isStrings})(v)
	})(v)
}

var (
	dependencyName = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._]*$`)
	// dependencyText is name, name@marketplace, name@^1.0 or name@marketplace@^1.0.
	dependencyText = regexp.MustCompile(`^[A-Za-z0-9][-A-Za-z0-9._]*(@[A-Za-z0-9][-A-Za-z0-9._]*)?(@\^[^@]*)?$`)
)

var isDependencies = listOf(func(v any) string {
	if s, ok := v.(string); ok {
		if !dependencyText.MatchString(s) {
			return "is not a plugin's name"
		}
		return ""
	}
	isName := func(v any) string {
		if s, ok := v.(string); !ok || !dependencyName.MatchString(s) {
			return "is not a name"
		}
		return ""
	}
	return shape(false, []string{"name"}, field{"name", isName}, field{"marketplace", isName})(v)
})

// hookEvents are those that client 2.1.197 knows; it drops the hooks of a file
// that has another.
var hookEvents = strings.Fields(`SessionStart Setup UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest
	PermissionDenied PostToolUse PostToolUseFailure PostToolBatch Notification MessageDisplay SubagentStart SubagentStop
	TaskCreated TaskCompleted Stop StopFailure TeammateIdle InstructionsLoaded ConfigChange CwdChanged FileChanged
	WorktreeCreate WorktreeRemove PreCompact PostCompact Elicitation ElicitationResult SessionEnd`)

func isHooks(v any) string {
	return oneOrMore(func(v any) string {
		if _, ok := v.(object); ok {
			return isHookMap(v)
		}
		return pathEnding(".json")(v)
	})(v)
}

func isHookMap(v any) string {
	o, ok := v.(object)
	if !ok {
		return "is not an object"
	}
	for _, event := range sortedKeys(o) {
		if !slices.Contains(hookEvents, event) {
			return fmt.Sprintf("has the unknown event %.100q", event)
		}
	}
	return mapOf(listOf(shape(false, []string{"hooks"}, field{"matcher", isString}, field{"hooks", listOf(isHandler)})))(v)
}

func isHandler(v any) string {
	common := []field{{"timeout", isPositive}, {"statusMessage", isString}, {"once", isBool}, {"if", isString}}
	o, ok := v.(object)
	if !ok {
		return "is not an object"
	}
	switch o["type"] {
	case "command":
		return shape(false, []string{"command"}, append(common, field{"command", isString}, field{"args", isStrings},
			field{"async", isBool}, field{"asyncRewake", isBool}, field{"shell", oneOf("bash", "powershell")})...)(v)
	case "http":
		return shape(false, []string{"url"}, append(common, field{"url", isAddress}, field{"headers", mapOf(isString)},
			field{"allowedEnvVars", isStrings})...)(v)
	case "mcp_tool":
		return shape(false, []string{"server", "tool"}, append(common, field{"server", isFilled}, field{"tool", isFilled}, field{"input", isObject})...)(v)
	case "prompt", "agent":
		return shape(false, []string{"prompt"}, append(common, field{"prompt", isString}, field{"model", isString})...)(v)
	}
	return "has an unknown type"
}

func isMCP(v any) string {
	return oneOrMore(func(v any) string {
		s, ok := v.(string)
		switch {
		case !ok:
			return mapOf(isMCPServer)(v)
		case strings.HasPrefix(s, "http://"), strings.HasPrefix(s, "https://"):
			if !hasEnding(s, ".mcpb", ".dxt") {
				return "is an address that does not lead to a .mcpb or .dxt file"
			}
			return ""
		}
		return pathEnding(".json", ".mcpb", ".dxt")(v)
	})(v)
}

func isMCPServer(v any) string {
	o, ok := v.(object)
	if !ok {
		return "is not an object"
	}
	switch o["type"] {
	case nil, "stdio":
		if _, ok := o["type"]; ok && o["type"] == nil {
			return "has an unknown type"
		}
		return shape(false, []string{"command"}, field{"command", isFilled}, field{"args", isStrings}, field{"env", mapOf(isString)})(v)
	case "http", "streamable-http", "sse", "ws", "sdk", "sse-ide", "claudeai-proxy":
		if o["type"] == "sdk" {
			return shape(false, []string{"name"}, field{"name", isString})(v)
		}
		return shape(false, []string{"url"}, field{"url", isString}, field{"headers", mapOf(isString)})(v)
	}
	return "has an unknown type"
}

func isLSP(v any) string {
	return oneOrMore(func(v any) string {
		if _, ok := v.(string); ok {
			return pathEnding(".json")(v)
		}
		return mapOf(isLSPServer)(v)
	})(v)
}

var isLSPServer = shape(true, []string{"command", "extensionToLanguage"},
	field{"command", func(v any) string {
		if s, ok := v.(string); !ok || s == "" || strings.Contains(s, " ") && !strings.HasPrefix(s, "/") {
			return "is not one command without its arguments"
		}
		return ""
	}},
	field{"extensionToLanguage", func(v any) string {
		o, _ := v.(object)
		if len(o) == 0 {
			return "is empty"
		}
		for ext := range o {
			if len(ext) < 2 || ext[0] != '.' {
				return "has a key that is no file ending"
			}
		}
		return mapOf(isFilled)(v)
	}},
	field{"args", listOf(isFilled)}, field{"transport", oneOf("stdio", "socket")}, field{"env", mapOf(isString)},
	field{"initializationOptions", isAny}, field{"settings", isAny}, field{"workspaceFolder", isString},
	field{"startupTimeout", isWhole(1)}, field{"shutdownTimeout", isWhole(1)}, field{"restartOnCrash", isBool},
	field{"diagnostics", isBool}, field{"maxRestarts", isWhole(0)})

var configName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

func isUserConfig(v any) string {
	o, _ := v.(object)
	for name := range o {
		if !configName.MatchString(name) {
			return "has a key that is no variable name"
		}
	}
	return mapOf(shape(true, []string{"type", "title", "description"},
		field{"type", oneOf("string", "number", "boolean", "directory", "file")}, field{"title", isString},
		field{"description", isString}, field{"required", isBool}, field{"sensitive", isBool}, field{"multiple", isBool},
		field{"min", isNumber}, field{"max", isNumber}, field{"default", isDefault}))(v)
}

func isDefault(v any) string {
	switch v.(type) {
	case string, bool, json.Number:
		return ""
	}
	return isStrings(v)
}

var isChannels = listOf(shape(true, []string{"server"},
	field{"server", isFilled}, field{"displayName", isString}, field{"userConfig", isUserConfig}))

// isExperimental: what is no object is ignored by the client.
func isExperimental(v any) string {
	o, _ := v.(object)
	return firstProblem(o, []field{{"themes", isPaths}, {"monitors", isMonitors}})
}

func isMonitors(v any) string {
	names := map[any]bool{}
	return oneOrMore(func(v any) string {
		o, ok := v.(object)
		if !ok {
			return pathEnding(".json")(v)
		}
		if names[o["name"]] {
			return "has the name of another one"
		}
		if _, ok := o["name"].(string); ok {
			names[o["name"]] = true
		}
		return isMonitor(v)
	})(v)
}

var isMonitor = shape(true, []string{"name", "command", "description"},
	field{"name", isFilled}, field{"command", isFilled}, field{"description", isFilled},
	field{"when", func(v any) string {
		s, _ := v.(string)
		if after, ok := strings.CutPrefix(s, "on-skill-invoke:"); s == "always" || ok && after != "" {
			return ""
		}
		return "is neither always nor on-skill-invoke:…"
	}})
