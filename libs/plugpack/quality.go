package plugpack

// Evidence is where something can be seen: a line of a file at the commit that
// was read.
type Evidence struct {
	Path string `json:"path"`           // within the plugin
	Line int    `json:"line,omitempty"` // from 1; 0 for the whole file
}

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Passed        Outcome = "passed"
	PartlyPassed  Outcome = "partly"
	NotPassed     Outcome = "failed"
	NotApplicable Outcome = "not applicable" // its points are not counted
	NotKnown      Outcome = "not known"      // it could not be checked, which earns nothing
)

// Check is one thing that a quality report looks at.
type Check struct {
	ID       string     `json:"id"` // stable, such as documentation.readme
	Version  int        `json:"version"`
	Title    string     `json:"title"`
	Outcome  Outcome    `json:"outcome"`
	Points   float64    `json:"points"`
	Max      float64    `json:"max"`
	Reason   string     `json:"reason"`
	Evidence []Evidence `json:"evidence,omitempty"`
	Fix      string     `json:"fix,omitempty"` // how to get the missing points
}

// Dimension is one side of a plugin's quality. Score is its share of the points
// that apply, 0 to 100.
type Dimension struct {
	Name   string  `json:"name"` // manifest, documentation, maintenance, testing, security, cost
	Score  int     `json:"score"`
	Weight float64 `json:"weight"` // in the overall score
	Checks []Check `json:"checks"`
}

// Cap is an upper bound of the overall score, with its reason.
type Cap struct {
	ID     string `json:"id" example:"partly-scanned"`
	Max    int    `json:"max" example:"85"`
	Reason string `json:"reason" example:"Some of its files were not looked through for security signals."`
}

// Quality is a report on a plugin's files: the same digest and ruleset give the
// same report, byte for byte. What time and the repository add to it, such as
// that it is archived, is reckoned when the report is shown.
type Quality struct {
	Ruleset    string      `json:"ruleset"`
	Digest     string      `json:"digest"`
	Score      int         `json:"score"` // 0 to 100, of the files alone
	Caps       []Cap       `json:"caps,omitempty"`
	Dimensions []Dimension `json:"dimensions"`
}
