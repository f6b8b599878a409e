package analysis

import (
	"bufio"
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
	green  = "32"
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
	p.problems(m.Problems)
}

func (p printer) plugin(pl Plugin) {
	head := []string{p.paint(bold, pl.Name)}
	if pl.Version != "" {
		head = append(head, " ", plugpack.Clean(pl.Version))
	}
	if pl.Report != nil {
		head = append(head, "  ", p.paint(scoreColour(pl.Report.Score), fmt.Sprintf("%d of 100", pl.Report.Score)))
	}
	p.line(0, head...)
	p.field("about", plugpack.Cut(pl.Description, 160))
	if pl.State != plugpack.StateRead {
		p.line(2, p.label(red, string(pl.State)), plugpack.Clean(pl.StateReason))
	}
	p.field("client", verdict(pl.Verdicts))
	if pl.State == plugpack.StateRead {
		p.field("contents", contents(pl.Components)+costs(pl.Costs))
	}
	p.field("needs", needs(pl.Requirements))
	p.field("reach", reach(pl.Security.Reach))
	p.field("category", pl.Category+because(pl.CategoryReason))
	p.field("licence", pl.License)
	p.report(pl.Report)
	p.security(pl.Security)
	if pl.Verdicts != nil {
		p.problems(pl.Verdicts.Problems)
		for _, l := range pl.Verdicts.Lost {
			p.line(2, p.label(red, "lost"), plugpack.Clean(l.Path+": "+l.Reason))
		}
	}
}

func scoreColour(score int) string {
	switch {
	case score >= 75:
		return green
	case score >= 50:
		return yellow
	}
	return red
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
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

func reach(r plugpack.Reach) string {
	var parts []string
	if len(r.Programs) > 0 {
		parts = append(parts, "starts "+strings.Join(r.Programs, ", "))
	}
	if len(r.Hosts) > 0 {
		parts = append(parts, "names "+strings.Join(r.Hosts, ", "))
	}
	if r.Scripts > 0 {
		parts = append(parts, plural(r.Scripts, "script"))
	}
	if r.Binaries > 0 {
		parts = append(parts, plural(r.Binaries, "file")+" that nobody can read")
	}
	return strings.Join(parts, "; ")
}

func (p printer) report(r *plugpack.Report) {
	if r == nil {
		return
	}
	var parts []string
	for _, d := range r.Dimensions {
		score := "not known"
		if d.Weight > 0 {
			score = fmt.Sprint(d.Score)
		}
		parts = append(parts, string(d.Dimension)+" "+score)
	}
	p.field("quality", strings.Join(parts, ", "))
	for _, c := range r.Caps {
		p.line(2, p.label(red, fmt.Sprintf("at most %d", c.Score)), plugpack.Clean(c.Reason))
	}
	for _, c := range lostPoints(r) {
		p.line(2, p.label(yellow, fmt.Sprintf("-%d", c.Max-c.Points)), plugpack.Clean(strings.TrimSpace(c.ID+": "+c.Reason+" "+c.Fix)))
	}
}

func (p printer) security(s plugpack.Security) {
	text := s.State.String()
	if s.State >= plugpack.SecurityPartial {
		text += fmt.Sprintf(", %d files, %s", s.Files, plural(len(s.Findings)+s.More, "signal"))
	}
	p.field("security", text+because(s.Reason))
	for _, f := range s.Findings {
		p.line(2, p.label(severityColour(f.Severity), string(f.Severity)),
			plugpack.Clean(fmt.Sprintf("%s: %s (%s, %s confidence)", place(f.Path, f.Line), f.Message, f.Rule, f.Confidence)))
	}
}

func severityColour(s plugpack.Severity) string {
	switch s {
	case plugpack.Critical, plugpack.Error:
		return red
	case plugpack.Warning:
		return yellow
	}
	return grey
}

func (p printer) problems(problems []plugpack.Problem) {
	for _, pr := range problems {
		p.line(2, p.label(severityColour(pr.Severity), string(pr.Severity)),
			plugpack.Clean(fmt.Sprintf("%s %s (%s)", where(pr), pr.Message, pr.Code)))
	}
}

// where names the file and the field of a problem.
func where(pr plugpack.Problem) string {
	if pr.Path == "" {
		return pr.File + ":"
	}
	return pr.File + " " + pr.Path + ":"
}
