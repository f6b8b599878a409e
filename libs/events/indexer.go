package events

import "time"

// KeyIndexerStatus is where IndexerStatus is in BucketIndexer.
const KeyIndexerStatus = "status"

// IndexerStatus is what the active indexer says of its stores every few
// seconds. Whoever reads it has to look at its age.
type IndexerStatus struct {
	At     time.Time     `json:"at"`
	Stores []StoreStatus `json:"stores"`
}

// StoreStatus is one store's.
type StoreStatus struct {
	Store string `json:"store"`
	// Waiting is how many changes are not applied yet, and BehindSeconds how long
	// the oldest of them has waited.
	Waiting       int     `json:"waiting"`
	BehindSeconds float64 `json:"behind_seconds"`
	// CheckedAt is when the store was last compared with the catalog, and Drift
	// how much of it was wrong then.
	CheckedAt time.Time `json:"checked_at,omitzero"`
	Drift     int       `json:"drift"`
	// Rebuilding is the reason of a rebuild that is under way.
	Rebuilding string    `json:"rebuilding,omitempty"`
	RebuiltAt  time.Time `json:"rebuilt_at,omitzero"`
	// Error is why it cannot be written, in a few words.
	Error string `json:"error,omitempty"`
}
