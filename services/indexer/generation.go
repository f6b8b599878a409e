package indexer

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/bus"
)

// moveEvery bounds how often the generation of kept responses moves: under many
// changes they would otherwise never be of use.
const moveEvery = 250 * time.Millisecond

// moveResponses begins a new generation of kept responses after changes were
// applied, until ctx ends. It begins one at once, since an indexer before this
// one may have died between applying and moving.
func (x *Indexer) moveResponses(ctx context.Context) error {
	x.changed()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-x.dirty:
		}
		// A cache that is away has nothing to give either; it is tried again, as it
		// may come back with what it had.
		if err := x.responses.Move(ctx); err != nil {
			x.changed()
		}
		bus.Pause(ctx, moveEvery)
	}
}

// changed says that kept responses may be old.
func (x *Indexer) changed() {
	select {
	case x.dirty <- struct{}{}:
	default:
	}
}
