package analysis

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/plugpack/plugpack/libs/claudecode"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// home is what viewers of a SARIF file link the tool's name to.
const home = "https://github.com/plugpack/plugpack"

// writeSARIF writes problems, lost components and findings as SARIF 2.1.0, with
// paths from the target's root, so that a code host shows them on the files.
func writeSARIF(w io.Writer, a Analysis) error {
	report := sarif.NewReport()
	s := sarifRun{sarif.NewRunWithInformationURI("plugpack", home), map[string]bool{}}
	if a.Marketplace != nil {
		if a.Marketplace.Rejected != "" {
			s.add(issue{rule: "marketplace-rejected", about: "The client refuses the marketplace", level: "error", text: a.Marketplace.Rejected, file: claudecode.MarketplaceFile})
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

// issue is one result to be, with what its rule is.
type issue struct {
	rule, about, fix string
	tags             []string
	severity         string // as code hosts rank security results, 0.1 to 10; "" for others
	level, text      string
	file             string
	line             int
	same             string // what stays the same of it while lines move
}

func (s sarifRun) plugin(p Plugin) {
	if p.Verdicts != nil {
		for _, problem := range p.Verdicts.Faults {
			s.problem(problem, p.file(problem.File))
		}
		for _, l := range p.Verdicts.Lost {
			s.add(issue{rule: "component-lost", about: "The client does not load a component", level: "warning",
				text: sentence(p.Name, l.Path+": "+l.Reason), file: p.file(".claude-plugin/plugin.json")})
		}
	}
	if p.Security != nil {
		for _, f := range p.Security.Findings {
			s.finding(p, f)
		}
	}
}

func (s sarifRun) problem(p plugpack.Fault, file string) {
	s.add(issue{rule: p.Code, about: strings.ReplaceAll(p.Code, "_", " "), level: level(p.Severity), text: sentence(p.Path, p.Message), file: file})
}

// rank is how code hosts show a severity: their steps are 9, 7 and 4.
var rank = map[plugpack.Level]string{plugpack.Critical: "9.5", plugpack.High: "8.0", plugpack.Medium: "5.5", plugpack.Low: "2.0"}

func (s sarifRun) finding(p Plugin, f plugpack.Finding) {
	levels := map[plugpack.Level]string{plugpack.Critical: "error", plugpack.High: "error", plugpack.Medium: "warning"}
	level := levels[f.Severity]
	if level == "" {
		level = "note"
	}
	s.add(issue{
		rule: f.Rule, about: f.Message, fix: f.Fix, tags: []string{"security", f.Category}, severity: rank[f.Severity],
		level: level, text: fmt.Sprintf("%s (%s confidence)", f.Message, f.Confidence), file: p.file(f.Path), line: f.Line, same: f.Excerpt,
	})
}

func (s sarifRun) add(i issue) {
	if !s.rules[i.rule] {
		s.rules[i.rule] = true
		s.addRule(i)
	}
	place := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation((&url.URL{Path: i.file}).EscapedPath()))
	if i.line > 0 {
		place.WithRegion(sarif.NewRegion().WithStartLine(i.line))
	}
	if i.same == "" {
		i.same = i.text
	}
	s.run.CreateResultForRule(i.rule).WithLevel(i.level).WithMessage(sarif.NewTextMessage(plugpack.Clean(i.text))).
		AddLocation(sarif.NewLocationWithPhysicalLocation(place)).
		WithPartialFingerprints(map[string]string{"plugpack/v1": fingerprint(i.rule, i.file, i.same)})
}

func (s sarifRun) addRule(i issue) {
	rule := s.run.AddRule(i.rule).WithDescription(plugpack.Clean(i.about)).WithHelpURI(home)
	if i.fix != "" {
		help := plugpack.Clean(i.fix)
		rule.WithHelp(sarif.NewMultiformatMessageString().WithText(help))
	}
	bag := sarif.NewPropertyBag()
	for _, tag := range i.tags {
		bag.AddTag(tag)
	}
	if i.severity != "" {
		bag.Add("security-severity", i.severity)
	}
	if len(i.tags) > 0 {
		rule.WithProperties(bag)
	}
}

// fingerprint tells whether a result was there before, though lines moved.
func fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
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
