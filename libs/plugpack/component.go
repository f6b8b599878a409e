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
	Kind        ComponentKind `json:"kind" example:"command"`
	Name        string        `json:"name" example:"deploy"` // a hook's is its event
	Description string        `json:"description,omitempty" example:"Deploys a service and watches it come up"`
	Path        string        `json:"path,omitempty" example:"commands/deploy.md"` // within the plugin
	// Frontmatter is the block at the head of a Markdown file, as JSON.
	Frontmatter map[string]json.RawMessage `json:"frontmatter,omitempty" example:"{\"description\":\"Deploys a service\",\"allowed-tools\":[\"Bash(kubectl:*)\"]}"`
	AlwaysOn    int                        `json:"always_on,omitempty" example:"42"` // tokens in every session
	OnUse       int                        `json:"on_use,omitempty" example:"310"`   // tokens when it is used
	// Counted says that the client's own figure counts it too.
	Counted  bool      `json:"counted,omitempty"`
	Handlers []Handler `json:"handlers,omitempty"` // of a hook
	Server   *Server   `json:"server,omitempty"`   // of an MCP or LSP server
}

// Handler is one thing that a hook does when its event happens.
type Handler struct {
	Matcher string   `json:"matcher,omitempty" example:"Edit|Write"`                             // "" matches everything
	Type    string   `json:"type" example:"command"`                                             // command, http, mcp_tool, prompt, agent
	Command string   `json:"command,omitempty" example:"${CLAUDE_PLUGIN_ROOT}/scripts/check.sh"` // or prompt; secrets are redacted
	Args    []string `json:"args,omitempty" example:"--quiet"`
	URL     string   `json:"url,omitempty" example:"https://acme.example/hook"` // without credentials and query
	Timeout float64  `json:"timeout,omitempty" example:"30"`                    // seconds; 0: the client's default
	Async   bool     `json:"async,omitempty"`
}

// Server is how an MCP or LSP server is started or reached. Values of
// environment variables and headers are never kept.
type Server struct {
	Transport string   `json:"transport" example:"stdio"` // stdio, http, sse, ws, socket, bundle, …
	Command   string   `json:"command,omitempty" example:"npx"`
	Args      []string `json:"args,omitempty" example:"-y,@acme/cluster-mcp@1.4.0"` // secrets are redacted
	URL       string   `json:"url,omitempty" example:"https://mcp.acme.example"`    // without credentials and query
	Env       []string `json:"env,omitempty" example:"ACME_TOKEN"`                  // names of variables that it is given
	Headers   []string `json:"headers,omitempty" example:"Authorization"`           // names of headers that it is sent
	Languages []string `json:"languages,omitempty" example:".go"`                   // of an LSP server: file endings
}

// ConfigOption is a value that the client asks the user for.
type ConfigOption struct {
	Key         string `json:"key" example:"cluster"`
	Type        string `json:"type,omitempty" example:"string"`
	Title       string `json:"title,omitempty" example:"Cluster"`
	Description string `json:"description,omitempty" example:"Name of the cluster to deploy to"`
	Required    bool   `json:"required,omitempty"`
	Sensitive   bool   `json:"sensitive,omitempty"`
}

// Dependency is another plugin that this one needs.
type Dependency struct {
	Name        string `json:"name" example:"kubectl"`
	Marketplace string `json:"marketplace,omitempty" example:"acme-tools"`
	Version     string `json:"version,omitempty" example:"^1.2.0"` // a range
}

// Requirements are what a plugin needs from the machine and its user.
type Requirements struct {
	Env          []string       `json:"env,omitempty" example:"ACME_TOKEN"`       // environment variables that it reads
	Runtimes     []string       `json:"runtimes,omitempty" example:"node,docker"` // node, python, docker, … that its hooks and servers run
	Config       []ConfigOption `json:"config,omitempty"`
	Dependencies []Dependency   `json:"dependencies,omitempty"`
}
