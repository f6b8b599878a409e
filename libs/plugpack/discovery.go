package plugpack

import "time"

// Discovery says how much of what a host has a search for marketplaces found.
// Found and Total count the same things: files where files were searched for,
// repositories elsewhere.
type Discovery struct {
	Method     string    `json:"method"`     // such as code-search:marketplace.json
	Found      int       `json:"found"`      // results that the search gave
	Total      int       `json:"total"`      // as the host itself counts them
	Slices     int       `json:"slices"`     // parts into which the search was cut
	Incomplete bool      `json:"incomplete"` // some results could not be had
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// MainDiscovery is the method whose results are marketplaces; those of the
// others are repositories in which one may be.
const MainDiscovery = "code-search:marketplace.json"

// Share is how much of the total was found, from 0 to 1. Of nothing, all was.
func (d Discovery) Share() float64 {
	if d.Total <= 0 {
		return 1
	}
	return min(float64(d.Found)/float64(d.Total), 1)
}
