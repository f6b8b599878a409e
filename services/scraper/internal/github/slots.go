package github

import (
	"context"

	"github.com/plugpack/plugpack/libs/errs"
)

// How many questions and downloads one scraper has under way at one host,
// whatever the number of its workers and tokens. GitHub refuses an account more
// than a hundred at once, and asks for few.
const (
	questionsAtOnce = 10
	downloadsAtOnce = 6
)

// slots are shared by all clients of a host.
type slots struct{ questions, downloads chan struct{} }

func newSlots() *slots {
	return &slots{make(chan struct{}, questionsAtOnce), make(chan struct{}, downloadsAtOnce)}
}

// enter waits for a place. Urgent work has no need to: it is little, and would
// wait behind downloads.
func enter(ctx context.Context, places chan struct{}) (leave func(), err error) {
	if ctx.Value(urgentKey{}) != nil {
		return func() {}, nil
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	case <-ctx.Done():
		return nil, errs.New(errs.Unavailable, "too much is asked of GitHub at once: %w", ctx.Err())
	}
}
