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
	Severity Severity `json:"severity"`
	File     string   `json:"file"`    // within the plugin or marketplace
	Path     string   `json:"path"`    // of the field, such as plugins[0].source; "" for the file itself
	Code     string   `json:"code"`    // stable, such as wrong_type
	Message  string   `json:"message"` // one sentence that says what to do
}

// Lost is a component or a part of one that the client does not load.
type Lost struct {
	Path   string `json:"path"` // the field or file that is at fault
	Reason string `json:"reason"`
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
	Client        string     `json:"client"`           // version of the client, such as 2.1.197
	Valid         *bool      `json:"valid"`            // what "plugin validate" says; nil: its files were not read
	Faults        []Fault    `json:"faults,omitempty"` // errors and warnings of "plugin validate"
	Add           AddResult  `json:"add"`
	AddReason     string     `json:"add_reason,omitempty"`
	Installs      *bool      `json:"installs"` // nil: not known, because its files were not read
	InstallReason string     `json:"install_reason,omitempty"`
	Load          LoadResult `json:"load"`
	Lost          []Lost     `json:"lost,omitempty"`
}

// Cost is an estimate of the tokens that a plugin takes in a session, with the
// counts that it is made of.
type Cost struct {
	AlwaysOn int `json:"always_on"` // tokens in every session
	OnUse    int `json:"on_use"`    // tokens if each component is used once
	Skills   int `json:"skills"`    // skills and commands
	Agents   int `json:"agents"`
	Hooks    int `json:"hooks"` // events
	MCP      int `json:"mcp"`
	LSP      int `json:"lsp"`
}

// Costs are the client's own figure, which misses some components, and that of
// the whole inventory.
type Costs struct {
	Client Cost `json:"client"`
	Full   Cost `json:"full"`
}
