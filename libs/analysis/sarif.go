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

// writeSARIF writes problems and lost components as SARIF 2.1.0, with paths from
// the target's root, so that a code host shows them on the files.
func writeSARIF(w io.Writer, a Analysis) error {
	report := sarif.NewReport()
	s := sarifRun{sarif.NewRunWithInformationURI("plugpack", home), map[string]bool{}}
	if a.Marketplace != nil {
		if a.Marketplace.Rejected != "" {
			s.add("marketplace-rejected", "error", a.Marketplace.Rejected, ".claude-plugin/marketplace.json")
		}
		for _, p := range a.Marketplace.Faults {
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
	if p.Verdicts != nil {
		for _, problem := range p.Verdicts.Faults {
			s.problem(problem, p.file(problem.File))
		}
		for _, l := range p.Verdicts.Lost {
			s.add("component-lost", "warning", sentence(p.Name, l.Path+": "+l.Reason), p.file(".claude-plugin/plugin.json"))
		}
	}
}

func (s sarifRun) problem(p plugpack.Fault, file string) {
	s.add(p.Code, level(p.Severity), sentence(p.Path, p.Message), file)
}

func (s sarifRun) add(rule, level, text, file string) {
	if !s.rules[rule] {
		s.rules[rule] = true
		s.run.AddRule(rule)
	}
	place := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation((&url.URL{Path: file}).EscapedPath()))
	s.run.CreateResultForRule(rule).WithLevel(level).WithMessage(sarif.NewTextMessage(plugpack.Clean(text))).
		AddLocation(sarif.NewLocationWithPhysicalLocation(place))
}

func sentence(about, text string) string {
	if about != "" {
		text = fmt.Sprintf("%s: %s", about, text)
	}
	return text
}

func level(s plugpack.Severity) string {
	if s == plugpack.Error {
		return "error"
	}
	return "warning"
}
