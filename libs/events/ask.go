package events

import (
	"crypto/md5"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/plugpack/plugpack/libs/plugpack"
)

// Subjects on which the catalog answers the indexer, which compares its stores
// with the catalog and fills a new index from it. Each answer is read from the
// database at the moment of the question.
const (
	AskDigests   = "ask.catalog.digests"   // DigestsOf → Digests
	AskRevisions = "ask.catalog.revisions" // RevisionsOf → []Revision
	AskStates    = "ask.catalog.states"    // StatesOf → States
	AskOutbox    = "ask.catalog.outbox"    // OutboxOf → Outbox
)

// Subjects on which the active indexer answers an operator.
const (
	AskRebuild = "ask.indexer.rebuild" // RebuildOf → Rebuild
	AskCheck   = "ask.indexer.check"   // CheckOf → Check
)

// Kind says what is compared or filled.
type Kind string

// The kinds.
const (
	KindPlugin Kind = "plugin"
	KindPack   Kind = "pack"
)

// Buckets is how many parts the ids are divided into for comparing.
const Buckets = 256

// Bucket gives the part that an id is in: the last byte of a UUID, which is
// random. It is -1 for what is no UUID.
func Bucket(id string) int {
	u, err := uuid.Parse(id)
	if err != nil {
		return -1
	}
	return int(u[15])
}

// Digest says what a bucket holds: how many ids, and the exclusive or of their
// sums, which is the same in whatever order they come.
type Digest struct {
	Count int   `json:"n"`
	Sum   int64 `json:"s"`
}

// Add counts an id at a revision in.
func (d *Digest) Add(id string, revision int64) {
	d.Count++
	d.Sum ^= Sum(id, revision)
}

// Sum is the sum of one id at one revision: the first eight bytes of the MD5 of
// both with a colon between, which Postgres can reckon too. It finds what
// differs by accident and need not withstand anybody.
func Sum(id string, revision int64) int64 {
	h := md5.Sum([]byte(strings.ToLower(id) + ":" + strconv.FormatInt(revision, 10)))
	return int64(binary.BigEndian.Uint64(h[:8]))
}

// DigestsOf asks for the digests of everything of a kind.
type DigestsOf struct {
	Kind Kind `json:"kind"`
}

// Digests are the catalog's, by bucket: of all, and of those not removed.
type Digests struct {
	All  [Buckets]Digest `json:"all"`
	Live [Buckets]Digest `json:"live"`
}

// RevisionsOf asks for what is in one bucket, from after an id on.
type RevisionsOf struct {
	Kind   Kind   `json:"kind"`
	Bucket int    `json:"bucket"`
	After  string `json:"after,omitempty"`
}

// MaxRevisions bounds one answer to RevisionsOf; a full answer is followed by
// another question.
const MaxRevisions = 5000

// Revision is at which revision something is.
type Revision struct {
	ID       string `json:"id"`
	Revision int64  `json:"r"`
	Removed  bool   `json:"x,omitempty"`
}

// StatesOf asks for whole states: of the ids, or of all from after an id on.
type StatesOf struct {
	Kind  Kind     `json:"kind"`
	IDs   []string `json:"ids,omitempty"`
	After string   `json:"after,omitempty"`
}

// MaxStates bounds one answer to StatesOf by count; it is bounded by MaxBytes
// too. Of many ids, those that are missing in an answer are asked for again
// from Next on.
const MaxStates = 500

// States are whole states, removed ones too. Next is where to ask on, "" at the
// end.
type States struct {
	Plugins []plugpack.Plugin `json:"plugins,omitempty"`
	Packs   []plugpack.Pack   `json:"packs,omitempty"`
	Next    string            `json:"next,omitempty"`
}

// OutboxOf asks how far the outbox is.
type OutboxOf struct{}

// Outbox says what is committed and not announced yet.
type Outbox struct {
	Rows int `json:"rows"`
	// Seconds is how long the oldest row has waited.
	Seconds float64 `json:"seconds"`
}

// RebuildOf asks for a rebuild of the indexes.
type RebuildOf struct {
	Reason string `json:"reason"`
}

// Rebuild says that a rebuild was begun, or was under way already.
type Rebuild struct {
	Started time.Time `json:"started"`
	Already bool      `json:"already,omitempty"`
}

// CheckOf asks for a comparison of the stores with the catalog.
type CheckOf struct {
	Repair bool `json:"repair"`
}

// Check is what a comparison found and mended, by store.
type Check struct {
	At     time.Time    `json:"at"`
	Stores []StoreCheck `json:"stores"`
}

// StoreCheck is the comparison of one store.
type StoreCheck struct {
	Store    string `json:"store"` // "search" or "cache"
	Kind     Kind   `json:"kind"`
	Catalog  int    `json:"catalog"` // in the catalog
	Held     int    `json:"held"`    // in the store
	Missing  int    `json:"missing"`
	Older    int    `json:"older"`
	Newer    int    `json:"newer"` // than the catalog, which was set back
	Extra    int    `json:"extra"` // that the catalog does not have
	Repaired int    `json:"repaired"`
}

// Differences counts what was wrong.
func (c StoreCheck) Differences() int { return c.Missing + c.Older + c.Newer + c.Extra }

// Drift counts what may not be: a missing cached page only costs speed.
func (c StoreCheck) Drift() int {
	if c.Store == StoreCache {
		return c.Older + c.Newer + c.Extra
	}
	return c.Differences()
}

// The stores that the indexer writes.
const (
	StoreSearch = "search"
	StoreCache  = "cache"
)

// CommittedAt gives the moment at which a change was put into the outbox, from
// the id of its message, which is a UUIDv7; else at is the answer.
func CommittedAt(id string, at time.Time) time.Time {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return at
	}
	return time.Unix(u.Time().UnixTime())
}
