package scan

import (
	"context"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// OptOutFile is the file by which a repository says that it does not want to be
// listed, here or as the origin of another marketplace's plugin. Its content
// does not matter, and taking it away again changes nothing by itself.
const OptOutFile = ".plugpack-opt-out"

// optedOut is the error that ends a scan of a repository that is not to be read.
type optedOut struct {
	repo   Repository
	reason string
}

// Error gives the reason.
func (o *optedOut) Error() string { return o.reason }

// leave announces the opt-out, under the name and number that the repository has
// now, and keeps nothing else of it.
func (p *pass) leave(ctx context.Context, out *optedOut) error {
	m, err := events.NewRepositoryOptedOut(plugpack.OptOut{
		Name: string(out.repo.Key), Host: out.repo.Key.Host(), HostID: out.repo.HostID, Reason: out.reason, At: p.observedAt,
	})
	if err != nil {
		return err
	}
	if err := p.Bus.Publish(ctx, m); err != nil {
		return err
	}
	next := p.state.Forgotten()
	next.Request, next.HostID, next.ObservedAt = p.request.Scan, out.repo.HostID, p.observedAt
	if err := p.Store.Put(ctx, next); err != nil {
		return err
	}
	p.tell(events.ScanProgress{Step: "failed", Reason: out.reason})
	return nil
}

// A repository that cannot be found for goneAfter, in goneTries scans and more,
// is gone. Until then it may come back: an owner sorts things out, a takedown is
// contested. See ADR 0005.
const (
	goneAfter = 14 * 24 * time.Hour
	goneTries = 5
)

// gone keeps in next for how long the repository cannot be found, and says
// whether that is for good. What says nothing of the repository, such as a host
// that is away, changes nothing.
func (p *pass) gone(next *state.State, kind errs.Kind) bool {
	switch {
	case p.away && next.GoneSince.IsZero():
		next.GoneSince = p.observedAt
	case !p.away && !temporary(kind) && kind != errs.Unauthorized:
		next.GoneSince = time.Time{}
	}
	if !p.away || p.observedAt.Sub(next.GoneSince) < goneAfter || next.Failures < goneTries {
		return false
	}
	// Should it come back, all of it has to be published again.
	next.Unread()
	return true
}
