// Package analysis writes down what was read of plugins for whoever asked on a
// command line: as text, JSON, Markdown or SARIF.
//
// It has no opinion of its own. The facts, verdicts, findings and reports are
// those that the catalog would hold, under the names that the API gives them.
// What strangers wrote is cleaned or escaped before it is written.
package analysis

import (
	"encoding/json"
	"fmt"
	"io"
	"path"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Analysis is all that was read of one target.
type Analysis struct {
	Target string `json:"target"` // as it was asked for
	Commit string `json:"commit,omitempty"`
	Client string `json:"client"` // the version whose verdicts are given
	// Marketplace is nil when the target is a plugin.
	Marketplace *Marketplace `json:"marketplace,omitempty"`
	Plugins     []Plugin     `json:"plugins"`
}

// Marketplace is a marketplace's file.
type Marketplace struct {
	Name     string             `json:"name"`
	Rejected string             `json:"rejected,omitempty"` // why no client adds it
	Entries  int                `json:"entries"`
	Skipped  []plugpack.Skipped `json:"skipped,omitempty"`
	Faults   []plugpack.Fault   `json:"faults,omitempty"` // errors and warnings of "plugin validate"
}

// Plugin is one plugin with its facts. Its report is the one that is shown, with
// what the state of its repository adds.
type Plugin struct {
	Name        string               `json:"name"`
	Score       *int                 `json:"score"` // null: its files were not read
	Maintenance plugpack.Maintenance `json:"maintenance"`
	plugpack.Facts
}

// NewPlugin gives a plugin as it is shown while its repository is in state m.
func NewPlugin(name string, f plugpack.Facts, m plugpack.Maintenance) Plugin {
	p := Plugin{Name: name, Maintenance: m, Facts: f}
	if f.Quality != nil {
		shown := f.Quality.Shown(m)
		p.Quality, p.Score = &shown, &shown.Score
	}
	return p
}

// AtLeast says whether every plugin has a score, and one of at least least.
func (a Analysis) AtLeast(least int) bool {
	for _, p := range a.Plugins {
		if p.Score == nil || *p.Score < least {
			return false
		}
	}
	return true
}

// Whole says whether every plugin was read, installs and loads without a loss.
func (a Analysis) Whole() bool {
	for _, p := range a.Plugins {
		v := p.Verdicts
		if p.State != plugpack.StateRead || v == nil || v.Installs == nil || !*v.Installs || v.Load != plugpack.LoadWhole {
			return false
		}
	}
	return true
}

// file gives where a file of the plugin is, from the target's root.
func (p Plugin) file(name string) string {
	if p.Source.Kind == plugpack.SourceRelative {
		return path.Join(p.Source.Path, name)
	}
	return name
}

// Formats are the forms that Write knows.
var Formats = []string{"text", "json", "markdown", "sarif"}

// Write writes a to w. Colour counts for text alone.
func Write(w io.Writer, a Analysis, format string, colour bool) error {
	switch format {
	case "text":
		return writeText(w, a, colour)
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(a)
	case "markdown":
		return writeMarkdown(w, a)
	case "sarif":
		return writeSARIF(w, a)
	}
	return errs.New(errs.Invalid, "format: want one of text, json, markdown and sarif, not %.40q", format)
}

// contents says in a few words what a plugin adds.
func contents(components []plugpack.Component) string {
	counts := map[plugpack.ComponentKind]int{}
	var order []plugpack.ComponentKind
	for _, c := range components {
		if counts[c.Kind]++; counts[c.Kind] == 1 {
			order = append(order, c.Kind)
		}
	}
	text := ""
	for _, k := range order {
		if text += ", "; counts[k] == 1 {
			text += fmt.Sprintf("1 %s", label(k))
		} else {
			text += fmt.Sprintf("%d %ss", counts[k], label(k))
		}
	}
	if text == "" {
		return "nothing"
	}
	return text[2:]
}

func label(k plugpack.ComponentKind) string {
	switch k {
	case plugpack.MCP:
		return "MCP server"
	case plugpack.LSP:
		return "LSP server"
	}
	return string(k)
}

// verdict says in one line what the client makes of a plugin.
func verdict(v *plugpack.Verdicts) string {
	if v == nil {
		return "not known"
	}
	errors, warnings := count(v.Faults)
	text := "validate: not checked"
	switch {
	case v.Valid != nil && *v.Valid && warnings == 0:
		text = "validate passes"
	case v.Valid != nil && *v.Valid:
		text = "validate passes with " + plural(warnings, "warning")
	case v.Valid != nil:
		text = "validate fails with " + plural(errors, "error")
	}
	text += "; " + string(v.Add)
	switch {
	case v.Installs == nil:
		text += "; install: not known"
	case *v.Installs:
		text += "; installs"
	default:
		text += "; does not install: " + v.InstallReason
	}
	switch v.Load {
	case plugpack.LoadWhole:
		text += "; loads whole"
	case plugpack.LoadPartly:
		text += "; loads partly"
	case plugpack.LoadNone:
		text += "; does not load"
	}
	return text
}

// count gives the number of errors and of warnings.
func count(problems []plugpack.Fault) (errors, warnings int) {
	for _, p := range problems {
		if p.Severity == plugpack.Error {
			errors++
		} else {
			warnings++
		}
	}
	return errors, warnings
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
