package quality

import (
	"fmt"
	"math"
	"strings"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// dimension is one side of quality. The weights are shares of a hundred.
type dimension struct {
	name   string
	weight float64
	rules  []rule
}

var dimensions = []dimension{
	{"manifest", 15, manifestRules},
	{"documentation", 25, documentationRules},
	{plugpack.MaintenanceDimension, 20, maintenanceRules},
	{"testing", 10, testingRules},
	{"security", 20, securityRules},
	{"cost", 10, costRules},
}

// rule is one check. Its version is counted up when look judges otherwise.
type rule struct {
	id      string
	version int
	max     float64
	title   string
	look    func(in Input) result
}

// result is what a rule found. share is of its points.
type result struct {
	outcome  plugpack.Outcome
	share    float64
	reason   string
	fix      string
	evidence []plugpack.Evidence
}

// Bounds of what a check shows.
const (
	maxEvidence = 10
	maxReason   = 400 // bytes
)

func (r rule) check(in Input) plugpack.Check {
	found := r.look(in)
	return plugpack.Check{
		ID: r.id, Version: r.version, Title: r.title, Outcome: found.outcome, Max: r.max,
		Points:   math.Round(found.share*r.max*100) / 100,
		Reason:   plugpack.Cut(plugpack.Clean(found.reason), maxReason),
		Evidence: found.evidence[:min(len(found.evidence), maxEvidence)],
		Fix:      plugpack.Cut(plugpack.Clean(found.fix), maxReason),
	}
}

// earned gives a result for a share of the points. The fix is left out where
// nothing has to be mended.
func earned(share float64, reason, fix string, evidence ...plugpack.Evidence) result {
	switch {
	case share >= 1:
		return result{plugpack.Passed, 1, reason, "", evidence}
	case share <= 0:
		return result{plugpack.NotPassed, 0, reason, fix, evidence}
	}
	return result{plugpack.PartlyPassed, share, reason, fix, evidence}
}

// yesOrNo gives all points or none.
func yesOrNo(yes bool, good, bad, fix string, evidence ...plugpack.Evidence) result {
	if yes {
		return earned(1, good, "", evidence...)
	}
	return earned(0, bad, fix, evidence...)
}

func notApplicable(reason string) result {
	return result{outcome: plugpack.NotApplicable, reason: reason}
}

func notKnown(reason, fix string) result {
	return result{outcome: plugpack.NotKnown, reason: reason, fix: fix}
}

// step is a bound with what is earned up to it.
type step struct {
	most  int
	share float64
}

// within gives the share of the first step that n is within, else 0.
func within(n int, steps ...step) float64 {
	for _, s := range steps {
		if n <= s.most {
			return s.share
		}
	}
	return 0
}

// share gives a of b.
func share(a, b int) float64 { return float64(a) / float64(b) }

// at points at a file.
func at(path string) []plugpack.Evidence {
	if path == "" {
		return nil
	}
	return []plugpack.Evidence{{Path: path}}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// some names the first few of a list.
func some(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
