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

// Lasts gives for how long after a push a repository is in the state at most;
// 0 for a state that no time ends.
func (m Maintenance) Lasts() time.Duration {
	const day = 24 * time.Hour
	switch m {
	case Active:
		return 14 * day
	case Maintained:
		return 90 * day
	case Slow:
		return 365 * day
	}
	return 0
}

// MaintenanceAt gives the state at now. A push that is ahead of now counts as
// one of now. It is told when it is asked for, since time passes without a scan.
func (r Repository) MaintenanceAt(now time.Time) Maintenance {
	switch age := now.Sub(r.PushedAt); {
	case r.Archived:
		return Archived
	case r.PushedAt.IsZero():
		return MaintenanceUnknown
	case age < Active.Lasts():
		return Active
	case age < Maintained.Lasts():
		return Maintained
	case age < Slow.Lasts():
		return Slow
	}
	return Stale
}
