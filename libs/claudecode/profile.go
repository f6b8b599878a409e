package claudecode

import "strings"

// Profile is one version of the client, as far as versions differ.
type Profile struct {
	Version string
	// Verified says that the rules were seen on that client; else they follow
	// its documentation.
	Verified bool

	hookEvents     []string
	sourceKinds    []string
	entryOnly      []string // fields of entries that plugin.json should not have
	more           []field  // of both manifests, beside those that every version has
	entryMore      []field  // of entries alone
	anthropicNames []string // names that only Anthropic's own marketplaces may have
	reservedNames  []string
	reservedPrefix string
	nameSigns      string // that no plugin's name may have
	// dotsAreHyphens: names that differ in such signs are taken for the same.
	dotsAreHyphens bool
	// readsServers: the author's check reads .mcp.json.
	readsServers bool
	// dotSkills: "." is a path of skills.
	dotSkills bool
	// pluginRoot: a source that is a bare name is a folder in metadata.pluginRoot.
	pluginRoot bool
}

var (
	events2197 = strings.Fields(`SessionStart Setup UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest
		PermissionDenied PostToolUse PostToolUseFailure PostToolBatch Notification MessageDisplay SubagentStart SubagentStop
		TaskCreated TaskCompleted Stop StopFailure TeammateIdle InstructionsLoaded ConfigChange CwdChanged FileChanged
		WorktreeCreate WorktreeRemove PreCompact PostCompact Elicitation ElicitationResult SessionEnd`)
	kinds2197     = []string{"github", "url", "git-subdir", "npm"}
	anthropic2197 = strings.Fields(`claude-code-marketplace claude-code-plugins claude-plugins-official
		claude-plugins-community claude-community anthropic-marketplace anthropic-plugins agent-skills
		anthropic-agent-skills knowledge-work-plugins life-sciences claude-for-legal claude-for-financial-services
		financial-services-plugins`)
	reserved2197 = []string{"inline", "builtin", "skills-dir"}

	anthropic2240 = append([]string{"first-party-plugins", "healthcare"}, anthropic2197...)
	more2240      = []field{may("metadata", isObject)}
	entryMore2240 = []field{may("headers", mapOf(nil, isString)), may("headersHelper", isString)}
)

// signs2240 are those that keep a plugin from being named, and control
// characters.
var signs2240 = func() string {
	signs := `@:/\` + "\x7f"
	for c := range ' ' {
		signs += string(c)
	}
	return signs
}()

// profiles are from the oldest to the newest.
var profiles = []*Profile{
	{
		Version: "2.1.197", Verified: true,
		hookEvents: events2197, sourceKinds: kinds2197,
		entryOnly:      []string{"source", "category", "tags", "strict", "relevance", "id"},
		anthropicNames: anthropic2197, reservedNames: reserved2197,
	},
	{
		Version:    "2.1.240",
		hookEvents: append([]string{"DirectoryAdded"}, events2197...), sourceKinds: append([]string{"archive", "command"}, kinds2197...),
		entryOnly: []string{"source", "category", "tags", "strict", "relevance", "id"},
		more:      more2240, entryMore: entryMore2240,
		anthropicNames: anthropic2240, reservedNames: reserved2197, nameSigns: signs2240,
		dotSkills: true, pluginRoot: true,
	},
	{
		Version:    "2.1.281",
		hookEvents: append([]string{"DirectoryAdded"}, events2197...), sourceKinds: append([]string{"archive", "command"}, kinds2197...),
		entryOnly: []string{"source", "category", "tags", "strict", "relevance", "id"},
		more:      more2240, entryMore: entryMore2240,
		anthropicNames: append(strings.Fields(`claude-tag-plugins anthropic-plugin-directory claude-plugin-directory claude-plugin-test`), anthropic2240...),
		reservedNames:  append(strings.Fields(`synced npm pip uv cargo github gh`), reserved2197...), reservedPrefix: "claudeai-",
		nameSigns: signs2240, dotsAreHyphens: true, readsServers: true,
		dotSkills: true, pluginRoot: true,
	},
}

// Default gives the profile that everything is judged by: the newest that was
// verified.
func Default() *Profile { return profiles[0] }

// Profiles gives all, from the oldest to the newest.
func Profiles() []*Profile { return profiles }

// ProfileOf gives the profile of a version.
func ProfileOf(version string) (*Profile, bool) {
	for _, p := range profiles {
		if p.Version == version {
			return p, true
		}
	}
	return nil, false
}
