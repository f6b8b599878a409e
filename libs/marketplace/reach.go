package marketplace

import (
	"encoding/json"
	"net/url"
	"slices"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/libs/security"
)

// Bounds of what is kept of hooks and servers.
const (
	maxHandlers = 50
	maxArgs     = 32
	maxEnv      = 64
)

// handlers reads what a hook does on one event.
func handlers(v any) (list []plugpack.Handler) {
	groups, _ := v.([]any)
	for _, g := range groups {
		group, _ := g.(object)
		items, _ := group["hooks"].([]any)
		for _, item := range items {
			h, _ := item.(object)
			if h == nil || len(list) >= maxHandlers {
				continue
			}
			list = append(list, plugpack.Handler{
				Matcher: short(text(group["matcher"])), Type: short(text(h["type"])),
				Command: short(security.RedactCommand(firstFilled(text(h["command"]), text(h["prompt"]), text(h["tool"])))),
				Args:    args(h["args"]), URL: bareAddress(text(h["url"])), Timeout: seconds(h["timeout"]), Async: h["async"] == true,
			})
		}
	}
	return list
}

func seconds(v any) float64 {
	n, _ := v.(json.Number)
	f, _ := n.Float64()
	return f
}

func args(v any) (list []string) {
	items, _ := v.([]any)
	for _, item := range items[:min(len(items), maxArgs)] {
		list = append(list, text(item))
	}
	list = security.RedactArgs(list)
	for i := range list {
		list[i] = short(list[i])
	}
	return list
}

// readServer reads how an MCP or LSP server is started or reached; of variables
// and headers only the names.
func readServer(o object) *plugpack.Server {
	s := &plugpack.Server{
		Transport: short(firstFilled(text(o["type"]), text(o["transport"]), "stdio")), Command: short(security.RedactCommand(text(o["command"]))),
		Args: args(o["args"]), URL: bareAddress(text(o["url"])), Env: keys(o["env"]), Headers: keys(o["headers"]), Languages: keys(o["extensionToLanguage"]),
	}
	return s
}

func keys(v any) (names []string) {
	o, _ := v.(object)
	for _, k := range sortedKeys(o) {
		if len(names) < maxEnv {
			names = append(names, name(k))
		}
	}
	return names
}

// bareAddress leaves out what may hold secrets.
func bareAddress(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return ""
	}
	return short((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// requirements tells what the plugin needs, as far as its manifests and servers
// say it.
func requirements(components []plugpack.Component, env []string, own, entry object) plugpack.Requirements {
	r := plugpack.Requirements{Config: configOptions(own["userConfig"]), Dependencies: dependencies(own, entry)}
	if own == nil {
		r.Config = configOptions(entry["userConfig"])
	}
	r.Env = env
	for _, c := range components {
		if c.Server != nil {
			r.Env = append(r.Env, c.Server.Env...)
			r.Runtimes = append(r.Runtimes, runtimeOf(c.Server.Command))
		}
		for _, h := range c.Handlers {
			r.Runtimes = append(r.Runtimes, runtimeOf(h.Command))
		}
	}
	r.Env, r.Runtimes = distinct(r.Env), distinct(r.Runtimes)
	return r
}

func distinct(list []string) []string {
	slices.Sort(list)
	list = slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
	return list[:min(len(list), maxEnv)]
}

func configOptions(v any) (list []plugpack.ConfigOption) {
	o, _ := v.(object)
	for _, k := range sortedKeys(o) {
		option, _ := o[k].(object)
		if len(list) < maxEnv {
			list = append(list, plugpack.ConfigOption{
				Key: name(k), Type: short(text(option["type"])), Title: short(text(option["title"])), Description: short(text(option["description"])),
				Required: option["required"] == true, Sensitive: option["sensitive"] == true,
			})
		}
	}
	return list
}

func dependencies(own, entry object) (list []plugpack.Dependency) {
	for _, d := range append(claudecode.Dependencies(own["dependencies"]), claudecode.Dependencies(entry["dependencies"])...) {
		d = plugpack.Dependency{Name: name(d.Name), Marketplace: name(d.Marketplace), Version: short(d.Version)}
		if d.Name != "" && len(list) < maxEnv && !slices.Contains(list, d) {
			list = append(list, d)
		}
	}
	return list
}
