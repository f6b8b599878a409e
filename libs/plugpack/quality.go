package plugpack

import "time"

// Dimension names a side of quality.
type Dimension string

// The six dimensions, in the order reports show them.
const (
	DimManifest      Dimension = "manifest"
	DimDocumentation Dimension = "documentation"
	DimMaintenance   Dimension = "maintenance"
	DimTesting       Dimension = "testing"
	DimSecurity      Dimension = "security"
	DimCost          Dimension = "cost"
)

// Dimensions lists all of them.
var Dimensions = []Dimension{DimManifest, DimDocumentation, DimMaintenance, DimTesting, DimSecurity, DimCost}

// Evidence is where a check saw its reason.
type Evidence struct {
	Path string `json:"path"`           // within the plugin
	Line int    `json:"line,omitempty"` // from 1; 0 for the file itself
}

// Check is the outcome of one check of a report.
type Check struct {
	ID        string     `json:"id"`      // stable, such as manifest.valid
	Version   int        `json:"version"` // counted up when its rule changes
	Dimension Dimension  `json:"dimension"`
	Points    int        `json:"points"`
	Max       int        `json:"max"` // 0: it does not apply or is not known
	Reason    string     `json:"reason"`
	Evidence  []Evidence `json:"evidence,omitempty"`
	Fix       string     `json:"fix,omitempty"` // "" when nothing is to be mended
}

// DimensionScore sums a dimension's checks up.
type DimensionScore struct {
	Dimension Dimension `json:"dimension"`
	Score     int       `json:"score"`  // 0 to 100
	Weight    int       `json:"weight"` // of 100; 0 when nothing of it is known
}

// Cap bounds the overall score, with the reason.
type Cap struct {
	ID     string `json:"id"`
	Score  int    `json:"score"` // the highest that is left
	Reason string `json:"reason"`
}

// Report says how good a plugin is and why. It depends on the plugin's content
// and the ruleset alone: the same digest gives the same report.
type Report struct {
	Ruleset    int              `json:"ruleset"`
	Digest     string           `json:"digest"`
	Commit     string           `json:"commit,omitempty"` // at which the evidence was seen; no part of the identity
	Score      int              `json:"score"`            // 0 to 100, after caps
	Dimensions []DimensionScore `json:"dimensions"`
	Checks     []Check          `json:"checks"`
	Caps       []Cap            `json:"caps,omitempty"`
}

// Maintenance says whether somebody still looks after a repository.
type Maintenance string

// The maintenance states.
const (
	Active             Maintenance = "active"     // pushed to within 14 days
	Maintained         Maintenance = "maintained" // within 90 days
	Slow               Maintenance = "slow"       // within 365 days
	Stale              Maintenance = "stale"      // longer ago
	Archived           Maintenance = "archived"
	MaintenanceUnknown Maintenance = "unknown"
)

// MaintenanceOf gives the state at now of a repository last pushed to at
// pushed, zero if that is not known. A time ahead of now counts as now.
func MaintenanceOf(archived bool, pushed, now time.Time) Maintenance {
	const day = 24 * time.Hour
	switch age := now.Sub(pushed); {
	case archived:
		return Archived
	case pushed.IsZero():
		return MaintenanceUnknown
	case age < 14*day:
		return Active
	case age < 90*day:
		return Maintained
	case age < 365*day:
		return Slow
	}
	return Stale
}
