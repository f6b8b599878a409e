package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// Trials know the scans that were begun and have not ended, so that one that
// takes its process along, and can say nothing of it, is told apart from one
// that waits for a limit however often that is.
type Trials struct{ kv jetstream.KeyValue }

// trial is the value of one marketplace.
type trial struct {
	Begun int `json:"begun"`
}

// OpenTrials opens the bucket.
func OpenTrials(ctx context.Context, js jetstream.JetStream) (*Trials, error) {
	kv, err := js.KeyValue(ctx, events.BucketScanTrial)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open bucket %s: %w", events.BucketScanTrial, err)
	}
	return &Trials{kv: kv}, nil
}

// Count says how many scans of k in a row were begun and never ended.
func (t *Trials) Count(ctx context.Context, k plugpack.MarketplaceKey) (int, error) {
	last, _, err := t.read(ctx, k)
	return last.Begun, err
}

// Begin says how many scans of k in a row were begun before this one and never
// ended, and counts this one among them until End.
func (t *Trials) Begin(ctx context.Context, k plugpack.MarketplaceKey) (before int, err error) {
	for {
		last, revision, err := t.read(ctx, k)
		if err != nil {
			return 0, err
		}
		err = t.write(ctx, k, trial{Begun: last.Begun + 1}, revision)
		if !errors.Is(err, ErrNewer) {
			return last.Begun, err
		}
	}
}

func (t *Trials) read(ctx context.Context, k plugpack.MarketplaceKey) (last trial, revision uint64, err error) {
	e, err := t.kv.Get(ctx, events.Token(string(k)))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return last, 0, nil
	}
	if err != nil {
		return last, 0, errs.New(errs.Unavailable, "read trials of %s: %w", k, err)
	}
	if json.Unmarshal(e.Value(), &last) != nil || last.Begun < 0 {
		last = trial{}
	}
	return last, e.Revision(), nil
}

// write is Create for a key that is not there: an update of one whose end was
// noted would be refused.
func (t *Trials) write(ctx context.Context, k plugpack.MarketplaceKey, v trial, revision uint64) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode trials of %s: %w", k, err)
	}
	key := events.Token(string(k))
	if revision == 0 {
		_, err = t.kv.Create(ctx, key, b)
	} else {
		_, err = t.kv.Update(ctx, key, b, revision)
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if errors.Is(err, jetstream.ErrKeyExists) || ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return ErrNewer
	}
	if err != nil {
		return errs.New(errs.Unavailable, "write trials of %s: %w", k, err)
	}
	return nil
}

// Set makes it n scans of k that were begun and never ended.
func (t *Trials) Set(ctx context.Context, k plugpack.MarketplaceKey, n int) error {
	b, err := json.Marshal(trial{Begun: n})
	if err == nil {
		_, err = t.kv.Put(ctx, events.Token(string(k)), b)
	}
	if err != nil {
		return errs.New(errs.Unavailable, "write trials of %s: %w", k, err)
	}
	return nil
}

// End forgets the trials of k: its scan came to some end.
func (t *Trials) End(ctx context.Context, k plugpack.MarketplaceKey) error {
	if err := t.kv.Purge(ctx, events.Token(string(k))); err != nil {
		return errs.New(errs.Unavailable, "end trials of %s: %w", k, err)
	}
	return nil
}
