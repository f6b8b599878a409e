package quality

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

var securityRules = []rule{
	{"security.scan", 1, 6, "Every file was looked through", scan},
	{"security.findings", 1, 20, "The scan has no findings", findings},
	{"security.hooks", 1, 5, "Hooks run only for the tools they are about", hooks},
	{"security.downloads", 1, 5, "What it downloads to run is pinned", downloads},
}

const notScanned = "its files were not looked through, which says nothing in its favour"

func scan(in Input) result {
	s := in.Facts.Security
	switch {
	case !looked(s):
		return notKnown(notScanned, "")
	case s.State == plugpack.PartlyScanned:
		return earned(0.5, "some files were not: "+s.Reason, "Leave out what nobody can read, such as large or packed files.")
	}
	return earned(1, count(s.Files, "file")+" were looked through", "")
}

// What a finding costs, of the check's 20 points: a critical one all of them,
// as far as one may trust it.
var (
	weightOf = map[plugpack.Level]float64{plugpack.Critical: 20, plugpack.High: 10, plugpack.Medium: 4, plugpack.Low: 1}
	trustIn  = map[plugpack.Level]float64{plugpack.High: 1, plugpack.Medium: 0.6, plugpack.Low: 0.3}
)

// ruleUnpinned is the scan's rule that security.downloads counts.
const ruleUnpinned = "start.unpinned"

// findings takes off for every finding. What was not looked at earns nothing,
// so of a partial scan half is the most.
func findings(in Input) result {
	s := in.Facts.Security
	if !looked(s) {
		return notKnown(notScanned, "")
	}
	var lost float64
	var evidence []plugpack.Evidence
	for _, f := range s.Findings {
		if f.Rule == ruleUnpinned {
			continue
		}
		lost += weightOf[f.Severity] * trustIn[f.Confidence]
		evidence = append(evidence, plugpack.Evidence{Path: f.Path, Line: f.Line})
	}
	share := max(0, 1-lost/weightOf[plugpack.Critical])
	reason := "no rule found anything"
	if c := s.Counts(); len(evidence) > 0 {
		reason = fmt.Sprintf("%d critical, %d high, %d medium, %d low", c.Critical, c.High, c.Medium, c.Low)
	}
	if s.State == plugpack.PartlyScanned {
		share, reason = share/2, reason+"; some files were not looked at"
	}
	return earned(share, reason, "Each finding says what its author can do.", evidence...)
}

// toolEvents happen at every use of a tool, so a hook without a matcher runs
// hundreds of times in a session.
var toolEvents = []string{"PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest"}

// everything are the matchers that leave nothing out.
var everything = []string{"", "*", ".*", "^.*$", ".+"}

func hooks(in Input) result {
	all := 0
	var open []string
	var evidence []plugpack.Evidence
	for _, c := range in.Facts.Components {
		if c.Kind != plugpack.Hook || !slices.Contains(toolEvents, c.Name) {
			continue
		}
		for _, h := range c.Handlers {
			if all++; slices.Contains(everything, strings.TrimSpace(h.Matcher)) {
				open, evidence = append(open, c.Name), append(evidence, at(c.Path)...)
			}
		}
	}
	switch {
	case all == 0:
		return notApplicable("no hook of it runs at the use of tools")
	case len(open) == 0:
		return earned(1, "each names its tools", "")
	}
	return earned(share(all-len(open), all), fmt.Sprintf("%d of %d run at every use of every tool: %s", len(open), all, some(slices.Compact(open))),
		"Give each a matcher, such as Write|Edit.", evidence...)
}

func downloads(in Input) result {
	s := in.Facts.Security
	if !looked(s) {
		return notKnown(notScanned, "")
	}
	all := 0
	for _, r := range s.Reach {
		if len(r.Downloads) > 0 {
			all++
		}
	}
	var evidence []plugpack.Evidence
	for _, f := range s.Findings {
		if f.Rule == ruleUnpinned {
			evidence = append(evidence, plugpack.Evidence{Path: f.Path, Line: f.Line})
		}
	}
	switch loose := len(evidence); {
	case all == 0 && loose == 0:
		return notApplicable("its hooks and servers download nothing to run")
	case loose == 0:
		return earned(1, "each names a version", "")
	default:
		return earned(max(0, 1-share(loose, max(all, loose))), fmt.Sprintf("%d of %d run whatever is newest", loose, max(all, loose)),
			"Name the version, as in npx -y package@1.2.3.", evidence...)
	}
}
