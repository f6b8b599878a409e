package analysis

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// printer writes lines for a terminal. Every text goes through Clean: an
// escape sequence in a manifest must not reach the terminal.
type printer struct {
	w      *bufio.Writer
	colour bool
}

// The colours in use, as a terminal's numbers.
const (
	bold   = "1"
	red    = "31"
	yellow = "33"
	grey   = "90"
)

func (p printer) paint(code, text string) string {
	if text = plugpack.Clean(text); !p.colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// label paints text for the first column.
func (p printer) label(code, text string) string {
	text = plugpack.Clean(text)
	return p.paint(code, text) + strings.Repeat(" ", max(10-len(text), 1))
}

func (p printer) line(indent int, parts ...string) {
	fmt.Fprintln(p.w, strings.Repeat(" ", indent)+strings.Join(parts, ""))
}

// field writes a line with its name in a column of its own.
func (p printer) field(name, text string) {
	if text != "" {
		p.line(2, p.label(grey, name), plugpack.Clean(text))
	}
}

func writeText(w io.Writer, a Analysis, colour bool) error {
	p := printer{bufio.NewWriter(w), colour}
	p.line(0, p.paint(bold, a.Target), at(a.Commit), "  (client "+plugpack.Clean(a.Client)+")")
	if a.Marketplace != nil {
		p.marketplace(*a.Marketplace)
	}
	for _, pl := range a.Plugins {
		p.line(0)
		p.plugin(pl)
	}
	return p.w.Flush()
}

func at(commit string) string {
	if commit == "" {
		return ""
	}
	return " at " + plugpack.Clean(commit[:min(12, len(commit))])
}

func (p printer) marketplace(m Marketplace) {
	if m.Rejected != "" {
		p.line(2, p.paint(red, "the client refuses this marketplace: "+m.Rejected))
	} else {
		p.field("name", m.Name)
		p.field("entries", fmt.Sprintf("%d, %d of them skipped", m.Entries, len(m.Skipped)))
	}
	for _, s := range m.Skipped {
		p.line(2, p.label(yellow, "skipped"), plugpack.Clean(fmt.Sprintf("entry %d %s: %s", s.Index, s.Name, s.Reason)))
	}
	p.problems(m.Faults)
}

func (p printer) plugin(pl Plugin) {
	head := []string{p.paint(bold, pl.Name)}
	if pl.Version != "" {
		head = append(head, " ", plugpack.Clean(pl.Version))
	}
	p.line(0, head...)
	p.field("about", plugpack.Cut(pl.Description, 160))
	if pl.State != plugpack.StateRead {
		p.line(2, p.label(red, string(pl.State)), plugpack.Clean(pl.StateReason))
	}
	p.field("score", score(pl))
	for _, c := range caps(pl) {
		p.line(2, p.label(yellow, "capped"), plugpack.Clean(c))
	}
	p.field("client", verdict(pl.Verdicts))
	if pl.State == plugpack.StateRead {
		p.field("contents", contents(pl.Components)+costs(pl.Costs))
	}
	p.field("needs", needs(pl.Requirements))
	p.field("category", pl.Category)
	p.field("licence", pl.License)
	p.field("brings", documents(pl.Documents))
	p.reach(pl.Components)
	if pl.Verdicts != nil {
		p.problems(pl.Verdicts.Faults)
		for _, l := range pl.Verdicts.Lost {
			p.line(2, p.label(red, "lost"), plugpack.Clean(l.Path+": "+l.Reason))
		}
	}
	p.scan(pl)
	p.advice(pl)
}

// levelColours paint a finding's severity.
var levelColours = map[plugpack.Level]string{plugpack.Critical: red, plugpack.High: red, plugpack.Medium: yellow}

func (p printer) scan(pl Plugin) {
	p.field("scan", scanned(pl))
	list, more := findings(pl)
	for _, f := range list {
		p.line(2, p.label(cmp.Or(levelColours[f.Severity], grey), string(f.Severity)),
			plugpack.Clean(fmt.Sprintf("%s: %s (%s, %s confidence)", place(f.Path, f.Line), f.Message, f.Rule, f.Confidence)))
	}
	if more > 0 {
		p.line(2, p.label(grey, ""), fmt.Sprintf("and %d more, which --format json has", more))
	}
}

// advice says where the most points were lost.
func (p printer) advice(pl Plugin) {
	all := lost(pl)
	for _, c := range all[:min(len(all), maxLost)] {
		p.line(2, p.label(grey, "to do"), plugpack.Clean(advice(c)))
	}
	if more := len(all) - maxLost; more > 0 {
		p.line(2, p.label(grey, ""), fmt.Sprintf("and %d more, which --format json has", more))
	}
}

func costs(c *plugpack.Costs) string {
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("; %d tokens always, %d on use", c.Client.AlwaysOn, c.Client.OnUse)
	if c.Full.AlwaysOn != c.Client.AlwaysOn || c.Full.OnUse != c.Client.OnUse {
		text += fmt.Sprintf(" (whole inventory: %d and %d)", c.Full.AlwaysOn, c.Full.OnUse)
	}
	return text
}

func needs(r plugpack.Requirements) string {
	var parts []string
	add := func(label string, items []string) {
		if len(items) > 0 {
			parts = append(parts, label+strings.Join(items, ", "))
		}
	}
	add("runs ", r.Runtimes)
	add("reads ", r.Env)
	var config, others []string
	for _, c := range r.Config {
		config = append(config, c.Key)
	}
	for _, d := range r.Dependencies {
		others = append(others, d.Name)
	}
	add("asks for ", config)
	add("plugins ", others)
	return strings.Join(parts, "; ")
}

// reach shows what the plugin runs and what it talks to.
func (p printer) reach(components []plugpack.Component) {
	for _, line := range reaches(components) {
		p.line(2, p.label(yellow, "runs"), plugpack.Clean(line))
	}
}

// reaches says in a line each what hooks and servers run or reach.
func reaches(components []plugpack.Component) (lines []string) {
	for _, c := range components {
		for _, h := range c.Handlers {
			on := c.Name
			if h.Matcher != "" {
				on += " of " + h.Matcher
			}
			lines = append(lines, fmt.Sprintf("on %s: %s %s", on, h.Type, strings.TrimSpace(h.Command+" "+strings.Join(h.Args, " ")+" "+h.URL)))
		}
		if s := c.Server; s != nil {
			lines = append(lines, fmt.Sprintf("%s %s: %s %s", label(c.Kind), c.Name, s.Transport, strings.TrimSpace(s.Command+" "+strings.Join(s.Args, " ")+" "+s.URL)))
		}
	}
	return lines
}

func severityColour(s plugpack.Severity) string {
	switch s {
	case plugpack.Error:
		return red
	}
	return yellow
}

func (p printer) problems(problems []plugpack.Fault) {
	for _, pr := range problems {
		p.line(2, p.label(severityColour(pr.Severity), string(pr.Severity)),
			plugpack.Clean(fmt.Sprintf("%s %s (%s)", where(pr), pr.Message, pr.Code)))
	}
}

// where names the file and the field of a problem.
func where(pr plugpack.Fault) string {
	if pr.Path == "" {
		return pr.File + ":"
	}
	return pr.File + " " + pr.Path + ":"
}
