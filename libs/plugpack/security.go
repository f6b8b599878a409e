package plugpack

import (
	"fmt"
	"slices"
)

// SecurityState says what is known of a plugin's security. Its zero value
// claims nothing, and no failure reads as a pass.
type SecurityState uint8

// The states of a security scan.
const (
	SecurityNotScanned SecurityState = iota
	SecurityFailed                   // the scan broke; nothing is known
	SecurityPartial                  // some files were too large or too many
	SecurityScanned                  // all files were looked at
)

var securityStates = []string{"not scanned", "failed", "partial", "scanned"}

// String gives the state as the API spells it.
func (s SecurityState) String() string {
	if int(s) < len(securityStates) {
		return securityStates[s]
	}
	return securityStates[SecurityNotScanned]
}

// MarshalText is for JSON.
func (s SecurityState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is for JSON. An unknown text is an error and leaves "not
// scanned".
func (s *SecurityState) UnmarshalText(b []byte) error {
	i := slices.Index(securityStates, string(b))
	if i < 0 {
		*s = SecurityNotScanned
		return fmt.Errorf("unknown security state %.40q", b)
	}
	*s = SecurityState(i)
	return nil
}

// Confidence says how often a rule's findings are what they look like.
type Confidence string

// The confidences.
const (
	High   Confidence = "high"
	Medium Confidence = "medium"
	Low    Confidence = "low"
)

// Finding is a signal that someone should look: it is no proof of harm, and no
// finding is no proof of safety.
type Finding struct {
	Rule       string     `json:"rule"` // stable id, such as pipe-to-shell
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Path       string     `json:"path"`              // within the plugin
	Line       int        `json:"line,omitempty"`    // from 1; 0 for the file itself
	Message    string     `json:"message"`           // what was found, one sentence
	Excerpt    string     `json:"excerpt,omitempty"` // secrets and private addresses are redacted
	Fix        string     `json:"fix,omitempty"`
}

// Reach is what a plugin can run or reach by itself.
type Reach struct {
	Shell    bool     `json:"shell,omitempty"` // hooks, monitors or servers run commands
	Network  bool     `json:"network,omitempty"`
	Hosts    []string `json:"hosts,omitempty"`    // public hosts that hooks, servers and scripts name
	Programs []string `json:"programs,omitempty"` // programs that hooks and servers start
	Scripts  int      `json:"scripts,omitempty"`  // script files in the tree
	Binaries int      `json:"binaries,omitempty"` // files that nobody can read
}

// Security is what the scan of a plugin's files for signals gave.
type Security struct {
	State    SecurityState `json:"state"`
	Reason   string        `json:"reason,omitempty"` // why it is not complete
	Ruleset  int           `json:"ruleset,omitempty"`
	Files    int           `json:"files,omitempty"` // looked at
	Findings []Finding     `json:"findings,omitempty"`
	More     int           `json:"more,omitempty"` // findings beyond those listed
	Reach    Reach         `json:"reach,omitzero"`
}
