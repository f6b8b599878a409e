package analysis

import (
	"fmt"
	"io"
	"net/url"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// home is what viewers of a SARIF file link the tool's name to.
const home = "https://github.com/plugpack/plugpack"

// writeSARIF writes problems, findings and points lost as SARIF 2.1.0, with
// paths from the target's root, so that a code host shows them on the lines.
func writeSARIF(w io.Writer, a Analysis) error {
	report := sarif.NewReport()
	s := sarifRun{sarif.NewRunWithInformationURI("plugpack", home), map[string]bool{}}
	if a.Marketplace != nil {
		if a.Marketplace.Rejected != "" {
			s.add("marketplace-rejected", "error", a.Marketplace.Rejected, ".claude-plugin/marketplace.json", 0)
		}
		for _, p := range a.Marketplace.Problems {
			s.problem(p, p.File)
		}
	}
	for _, p := range a.Plugins {
		s.plugin(p)
	}
	report.AddRun(s.run)
	return report.PrettyWrite(w)
}

type sarifRun struct {
	run   *sarif.Run
	rules map[string]bool
}

func (s sarifRun) plugin(p Plugin) {
	for _, f := range p.Security.Findings {
		s.add(f.Rule, level(f.Severity), sentence(p.Name, f.Message, f.Fix), p.file(f.Path), f.Line)
	}
	if p.Verdicts != nil {
		for _, problem := range p.Verdicts.Problems {
			s.problem(problem, p.file(problem.File))
		}
		for _, l := range p.Verdicts.Lost {
			s.add("component-lost", "warning", sentence(p.Name, l.Path+": "+l.Reason, ""), p.file(".claude-plugin/plugin.json"), 0)
		}
	}
	for _, c := range lostPoints(p.Report) {
		file, line := ".claude-plugin/plugin.json", 0
		if len(c.Evidence) > 0 {
			file, line = c.Evidence[0].Path, c.Evidence[0].Line
		}
		s.add(c.ID, "note", sentence(p.Name, c.Reason, c.Fix), p.file(file), line)
	}
}

func (s sarifRun) problem(p plugpack.Problem, file string) {
	s.add(p.Code, level(p.Severity), sentence(p.Path, p.Message, ""), file, 0)
}

func (s sarifRun) add(rule, level, text, file string, line int) {
	if !s.rules[rule] {
		s.rules[rule] = true
		s.run.AddRule(rule)
	}
	place := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation((&url.URL{Path: file}).EscapedPath()))
	if line > 0 {
		place = place.WithRegion(sarif.NewRegion().WithStartLine(line))
	}
	s.run.CreateResultForRule(rule).WithLevel(level).WithMessage(sarif.NewTextMessage(plugpack.Clean(text))).
		AddLocation(sarif.NewLocationWithPhysicalLocation(place))
}

func sentence(about, text, fix string) string {
	if about != "" {
		text = fmt.Sprintf("%s: %s", about, text)
	}
	if fix != "" {
		text += " " + fix
	}
	return text
}

func level(s plugpack.Severity) string {
	switch s {
	case plugpack.Critical, plugpack.Error:
		return "error"
	case plugpack.Warning:
		return "warning"
	}
	return "note"
}
