package plugpack

import "time"

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

// MaintenanceAt gives the state at now. A push that is ahead of now counts as
// one of now. It is told when it is asked for, since time passes without a scan.
func (r Repository) MaintenanceAt(now time.Time) Maintenance {
	const day = 24 * time.Hour
	switch age := now.Sub(r.PushedAt); {
	case r.Archived:
		return Archived
	case r.PushedAt.IsZero():
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
