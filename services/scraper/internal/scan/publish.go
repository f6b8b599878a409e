package scan

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/plugpack/plugpack/libs/errs"
	"github.com/plugpack/plugpack/libs/events"
	"github.com/plugpack/plugpack/libs/marketplace"
	"github.com/plugpack/plugpack/libs/plugpack"
	"github.com/plugpack/plugpack/services/scraper/internal/origin"
	"github.com/plugpack/plugpack/services/scraper/internal/state"
)

// publish announces f and then remembers it.
func (p *pass) publish(ctx context.Context, f found) error {
	next := p.state
	next.Request = p.request.Scan
	next.Reader, next.RepoETag, next.HeadETag, next.Commit = marketplace.ReaderVersion, f.repoETag, f.headETag, f.commit
	next.ObservedAt, next.NextAt, next.Failures, next.LastError = p.observedAt, p.Now().Add(jittered(p.Interval)).UTC(), 0, ""
	next.GoneSince = time.Time{}
	next.Failure = nil
	if f.failure != nil {
		return p.fail(ctx, p.unreadable(next), *f.failure)
	}
	l := f.listing
	l.Scan, l.ObservedAt, l.FoundBy = p.scan, p.observedAt, p.state.FoundBy
	m, err := events.NewMarketplaceScanned(l)
	if errs.KindOf(err) == errs.Invalid && len(l.Skipped) > maxSkipped {
		l.Skipped = fewer(l.Skipped)
		m, err = events.NewMarketplaceScanned(l)
	}
	if err == nil {
		p.tell(events.ScanProgress{Step: "publishing", Entries: l.Entries})
		err = p.Bus.Publish(ctx, m)
	}
	if errs.KindOf(err) == errs.Invalid {
		return p.fail(ctx, p.unreadable(next), plugpack.Failure{Key: l.Key, Entries: l.Entries,
			Reason: "the list of its plugins is larger than one event may be"})
	}
	if err != nil {
		return err
	}
	next.Listing, next.ReleaseETag, next.Gone = &l, f.releaseETag, false
	var changed []string
	if !f.unchanged {
		if next.Digests, next.Origins, changed, err = p.publishPlugins(ctx, l, f.content); err != nil {
			return err
		}
	}
	p.lookAgain(&next)
	if err := p.remember(ctx, next, changed); err != nil {
		return err
	}
	step := "done"
	if f.unchanged {
		step = "unchanged"
	}
	p.tell(events.ScanProgress{Step: step, Entries: l.Entries, Changed: len(changed)})
	return nil
}

// maxSkipped is how many skipped entries a listing names that would otherwise
// be too large for an event.
const maxSkipped = 500

func fewer(all []plugpack.Skipped) []plugpack.Skipped {
	rest := plugpack.Skipped{Index: all[maxSkipped].Index, Reason: fmt.Sprintf("this and %d more entries were skipped too", len(all)-maxSkipped-1)}
	return append(slices.Clone(all[:maxSkipped]), rest)
}

// unreadable marks next as one whose commit is no marketplace: as long as it
// does not change, it need not be fetched to know that.
func (p *pass) unreadable(next state.State) state.State {
	next.Failure = &plugpack.Failure{}
	next.Failures = p.state.Failures + 1
	next.NextAt = p.Now().Add(jittered(failureDelay(p.Interval, next.Failures, errs.Invalid))).UTC()
	return next
}

// lookAgain brings the next scan forward while there are origins that could not
// be asked.
func (p *pass) lookAgain(next *state.State) {
	if !slices.ContainsFunc(next.Origins, func(s origin.Seen) bool { return s.Again }) {
		next.Retries = 0
		return
	}
	next.Retries++
	soon := p.Now().Add(jittered(failureDelay(p.Interval, next.Retries, errs.Unavailable))).UTC()
	if soon.Before(next.NextAt) {
		next.NextAt = soon
	}
}

// publishPlugins publishes the plugins whose facts differ from what was
// published last, and gives all digests, the origins to look at again and the
// changed names.
func (p *pass) publishPlugins(ctx context.Context, l plugpack.Listing, content marketplace.Content) (digests []string, seen []origin.Seen, changed []string, err error) {
	var before map[string]string
	if !p.request.Force && p.state.Reader == marketplace.ReaderVersion && p.sameListing(l) {
		before = p.state.Published()
	}
	visit := p.Origins.Visit(ctx, l.Key, content.Origins(), !p.request.Force)
	defer visit.Close()
	digests = make([]string, len(l.Names))
	for pl := range content.Plugins(visit.Open) {
		if pl.Bug != nil {
			p.Log.Error("plugin cannot be read", "plugin", l.Key.Plugin(pl.Name).String(), "err", pl.Bug)
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, nil, errs.New(errs.Unavailable, "scan %s: interrupted: %w", p.request.Marketplace, err)
		}
		digest, err := digestOf(pl.Facts)
		if err != nil {
			return nil, nil, nil, err
		}
		digests[pl.Index] = digest
		if before[pl.Name] == digest {
			continue
		}
		changed = append(changed, pl.Name)
		o := plugpack.Observation{Scan: p.scan, ObservedAt: p.observedAt, Marketplace: l.Key, Name: pl.Name, Facts: pl.Facts}
		m, err := events.NewPluginUpdated(o)
		if err != nil {
			return nil, nil, nil, err
		}
		if err := p.Bus.Publish(ctx, m); err != nil {
			return nil, nil, nil, err
		}
	}
	return digests, visit.Seen(), changed, nil
}

func (p *pass) sameListing(l plugpack.Listing) bool {
	last := p.state.Listing
	return last != nil && last.Key == l.Key && last.Repository.HostID == l.Repository.HostID
}

// digestOf tells facts apart. The commit is left out, or every plugin would
// change with every commit to its repository.
func digestOf(f plugpack.Facts) (string, error) {
	f.Commit = ""
	b, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode facts: %w", err)
	}
	sum := sha256.Sum256(b)
	// Half of it is enough, and the state of a large marketplace half as large.
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

// remember writes the state. When another scraper has written one meanwhile,
// the messages of the two scans may have replaced each other, so what this one
// published is taken out of the newer state and everything is looked at again.
func (p *pass) remember(ctx context.Context, next state.State, published []string) error {
	err := p.Store.Put(ctx, next)
	for errors.Is(err, state.ErrNewer) {
		newer, getErr := p.Store.Get(ctx, p.request.Marketplace)
		if getErr != nil {
			return getErr
		}
		newer.Forget(published)
		if err = p.Store.Put(ctx, newer); err == nil {
			return state.ErrNewer
		}
	}
	return err
}
