package marketplace

import (
	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Bounds of what is kept of the verdicts.
const (
	maxProblems = 50
	maxLost     = 50
)

// verdicts puts together what the client says of a plugin in its three steps.
// checked is nil when its files were not read.
func verdicts(e entry, in claudecode.Installed, checked *claudecode.Validation) *plugpack.Verdicts {
	v := &plugpack.Verdicts{
		Client: e.client.Version, Add: e.Result, AddReason: short(e.Reason), Load: in.Load, InstallReason: short(in.Reason),
		Lost: in.Lost[:min(len(in.Lost), maxLost)],
	}
	if checked == nil && in.Installs {
		return v // as far as the entry goes
	}
	v.Installs = &in.Installs
	if checked != nil {
		v.Valid, v.Faults = &checked.Valid, checked.Faults[:min(len(checked.Faults), maxProblems)]
	}
	return v
}

// costs gives the client's figure and that of all components, of which a session
// always holds units; both are rounded once, as the client does.
func costs(d claudecode.Details, components []plugpack.Component, units int) *plugpack.Costs {
	counted := make(map[string]bool, len(d.Rows))
	for _, r := range d.Rows {
		counted[r.Path] = true
	}
	full := plugpack.Cost{AlwaysOn: claudecode.Tokens(units)}
	for i := range components {
		c := &components[i]
		c.Counted = counted[c.Path]
		full.OnUse += c.OnUse
		switch c.Kind {
		case plugpack.Skill, plugpack.Command:
			full.Skills++
		case plugpack.Agent:
			full.Agents++
		case plugpack.Hook:
			full.Hooks++
		case plugpack.MCP:
			full.MCP++
		case plugpack.LSP:
			full.LSP++
		}
	}
	return &plugpack.Costs{Client: d.Cost, Full: full}
}
