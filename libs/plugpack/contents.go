package plugpack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// MaxScripts bounds the scripts that are listed of one plugin.
const MaxScripts = 500

// Script is a file that can be run: one marked as a program, or one whose
// ending an interpreter knows.
type Script struct {
	Path string `json:"path"` // within the plugin
	Blob string `json:"blob"` // Git's id of the content
}

// Declared is what a marketplace's entry adds to a plugin beyond the plugin's
// own files, as far as another marketplace may repeat it.
type Declared struct {
	Strict       *bool    `json:"strict,omitempty"`
	Commands     []string `json:"commands,omitempty"`
	Agents       []string `json:"agents,omitempty"`
	Skills       []string `json:"skills,omitempty"`
	OutputStyles []string `json:"output_styles,omitempty"`
	// Fields are hooks, servers and the like that the entry writes out, as JSON.
	Fields map[string]json.RawMessage `json:"fields,omitempty"`
	// Inline names the fields that only its own marketplace can give it: they are
	// too large, or hold what is not repeated, such as values of variables.
	Inline []string `json:"inline,omitempty"`
	// Digest is the SHA-256 over all that the entry says of components, "" if it
	// says nothing. See Facts.VersionDigest.
	Digest string `json:"digest,omitempty"`
}

// VersionDigest names what a version of the plugin is: the digest of its tree,
// or, when its entry adds components, of both. It is "" for files that nobody
// read. See ADR 0009.
func (f Facts) VersionDigest() string {
	if f.Digest == "" || f.Declared == nil || f.Declared.Digest == "" {
		return f.Digest
	}
	sum := sha256.Sum256([]byte(f.Digest + " " + f.Declared.Digest))
	return hex.EncodeToString(sum[:])
}

// Contents are what a version of a plugin holds, as far as two versions are
// compared by it.
type Contents struct {
	Components   []Component  `json:"components,omitempty"`
	Requirements Requirements `json:"requirements,omitzero"`
	Scripts      []Script     `json:"scripts,omitempty"`
	Files        int          `json:"files"`
	Bytes        int64        `json:"bytes"`
	AlwaysOn     int          `json:"always_on"` // tokens in every session
	OnUse        int          `json:"on_use"`    // tokens if each component is used once
}

// permissionFields are the fields of a component's front matter by which it
// asks for tools.
var permissionFields = []string{"allowed-tools", "allowed_tools", "tools", "permissionMode"}

// Contents gives what a later version is compared with. Of front matter only
// what grants something is kept: the history of a plugin should be small.
func (f Facts) Contents() Contents {
	c := Contents{
		Components: make([]Component, len(f.Components)), Requirements: f.Requirements, Scripts: f.Scripts,
		Files: f.Files, Bytes: f.Bytes,
	}
	for i, component := range f.Components {
		granting := map[string]json.RawMessage{}
		for _, field := range permissionFields {
			if v, ok := component.Frontmatter[field]; ok {
				granting[field] = v
			}
		}
		component.Frontmatter = granting
		c.Components[i] = component
	}
	if f.Costs != nil {
		c.AlwaysOn, c.OnUse = f.Costs.Full.AlwaysOn, f.Costs.Full.OnUse
	}
	return c
}

// Permissions gives the tools that the component asks for, sorted; a field
// that no list can be read from counts as a whole.
func (c Component) Permissions() []string {
	var all []string
	for _, field := range permissionFields {
		raw, ok := c.Frontmatter[field]
		if !ok {
			continue
		}
		prefix := ""
		if field == "permissionMode" {
			prefix = "mode "
		}
		for _, tool := range tools(raw) {
			all = append(all, prefix+tool)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// tools reads a list of tools, or a text with commas or blanks between them.
func tools(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		return []string{string(raw)}
	}
	var (
		found []string
		depth int
		start int
	)
	end := func(i int) {
		if t := strings.TrimSpace(text[start:i]); t != "" {
			found = append(found, t)
		}
		start = i + 1
	}
	for i, r := range text { // Bash(git log, git diff) is one tool
		switch {
		case r == '(':
			depth++
		case r == ')' && depth > 0:
			depth--
		case depth == 0 && (r == ',' || r == ' '):
			end(i)
		}
	}
	end(len(text))
	return found
}

// Version is one content that a plugin has or had.
type Version struct {
	Digest    string    `json:"digest"`
	Commit    string    `json:"commit"`             // at which it was first seen
	Declared  string    `json:"declared,omitempty"` // the author's own word for it
	FirstSeen time.Time `json:"first_seen"`
	Current   bool      `json:"current"`
	Contents  Contents  `json:"contents"`
}
