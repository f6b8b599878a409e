// Package pinned writes marketplaces that the real client adds by URL: of a
// pack, or of a single plugin. It is pure.
//
// Every source in them is an https address with a full commit id, so what is
// installed is what was looked at. The client resolves relative sources only in
// a repository and fetches "github" ones over SSH, so both are written anew. A
// plugin that cannot be pinned is left out, with the reason.
package pinned

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/api"
	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Prefix begins every marketplace name, so that none is anybody else's.
const Prefix = "plugpack-"

// All is the entry that installs every other one.
const All = "all"

// maxName bounds a marketplace's name.
const maxName = 64

// Marketplace is a marketplace's file.
type Marketplace struct {
	Name        string  `json:"name" example:"plugpack-go-backend"`
	Owner       Owner   `json:"owner"`
	Description string  `json:"description" example:"What a Go service needs: tests, reviews and a way to ship it"`
	Plugins     []Entry `json:"plugins"`
}

// Owner is whom the file is from.
type Owner struct {
	Name string `json:"name" example:"PlugPack"`
	URL  string `json:"url,omitempty" example:"https://plugpack.example"`
}

// Entry is one plugin in the file.
type Entry struct {
	Name         string   `json:"name" example:"deploy"`
	Source       Source   `json:"source"`
	Description  string   `json:"description,omitempty" example:"Deploys a service and watches it come up"`
	Version      string   `json:"version,omitempty" example:"1.2.0"`
	Homepage     string   `json:"homepage,omitempty" example:"https://acme.example/deploy"`
	License      string   `json:"license,omitempty" example:"MIT"`
	Keywords     []string `json:"keywords,omitempty" example:"deploy,kubernetes"`
	Category     string   `json:"category,omitempty" example:"deployment"`
	Strict       *bool    `json:"strict,omitempty"`
	Commands     []string `json:"commands,omitempty" example:"./commands/deploy.md"`
	Agents       []string `json:"agents,omitempty" example:"./agents/watcher.md"`
	Skills       []string `json:"skills,omitempty" example:"./skills/rollout"`
	OutputStyles []string `json:"outputStyles,omitempty" example:"./output-styles/terse.md"`
	Dependencies []string `json:"dependencies,omitempty" example:"kubectl"`

	Hooks        json.RawMessage `json:"hooks,omitempty" example:"{\"PostToolUse\":[{\"matcher\":\"Edit|Write\",\"hooks\":[{\"type\":\"command\",\"command\":\"${CLAUDE_PLUGIN_ROOT}/scripts/check.sh\"}]}]}"`
	MCPServers   json.RawMessage `json:"mcpServers,omitempty" example:"{\"cluster\":{\"command\":\"npx\",\"args\":[\"-y\",\"@acme/cluster-mcp@1.4.0\"]}}"`
	LSPServers   json.RawMessage `json:"lspServers,omitempty" example:"{\"gopls\":{\"command\":\"gopls\",\"extensionToLanguage\":{\".go\":\"go\"}}}"`
	Workflows    json.RawMessage `json:"workflows,omitempty" example:"[\"./workflows/release.js\"]"`
	Themes       json.RawMessage `json:"themes,omitempty" example:"[\"./themes/dusk.json\"]"`
	Experimental json.RawMessage `json:"experimental,omitempty" example:"{\"monitors\":[\"./monitors/rollout.json\"]}"`
	UserConfig   json.RawMessage `json:"userConfig,omitempty" example:"{\"cluster\":{\"type\":\"string\",\"title\":\"Cluster\",\"description\":\"Name of the cluster to deploy to\"}}"`
	Channels     json.RawMessage `json:"channels,omitempty" example:"[{\"server\":\"cluster\"}]"`
	Settings     json.RawMessage `json:"settings,omitempty" example:"{\"agent\":\"watcher\"}"`
}

// Left is a plugin that is not in the file.
type Left struct {
	Slug   string
	Reason string
}

// File is a rendered marketplace.
type File struct {
	Marketplace Marketplace
	Body        []byte
	Digest      string // SHA-256 of Body, in hex
	Left        []Left
}

// Origin says where the hub itself is reached, and which commit its empty
// repository has.
type Origin struct {
	URL      string // such as https://plugpack.example
	Empty    string // path of the empty repository, with a slash first
	EmptySHA string
}

// Pack renders a pack of plugins, in their order. What they need of their own
// marketplaces is taken from needed, and what that needs too.
func (o Origin) Pack(p plugpack.Pack, plugins, needed []plugpack.Plugin) (File, error) {
	f := File{Marketplace: Marketplace{
		Name: Name(p.Slug), Owner: o.owner(), Description: p.Description, Plugins: []Entry{},
	}}
	f.add(plugins, needed)
	if members := names(f.Marketplace.Plugins); len(members) > 0 {
		f.Marketplace.Plugins = append(f.Marketplace.Plugins, o.all(p.Name, members))
	}
	return f.render()
}

// Plugin renders one plugin with what it needs.
func (o Origin) Plugin(p plugpack.Plugin, needed []plugpack.Plugin) (File, error) {
	f := File{Marketplace: Marketplace{
		Name: Name(p.Slug), Owner: o.owner(), Description: p.Facts.Description, Plugins: []Entry{},
	}}
	f.add([]plugpack.Plugin{p}, needed)
	return f.render()
}

func (o Origin) owner() Owner { return Owner{Name: "PlugPack", URL: o.URL} }

// all installs the members as its dependencies; its own source has next to
// nothing in it. Its version changes with its members, which is how the client
// notices.
func (o Origin) all(name string, members []string) Entry {
	sum := sha256.Sum256([]byte(strings.Join(members, "\n")))
	return Entry{
		Name: All, Description: "Everything in " + name, Version: hex.EncodeToString(sum[:6]), Strict: new(false), Dependencies: members,
		Source: Source{Source: "url", URL: o.URL + o.Empty, SHA: o.EmptySHA},
	}
}

func names(entries []Entry) []string {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Name
	}
	return all
}

// Name gives the name of a marketplace in the client, one that no client refuses: some look like Anthropic's
// own, and some are too long.
func Name(slug string) string {
	name := Prefix + slug
	if len(name) <= maxName && accepted(name) {
		return name
	}
	sum := sha256.Sum256([]byte(slug))
	return Prefix + hex.EncodeToString(sum[:8])
}

func accepted(name string) bool {
	body := fmt.Appendf(nil, `{"name":%q,"owner":{"name":"PlugPack"},"plugins":[]}`, name)
	return !slices.ContainsFunc(claudecode.Profiles(), func(p *claudecode.Profile) bool {
		return p.Add(body, claudecode.Place{Kind: claudecode.PlaceURL}).Rejected != ""
	})
}

func (f File) render() (File, error) {
	body, err := api.Marshal(f.Marketplace)
	if err != nil {
		return f, fmt.Errorf("render marketplace %s: %w", f.Marketplace.Name, err)
	}
	sum := sha256.Sum256(body)
	f.Body, f.Digest = body, hex.EncodeToString(sum[:])
	return f, nil
}
