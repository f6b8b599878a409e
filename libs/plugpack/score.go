package plugpack

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// MaintenanceDimension names the dimension that time adds to.
const MaintenanceDimension = "maintenance"

// Activity is the check that time adds to a report when it is shown: a report
// on files cannot know whether somebody still looks after them.
var Activity = Check{
	ID: "maintenance.activity", Version: 1, Title: "The repository was pushed to lately", Max: 10,
	Fix: "Push what you fix; somebody who looks for a plugin goes by when the last push was.",
}

// activity is what each state earns of Activity's points.
var activity = map[Maintenance]struct {
	points float64
	reason string
}{
	Active:     {10, "the repository was pushed to within 14 days"},
	Maintained: {8, "the repository was pushed to within 90 days"},
	Slow:       {4, "the last push is 90 to 365 days ago"},
	Stale:      {0, "the last push is more than 365 days ago"},
	Archived:   {0, "the repository is archived, so nothing in it will be mended"},
}

// ActivityCaps bound the score of what nobody looks after, however good its
// files are.
var ActivityCaps = map[Maintenance]Cap{
	Archived: {"archived", 30, "The repository is archived."},
	Stale:    {"stale", 60, "Nobody pushed to the repository for more than a year."},
}

// Maintenances lists every state, the best first.
var Maintenances = []Maintenance{Active, Maintained, Slow, Stale, Archived, MaintenanceUnknown}

// Reckoned gives q with its scores, which follow from its checks and caps: a
// dimension's is its share of the points that apply, the overall one the mean
// of the dimensions by weight, and no more than the lowest cap.
func (q Quality) Reckoned() Quality {
	q.Dimensions = slices.Clone(q.Dimensions)
	var sum, weights float64
	for i, d := range q.Dimensions {
		share, applies := d.share()
		q.Dimensions[i].Score = percent(share)
		if applies {
			sum, weights = sum+share*d.Weight, weights+d.Weight
		}
	}
	q.Score = 0
	if weights > 0 {
		q.Score = percent(sum / weights)
	}
	for _, c := range q.Caps {
		q.Score = min(q.Score, c.Max)
	}
	return q
}

func (d Dimension) share() (share float64, applies bool) {
	var points, most float64
	for _, c := range d.Checks {
		if c.Outcome != NotApplicable {
			points, most = points+c.Points, most+c.Max
		}
	}
	if most == 0 {
		return 0, false
	}
	return points / most, true
}

// percent rounds a share up or down, but gives 100 to nothing less than all.
func percent(share float64) int {
	if share < 1 {
		return min(int(math.Round(share*100)), 99)
	}
	return 100
}

// Shown gives the report as it is shown while its repository is in state m: the
// files' own report with what time adds to it.
func (q Quality) Shown(m Maintenance) Quality {
	q.Dimensions = slices.Clone(q.Dimensions)
	for i, d := range q.Dimensions {
		if d.Name == MaintenanceDimension {
			q.Dimensions[i].Checks = append([]Check{activityCheck(m)}, d.Checks...)
		}
	}
	if c, capped := ActivityCaps[m]; capped {
		q.Caps = append(slices.Clone(q.Caps), c)
	}
	return q.Reckoned()
}

func activityCheck(m Maintenance) Check {
	c := Activity
	state, known := activity[m]
	if !known {
		c.Outcome, c.Reason, c.Fix = NotKnown, "it is not known when it was last pushed to; of a folder that never is", ""
		return c
	}
	c.Points, c.Reason, c.Outcome = state.points, state.reason, PartlyPassed
	switch c.Points {
	case c.Max:
		c.Outcome, c.Fix = Passed, ""
	case 0:
		c.Outcome = NotPassed
	}
	return c
}

// Scores gives the overall score that the report has in every state of its
// repository, so that a list can be sorted by it without reading reports.
func (q Quality) Scores() map[Maintenance]int {
	scores := make(map[Maintenance]int, len(Maintenances))
	for _, m := range Maintenances {
		scores[m] = q.Shown(m).Score
	}
	return scores
}

// ActivityRules writes what Shown goes by, for the version of a ruleset.
func ActivityRules() string {
	text := fmt.Sprintf("%s %d %g", Activity.ID, Activity.Version, Activity.Max)
	for _, m := range slices.Sorted(maps.Keys(activity)) {
		text += fmt.Sprintf(" %s %g %d", m, activity[m].points, ActivityCaps[m].Max)
	}
	return text
}
