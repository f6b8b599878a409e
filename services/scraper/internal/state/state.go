// Package state is the scrapers' memory: per marketplace what was published
// last and which ETags belong to it, in a JetStream key-value bucket that all
// scrapers share.
//
// A state is written after everything it stands for was published, so a crash
// repeats a scan and never loses one. It is written only over the revision that
// was read; ErrNewer tells that another scraper was faster.
package state

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/origin"
)

// ErrNewer says that the state changed since it was read.
var ErrNewer = errors.New("another scraper wrote the state meanwhile")

// State is what the scrapers remember of one marketplace.
type State struct {
	// Key is the marketplace as it was asked for; a renamed repository's
	// listing has another.
	Key plugpack.MarketplaceKey `json:"key"`
	// HostID is the repository's id at its host, as far as it was known when the
	// marketplace was found, and FoundBy is the kind of search that found it.
	HostID  int64  `json:"host_id,omitempty"`
	FoundBy string `json:"found_by,omitempty"`
	// OptedOut: the owner asked not to be listed. It holds for good, whatever
	// becomes of the file that said so.
	OptedOut bool `json:"opted_out,omitempty"`
	// Request is the id of the last scan request that came to its end.
	Request string `json:"request,omitempty"`
	// Reader is the version of the code that read Commit.
	Reader int `json:"reader,omitempty"`

	// RepoETag, HeadETag and Commit are the repository as it was last read.
	RepoETag string `json:"repo_etag,omitempty"`
	HeadETag string `json:"head_etag,omitempty"`
	Commit   string `json:"commit,omitempty"`

	// Listing is the last good one, and Digests are those of the facts that
	// were published with it, in the order of its Names.
	Listing *plugpack.Listing `json:"listing,omitempty"`
	Digests []string          `json:"digests,omitempty"`
	// ReleaseETag is of the release that Listing names.
	ReleaseETag string `json:"release_etag,omitempty"`
	// Origins are places outside of the marketplace that have to be looked at
	// though it did not change; Retries counts scans in a row that could not look
	// at all of them.
	Origins []origin.Seen `json:"origins,omitempty"`
	Retries int           `json:"retries,omitempty"`
	// Failure is set when Commit could not be read as a marketplace.
	Failure *plugpack.Failure `json:"failure,omitempty"`

	ObservedAt time.Time `json:"observed_at,omitzero"` // as it was announced last
	NextAt     time.Time `json:"next_at,omitzero"`
	Failures   int       `json:"failures,omitempty"` // in a row
	LastError  string    `json:"last_error,omitempty"`
	// GoneSince is since when the repository cannot be found, without a break.
	GoneSince time.Time `json:"gone_since,omitzero"`
	// Gone: it was announced as gone, and has not been listed since.
	Gone bool `json:"gone,omitempty"`

	revision uint64
}

// LastRequest gives the id of the last request that came to its end, or "none".
func (s State) LastRequest() string { return cmp.Or(s.Request, "none") }

// Stored says whether the state was read from the bucket, and is not the empty
// one of a marketplace never seen.
func (s State) Stored() bool { return s.revision > 0 }

// RepositoryID gives the repository's id at its host, or 0.
func (s State) RepositoryID() int64 {
	if s.Listing != nil && s.Listing.Repository.HostID != 0 {
		return s.Listing.Repository.HostID
	}
	return s.HostID
}

// Forgotten is what stays of the state of a marketplace that opted out.
func (s State) Forgotten() State {
	return State{Key: s.Key, HostID: s.RepositoryID(), OptedOut: true, Request: s.Request, ObservedAt: s.ObservedAt, revision: s.revision}
}

// As is the state under another name of the same repository, to be written where
// none is.
func (s State) As(k plugpack.MarketplaceKey) State {
	s.Key, s.revision = k, 0
	return s
}

// Moved is what stays under a name that the repository gave up: an empty state,
// written over this one.
func (s State) Moved() State {
	return State{Key: s.Key, ObservedAt: s.ObservedAt, revision: s.revision}
}

// Vacant says whether nothing was ever found out about the marketplace.
func (s State) Vacant() bool { return s.Request == "" && s.FoundBy == "" && s.NextAt.IsZero() }

// Unread drops what makes a scan publish only what changed, so that the next one
// that finds the marketplace publishes all of it.
func (s *State) Unread() { s.RepoETag, s.HeadETag, s.Commit, s.Digests = "", "", "", nil }

// Published gives the digests by plugin name.
func (s State) Published() map[string]string {
	m := make(map[string]string, len(s.Digests))
	if s.Listing != nil && len(s.Listing.Names) == len(s.Digests) {
		for i, name := range s.Listing.Names {
			m[name] = s.Digests[i]
		}
	}
	return m
}

// Forget drops what is remembered of the plugins called names, and with it the
// ETags, so that the next scan reads and publishes them again.
func (s *State) Forget(names []string) {
	drop := make(map[string]bool, len(names))
	for _, name := range names {
		drop[name] = true
	}
	if s.Listing != nil && len(s.Listing.Names) == len(s.Digests) {
		for i, name := range s.Listing.Names {
			if drop[name] {
				s.Digests[i] = ""
			}
		}
	}
	s.RepoETag, s.HeadETag, s.Commit = "", "", ""
}

// Store holds the states.
type Store struct{ kv jetstream.KeyValue }

// Open opens the bucket.
func Open(ctx context.Context, js jetstream.JetStream) (*Store, error) {
	kv, err := js.KeyValue(ctx, events.BucketScanState)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open bucket %s: %w", events.BucketScanState, err)
	}
	return &Store{kv: kv}, nil
}

// Get reads the state of k; a marketplace never seen has an empty one.
func (s *Store) Get(ctx context.Context, k plugpack.MarketplaceKey) (State, error) {
	e, err := s.kv.Get(ctx, events.Token(string(k)))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return State{Key: k}, nil
	}
	if err != nil {
		return State{}, errs.New(errs.Unavailable, "read state of %s: %w", k, err)
	}
	return decode(k, e), nil
}

// decode gives an empty state, to be written over, for a value it cannot read.
func decode(k plugpack.MarketplaceKey, e jetstream.KeyValueEntry) State {
	st := State{}
	if b, err := inflate(e.Value()); err != nil || json.Unmarshal(b, &st) != nil {
		st = State{}
	}
	if k != "" {
		st.Key = k
	}
	st.revision = e.Revision()
	return st
}

// Put writes st if nobody else has since it was read, else it is ErrNewer.
func (s *Store) Put(ctx context.Context, st State) error {
	b, err := encode(st)
	if err != nil {
		return fmt.Errorf("encode state of %s: %w", st.Key, err)
	}
	key := events.Token(string(st.Key))
	// Update with revision 0 also replaces a key that was deleted.
	_, err = s.kv.Update(ctx, key, b, st.revision)
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return ErrNewer
	}
	if err != nil {
		return errs.New(errs.Unavailable, "write state of %s: %w", st.Key, err)
	}
	return nil
}

// maxValue leaves room for the message's headers under the server's limit.
const maxValue = events.MaxBytes

// encode drops what makes scans cheap when a marketplace is so large that its
// state does not fit: it is read whole each time then.
func encode(st State) ([]byte, error) {
	b, err := deflate(st)
	if err != nil || len(b) <= maxValue {
		return b, err
	}
	st.RepoETag, st.HeadETag, st.Commit, st.ReleaseETag = "", "", "", ""
	st.Listing, st.Digests, st.Origins = nil, nil, nil
	return deflate(st)
}

// smallValue is not worth compressing.
const smallValue = 1 << 10

func deflate(st State) ([]byte, error) {
	b, err := json.Marshal(st)
	if err != nil || len(b) < smallValue {
		return b, err
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err = w.Write(b)
	err = errors.Join(err, w.Close())
	return buf.Bytes(), err
}

func inflate(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != 0x1f {
		return b, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, 64<<20))
}

// Watch calls f with every state there is, then with an empty one once that is
// done, then with each that changes, until ctx ends.
func (s *Store) Watch(ctx context.Context, f func(State)) error {
	w, err := s.kv.WatchAll(ctx, jetstream.IgnoreDeletes())
	if err != nil {
		return errs.New(errs.Unavailable, "watch bucket %s: %w", events.BucketScanState, err)
	}
	defer func() { _ = w.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errs.New(errs.Unavailable, "watch bucket %s: the watch ended", events.BucketScanState)
			case e == nil:
				f(State{})
			default:
				if st := decode("", e); st.Key != "" {
					f(st)
				}
			}
		}
	}
}

// errListed ends a watch that only wanted what there is.
var errListed = errors.New("all states were listed")

// Each calls f with every state there is.
func (s *Store) Each(ctx context.Context, f func(State)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := s.Watch(ctx, func(st State) {
		if st.Key == "" {
			cancel(errListed)
		} else if ctx.Err() == nil {
			f(st)
		}
	})
	if errors.Is(context.Cause(ctx), errListed) {
		return nil
	}
	return err
}
