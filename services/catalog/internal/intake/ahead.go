package intake

import (
	"context"
	"hash/maphash"

	"github.com/plugpack/plugpack/libs/bus"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/catalog/internal/postgres"
)

// Bounds of what is applied in one transaction.
const (
	together      = 200
	togetherBytes = 8 << 20
)

// ahead remembers which messages were applied before they were delivered.
//
// A consumer that is in order has one message under way, over all processes;
// who holds it may also apply those that follow it, in their order, in the same
// transaction. When they are delivered afterwards, there is nothing left to do.
// If the process dies in between, another one applies them again, which changes
// nothing.
type ahead struct {
	next func(ctx context.Context, sequence uint64, n int) ([]bus.Msg, error)
	done map[uint64]uint64 // sequence to the hash of the message
	// size is how many to apply together next: fewer after one failed, since a
	// message that cannot be applied takes its neighbours along, then more again.
	size int
}

var seed = maphash.MakeSeed()

// has says whether the message was applied, and forgets it. The content counts
// too: a stream that was lost and made anew uses its numbers again.
func (a *ahead) has(m bus.Msg) bool {
	hash, ok := a.done[m.Sequence]
	if ok = ok && hash == maphash.Bytes(seed, m.Data); ok {
		delete(a.done, m.Sequence)
	} else {
		a.done = nil
	}
	return ok
}

// applyAhead applies m with what follows it if that goes well, else alone.
func (in *Intake) applyAhead(ctx context.Context, m bus.Msg, alone func(context.Context) error) error {
	if m.Attempt == 1 && in.applyTogether(ctx, m) {
		return nil
	}
	return alone(ctx)
}

// applyTogether says whether it applied m and what follows it. Whatever is
// wrong shows again when m is applied alone.
func (in *Intake) applyTogether(ctx context.Context, m bus.Msg) bool {
	if in.ahead.next == nil {
		return false
	}
	in.ahead.size = min(2*in.ahead.size+2, together)
	following, err := in.ahead.next(ctx, m.Sequence, in.ahead.size-1)
	if err != nil {
		in.log.WarnContext(ctx, "applying one by one", "err", err)
		return false
	}
	ms, es := applicable(append([]bus.Msg{m}, following...))
	if len(es) < 2 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := in.store.Apply(ctx, es); err != nil {
		in.ahead.size /= 8
		in.log.InfoContext(ctx, "applying one by one", "err", err)
		return false
	}
	in.ahead.done = make(map[uint64]uint64, len(ms))
	for _, m := range ms[1:] {
		in.ahead.done[m.Sequence] = maphash.Bytes(seed, m.Data)
	}
	return true
}

// applicable gives the valid listings and observations at the beginning of ms.
func applicable(ms []bus.Msg) ([]bus.Msg, []postgres.Event) {
	var es []postgres.Event
	bytes := 0
	for i, m := range ms {
		e, ok := event(m)
		if bytes += len(m.Data); !ok || bytes > togetherBytes {
			return ms[:i], es
		}
		es = append(es, e)
	}
	return ms, es
}

func event(m bus.Msg) (e postgres.Event, ok bool) {
	switch typ, _ := events.Type(m.Data); typ {
	case events.TypePluginUpdated:
		o, err := events.Decode[plugpack.Observation](m.Data, typ)
		return postgres.Event{Observation: &o}, err == nil && validObservation(o) == nil
	case events.TypeMarketplaceScanned:
		l, err := events.Decode[plugpack.Listing](m.Data, typ)
		return postgres.Event{Listing: &l}, err == nil && validListing(l) == nil
	}
	return e, false
}
