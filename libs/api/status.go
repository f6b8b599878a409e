package api

import "time"

// Status says how far what readers see is behind the catalog.
type Status struct {
	Stores []StoreStatus `json:"stores"`
}

// StoreStatus is one store's.
type StoreStatus struct {
	Store string `json:"store" enum:"postgres,search,cache" doc:"Where readers' answers come from"`
	State string `json:"state" enum:"in step,behind,rebuilding,unknown" doc:"Unknown: nobody has said anything for half a minute"`
	// LagSeconds is how long the oldest change has waited.
	LagSeconds float64   `json:"lag_seconds" doc:"How long the oldest change has waited for it" example:"0.4"`
	Waiting    int       `json:"waiting" doc:"Changes that it does not have yet" example:"2"`
	Drift      int       `json:"drift" doc:"Differences from the catalog that the last comparison found and mended" example:"0"`
	CheckedAt  time.Time `json:"checked_at,omitzero" doc:"Last comparison with the catalog"`
	RebuiltAt  time.Time `json:"rebuilt_at,omitzero" doc:"Last time that it was built anew"`
}
