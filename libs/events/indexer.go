package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
)

// KeyIndexerStatus is where IndexerStatus is in BucketIndexer.
const KeyIndexerStatus = "status"

// IndexerStatus is what the active indexer says of its stores every few
// seconds. Whoever reads it has to look at its age.
type IndexerStatus struct {
	At     time.Time     `json:"at"`
	Stores []StoreStatus `json:"stores"`
}

// ReadIndexerStatus gives what the active indexer last said, nothing where none
// ever did.
func ReadIndexerStatus(ctx context.Context, js jetstream.JetStream) (said IndexerStatus, err error) {
	kv, err := js.KeyValue(ctx, BucketIndexer)
	if err != nil {
		return said, errs.New(errs.Unavailable, "open bucket %s: %w", BucketIndexer, err)
	}
	e, err := kv.Get(ctx, KeyIndexerStatus)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return said, nil
	}
	if err != nil {
		return said, errs.New(errs.Unavailable, "read the indexer's status: %w", err)
	}
	if err := json.Unmarshal(e.Value(), &said); err != nil {
		return said, fmt.Errorf("read the indexer's status: %w", err)
	}
	return said, nil
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
