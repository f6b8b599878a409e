package discover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
)

// errNewer says that another scraper went on with the search meanwhile.
var errNewer = errs.New(errs.Conflict, "another scraper wrote the progress of a search meanwhile")

// progress is how far a method is.
type progress struct {
	StartedAt  time.Time `json:"started_at,omitzero"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
	// Open are the slices that are still to be looked at, the next one last.
	Open   []slice `json:"open,omitempty"`
	Slices int     `json:"slices,omitempty"` // those that were looked at to their end
	Found  int     `json:"found,omitempty"`
	Total  int     `json:"total,omitempty"`
	// Incomplete says that some results could not be had.
	Incomplete bool `json:"incomplete,omitempty"`

	revision uint64
}

// end is what there is to tell of a search that has ended.
func (p progress) end(method string) plugpack.Discovery {
	return plugpack.Discovery{
		Method: method, Found: p.Found, Total: p.Total, Slices: p.Slices, Incomplete: p.Incomplete,
		StartedAt: p.StartedAt, FinishedAt: p.FinishedAt,
	}
}

// Candidate is a repository that may be a marketplace.
type Candidate struct {
	Key    plugpack.MarketplaceKey `json:"key"`
	HostID int64                   `json:"host_id,omitempty"` // if it is known
	Method string                  `json:"method"`            // by which it was found
	// CheckedAt is when it was looked at, and was none.
	CheckedAt time.Time `json:"checked_at,omitzero"`
}

// maxCandidates bounds what is kept: entries of marketplaces can name any
// number of repositories.
const maxCandidates = 100_000

// Memory is what discoveries remember, in a bucket that all scrapers share.
type Memory struct {
	kv jetstream.KeyValue

	mu   sync.Mutex
	seen map[plugpack.MarketplaceKey]bool // candidates that are in the bucket
}

// OpenMemory opens the bucket.
func OpenMemory(ctx context.Context, js jetstream.JetStream) (*Memory, error) {
	kv, err := js.KeyValue(ctx, events.BucketDiscovery)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "open bucket %s: %w", events.BucketDiscovery, err)
	}
	return &Memory{kv: kv, seen: map[plugpack.MarketplaceKey]bool{}}, nil
}

const (
	progressPrefix  = "progress."
	candidatePrefix = "candidate."
)

// progress reads how far a method is; what cannot be read begins anew.
func (m *Memory) progress(ctx context.Context, method string) (progress, error) {
	e, err := m.kv.Get(ctx, progressPrefix+events.Token(method))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return progress{}, nil
	}
	if err != nil {
		return progress{}, errs.New(errs.Unavailable, "read progress of %s: %w", method, err)
	}
	var p progress
	if json.Unmarshal(e.Value(), &p) != nil {
		p = progress{}
	}
	p.revision = e.Revision()
	return p, nil
}

// save writes p over the revision that was read.
func (m *Memory) save(ctx context.Context, method string, p *progress) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode progress of %s: %w", method, err)
	}
	revision, err := m.kv.Update(ctx, progressPrefix+events.Token(method), b, p.revision)
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		return errNewer
	}
	if err != nil {
		return errs.New(errs.Unavailable, "write progress of %s: %w", method, err)
	}
	p.revision = revision
	return nil
}

// Add keeps a repository to look at, unless it is kept already or too many are.
func (m *Memory) Add(ctx context.Context, c Candidate) error {
	m.mu.Lock()
	known, full := m.seen[c.Key], len(m.seen) >= maxCandidates
	m.mu.Unlock()
	if known || full {
		return nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode candidate %s: %w", c.Key, err)
	}
	_, err = m.kv.Create(ctx, candidatePrefix+events.Token(string(c.Key)), b)
	if err != nil && !errors.Is(err, jetstream.ErrKeyExists) {
		return errs.New(errs.Unavailable, "write candidate %s: %w", c.Key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[c.Key] = true
	return nil
}

func (m *Memory) checked(ctx context.Context, c Candidate) error {
	b, err := json.Marshal(c)
	if err == nil {
		_, err = m.kv.Put(ctx, candidatePrefix+events.Token(string(c.Key)), b)
	}
	if err != nil {
		return errs.New(errs.Unavailable, "write candidate %s: %w", c.Key, err)
	}
	return nil
}

func (m *Memory) drop(ctx context.Context, k plugpack.MarketplaceKey) error {
	m.mu.Lock()
	delete(m.seen, k)
	m.mu.Unlock()
	if err := m.kv.Purge(ctx, candidatePrefix+events.Token(string(k))); err != nil {
		return errs.New(errs.Unavailable, "drop candidate %s: %w", k, err)
	}
	return nil
}

// candidates lists all there are.
func (m *Memory) candidates(ctx context.Context) ([]Candidate, error) {
	w, err := m.kv.Watch(ctx, candidatePrefix+">", jetstream.IgnoreDeletes())
	if err != nil {
		return nil, errs.New(errs.Unavailable, "list candidates: %w", err)
	}
	defer func() { _ = w.Stop() }()
	var all []Candidate
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case e, ok := <-w.Updates():
			if !ok {
				return nil, errs.New(errs.Unavailable, "list candidates: the watch ended")
			}
			if e == nil {
				return all, nil
			}
			var c Candidate
			if json.Unmarshal(e.Value(), &c) == nil && strings.TrimPrefix(e.Key(), candidatePrefix) == events.Token(string(c.Key)) {
				all = append(all, c)
				m.mu.Lock()
				m.seen[c.Key] = true
				m.mu.Unlock()
			}
		}
	}
}
