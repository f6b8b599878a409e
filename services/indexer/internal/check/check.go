// Package check compares the indexer's stores with the catalog by (id,
// revision), and mends what differs.
//
// The ids are in 256 buckets, and of each bucket a digest is compared first, so
// that stores in step cost one question. What differs may be on its way: the
// stores are given time to apply what the stream held when the comparison
// began, and are looked at again. What they lack then, they have missed.
package check

import (
	"context"
	"maps"
	"slices"

	"github.com/plugpack/plugpack/libs/events"
)

// Catalog is what the stores are compared with.
type Catalog interface {
	// Digests sums up what is at which revision.
	Digests(ctx context.Context, k events.Kind) (events.Digests, error)
	// Revisions lists a bucket.
	Revisions(ctx context.Context, k events.Kind, bucket int) ([]events.Revision, error)
}

// Store is a store that is compared.
type Store interface {
	// Name names it in reports.
	Name() string
	// KeepsRemoved says whether it remembers what was removed.
	KeepsRemoved() bool
	// All tells what it holds of a kind.
	All(ctx context.Context, k events.Kind, tell func(id string, revision int64)) error
	// Revisions gives the revisions of those ids that it holds.
	Revisions(ctx context.Context, k events.Kind, ids []string) (map[string]int64, error)
	// Passed returns when it has applied what was committed before now.
	Passed(ctx context.Context) error
	// Set makes it hold what the catalog says of the ids now.
	Set(ctx context.Context, k events.Kind, ids []string) (changed, refused int, err error)
}

// step is how many ids are mended at once.
const step = 200

// Result is a comparison's.
type Result struct {
	events.StoreCheck
	// Refused counts what the store would not take.
	Refused int
}

// Left counts the differences that are there still and need not be.
func (r Result) Left() int { return max(0, r.Differences()-r.Repaired-r.Refused) }

// Run compares a store with the catalog and, if asked to, mends it.
func Run(ctx context.Context, c Catalog, s Store, k events.Kind, repair bool) (Result, error) {
	r := Result{StoreCheck: events.StoreCheck{Store: s.Name(), Kind: k}}
	held, count, err := read(ctx, s, k)
	if err != nil {
		return r, err
	}
	r.Held = count
	suspects, err := compare(ctx, c, s, k, held, &r)
	if err != nil || len(suspects) == 0 {
		return r, err
	}
	if err := s.Passed(ctx); err != nil {
		return r, err
	}
	differ, err := confirm(ctx, c, s, k, suspects, &r)
	if err != nil || !repair {
		return r, err
	}
	for part := range slices.Chunk(differ, step) {
		changed, refused, err := s.Set(ctx, k, part)
		r.Repaired, r.Refused = r.Repaired+changed, r.Refused+refused
		if err != nil {
			return r, err
		}
	}
	// Some were set right in the meantime.
	r.Repaired = max(r.Repaired, r.Differences()-r.Refused)
	return r, nil
}

// bucket is what a store holds of one bucket.
type bucket struct {
	digest events.Digest
	ids    map[string]int64
}

// read reads the whole store. What it tells twice counts once.
func read(ctx context.Context, s Store, k events.Kind) (map[int]*bucket, int, error) {
	held, count := map[int]*bucket{}, 0
	err := s.All(ctx, k, func(id string, revision int64) {
		n := events.Bucket(id)
		if held[n] == nil {
			held[n] = &bucket{ids: map[string]int64{}}
		}
		if _, twice := held[n].ids[id]; twice {
			return
		}
		held[n].ids[id] = revision
		held[n].digest.Add(id, revision)
		count++
	})
	return held, count, err
}

// suspect is an id of which store and catalog did not say the same.
type suspect struct {
	want    int64 // the catalog's revision, 0 if it does not know the id
	removed bool  // in the catalog
}

// compare gives what differs.
func compare(ctx context.Context, c Catalog, s Store, k events.Kind, held map[int]*bucket, r *Result) (map[string]suspect, error) {
	all, err := c.Digests(ctx, k)
	if err != nil {
		return nil, err
	}
	digests := all.Live
	if s.KeepsRemoved() {
		digests = all.All
	}
	suspects := map[string]suspect{}
	for n := -1; n < events.Buckets; n++ { // -1 is of what is no id at all
		have := held[n]
		if have == nil {
			have = &bucket{}
		}
		if n >= 0 {
			r.Catalog += digests[n].Count
			if digests[n] == have.digest {
				continue
			}
		}
		var want []events.Revision
		if n >= 0 {
			if want, err = c.Revisions(ctx, k, n); err != nil {
				return nil, err
			}
		}
		differences(want, have.ids, s.KeepsRemoved(), suspects)
	}
	return suspects, nil
}

func differences(want []events.Revision, have map[string]int64, keepsRemoved bool, suspects map[string]suspect) {
	known := make(map[string]bool, len(want))
	for _, w := range want {
		known[w.ID] = true
		had, there := have[w.ID]
		wanted := !w.Removed || keepsRemoved
		if wanted && had != w.Revision || !wanted && there {
			suspects[w.ID] = suspect{w.Revision, w.Removed}
		}
	}
	for id := range have {
		if !known[id] {
			suspects[id] = suspect{}
		}
	}
}

// confirm looks at the suspects again and counts those that differ still, but
// for those that have changed in the catalog since: their change is on its way.
func confirm(ctx context.Context, c Catalog, s Store, k events.Kind, suspects map[string]suspect, r *Result) (differ []string, err error) {
	ids := slices.Sorted(maps.Keys(suspects))
	now, err := s.Revisions(ctx, k, ids)
	if err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool {
		have, there := now[id]
		return suspects[id].kind(have, there, s.KeepsRemoved(), r) == nil
	})
	current, err := list(ctx, c, k, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if current[id] != suspects[id].want {
			continue
		}
		have, there := now[id]
		*suspects[id].kind(have, there, s.KeepsRemoved(), r)++
		differ = append(differ, id)
	}
	return differ, nil
}

// list gives the catalog's revisions of the ids, bucket by bucket.
func list(ctx context.Context, c Catalog, k events.Kind, ids []string) (map[string]int64, error) {
	current, asked := map[string]int64{}, map[int]bool{-1: true}
	for _, id := range ids {
		n := events.Bucket(id)
		if asked[n] {
			continue
		}
		asked[n] = true
		part, err := c.Revisions(ctx, k, n)
		if err != nil {
			return nil, err
		}
		for _, p := range part {
			current[p.ID] = p.Revision
		}
	}
	return current, nil
}

// kind gives the counter of the difference, nil if there is none any more.
func (x suspect) kind(have int64, there, keepsRemoved bool, r *Result) *int {
	wanted := x.want > 0 && (!x.removed || keepsRemoved)
	switch {
	case wanted && there && have == x.want, !wanted && !there:
		return nil
	case !wanted:
		return &r.Extra
	case !there:
		return &r.Missing
	case have < x.want:
		return &r.Older
	}
	return &r.Newer
}
