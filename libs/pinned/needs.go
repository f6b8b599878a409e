package pinned

import (
	"cmp"
	"fmt"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// choice is the plugins of a file, each with the name that it has there.
type choice struct {
	known map[plugpack.Key]plugpack.Plugin
	taken map[string]plugpack.Key // by name
	names map[plugpack.Key]string
}

// placed is a plugin that is about to get its name.
type placed struct {
	key   plugpack.Key
	entry Entry
}

// add appends the entries of the plugins that can be installed, each under a
// name of its own, and of what they need of their own marketplaces. The client
// looks for a bare dependency in the file itself, so it has to be there under
// exactly that name, or the plugin that needs it would not load.
func (f *File) add(plugins, needed []plugpack.Plugin) {
	c := choice{
		known: map[plugpack.Key]plugpack.Plugin{}, taken: map[string]plugpack.Key{All: {}}, names: map[plugpack.Key]string{},
	}
	for _, p := range append(append([]plugpack.Plugin{}, needed...), plugins...) {
		c.known[p.Key()] = p
	}
	seen := map[plugpack.Key]bool{}
	for _, p := range plugins {
		if seen[p.Key()] {
			f.Left = append(f.Left, Left{Slug: p.Slug, Reason: "it is in the pack already"})
			continue
		}
		seen[p.Key()] = true
		if c.names[p.Key()] != "" {
			continue // another one needed it
		}
		with, reason := c.place(p, c.free(p), map[plugpack.Key]string{})
		if reason != "" {
			f.Left = append(f.Left, Left{Slug: p.Slug, Reason: reason})
			continue
		}
		for _, x := range with {
			c.taken[x.entry.Name], c.names[x.key] = x.key, x.entry.Name
			f.Marketplace.Plugins = append(f.Marketplace.Plugins, x.entry)
		}
	}
}

// free gives a name that the plugin can have: its own first, since other
// plugins' dependencies know it by that.
func (c choice) free(p plugpack.Plugin) string {
	for _, name := range []string{plugpack.Kebab(p.Name), p.Slug} {
		if _, taken := c.taken[name]; name != "" && !taken {
			return name
		}
	}
	return ""
}

// place gives the entry of p under the name and those of all that it needs and
// the file does not have yet, or why it cannot be installed. under holds what is
// being placed, since plugins may need each other.
func (c choice) place(p plugpack.Plugin, name string, under map[plugpack.Key]string) (all []placed, reason string) {
	e, reason := entry(p)
	if reason != "" {
		return nil, reason
	}
	if name == "" {
		return nil, "the pack has other plugins of its names"
	}
	e.Name, under[p.Key()] = name, name
	for _, d := range p.Facts.Requirements.Dependencies {
		more, reason := c.need(p, d, under)
		if reason != "" {
			return nil, reason
		}
		all, e.Dependencies = append(all, more...), append(e.Dependencies, d.Name)
	}
	return append(all, placed{p.Key(), e}), ""
}

// need places a dependency of p, unless it has its place.
func (c choice) need(p plugpack.Plugin, d plugpack.Dependency, under map[plugpack.Key]string) ([]placed, string) {
	if d.Marketplace != "" && d.Marketplace != p.Marketplace.Name {
		return nil, fmt.Sprintf("it needs %s of the marketplace %s, and the client takes dependencies from one marketplace only", d.Name, d.Marketplace)
	}
	key := p.Marketplace.Key.Plugin(d.Name)
	dependency, ok := c.known[key]
	if !ok {
		return nil, fmt.Sprintf("it needs %s, which its marketplace does not list", d.Name)
	}
	switch has := cmp.Or(c.names[key], under[key]); {
	case has == d.Name:
		return nil, ""
	case has != "" || c.has(d.Name, under):
		return nil, fmt.Sprintf("it needs %s, and the pack has another plugin of that name", d.Name)
	}
	more, reason := c.place(dependency, d.Name, under)
	if reason != "" {
		return nil, fmt.Sprintf("it needs %s, which the pack cannot have: %s", d.Name, reason)
	}
	return more, ""
}

func (c choice) has(name string, under map[plugpack.Key]string) bool {
	if _, taken := c.taken[name]; taken {
		return true
	}
	for _, other := range under {
		if other == name {
			return true
		}
	}
	return false
}
