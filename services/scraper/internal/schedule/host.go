package schedule

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"github.com/plugpack/plugpack/libs/errs"
)

// Host is who is asked about marketplaces, and counts the questions.
type Host interface {
	Reachable(ctx context.Context) error
	// HourlyLimit is how many questions an hour it answers.
	HourlyLimit() int
}

// host is what a schedule knows of a Host.
type host struct {
	Host
	// away is the kind of its last error, Internal for none, and asked is when
	// it was asked.
	away  errs.Kind
	asked time.Time
	// budget is filled with six tenths of the limit an hour and holds three, so
	// that no hour takes more than nine: the last tenth is for urgent scans.
	budget *rate.Limiter
	limit  int
}

// spend takes cost requests out of the budget, or says when they are there.
func (h *host) spend(now time.Time, cost int) (wait time.Duration) {
	if n := max(h.HourlyLimit(), 1); n != h.limit {
		fill, burst := rate.Limit(0.6*float64(n)/3600), max(3*n/10, costOfNew)
		if h.budget == nil {
			h.budget = rate.NewLimiter(fill, burst)
		}
		h.budget.SetLimitAt(now, fill)
		h.budget.SetBurstAt(now, burst)
		h.limit = n
	}
	r := h.budget.ReserveN(now, cost)
	if wait = r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
	}
	return wait
}

// reachable asks a host at most once a minute, and says in the log only what
// has changed.
func (s *Schedule) reachable(ctx context.Context, who Host, now time.Time) (ok, changed bool) {
	h := s.hosts[who]
	if h == nil {
		h = &host{Host: who}
		s.hosts[who] = h
	}
	if !h.asked.IsZero() && now.Sub(h.asked) < askAgain {
		return h.away == errs.Internal, false
	}
	err := h.Reachable(ctx)
	if ctx.Err() != nil {
		return false, false
	}
	before := h.away
	h.asked, h.away = now, errs.KindOf(err) // Internal for nil too
	switch {
	case h.away == before:
	case err == nil:
		s.Log.Info("GitHub can be reached again")
	case h.away == errs.Unauthorized:
		s.Log.Warn(errs.Detail(err) + "; set another one or none")
	case h.away == errs.TooMany:
		s.Log.Warn(errs.Detail(err))
	default:
		s.Log.Warn(errs.Detail(err) + ": nothing there is scanned for now; set GITHUB_API_URL or check the network")
	}
	return err == nil, h.away != before
}
