package api

import (
	"time"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Headers of a list of marketplaces that say how complete the last search for
// marketplaces was. Without a search, a list has none of them.
const (
	HeaderDiscoveryFound      = "Plugpack-Discovery-Found"
	HeaderDiscoveryTotal      = "Plugpack-Discovery-Total"
	HeaderDiscoveryIncomplete = "Plugpack-Discovery-Incomplete"
	HeaderDiscoveryFinished   = "Plugpack-Discovery-Finished"
)

// Discovery says how complete the last search for marketplaces by one method
// was.
type Discovery struct {
	Method     string    `json:"method" example:"code-search:marketplace.json"`
	Found      int       `json:"found" doc:"Results that the search gave" example:"980"`
	Total      int       `json:"total" doc:"Results that the host itself counts for it" example:"1000"`
	Share      float64   `json:"share" minimum:"0" maximum:"1" doc:"found / total" example:"0.98"`
	Slices     int       `json:"slices" doc:"Parts into which the search was cut" example:"7"`
	Incomplete bool      `json:"incomplete" doc:"Some results could not be had"`
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// NewDiscovery makes the wire form of d.
func NewDiscovery(d plugpack.Discovery) Discovery {
	return Discovery{
		Method: d.Method, Found: d.Found, Total: d.Total, Share: d.Share(), Slices: d.Slices, Incomplete: d.Incomplete,
		StartedAt: d.StartedAt.UTC(), FinishedAt: d.FinishedAt.UTC(),
	}
}
