package plugpack

import "encoding/json"

// ComponentKind names what a plugin adds to the client.
type ComponentKind string

// The component kinds, as the API's "has" filter spells them.
const (
	Command ComponentKind = "command"
	Agent   ComponentKind = "agent"
	Skill   ComponentKind = "skill"
	Hook    ComponentKind = "hook"
	MCP     ComponentKind = "mcp"
	LSP     ComponentKind = "lsp"

	OutputStyle ComponentKind = "output-style"
	Workflow    ComponentKind = "workflow"
	Theme       ComponentKind = "theme"
	Monitor     ComponentKind = "monitor"
	Bin         ComponentKind = "bin" // a program that is put on the path
	Settings    ComponentKind = "settings"
)

// ComponentKinds lists every kind in the order pages show them.
var ComponentKinds = []ComponentKind{Command, Agent, Skill, Hook, MCP, LSP, OutputStyle, Workflow, Theme, Monitor, Bin, Settings}

// Component is one thing that a plugin adds to the client.
type Component struct {
	Kind        ComponentKind `json:"kind"`
	Name        string        `json:"name"` // a hook's is its event
	Description string        `json:"description,omitempty"`
	Path        string        `json:"path,omitempty"` // within the plugin
	// Frontmatter is the block at the head of a Markdown file, as JSON.
	Frontmatter map[string]json.RawMessage `json:"frontmatter,omitempty"`
	AlwaysOn    int                        `json:"always_on,omitempty"` // tokens in every session
	OnUse       int                        `json:"on_use,omitempty"`    // tokens when it is used
	// Counted says that the client's own figure counts it too.
	Counted  bool      `json:"counted,omitempty"`
	Handlers []Handler `json:"handlers,omitempty"` // of a hook
	Server   *Server   `json:"server,omitempty"`   // of an MCP or LSP server
}

// Handler is one thing that a hook does when its event happens.
type Handler struct {
	Matcher string   `json:"matcher,omitempty"` // "" matches everything
	Type    string   `json:"type"`              // command, http, mcp_tool, prompt, agent
	Command string   `json:"command,omitempty"` // or prompt; secrets are redacted
	Args    []string `json:"args,omitempty"`
	URL     string   `json:"url,omitempty"`     // without credentials and query
	Timeout float64  `json:"timeout,omitempty"` // seconds; 0: the client's default
	Async   bool     `json:"async,omitempty"`
}

// Server is how an MCP or LSP server is started or reached. Values of
// environment variables and headers are never kept.
type Server struct {
	Transport string   `json:"transport"` // stdio, http, sse, ws, socket, bundle, …
	Command   string   `json:"command,omitempty"`
	Args      []string `json:"args,omitempty"`      // secrets are redacted
	URL       string   `json:"url,omitempty"`       // without credentials and query
	Env       []string `json:"env,omitempty"`       // names of variables that it is given
	Headers   []string `json:"headers,omitempty"`   // names of headers that it is sent
	Languages []string `json:"languages,omitempty"` // of an LSP server: file endings
}

// ConfigOption is a value that the client asks the user for.
type ConfigOption struct {
	Key         string `json:"key"`
	Type        string `json:"type,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required,omitempty"`
	Sensitive   bool   `json:"sensitive,omitempty"`
}

// Dependency is another plugin that this one needs.
type Dependency struct {
	Name        string `json:"name"`
	Marketplace string `json:"marketplace,omitempty"`
	Version     string `json:"version,omitempty"` // a range
}

// Requirements are what a plugin needs from the machine and its user.
type Requirements struct {
	Env          []string       `json:"env,omitempty"`      // environment variables that it reads
	Runtimes     []string       `json:"runtimes,omitempty"` // node, python, docker, … that its hooks and servers run
	Config       []ConfigOption `json:"config,omitempty"`
	Dependencies []Dependency   `json:"dependencies,omitempty"`
}
