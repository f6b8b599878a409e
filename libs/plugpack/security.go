package plugpack

import "github.com/plugpack/plugpack/libs/errs"

// SecurityState says what became of a security scan. Its zero value is
// NotScanned, so that what nobody looked at can never pass for harmless.
type SecurityState uint8

// The states. Only Scanned speaks for every file.
const (
	NotScanned    SecurityState = iota
	Scanned                     // every file was looked at
	PartlyScanned               // some files were not; the reason says which
	ScanError                   // the scan itself failed
)

var securityStates = [...]string{"not scanned", "scanned", "partly scanned", "error"}

// String gives the state as it is written; what is no state is not scanned.
func (s SecurityState) String() string {
	if int(s) < len(securityStates) {
		return securityStates[s]
	}
	return securityStates[NotScanned]
}

// MarshalText writes the state.
func (s SecurityState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a state.
func (s *SecurityState) UnmarshalText(b []byte) error {
	for i, name := range securityStates {
		if string(b) == name {
			*s = SecurityState(i)
			return nil
		}
	}
	return errs.New(errs.Invalid, "security state %.40q is not known", b)
}

// Level grades a finding's weight or the confidence in it.
type Level string

// The levels.
const (
	Low      Level = "low"
	Medium   Level = "medium"
	High     Level = "high"
	Critical Level = "critical" // of weight only
)

// Finding is one signal: something in a plugin's files that a person should
// look at. It is never a verdict.
type Finding struct {
	Rule       string `json:"rule"`    // stable, such as shell.pipe-to-shell
	Version    int    `json:"version"` // of the rule
	Category   string `json:"category"`
	Severity   Level  `json:"severity"`
	Confidence Level  `json:"confidence"`
	Message    string `json:"message"`           // one sentence: what was seen and why it matters
	Path       string `json:"path,omitempty"`    // within the plugin
	Line       int    `json:"line,omitempty"`    // from 1; 0 for the whole file
	Excerpt    string `json:"excerpt,omitempty"` // secrets and private addresses are redacted
	Fix        string `json:"fix,omitempty"`     // what its author can do
}

// Reach is what one hook or server of a plugin runs and connects to, as far as
// its files tell. It is an inventory, not a finding.
type Reach struct {
	Kind    ComponentKind `json:"kind" example:"mcp"`     // hook, mcp or lsp
	Name    string        `json:"name" example:"cluster"` // a hook's is its event
	Path    string        `json:"path,omitempty" example:".mcp.json"`
	Matcher string        `json:"matcher,omitempty" example:"Edit|Write"`
	// Gated says that the hook runs for some tools only, not on every event.
	Gated bool     `json:"gated,omitempty"`
	Runs  string   `json:"runs,omitempty" example:"npx -y @acme/cluster-mcp@1.4.0"` // its command, redacted
	Hosts []string `json:"hosts,omitempty" example:"api.acme.example"`              // that it names, in the command or in the script it runs
	// Downloads are the packages and images that starting it may fetch.
	Downloads []string `json:"downloads,omitempty" example:"@acme/cluster-mcp@1.4.0"`
}

// Security is what a scan of a plugin's files saw.
type Security struct {
	State    SecurityState `json:"state"`
	Reason   string        `json:"reason,omitempty"` // why it is not Scanned
	Ruleset  string        `json:"ruleset"`          // version of the rules
	Files    int           `json:"files"`            // that were looked at
	Reach    []Reach       `json:"reach,omitempty"`
	Findings []Finding     `json:"findings,omitempty"`
	Omitted  int           `json:"omitted,omitempty"` // findings over the limit
}

// FindingCounts are what lists say of a security scan. No findings mean little
// unless State is Scanned.
type FindingCounts struct {
	State    SecurityState `json:"state" example:"partly scanned"`
	Critical int           `json:"critical" example:"0"`
	High     int           `json:"high" example:"1"`
	Medium   int           `json:"medium" example:"0"`
	Low      int           `json:"low" example:"2"`
}

// Total is the number of findings.
func (c FindingCounts) Total() int { return c.Critical + c.High + c.Medium + c.Low }

// Counts counts the findings by severity. Of no scan it gives "not scanned".
func (s *Security) Counts() FindingCounts {
	if s == nil {
		return FindingCounts{}
	}
	c := FindingCounts{State: s.State}
	for _, f := range s.Findings {
		switch f.Severity {
		case Critical:
			c.Critical++
		case High:
			c.High++
		case Medium:
			c.Medium++
		default:
			c.Low++
		}
	}
	return c
}
