package api

// Related is a plugin that goes with another one, and why.
type Related struct {
	Plugin
	Reason string `json:"reason" doc:"Why it goes with the plugin" example:"curators put both into 2 packs"`
}
