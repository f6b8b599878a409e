package analysis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Bounds of what is written for people; JSON and SARIF have all.
const (
	maxLost     = 8
	maxFindings = 20
)

// score says what a plugin's score is and what it is made of.
func score(p Plugin) string {
	if p.Score == nil {
		return "none, since its files were not read"
	}
	var parts []string
	for _, d := range p.Quality.Dimensions {
		if applies(d) {
			parts = append(parts, fmt.Sprintf("%s %d", d.Name, d.Score))
		} else {
			parts = append(parts, d.Name+" –")
		}
	}
	return fmt.Sprintf("%d of 100 (%s)", *p.Score, strings.Join(parts, ", "))
}

func applies(d plugpack.Dimension) bool {
	return slices.ContainsFunc(d.Checks, func(c plugpack.Check) bool { return c.Outcome != plugpack.NotApplicable })
}

// caps says what holds the score down.
func caps(p Plugin) (lines []string) {
	if p.Quality == nil {
		return nil
	}
	for _, c := range p.Quality.Caps {
		if c.Max > *p.Score {
			continue // it holds nothing down
		}
		lines = append(lines, fmt.Sprintf("at %d: %s", c.Max, c.Reason))
	}
	return lines
}

// lost gives the checks that lost most of the overall score, the most first.
func lost(p Plugin) []plugpack.Check {
	type loss struct {
		plugpack.Check
		points float64 // of the overall score
	}
	var all []loss
	if p.Quality == nil {
		return nil
	}
	for _, d := range p.Quality.Dimensions {
		most := 0.0
		for _, c := range d.Checks {
			if c.Outcome != plugpack.NotApplicable {
				most += c.Max
			}
		}
		for _, c := range d.Checks {
			if c.Outcome != plugpack.NotApplicable && c.Points < c.Max {
				all = append(all, loss{c, (c.Max - c.Points) / most * d.Weight})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b loss) int {
		switch {
		case a.points > b.points:
			return -1
		case a.points < b.points:
			return 1
		}
		return 0
	})
	checks := make([]plugpack.Check, len(all))
	for i, l := range all {
		checks[i] = l.Check
	}
	return checks
}

// advice says why a check lost points and how to get them.
func advice(c plugpack.Check) string {
	text := fmt.Sprintf("%s %g of %g: %s.", c.ID, c.Points, c.Max, c.Reason)
	if c.Fix != "" {
		text += " " + c.Fix
	}
	return text
}

// scanned says what became of the security scan.
func scanned(p Plugin) string {
	s := p.Security
	if s == nil {
		return plugpack.NotScanned.String()
	}
	text := fmt.Sprintf("%s, %s", s.State, plural(s.Counts().Total()+s.Omitted, "finding"))
	if s.Reason != "" {
		text += "; " + s.Reason
	}
	return text
}

// findings gives those that are written, and how many are not.
func findings(p Plugin) (list []plugpack.Finding, more int) {
	if p.Security == nil {
		return nil, 0
	}
	all := p.Security.Findings
	n := min(len(all), maxFindings)
	return all[:n], len(all) - n + p.Security.Omitted
}

// place names a file and line.
func place(file string, line int) string {
	if line > 0 {
		return fmt.Sprintf("%s:%d", file, line)
	}
	return file
}

// documents names what a plugin brings to read.
func documents(d plugpack.Documents) string {
	var parts []string
	if d.Readme != nil {
		parts = append(parts, d.Readme.Path)
	}
	if l := d.License; l != nil && l.Path != "" {
		id := l.SPDX
		if id == "" {
			id = "not a known text"
		}
		parts = append(parts, l.Path+" ("+id+")")
	}
	if d.Changelog != nil {
		parts = append(parts, d.Changelog.Path)
	}
	return strings.Join(parts, ", ")
}
