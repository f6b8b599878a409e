package plugpack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Change lists what came, went and stayed with another content, each sorted.
type Change struct {
	Added   []string `json:"added,omitempty" example:"command rollback"`
	Removed []string `json:"removed,omitempty" example:"skill legacy-deploy"`
	Changed []string `json:"changed,omitempty" example:"command deploy"`
}

// Amount is a number before and after.
type Amount struct {
	From int64 `json:"from" example:"1200"`
	To   int64 `json:"to" example:"1350"`
}

// Diff says how one version of a plugin differs from an earlier one.
type Diff struct {
	Components   Change `json:"components,omitzero"`  // "kind name"
	Hooks        Change `json:"hooks,omitzero"`       // "event matcher: what it does"
	Servers      Change `json:"servers,omitzero"`     // MCP and LSP, "kind name"
	Permissions  Change `json:"permissions,omitzero"` // "kind name: tool"
	Env          Change `json:"env,omitzero"`         // names of variables
	Scripts      Change `json:"scripts,omitzero"`     // paths
	Dependencies Change `json:"dependencies,omitzero"`
	Files        Amount `json:"files"`
	Bytes        Amount `json:"bytes"`
	AlwaysOn     Amount `json:"always_on"` // tokens in every session
	OnUse        Amount `json:"on_use"`
	// NewCapabilities: it can run or reach something now that it could not.
	// Capabilities says what, a sentence each.
	NewCapabilities bool     `json:"new_capabilities"`
	Capabilities    []string `json:"capabilities,omitempty" example:"it brings a new script: scripts/rollback.sh"`
}

// Compare says what changed between two versions of one plugin.
func Compare(from, to Contents) Diff {
	d := Diff{
		Components:   compare(components(from), components(to)),
		Hooks:        compare(hooks(from), hooks(to)),
		Servers:      compare(servers(from), servers(to)),
		Permissions:  compare(permissions(from), permissions(to)),
		Env:          compare(presence(env(from)), presence(env(to))),
		Scripts:      compare(scripts(from), scripts(to)),
		Dependencies: compare(dependencies(from), dependencies(to)),
		Files:        Amount{int64(from.Files), int64(to.Files)},
		Bytes:        Amount{from.Bytes, to.Bytes},
		AlwaysOn:     Amount{int64(from.AlwaysOn), int64(to.AlwaysOn)},
		OnUse:        Amount{int64(from.OnUse), int64(to.OnUse)},
	}
	d.Capabilities = capabilities(d)
	d.NewCapabilities = len(d.Capabilities) > 0
	return d
}

// capabilities tells of what can run or reach more than before. A removed thing
// never does; a changed hook, server or script may do anything.
func capabilities(d Diff) []string {
	var all []string
	for _, c := range []struct {
		things []string
		text   string
	}{
		{d.Hooks.Added, "it runs a new hook: %s"},
		{d.Servers.Added, "it starts or reaches a new server: %s"},
		{d.Servers.Changed, "a server is started or reached in another way: %s"},
		{d.Permissions.Added, "it asks for another tool: %s"},
		{d.Env.Added, "it reads another environment variable: %s"},
		{d.Scripts.Added, "it brings a new script: %s"},
		{d.Scripts.Changed, "a script has another content: %s"},
		{d.Dependencies.Added, "it installs another plugin: %s"},
	} {
		for _, thing := range c.things {
			all = append(all, fmt.Sprintf(c.text, thing))
		}
	}
	for _, c := range d.Components.Added {
		if kind, name, _ := strings.Cut(c, " "); kind == string(Bin) || kind == string(Monitor) {
			all = append(all, fmt.Sprintf("it puts a program to work: %s %s", kind, name))
		}
	}
	return all
}

// compare compares two maps of things to their contents.
func compare(from, to map[string]string) Change {
	var c Change
	for _, k := range slices.Sorted(maps.Keys(to)) {
		switch before, ok := from[k]; {
		case !ok:
			c.Added = append(c.Added, k)
		case before != to[k]:
			c.Changed = append(c.Changed, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(from)) {
		if _, ok := to[k]; !ok {
			c.Removed = append(c.Removed, k)
		}
	}
	return c
}

func label(c Component) string { return string(c.Kind) + " " + c.Name }

// fingerprint gives a text that two values share only if they are the same.
// Components hold nothing that JSON cannot write.
func fingerprint(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// components are compared by what is told of them; of two that have one name
// the order decides. Hooks and servers have lists of their own.
func components(c Contents) map[string]string {
	m := map[string]string{}
	for _, x := range c.Components {
		if x.Kind == Hook || x.Kind == MCP || x.Kind == LSP {
			continue
		}
		m[label(x)] += fingerprint(x)
	}
	return m
}

func hooks(c Contents) map[string]string {
	m := map[string]string{}
	for _, x := range c.Components {
		for _, h := range x.Handlers {
			what := strings.TrimSpace(strings.Join(append([]string{h.Command, h.URL}, h.Args...), " "))
			m[strings.TrimSpace(fmt.Sprintf("%s %s", x.Name, h.Matcher))+": "+h.Type+" "+what] = fingerprint(h)
		}
	}
	return m
}

func servers(c Contents) map[string]string {
	m := map[string]string{}
	for _, x := range c.Components {
		if x.Kind == MCP || x.Kind == LSP {
			m[label(x)] += fingerprint(x.Server)
		}
	}
	return m
}

func permissions(c Contents) map[string]string {
	m := map[string]string{}
	for _, x := range c.Components {
		for _, tool := range x.Permissions() {
			m[label(x)+": "+tool] = ""
		}
	}
	return m
}

// env gives the variables that the plugin reads or gives to its servers.
func env(c Contents) []string {
	all := slices.Clone(c.Requirements.Env)
	for _, x := range c.Components {
		if x.Server != nil {
			all = append(all, x.Server.Env...)
		}
	}
	return all
}

func scripts(c Contents) map[string]string {
	m := map[string]string{}
	for _, s := range c.Scripts {
		m[s.Path] = s.Blob
	}
	return m
}

func dependencies(c Contents) map[string]string {
	m := map[string]string{}
	for _, d := range c.Requirements.Dependencies {
		name := d.Name
		if d.Marketplace != "" {
			name += "@" + d.Marketplace
		}
		m[name] = d.Version
	}
	return m
}

func presence(names []string) map[string]string {
	m := map[string]string{}
	for _, n := range names {
		m[n] = ""
	}
	return m
}
