package search

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/searchdoc"
	"github.com/plugpack/plugpack/services/indexer/internal/change"
)

// Progress is how far a rebuild is. It is kept outside of the process, so that
// the next one goes on where this one ends.
type Progress struct {
	Reason  string    `json:"reason"`
	Schema  int       `json:"schema"`
	Started time.Time `json:"started"`
	// After is the last id that was filled in.
	After string `json:"after"`
	// Filled says that all are in, so that only comparing and swapping are left.
	Filled bool `json:"filled"`
	Count  int  `json:"count"`
}

// Memory keeps the progress of each index's rebuild.
type Memory interface {
	// Load gives the progress, nil if no rebuild is under way.
	Load(ctx context.Context, uid string) (*Progress, error)
	// Save keeps it.
	Save(ctx context.Context, uid string, p Progress) error
	// Clear forgets it.
	Clear(ctx context.Context, uid string) error
}

// Source is where a new index is filled from.
type Source interface {
	// Count says how many documents there should be.
	Count(ctx context.Context, k events.Kind) (int, error)
	// After gives the states from after an id on, and where to ask on, "" at
	// the end.
	After(ctx context.Context, k events.Kind, id string) (states []change.Change, next string, err error)
}

// Compare compares an index with the catalog, mends it and says how many
// differences are left that no change on its way explains.
type Compare func(ctx context.Context, k events.Kind, uid string) (left int, err error)

// Rebuilder rebuilds indexes without a gap: while the new one is filled,
// changes go to both and searches to the old one.
type Rebuilder struct {
	Writer  *Writer
	Engine  Engine
	Memory  Memory
	Source  Source
	Compare Compare
	Log     *slog.Logger
	// Begun is told of each rebuild that is begun or gone on with, and Done of
	// each that ended in a swap.
	Begun func(k events.Kind, p Progress)
	Done  func(k events.Kind, p Progress)
}

// Due says why the index has to be rebuilt, "" if it need not be. A rebuild
// that was interrupted is due too.
func (r *Rebuilder) Due(ctx context.Context, k events.Kind) (reason string, err error) {
	uid := change.Index(k)
	p, err := r.Memory.Load(ctx, uid)
	if err != nil {
		return "", err
	}
	if p != nil {
		return p.Reason, nil
	}
	s, err := r.Engine.Inspect(ctx, uid)
	switch {
	case err != nil:
		return "", err
	case !s.Exists:
		return "the index is missing", nil
	case !s.Current:
		return "documents or settings are of another version", nil
	case s.Documents > 0:
		return "", nil
	}
	n, err := r.Source.Count(ctx, k)
	if err != nil || n == 0 {
		return "", err
	}
	return "the index is empty", nil
}

// Rebuild rebuilds the index, or goes on with a rebuild that was interrupted.
func (r *Rebuilder) Rebuild(ctx context.Context, k events.Kind, reason string) error {
	uid := change.Index(k)
	p, err := r.resume(ctx, uid, reason)
	if err != nil {
		return err
	}
	r.Begun(k, p)
	if !p.Filled {
		if err := r.fill(ctx, k, &p); err != nil {
			return err
		}
	}
	left, err := r.Compare(ctx, k, searchdoc.Next(uid))
	if err != nil {
		return err
	}
	if left > 0 {
		if err := r.Memory.Clear(ctx, uid); err != nil {
			return err
		}
		return fmt.Errorf("rebuild of %s: %d documents differ from the catalog after filling, starting over", uid, left)
	}
	return r.swap(ctx, k, p)
}

// resume gives the progress to go on from; the new index is there and gets
// changes when it returns.
func (r *Rebuilder) resume(ctx context.Context, uid, reason string) (Progress, error) {
	next := searchdoc.Next(uid)
	if err := r.Engine.Settle(ctx); err != nil {
		return Progress{}, err
	}
	p, err := r.Memory.Load(ctx, uid)
	if err != nil {
		return Progress{}, err
	}
	s, err := r.Engine.Inspect(ctx, next)
	if err != nil {
		return Progress{}, err
	}
	if p != nil && p.Schema == searchdoc.Schema && s.Exists && s.Current {
		r.Log.Info("going on with the rebuild of the search index", "index", uid, "reason", p.Reason, "filled", p.Count)
		return *p, r.Writer.retarget(ctx, uid)
	}
	r.Log.Info("rebuilding the search index", "index", uid, "reason", reason)
	fresh := Progress{Reason: reason, Schema: searchdoc.Schema, Started: time.Now().UTC()}
	if err := r.Memory.Save(ctx, uid, fresh); err != nil {
		return Progress{}, err
	}
	if err := r.Engine.Drop(ctx, next); err != nil {
		return Progress{}, err
	}
	if err := r.Engine.Create(ctx, next); err != nil {
		return Progress{}, err
	}
	return fresh, r.Writer.retarget(ctx, uid)
}

// retarget looks up anew where changes of the index go.
func (w *Writer) retarget(ctx context.Context, uid string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.targets, uid)
	_, err := w.lookUp(ctx, uid)
	return err
}

// fill puts everything that the catalog has into the new index, in the order of
// the ids.
func (r *Rebuilder) fill(ctx context.Context, k events.Kind, p *Progress) error {
	uid := change.Index(k)
	for !p.Filled {
		var read int
		_, _, err := r.Writer.set(ctx, searchdoc.Next(uid), func(ctx context.Context) ([]change.Change, []string, error) {
			states, next, err := r.Source.After(ctx, k, p.After)
			p.After, p.Filled, read = next, next == "", len(states)
			return states, nil, err
		})
		if err != nil {
			return err
		}
		p.Count += read
		if err := r.Memory.Save(ctx, uid, *p); err != nil {
			return err
		}
	}
	return nil
}

// swap puts the new index in the old one's place and deletes the old one. It
// holds changes back for that moment.
func (r *Rebuilder) swap(ctx context.Context, k events.Kind, p Progress) error {
	uid, next := change.Index(k), searchdoc.Next(change.Index(k))
	w := r.Writer
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.targets, uid)
	s, err := r.Engine.Inspect(ctx, uid)
	if err != nil {
		return err
	}
	if !s.Exists { // only what exists can be swapped
		if err := r.Engine.Create(ctx, uid); err != nil {
			return err
		}
	}
	if err := r.Engine.Swap(ctx, uid, next); err != nil {
		return err
	}
	// From here on the new index is searched. If this process ends now, the next
	// one finds both, fills the old one up and swaps once more, which does no
	// harm.
	if err := r.Memory.Clear(ctx, uid); err != nil {
		return err
	}
	if err := r.Engine.Drop(ctx, next); err != nil {
		return err
	}
	r.Log.Info("the search index is rebuilt", "index", uid, "reason", p.Reason, "documents", p.Count, "seconds", time.Since(p.Started).Seconds())
	r.Done(k, p)
	return nil
}

// Sweep deletes what a rebuild left behind that ended before it could.
func (r *Rebuilder) Sweep(ctx context.Context, k events.Kind) error {
	uid := change.Index(k)
	p, err := r.Memory.Load(ctx, uid)
	if err != nil || p != nil {
		return err
	}
	s, err := r.Engine.Inspect(ctx, searchdoc.Next(uid))
	if err != nil || !s.Exists {
		return err
	}
	w := r.Writer
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.targets, uid)
	return r.Engine.Drop(ctx, searchdoc.Next(uid))
}

// Run rebuilds what is due, looks again now and then and when it is kicked,
// until ctx ends. A kick that brings a reason asks for a rebuild.
func (r *Rebuilder) Run(ctx context.Context, every time.Duration, kick <-chan string) error {
	wanted := map[events.Kind]string{}
	for failures := 0; ctx.Err() == nil; {
		if err := r.round(ctx, wanted); err != nil {
			if ctx.Err() == nil {
				r.Log.Warn("cannot look after the search index, trying again", "err", err)
			}
			failures++
		} else {
			failures = 0
		}
		wait := every
		if failures > 0 {
			wait = min(every, 250*time.Millisecond<<min(failures, 7))
		}
		select {
		case <-ctx.Done():
		case reason := <-kick:
			if reason != "" {
				wanted[events.KindPlugin], wanted[events.KindPack] = reason, reason
			}
		case <-time.After(wait):
		}
	}
	return nil
}

func (r *Rebuilder) round(ctx context.Context, wanted map[events.Kind]string) error {
	for _, k := range []events.Kind{events.KindPlugin, events.KindPack} {
		if err := r.Sweep(ctx, k); err != nil {
			return err
		}
		reason, err := r.Due(ctx, k)
		if err != nil {
			return err
		}
		if reason == "" {
			reason = wanted[k]
		}
		if reason == "" {
			continue
		}
		if err := r.Rebuild(ctx, k, reason); err != nil {
			return err
		}
		delete(wanted, k)
	}
	return nil
}
