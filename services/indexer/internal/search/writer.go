// Package search keeps the search engine's indexes in step with the catalog.
//
// Writer applies changes and mends differences; Rebuilder fills a new index
// beside the one that is searched and swaps it in. All of them write under one
// lock, each after comparing revisions with what the index holds. A change is
// never older than what the catalog says under that lock, since the catalog
// commits before it announces; so filling and mending ask the catalog under
// the lock and write just what it says.
package search

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
	"github.com/plugpack/plugpack/services/indexer/internal/meili"
)

// Engine is the search engine as the indexer needs it.
type Engine interface {
	// Ping says whether the engine answers.
	Ping(ctx context.Context) error
	// Settle waits for the tasks that an indexer before this one left behind.
	Settle(ctx context.Context) error
	// Inspect looks at an index.
	Inspect(ctx context.Context, uid string) (meili.State, error)
	// Create makes an index with this version's settings.
	Create(ctx context.Context, uid string) error
	// Drop deletes an index, if it is there.
	Drop(ctx context.Context, uid string) error
	// Swap exchanges two indexes in one step.
	Swap(ctx context.Context, a, b string) error
	// Revisions gives the revisions of those ids that have a document.
	Revisions(ctx context.Context, uid string, ids []string) (map[string]int64, error)
	// All tells every document's id and revision.
	All(ctx context.Context, uid string, tell func(id string, revision int64)) error
	// Write applies all and returns when it can be searched. An Invalid error
	// says that a document is at fault, Unavailable that the engine is.
	Write(ctx context.Context, uid string, docs []any, deletes []string) error
}

// Seen gives the highest revision that is known elsewhere of each change's
// thing: the index forgets what was deleted.
type Seen func(ctx context.Context, changes []change.Change) (map[string]int64, error)

// Ask gives the catalog's states of the ids. Ids that it does not know are
// left out.
type Ask func(ctx context.Context, k events.Kind, ids []string) ([]change.Change, error)

// Writer writes the indexes.
type Writer struct {
	engine Engine
	seen   Seen

	mu sync.Mutex
	// targets are the indexes that each index's changes go to: itself, the one
	// that is being filled to take its place, or both. One that is not known is
	// looked up first.
	targets map[string][]string
}

// NewWriter makes a writer.
func NewWriter(e Engine, seen Seen) *Writer {
	return &Writer{engine: e, seen: seen, targets: map[string][]string{}}
}

// Apply writes changes, of which no two are of one thing, and gives one error
// a change.
func (w *Writer) Apply(ctx context.Context, changes []change.Change) []error {
	failed := make([]error, len(changes))
	w.mu.Lock()
	defer w.mu.Unlock()
	byIndex := map[string][]int{}
	for i, c := range changes {
		uid := change.Index(c.Kind)
		byIndex[uid] = append(byIndex[uid], i)
	}
	for uid, places := range byIndex {
		if err := w.apply(ctx, uid, changes, places, failed); err != nil {
			delete(w.targets, uid) // look again before the next try
			for _, i := range places {
				failed[i] = fmt.Errorf("index %s: %w", changes[i].About, err)
			}
		}
	}
	return failed
}

func (w *Writer) apply(ctx context.Context, uid string, changes []change.Change, places []int, failed []error) error {
	targets, err := w.lookUp(ctx, uid)
	if err != nil {
		return err
	}
	for _, target := range targets {
		fresh, err := w.fresh(ctx, target, changes, places)
		if err != nil {
			return err
		}
		w.write(ctx, target, changes, fresh, failed)
	}
	return nil
}

// lookUp gives the indexes that changes of the index go to. With none the
// change has to wait: writing would make an index without settings.
func (w *Writer) lookUp(ctx context.Context, uid string) ([]string, error) {
	if targets := w.targets[uid]; len(targets) > 0 {
		return targets, nil
	}
	var targets []string
	for _, target := range []string{uid, searchdoc.Next(uid)} {
		s, err := w.engine.Inspect(ctx, target)
		if err != nil {
			return nil, err
		}
		if s.Exists {
			targets = append(targets, target)
		}
	}
	if len(targets) == 0 {
		return nil, errs.New(errs.Unavailable, "the index is missing and about to be built")
	}
	w.targets[uid] = targets
	return targets, nil
}

// fresh gives the places of those changes of which the index has nothing newer.
func (w *Writer) fresh(ctx context.Context, target string, changes []change.Change, places []int) ([]int, error) {
	ids := make([]string, len(places))
	for n, i := range places {
		ids[n] = changes[i].ID
	}
	known, err := w.engine.Revisions(ctx, target, ids)
	if err != nil {
		return nil, err
	}
	var absent []change.Change
	for _, i := range places {
		if _, there := known[changes[i].ID]; !there && !changes[i].Removed {
			absent = append(absent, changes[i])
		}
	}
	seen, err := w.seen(ctx, absent)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(places), func(i int) bool {
		c := changes[i]
		revision, there := known[c.ID]
		return !there && c.Removed || max(revision, seen[c.ID]) > c.Revision
	}), nil
}

// write writes the documents of the changes at places. When one of them is at
// fault, halves are tried until it stands alone, so that it takes no neighbour
// along.
func (w *Writer) write(ctx context.Context, target string, changes []change.Change, places []int, failed []error) {
	if len(places) == 0 {
		return
	}
	var (
		docs    []any
		deletes []string
	)
	for _, i := range places {
		if c := changes[i]; c.Removed {
			deletes = append(deletes, c.ID)
		} else {
			docs = append(docs, c.Document())
		}
	}
	err := w.engine.Write(ctx, target, docs, deletes)
	switch {
	case err == nil:
	case len(places) > 1 && errs.KindOf(err) != errs.Unavailable:
		half := len(places) / 2
		w.write(ctx, target, changes, places[:half], failed)
		w.write(ctx, target, changes, places[half:], failed)
	default:
		delete(w.targets, change.Index(changes[places[0]].Kind))
		for _, i := range places {
			failed[i] = fmt.Errorf("index %s: %w", changes[i].About, err)
		}
	}
}

// Set makes the index what the catalog says of the ids, whatever it held. It
// says how many documents that changed, and how many the engine refused.
func (w *Writer) Set(ctx context.Context, target string, k events.Kind, ids []string, ask Ask) (changed, refused int, err error) {
	return w.set(ctx, target, func(ctx context.Context) ([]change.Change, []string, error) {
		states, err := ask(ctx, k, ids)
		if err != nil {
			return nil, nil, err
		}
		unknown := slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
			return slices.ContainsFunc(states, func(c change.Change) bool { return c.ID == id })
		})
		return states, unknown, nil
	})
}

// set asks under the lock for states and for ids that are to go, and writes
// what differs.
func (w *Writer) set(ctx context.Context, target string, ask func(context.Context) (states []change.Change, gone []string, err error)) (changed, refused int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	states, gone, err := ask(ctx)
	if err != nil || len(states)+len(gone) == 0 {
		return 0, 0, err
	}
	ids := slices.Clone(gone)
	for _, c := range states {
		ids = append(ids, c.ID)
	}
	held, err := w.engine.Revisions(ctx, target, ids)
	if err != nil {
		return 0, 0, err
	}
	var differ []change.Change
	for _, id := range gone {
		if _, there := held[id]; there {
			differ = append(differ, change.Change{ID: id, Removed: true, About: id})
		}
	}
	for _, c := range states {
		revision, there := held[c.ID]
		if there && (c.Removed || revision != c.Revision) || !there && !c.Removed {
			differ = append(differ, c)
		}
	}
	failed := make([]error, len(differ))
	places := make([]int, len(differ))
	for i := range places {
		places[i] = i
	}
	w.write(ctx, target, differ, places, failed)
	for _, err := range failed {
		switch {
		case err == nil:
			changed++
		case errs.KindOf(err) == errs.Unavailable:
			return changed, refused, err
		default:
			// A document at fault is in the dead letters already, or comes there
			// with its change; it must not keep the others out.
			refused++
		}
	}
	return changed, refused, nil
}
