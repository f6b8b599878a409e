package plugpack

import "time"

// Bounds of packs.
const (
	MaxPackPlugins  = 200
	MaxPackPhase    = 100 // bytes of a phase's name
	MaxPackNote     = 2000
	MaxPackCommands = 20
	MaxTags         = 20
)

// Difficulty says whom a pack is for.
type Difficulty string

// The difficulties.
const (
	Beginner     Difficulty = "beginner"
	Intermediate Difficulty = "intermediate"
	Advanced     Difficulty = "advanced"
)

// PackText is what a curator says of a pack.
type PackText struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Difficulty  Difficulty `json:"difficulty"`
	Tags        []string   `json:"tags"`
	Minutes     int        `json:"minutes"` // to set it up; 0 is not known
	Curator     string     `json:"curator"`
}

// Pack is a curated set of plugins at one revision, in the order of its phases.
type Pack struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	PackText
	Featured  bool `json:"featured"`
	Published bool `json:"published"`
	// Edition counts what its curators changed; Revision counts every change of
	// what a reader sees, those of its plugins too.
	Edition   int64        `json:"edition"`
	Revision  int64        `json:"revision"`
	Removed   bool         `json:"removed,omitempty"`
	Plugins   []PackPlugin `json:"plugins"`
	CreatedAt time.Time    `json:"created_at"`
	UpdatedAt time.Time    `json:"updated_at"`
}

// PackPlugin is a plugin's place in a pack.
type PackPlugin struct {
	PluginID    string   `json:"plugin_id"`
	Slug        string   `json:"slug"`
	Name        string   `json:"name"`
	Phase       string   `json:"phase,omitempty"`
	Description string   `json:"description,omitempty"` // why it is in the pack
	Commands    []string `json:"commands_to_run,omitempty"`
	// Gone: the plugin was removed from its marketplace and nothing took its
	// place. The pack installs without it.
	Gone bool `json:"gone,omitempty"`
}

// Live says whether readers may see the pack.
func (p Pack) Live() bool { return p.Published && !p.Removed }

// PackDraft is a pack as a curator writes it.
type PackDraft struct {
	Slug string `json:"slug"`
	PackText
	Plugins []DraftPlugin `json:"plugins"` // in order; a phase comes where it is first named
}

// DraftPlugin is a plugin's place in a draft.
type DraftPlugin struct {
	Slug        string   `json:"slug"`
	Phase       string   `json:"phase,omitempty"`
	Description string   `json:"description,omitempty"`
	Commands    []string `json:"commands_to_run,omitempty"`
}
