package indexer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/services/indexer/internal/search"
)

// memory keeps what the next active indexer has to know, in a bucket.
type memory struct{ bus *bus.Bus }

func (m *memory) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	kv, err := m.bus.JetStream().KeyValue(ctx, events.BucketIndexer)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open bucket %s: %w", events.BucketIndexer, err)
	}
	return kv, nil
}

// Load gives the progress of the index's rebuild, nil if none is under way.
func (m *memory) Load(ctx context.Context, uid string) (*search.Progress, error) {
	kv, err := m.bucket(ctx)
	if err != nil {
		return nil, err
	}
	e, err := kv.Get(ctx, "rebuild."+uid)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, errs.New(errs.Unavailable, "read the progress of the rebuild of %s: %w", uid, err)
	}
	var p search.Progress
	if err := json.Unmarshal(e.Value(), &p); err != nil {
		return nil, nil // of another version: begin anew
	}
	return &p, nil
}

// Save keeps the progress.
func (m *memory) Save(ctx context.Context, uid string, p search.Progress) error {
	return m.put(ctx, "rebuild."+uid, p)
}

func (m *memory) put(ctx context.Context, key string, v any) error {
	kv, err := m.bucket(ctx)
	if err != nil {
		return err
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	if _, err := kv.Put(ctx, key, b); err != nil {
		return errs.New(errs.Unavailable, "write %s: %w", key, err)
	}
	return nil
}

// Clear forgets the progress.
func (m *memory) Clear(ctx context.Context, uid string) error {
	kv, err := m.bucket(ctx)
	if err != nil {
		return err
	}
	if err := kv.Delete(ctx, "rebuild."+uid); err != nil {
		return errs.New(errs.Unavailable, "forget the progress of the rebuild of %s: %w", uid, err)
	}
	return nil
}
