package events

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
