// Package outage keeps the log readable while a dependency is away: one line
// when it goes, one every ten seconds with the number of failures, one when it
// is back, instead of one a request. It also says when to leave the dependency
// alone, so that not every request waits for what just failed.
package outage

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	every = 10 * time.Second // between lines
	rest  = time.Second      // for a dependency that failed
)

// Log watches one dependency.
type Log struct {
	name   string
	effect string
	log    *slog.Logger
	now    func() time.Time

	mu       sync.Mutex
	away     bool
	last     time.Time // of the last line
	failed   time.Time // the last failure
	failures int       // since the last line
}

// New watches the dependency called name; effect says what its absence means.
func New(name, effect string, log *slog.Logger) *Log {
	return &Log{name: name, effect: effect, log: log, now: time.Now}
}

// Report takes the outcome of one use.
func (l *Log) Report(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		if l.away {
			l.away, l.failures = false, 0
			l.log.InfoContext(ctx, "dependency is back", "dependency", l.name)
		}
		return
	}
	l.failures++
	l.failed = l.now()
	if now := l.failed; !l.away || now.Sub(l.last) >= every {
		l.log.WarnContext(ctx, "dependency is away", "dependency", l.name, "effect", l.effect, "failures", l.failures, "err", err)
		l.away, l.last, l.failures = true, now, 0
	}
}

// Resting says whether the dependency failed a moment ago and should be left
// alone.
func (l *Log) Resting() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away && l.now().Sub(l.failed) < rest
}
