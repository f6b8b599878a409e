package plugpack

// Severity says how much a problem weighs.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	Severity Severity `json:"severity" example:"warning"`
	File     string   `json:"file" example:".claude-plugin/plugin.json"`      // within the plugin or marketplace
	Path     string   `json:"path" example:"author"`                          // of the field, such as plugins[0].source; "" for the file itself
	Code     string   `json:"code" example:"no_author"`                       // stable, such as wrong_type
	Message  string   `json:"message" example:"There is no author; add one."` // one sentence that says what to do
}

// Lost is a component or a part of one that the client does not load.
type Lost struct {
	Path   string `json:"path" example:"commands/broken.md"` // the field or file that is at fault
	Reason string `json:"reason" example:"Its front matter is no YAML."`
}

// AddResult says what "marketplace add" makes of an entry.
type AddResult string

// The results of adding.
const (
	AddListed   AddResult = "listed"
	AddStub     AddResult = "stub"     // listed, and installing it fails
	AddDropped  AddResult = "dropped"  // not listed
	AddRejected AddResult = "rejected" // the whole file is refused
)

// LoadResult says whether an installed plugin loads.
type LoadResult string

// The results of loading.
const (
	LoadUnknown LoadResult = "unknown" // its files were not read
	LoadWhole   LoadResult = "whole"
	LoadPartly  LoadResult = "partly" // some components are lost
	LoadNone    LoadResult = "none"   // nothing of it works
)

// Verdicts are what one version of the client says of a plugin, in its three
// steps: the author's check, adding the marketplace, installing and loading.
type Verdicts struct {
	Client        string     `json:"client" example:"2.1.197"` // version of the client, such as 2.1.197
	Valid         *bool      `json:"valid" example:"true"`     // what "plugin validate" says; nil: its files were not read
	Faults        []Fault    `json:"faults,omitempty"`         // errors and warnings of "plugin validate"
	Add           AddResult  `json:"add" example:"listed"`
	AddReason     string     `json:"add_reason,omitempty" example:"the entry has no source"`
	Installs      *bool      `json:"installs" example:"true"` // nil: not known, because its files were not read
	InstallReason string     `json:"install_reason,omitempty" example:"its folder is not in the repository"`
	Load          LoadResult `json:"load" example:"whole"`
	Lost          []Lost     `json:"lost,omitempty"`
}

// Cost is an estimate of the tokens that a plugin takes in a session, with the
// counts that it is made of.
type Cost struct {
	AlwaysOn int `json:"always_on" example:"180"` // tokens in every session
	OnUse    int `json:"on_use" example:"2400"`   // tokens if each component is used once
	Skills   int `json:"skills" example:"3"`      // skills and commands
	Agents   int `json:"agents" example:"1"`
	Hooks    int `json:"hooks" example:"1"` // events
	MCP      int `json:"mcp" example:"1"`
	LSP      int `json:"lsp" example:"0"`
}

// Costs are the client's own figure, which misses some components, and that of
// the whole inventory.
type Costs struct {
	Client Cost `json:"client"`
	Full   Cost `json:"full"`
}
