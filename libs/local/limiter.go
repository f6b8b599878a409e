package local

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// MaxClients bounds how many clients a Limiter remembers; the least used are
// forgotten first and start anew.
const MaxClients = 100_000

// Limiter counts requests by client in memory. A client may use its whole
// minute's share at once; then the share comes back evenly.
type Limiter struct {
	clients *otter.Cache[string, *rate.Limiter]
	now     func() time.Time
}

// NewLimiter makes a limiter that has seen nobody; now is the clock, time.Now
// outside tests.
func NewLimiter(now func() time.Time) *Limiter {
	return &Limiter{now: now, clients: otter.Must(&otter.Options[string, *rate.Limiter]{
		MaximumSize: MaxClients,
		// After a quiet minute a client has its whole share again, which is
		// what a forgotten client gets.
		ExpiryCalculator: otter.ExpiryAccessing[string, *rate.Limiter](time.Minute + time.Second),
	})}
}

// Allow counts one request of client. It gives what is left of its perMinute
// requests, or how long to wait when there was nothing left. It never fails.
func (l *Limiter) Allow(_ context.Context, client string, perMinute int) (remaining int, retryAfter time.Duration, err error) {
	limit := rate.Limit(float64(perMinute) / 60)
	c, _ := l.clients.ComputeIfAbsent(client, func() (*rate.Limiter, bool) {
		return rate.NewLimiter(limit, perMinute), false
	})
	now := l.now()
	if c.Burst() != perMinute { // the client's share has changed
		c.SetLimitAt(now, limit)
		c.SetBurstAt(now, perMinute)
	}
	r := c.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return 0, wait, nil
	}
	return max(0, int(c.TokensAt(now))), 0, nil
}

// Close forgets all clients and ends the limiter's goroutine.
func (l *Limiter) Close() {
	l.clients.InvalidateAll()
	l.clients.StopAllGoroutines()
}
