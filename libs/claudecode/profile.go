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
	pluginFields   []string // known beside those with a rule
	anthropicNames []string // names that only Anthropic's own marketplaces may have
	reservedNames  []string
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
)

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
		entryOnly:      []string{"source", "category", "tags", "strict", "relevance", "id"},
		pluginFields:   []string{"metadata", "headers", "headersHelper"},
		anthropicNames: append([]string{"first-party-plugins", "healthcare"}, anthropic2197...), reservedNames: reserved2197,
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
