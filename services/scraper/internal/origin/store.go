package origin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
)

// chunk is how much of a snapshot one message carries.
const chunk = 512 << 10

// maxSnapshot is the largest that is kept: larger ones would push too many
// others out.
const maxSnapshot = 32 << 20

// Store keeps snapshots and what is known of origins, for all scrapers. Its
// stream has a size, and what is oldest goes. A nil store keeps nothing and knows
// nothing: what is fetched is for whoever asked, and gone with their visit.
type Store struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	known  jetstream.KeyValue
}

// OpenStore opens the stream and the bucket.
func OpenStore(ctx context.Context, js jetstream.JetStream) (*Store, error) {
	stream, err := js.Stream(ctx, events.StreamOrigin)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open stream %s: %w", events.StreamOrigin, err)
	}
	known, err := js.KeyValue(ctx, events.BucketOrigin)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open bucket %s: %w", events.BucketOrigin, err)
	}
	return &Store{js, stream, known}, nil
}

// trailer is a snapshot's last message; before it is there, there is none.
type trailer struct {
	Chunks int    `json:"chunks"`
	SHA256 string `json:"sha256"`
}

// put writes a snapshot. Whoever dies meanwhile leaves chunks that nobody reads,
// which go when they are the oldest.
func (s *Store) put(ctx context.Context, key string, r io.Reader) error {
	sum := sha256.New()
	r = io.TeeReader(r, sum)
	t := trailer{}
	for {
		var b bytes.Buffer
		n, err := io.CopyN(&b, r, chunk)
		if n > 0 {
			if err := s.publish(ctx, events.SubjectOriginChunk(key, t.Chunks), b.Bytes()); err != nil {
				return err
			}
			t.Chunks++
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read a snapshot: %w", err)
		}
	}
	t.SHA256 = hex.EncodeToString(sum.Sum(nil))
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return s.publish(ctx, events.SubjectOriginEnd(key), b)
}

func (s *Store) publish(ctx context.Context, subject string, b []byte) error {
	if _, err := s.js.Publish(ctx, subject, b); err != nil {
		return errs.New(errs.Unavailable, "keep a snapshot: %w", err)
	}
	return nil
}

// has says whether there is a snapshot. Its first part is its oldest, so where
// that is, all the others are.
func (s *Store) has(ctx context.Context, key string) (bool, error) {
	if s == nil {
		return false, nil
	}
	if _, ok, err := s.end(ctx, key); err != nil || !ok {
		return false, err
	}
	_, ok, err := s.last(ctx, events.SubjectOriginChunk(key, 0))
	return ok, err
}

func (s *Store) end(ctx context.Context, key string) (t trailer, ok bool, err error) {
	b, ok, err := s.last(ctx, events.SubjectOriginEnd(key))
	if err != nil || !ok {
		return t, false, err
	}
	return t, json.Unmarshal(b, &t) == nil, nil
}

func (s *Store) last(ctx context.Context, subject string) ([]byte, bool, error) {
	m, err := s.stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, errs.New(errs.Unavailable, "read a snapshot: %w", err)
	}
	return m.Data, true, nil
}

// get writes a snapshot to w. One of which a part has gone already is none.
func (s *Store) get(ctx context.Context, key string, w io.Writer) (bool, error) {
	t, ok, err := s.end(ctx, key)
	if err != nil || !ok {
		return false, err
	}
	sum := sha256.New()
	for i := range t.Chunks {
		b, ok, err := s.last(ctx, events.SubjectOriginChunk(key, i))
		if err != nil || !ok {
			return false, err
		}
		_, _ = sum.Write(b)
		if _, err := w.Write(b); err != nil {
			return false, fmt.Errorf("read a snapshot: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)) == t.SHA256, nil
}

// memory is what is known of an origin since it was last asked.
type memory struct {
	Commit string    `json:"commit,omitempty"`
	ETag   string    `json:"etag,omitempty"`
	At     time.Time `json:"at"`
	// Kind and Reason are set when there was nothing that can be read.
	Kind   errs.Kind `json:"kind,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// err gives the error that is remembered.
func (m memory) err() error {
	if m.Reason == "" {
		return nil
	}
	return errs.New(m.Kind, "%s", m.Reason)
}

func (s *Store) remembered(ctx context.Context, key string) (m memory, err error) {
	if s == nil {
		return m, nil
	}
	e, err := s.known.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return m, nil
	}
	if err != nil {
		return m, errs.New(errs.Unavailable, "read what is known of an origin: %w", err)
	}
	if json.Unmarshal(e.Value(), &m) != nil {
		return memory{}, nil
	}
	return m, nil
}

func (s *Store) remember(ctx context.Context, key string, m memory) error {
	if s == nil {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err := s.known.Put(ctx, key, b); err != nil {
		return errs.New(errs.Unavailable, "remember an origin: %w", err)
	}
	return nil
}
