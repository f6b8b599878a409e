// Package security looks through a plugin's files for what a person should look
// at before installing it. It is pure: its input is an fs.FS with a list of the
// files, and the same input gives the same output.
//
// What it gives are signals with a confidence, never a verdict: no finding means
// that no rule spoke, not that a plugin is safe. A file that nobody looked at
// makes the scan a partial one, and a rule that fails makes it no scan at all.
// Every read, every match and every list is bounded, patterns are RE2 and so
// take linear time, and what leaves the package has its secrets and private
// addresses redacted.
package security

import (
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Bounds of one plugin's scan.
const (
	maxText     = 2 << 20  // bytes of a file that is read as text
	maxTotal    = 48 << 20 // bytes of all files
	maxFiles    = 10_000   // that are opened
	maxKept     = 2000     // findings before the weightiest are chosen
	maxFindings = 100      // that are kept
	maxExcerpt  = 160      // bytes of a line that is shown
	maxReach    = 200      // hooks and servers that are listed
	maxReason   = 512      // bytes
)

// File is an entry of the plugin's tree.
type File struct {
	Path string // within the plugin
	Mode string // as Git writes it
	Size int64
	Link string // a link's target, where it is known
}

// Input is a plugin to scan.
type Input struct {
	FS         fs.FS
	Dir        string // of the plugin in its repository, "." for the whole
	Files      []File // sorted by path
	Components []plugpack.Component
}

// Git's modes of what is no regular file.
const (
	modeLink      = "120000"
	modeSubmodule = "160000"
)

// Scan looks at every file and component of the plugin. The error is a bug of
// ours, for the log; the state says ScanError then.
func Scan(in Input) (plugpack.Security, error) { return scan(in, defaultRules()) }

func scan(in Input, rules *ruleset) (s plugpack.Security, err error) {
	defer func() {
		if r := recover(); r != nil {
			s = plugpack.Security{State: plugpack.ScanError, Reason: "the scan failed because of an internal error", Ruleset: Ruleset()}
			err = fmt.Errorf("security scan panicked: %v\n%s", r, debug.Stack())
		}
	}()
	c := &scanner{in: in, rules: rules, index: map[string]int{}, run: scriptsRun(in.Components), instructions: instructionFiles(in.Components)}
	c.names()
	for _, f := range in.Files {
		c.file(f)
	}
	reach := c.components()
	return c.result(reach), nil
}

// scanner collects what one scan sees.
type scanner struct {
	in           Input
	rules        *ruleset
	run          map[string]bool // files that hooks and servers run
	instructions map[string]bool // files that the model is given
	findings     []plugpack.Finding
	places       []int          // that each finding stands for
	index        map[string]int // of findings, by rule and file
	omitted      int
	files        int
	bytes        int64
	unseen       []string // why files were not looked at
	unseenFiles  int
}

// add keeps a finding with its texts made safe: one a rule and file, at the
// place that is the surest, with the number of all places.
func (c *scanner) add(r Rule, confidence plugpack.Level, at string, line int, message, excerpt string) {
	key := r.ID + " " + at
	i, known := c.index[key]
	switch {
	case known:
		c.places[i]++
		if !weightier(confidence, c.findings[i].Confidence) {
			return
		}
	case len(c.findings) >= maxKept:
		c.omitted++
		return
	default:
		i = len(c.findings)
		c.index[key] = i
		c.findings, c.places = append(c.findings, plugpack.Finding{}), append(c.places, 1)
	}
	c.findings[i] = plugpack.Finding{
		Rule: r.ID, Version: r.Version, Category: r.Category, Severity: r.Severity, Confidence: confidence,
		Message: Redact(message), Path: shown(at), Line: line, Excerpt: excerptOf(excerpt), Fix: r.Fix,
	}
}

// skip notes a file that was not looked at.
func (c *scanner) skip(at, why string) {
	if c.unseenFiles++; len(c.unseen) < 3 {
		c.unseen = append(c.unseen, shown(at)+" "+why)
	}
}

func (c *scanner) result(reach []plugpack.Reach) plugpack.Security {
	s := plugpack.Security{State: plugpack.Scanned, Ruleset: Ruleset(), Files: c.files, Reach: reach, Findings: c.findings, Omitted: c.omitted}
	for i, n := range c.places {
		if n > 1 {
			s.Findings[i].Message = fmt.Sprintf("%s (%d places in this file.)", s.Findings[i].Message, n)
		}
	}
	if c.unseenFiles > 0 {
		s.State = plugpack.PartlyScanned
		s.Reason = plugpack.Cut(fmt.Sprintf("%d of its files were not looked at: %s", c.unseenFiles, strings.Join(c.unseen, "; ")), maxReason)
	}
	slices.SortStableFunc(s.Findings, byWeight)
	if len(s.Findings) > maxFindings {
		s.Omitted, s.Findings = s.Omitted+len(s.Findings)-maxFindings, s.Findings[:maxFindings:maxFindings]
	}
	return s
}

var weights = []plugpack.Level{plugpack.Low, plugpack.Medium, plugpack.High, plugpack.Critical}

// byWeight puts the weightiest first, so that a bound cuts what matters least.
func byWeight(a, b plugpack.Finding) int {
	weight := func(f plugpack.Finding) int {
		return slices.Index(weights, f.Confidence)*2 + slices.Index(weights, f.Severity)
	}
	if d := weight(b) - weight(a); d != 0 {
		return d
	}
	if d := strings.Compare(a.Rule, b.Rule); d != 0 {
		return d
	}
	return strings.Compare(a.Path, b.Path)
}

func weightier(a, b plugpack.Level) bool { return slices.Index(weights, a) > slices.Index(weights, b) }

// lower gives the next lower confidence.
func lower(l plugpack.Level) plugpack.Level {
	return weights[max(slices.Index(weights, l)-1, 0)]
}

func shown(s string) string { return plugpack.Cut(RedactSecrets(plugpack.Clean(s)), plugpack.MaxShort) }

// excerptOf is made before the cut, so that no half of a secret is left over.
func excerptOf(s string) string {
	const window = 4 << 10
	if len(s) > window {
		s = strings.ToValidUTF8(s[:window], "")
	}
	return plugpack.Cut(RedactCommand(plugpack.Clean(s)), maxExcerpt)
}
